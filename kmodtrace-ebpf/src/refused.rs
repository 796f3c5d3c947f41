//! Calls that the kernel refuses because the caller lacks `CAP_SYS_MODULE`. Anybody can make any number of them: so few are recorded in
//! full, and the rest is counted, so that nobody can fill the ring, and with it hide the loads of others.

use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::{bpf_get_current_comm, bpf_ktime_get_ns};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap};
use kmodtrace_common::record::Refused;
use kmodtrace_common::{COMM_LEN, REFUSED_A_SECOND, UNREAD, kind};

use crate::emit::{emit, header};
use crate::maps::add_one;
use crate::read::caller;

/// By how much the counts that were told may be too low, in nanoseconds: they are told this often while there are more.
const TOLD_EVERY: u64 = 100_000_000;

/// The second that is counted, and the calls in it.
#[map]
static SECOND: Array<[u64; 2]> = Array::with_max_entries(1, 0);

/// Calls by user and program. One entry, without either, is user space's: it takes those that find no room.
#[map]
static REFUSED: HashMap<Who, Count> = HashMap::with_max_entries(256, 0);

#[repr(C)]
#[derive(Clone, Copy)]
struct Who {
    uid: u32,
    comm: [u8; COMM_LEN],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Count {
    calls: u64,
    told: u64,
}

/// Whether this call is refused, and one too many: then it is counted, and that is all.
#[inline(always)]
pub fn is_only_counted(uid: u32, capable: u32) -> bool {
    if capable != 0 || has_room() {
        return false;
    }
    let others = Who {
        uid: UNREAD,
        comm: [0; COMM_LEN],
    };
    let who = Who {
        uid,
        comm: bpf_get_current_comm().unwrap_or_default(),
    };
    if !add(&who) {
        // Another CPU may have made the entry meanwhile.
        let first = Count { calls: 0, told: 0 };
        let _ = REFUSED.insert(who, first, BPF_NOEXIST.into());
        if !add(&who) {
            add(&others);
        }
    }
    true
}

/// Whether the call that returns is one that was only counted: it has no entry, and was refused.
#[inline(always)]
pub fn was_only_counted(ret: i64) -> bool {
    const EPERM: i64 = 1;
    ret == -EPERM && caller().1 == 0
}

/// Two CPUs may begin a second at once, and let a few more pass.
#[inline(always)]
fn has_room() -> bool {
    let Some(slot) = SECOND.get_ptr_mut(0) else {
        return false;
    };
    // SAFETY: a slot of an array is 8-aligned and lives as long as the program; both numbers are read and written whole.
    unsafe {
        let (second, calls) = (slot.cast::<u64>(), slot.cast::<u64>().add(1));
        // Nearly a second, without a division.
        let now = bpf_ktime_get_ns() >> 30;
        if second.read_volatile() != now {
            second.write_volatile(now);
            calls.write_volatile(0);
        }
        add_one(calls);
        calls.read_volatile() <= REFUSED_A_SECOND
    }
}

/// Adds one call, where the entry is there.
#[inline(always)]
fn add(who: &Who) -> bool {
    let Some(count) = REFUSED.get_ptr_mut(who) else {
        return false;
    };
    // SAFETY: the entry is in preallocated memory, 8-aligned, and entries are never removed; the numbers are read and written whole.
    let calls = unsafe {
        add_one(&raw mut (*count).calls);
        let now = bpf_ktime_get_ns();
        let told = &raw mut (*count).told;
        if now - told.read_volatile() < TOLD_EVERY {
            return true;
        }
        told.write_volatile(now);
        (&raw const (*count).calls).read_volatile()
    };
    emit(&Refused {
        header: header::<Refused>(kind::REFUSED),
        uid: who.uid,
        reserved: 0,
        calls,
        comm: who.comm,
    });
    true
}
