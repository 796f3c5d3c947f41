//! Building and sending records.

use aya_ebpf::Global;
use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_get_smp_processor_id, bpf_ktime_get_ns};
use kmodtrace_common::counter;
use kmodtrace_common::record::{Header, Module, Plain, Ret};

use crate::globals::MODULE_KEY;
use crate::maps::{RING, count, next_sequence};

/// tid of the task that runs.
#[inline(always)]
pub fn tid() -> u32 {
    bpf_get_current_pid_tgid() as u32
}

/// The common part of a record of this kind and type, as of now.
#[inline(always)]
pub fn header<T>(kind: u16) -> Header {
    let ids = bpf_get_current_pid_tgid();
    Header {
        kind,
        size: size_of::<T>() as u16,
        // SAFETY: no arguments, no memory.
        cpu: unsafe { bpf_get_smp_processor_id() },
        seq: next_sequence(),
        // SAFETY: as above.
        time_ns: unsafe { bpf_ktime_get_ns() },
        // The helper's name is the kernel's: its low half is the task, its high half the thread group.
        tid: ids as u32,
        tgid: (ids >> 32) as u32,
    }
}

/// Sends a record, or counts that it found no room.
///
/// Flags 0: the kernel wakes the reader only when it had read everything, so a reader that sleeps while records
/// gather is not woken by each of them.
#[inline(always)]
pub fn emit<T>(record: &T) {
    if RING.output::<T>(record, 0).is_err() {
        count(counter::DROPPED);
    }
}

/// Sends a record that is built in the ring: the stack has no room for it. All of it must be written.
#[inline(always)]
pub fn emit_in_place<T: 'static>(kind: u16, fill: impl FnOnce(*mut T)) {
    let header = header::<T>(kind);
    let Some(mut record) = RING.reserve::<T>(0) else {
        count(counter::DROPPED);
        return;
    };
    // SAFETY: the record is reserved, of this type, and begins with its header, as all do.
    unsafe { record.as_mut_ptr().cast::<Header>().write(header) };
    fill(record.as_mut_ptr());
    record.submit(0);
}

/// Sends a record that is only a moment.
#[inline(always)]
pub fn emit_plain(kind: u16) {
    emit(&Plain {
        header: header::<Plain>(kind),
    });
}

/// Sends a return value.
#[inline(always)]
pub fn emit_ret(kind: u16, ret: i64) {
    emit(&Ret {
        header: header::<Ret>(kind),
        ret,
    });
}

/// What a record has instead of an address: equal for equal ones, 0 for 0, and nothing outside of its recording.
///
/// The highest bit, which all addresses of the kernel have, is left out: so no number looks like one.
#[inline(always)]
pub fn hidden(address: u64, key: &Global<u64>) -> u64 {
    if address == 0 {
        0
    } else {
        address.wrapping_add(key.load()) & i64::MAX as u64
    }
}

/// Sends a module, reading its name.
#[inline(always)]
pub fn emit_module(kind: u16, module: u64, state: u32) {
    let name = crate::read::module_name(module);
    emit(&Module {
        header: header::<Module>(kind),
        module: hidden(module, &MODULE_KEY),
        state,
        checks: 0,
        name,
    });
}
