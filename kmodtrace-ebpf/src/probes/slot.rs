//! The wait for one of the 50 slots of `__request_module`.

use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::macros::fexit;
use aya_ebpf::programs::FExitContext;
use kmodtrace_common::functions::PREPARE_TO_WAIT_EVENT;
use kmodtrace_common::kind;

use crate::arguments::Arguments;
use crate::emit::{emit_plain, emit_ret, tid};
use crate::globals::{KMOD_QUEUE, KMOD_SLOTS};
use crate::maps::{current_request, step};
use crate::probes::request::granted;
use crate::probes::{entry, exit, int};
use crate::read::number;

#[inline(always)]
fn slot_enter(_ctx: &impl Arguments) {
    if let Some(request) = current_request(tid())
        && request.step == step::SLOT
    {
        emit_plain(kind::SLOT_ENTER);
    }
}

#[inline(always)]
fn slot_exit(ret: u64) {
    if let Some(request) = current_request(tid())
        && request.step == step::SLOT
    {
        emit_ret(kind::SLOT_EXIT, int(ret));
        if int(ret) != 0 {
            request.step = step::OVER;
        } else if request.caller != 0 {
            let (waits, caller) = (request.waits != 0, request.caller);
            granted(request, waits, caller);
        }
    }
}

// down_timeout(sem, timeout), kernel/locking/semaphore.c: a request takes its slot with it since 6.4
entry!(fentry_down_timeout, kprobe_down_timeout, slot_enter);
exit!(fexit_down_timeout, kretprobe_down_timeout, DOWN_TIMEOUT, slot_exit);

/// How long a request waits, less what a tick may hide: `MAX_KMOD_ALL_BUSY_TIMEOUT` of kernel/kmod.c is 5 s.
const PATIENCE_NS: u64 = 4_900_000_000;

// prepare_to_wait_event(wq_head, wq_entry, state), kernel/sched/wait.c. Up to 6.3 __request_module waits inline, with
// wait_event_killable_timeout on kmod_wq: this comes before each check whether a slot is free, the first one and one after each
// time that the task slept.
#[fexit]
pub fn fexit_prepare_to_wait_event(ctx: FExitContext) -> i32 {
    let queue = KMOD_QUEUE.load();
    if queue != 0 && ctx.argument(0) == queue {
        checks(ctx.arg(PREPARE_TO_WAIT_EVENT.args as usize));
    }
    0
}

#[inline(always)]
fn checks(ret: i64) {
    let Some(request) = current_request(tid()) else { return };
    if request.step != step::SLOT {
        return;
    }
    // SAFETY: no arguments, no memory.
    let now = unsafe { bpf_ktime_get_ns() };
    if request.slot_since == 0 {
        request.slot_since = now;
        emit_plain(kind::SLOT_ENTER);
    }
    // A signal ends it here. Time ends it when this last check finds nothing either.
    let time_is_up = now - request.slot_since > PATIENCE_NS && number::<u32>(KMOD_SLOTS.load()) as i32 <= 0;
    if ret != 0 || time_is_up {
        request.step = step::OVER;
        emit_plain(kind::SLOT_GIVEN_UP);
    }
}
