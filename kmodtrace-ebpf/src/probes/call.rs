//! Functions that were asked for by name: the same programs at each of them, which the cookie of the attachment tells apart
//! (`bpf_get_attach_cookie`, 5.15 and later), and when the tasks inside attempts had no processor meanwhile.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::generated::{bpf_get_attach_cookie, bpf_get_func_ip};
use aya_ebpf::macros::{kprobe, kretprobe, raw_tracepoint};
use aya_ebpf::programs::{ProbeContext, RawTracePointContext, RetProbeContext};
use kmodtrace_common::record::{CallEnter, CallExit, Header, Switch};
use kmodtrace_common::{NOT_KEPT, kind};

use crate::emit::{emit, header, tid};
use crate::globals::{CALL_KEY, OFF_TASK_PID, OFF_TASK_TGID};
use crate::maps::is_inside;
use crate::read::{member, number};

#[inline(always)]
fn enter(ctx: &ProbeContext) {
    // SAFETY: the registers at the entry, which the program was given.
    let stack = unsafe { (*ctx.regs).rsp };
    let key = CALL_KEY.load();
    emit(&CallEnter {
        header: header::<CallEnter>(kind::CALL_ENTER),
        // SAFETY: both helpers take the context of the program that runs, which this is, and read its run context only.
        function: unsafe { bpf_get_attach_cookie(ctx.as_ptr()) },
        at: unsafe { bpf_get_func_ip(ctx.as_ptr()) }.wrapping_add(key),
        from: number::<u64>(stack).wrapping_add(key),
    });
}

#[inline(always)]
fn exit(ctx: &RetProbeContext) {
    emit(&CallExit {
        header: header::<CallExit>(kind::CALL_EXIT),
        // SAFETY: as above.
        function: unsafe { bpf_get_attach_cookie(ctx.as_ptr()) },
        ret: kept(ctx.ret::<u64>()),
    });
}

/// An errno, or a number of 32 bits. What is longer may be an address, which no recording holds.
#[inline(always)]
fn kept(ret: u64) -> i64 {
    let errno = |value: i64| value < 0 && value >= -4095;
    // What a compiler leaves in the upper half of an int is not defined (System V ABI, x86-64).
    let lower = ret as u32;
    if errno(ret as i64) || ret >> 32 == 0 {
        ret as i64
    } else if errno(i64::from(lower as i32)) {
        i64::from(lower)
    } else {
        NOT_KEPT
    }
}

#[kprobe]
pub fn kprobe_call(ctx: ProbeContext) -> u32 {
    enter(&ctx);
    0
}

#[kretprobe]
pub fn kretprobe_call(ctx: RetProbeContext) -> u32 {
    exit(&ctx);
    0
}

// Functions of the kernel itself, which all the machine calls: only what is called inside an attempt is told.

#[kprobe]
pub fn kprobe_outside(ctx: ProbeContext) -> u32 {
    if is_inside(tid()) {
        enter(&ctx);
    }
    0
}

#[kretprobe]
pub fn kretprobe_outside(ctx: RetProbeContext) -> u32 {
    if is_inside(tid()) {
        exit(&ctx);
    }
    0
}

// sched_switch(preempt, prev, next), include/trace/events/sched.h: in the task that leaves. From 5.18 on the state of that
// task follows; earlier kernels refuse a program that reads it.
#[raw_tracepoint(tracepoint = "sched_switch")]
pub fn raw_tp_call_switch(ctx: RawTracePointContext) -> i32 {
    if is_inside(tid()) {
        emit(&Switch {
            header: header::<Switch>(kind::SWITCH_OUT),
            preempted: ctx.arg::<u64>(0) & 1,
        });
    }
    let next: u64 = ctx.arg(2);
    let next_tid: u32 = member(next, &OFF_TASK_PID);
    if is_inside(next_tid) {
        emit(&Switch {
            header: Header {
                tid: next_tid,
                tgid: member(next, &OFF_TASK_TGID),
                ..header::<Switch>(kind::SWITCH_IN)
            },
            preempted: 0,
        });
    }
    0
}
