//! Which device a task of udev handles as it loads: udevd hands each event to a worker in a netlink message, and a worker loads for the
//! last one that it got.

use core::arch::asm;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use aya_ebpf::macros::{kretprobe, map};
use aya_ebpf::maps::{LruHashMap, PerCpuArray};
use aya_ebpf::programs::RetProbeContext;
use kmodtrace_common::record::Uevent;
use kmodtrace_common::{UEVENT_LEN, kind};

use crate::emit::{emit_in_place, tid};
use crate::globals::{OFF_SKB_DATA, OFF_SKB_SK, OFF_SOCK_PROTOCOL};
use crate::read::{member, number};

/// include/uapi/linux/netlink.h.
const NETLINK_KOBJECT_UEVENT: u32 = 15;
/// What a message between processes of udev begins with (`monitor_netlink_header`, src/libsystemd/sd-device/device-monitor.c of
/// systemd): `libudev`, a number of its own, the header's size, where the properties are, and how long.
const PREFIX: u64 = u64::from_le_bytes(*b"libudev\0");
/// 0xfeedcafe in the order of the network.
const MAGIC: u32 = u32::from_be(0xfeed_cafe);

/// Properties of the last message.
#[repr(C)]
#[derive(Clone, Copy)]
struct Message {
    len: u32,
    /// 1 once it was sent.
    told: u32,
    text: [u8; UEVENT_LEN],
}

/// By the tid that received it. Workers that ended go by themselves.
#[map]
static UEVENTS: LruHashMap<u32, Message> = LruHashMap::with_max_entries(1024, 0);

/// Room to make one in: the stack has 512 bytes.
#[map]
static MESSAGE: PerCpuArray<Message> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn received(skb: u64) {
    // An error of the receiver is no address that can be read, and gives zeroes.
    let sock: u64 = member(skb, &OFF_SKB_SK);
    let protocol: u32 = member(sock, &OFF_SOCK_PROTOCOL);
    // It has 16 bits.
    if protocol & 0xffff != NETLINK_KOBJECT_UEVENT {
        return;
    }
    let data: u64 = member(skb, &OFF_SKB_DATA);
    let [prefix, magic_and_size, place]: [u64; 3] = number(data);
    if prefix != PREFIX || magic_and_size as u32 != MAGIC {
        return;
    }
    let (at, len) = (place & 0xffff_ffff, place >> 32);
    let Some(message) = MESSAGE.get_ptr_mut(0) else { return };
    let mut kept = len;
    // SAFETY: it does nothing: what is compared and what is used stay one register, whose bound the verifier then knows.
    unsafe { asm!("/* {0} */", inout(reg) kept) };
    if kept > UEVENT_LEN as u64 {
        kept = UEVENT_LEN as u64;
    }
    // SAFETY: the slot of the map is this CPU's, and large enough; the helper checks the source.
    unsafe {
        (*message).len = len as u32;
        (*message).told = 0;
        bpf_probe_read_kernel((&raw mut (*message).text).cast(), kept as u32, (data + at) as *const _);
        // Full or not, the worst is that a device is not known.
        let _ = UEVENTS.insert(tid(), &*message, 0);
    }
}

// skb_recv_datagram(sk, flags, err), net/core/datagram.c; another argument before 5.19
#[kretprobe]
pub fn kretprobe_skb_recv_datagram(ctx: RetProbeContext) -> u32 {
    received(ctx.ret());
    0
}

/// Sends what the task handles, unless it is no worker, or that was sent.
#[inline(always)]
pub fn emit_uevent(tid: u32) {
    let Some(message) = UEVENTS.get_ptr_mut(tid) else {
        return;
    };
    // SAFETY: the map's memory lives as long as the program; an entry that is given to another task meanwhile is read as that one's.
    let (len, told) = unsafe { ((*message).len, core::ptr::replace(&raw mut (*message).told, 1)) };
    if told != 0 {
        return;
    }
    emit_in_place::<Uevent>(kind::UEVENT, |record| {
        // SAFETY: the record is reserved, and these are all of its fields; text and text are of one size.
        unsafe {
            (&raw mut (*record).len).write(len);
            (&raw mut (*record).reserved).write(0);
            let text = (&raw const (*message).text).cast();
            bpf_probe_read_kernel((&raw mut (*record).text).cast(), UEVENT_LEN as u32, text);
        }
    });
}
