//! The helper of a request: modprobe, from its start to its end, and what descends from it.
//!
//! Its tasks are told by their thread group.

use aya_ebpf::macros::{kprobe, raw_tracepoint, tracepoint};
use aya_ebpf::programs::{ProbeContext, RawTracePointContext, TracePointContext};
use kmodtrace_common::record::{Helper, Owner, Site};
use kmodtrace_common::{FILE_NAME_LEN, SYMBOL_LEN, counter, kind};

use crate::arguments::Arguments;
use crate::emit::{emit, emit_ret, header, hidden, tid};
use crate::globals::{
    ABSENT, HELPER_KEY, OFF_BPRM_FILENAME, OFF_SUBPROCESS_PATH, OFF_SUBPROCESS_WORK, OFF_TASK_EXIT_CODE,
};
use crate::maps::{HELPER_TASKS, HELPERS, count, current_request, end_request, step};
use crate::probes::{dynamic, entry, exit, int};
use crate::read::{current, member, string, task};

const ERESTARTSYS: i64 = -512;

#[inline(always)]
fn emit_helper(kind: u16, sub_info: u64, wait: i64, path: [u8; FILE_NAME_LEN]) {
    emit(&Helper {
        header: header::<Helper>(kind),
        sub_info: hidden(sub_info, &HELPER_KEY),
        wait,
        path,
    });
}

#[inline(always)]
fn exec_enter(ctx: &impl Arguments) {
    if let Some(request) = current_request(tid())
        && request.step == step::GRANTED
    {
        let sub_info = ctx.argument(0);
        request.sub_info = sub_info;
        if HELPERS.insert(sub_info, 0, 0).is_err() {
            count(counter::CLIPPED);
        }
        let path = string(member(sub_info, &OFF_SUBPROCESS_PATH));
        emit_helper(kind::HELPER_ENTER, sub_info, int(ctx.argument(1)), path);
    }
}

#[inline(always)]
fn exec_exit(ret: u64) {
    let tid = tid();
    let Some(request) = current_request(tid) else { return };
    let sub_info = request.sub_info;
    if sub_info == 0 {
        return;
    }
    emit_ret(kind::HELPER_EXIT, int(ret));
    // A requester that was killed leaves its helper behind, which may not have begun yet and takes the entry away itself.
    if int(ret) != ERESTARTSYS {
        let _ = HELPERS.remove(sub_info);
    }
    end_request(tid);
}

// call_usermodehelper_exec(sub_info, wait), kernel/umh.c
entry!(
    fentry_call_usermodehelper_exec,
    kprobe_call_usermodehelper_exec,
    exec_enter
);
exit!(
    fexit_call_usermodehelper_exec,
    kretprobe_call_usermodehelper_exec,
    CALL_USERMODEHELPER_EXEC,
    exec_exit
);

/// Whether a request waits for this helper to begin.
#[inline(always)]
fn is_requested(sub_info: u64) -> bool {
    HELPERS.get_ptr(sub_info).is_some()
}

#[inline(always)]
fn work(ctx: &impl Arguments) {
    let offset = OFF_SUBPROCESS_WORK.load();
    if offset == ABSENT {
        return;
    }
    let sub_info = ctx.argument(0) - u64::from(offset);
    if is_requested(sub_info) {
        emit_helper(kind::HELPER_WORK, sub_info, 0, [0; FILE_NAME_LEN]);
    }
}

// call_usermodehelper_exec_work(work), kernel/umh.c
entry!(
    fentry_call_usermodehelper_exec_work,
    kprobe_call_usermodehelper_exec_work,
    work
);

#[inline(always)]
fn begin(ctx: &impl Arguments) {
    let sub_info = ctx.argument(0);
    if is_requested(sub_info) {
        let _ = HELPERS.remove(sub_info);
        let header = header::<Helper>(kind::HELPER_TASK);
        join(header.tgid);
        emit(&Helper {
            header,
            sub_info: hidden(sub_info, &HELPER_KEY),
            wait: 0,
            path: [0; FILE_NAME_LEN],
        });
    }
}

// call_usermodehelper_exec_async(data), kernel/umh.c: the first function of the helper's task
entry!(
    fentry_call_usermodehelper_exec_async,
    kprobe_call_usermodehelper_exec_async,
    begin
);

#[inline(always)]
fn join(tgid: u32) {
    if HELPER_TASKS.insert(tgid, 0, 0).is_err() {
        count(counter::CLIPPED);
    }
}

#[inline(always)]
fn is_helper(tgid: u32) -> bool {
    HELPER_TASKS.get_ptr(tgid).is_some()
}

#[inline(always)]
fn tgid() -> u32 {
    (aya_ebpf::helpers::bpf_get_current_pid_tgid() >> 32) as u32
}

/// In the parent; `child` is a `struct task_struct *`.
#[inline(always)]
fn forked(child: u64) {
    let parent = tgid();
    if is_helper(parent) {
        let (tid, tgid, comm) = task(child);
        if tgid != parent {
            join(tgid);
            emit(&Owner {
                header: header::<Owner>(kind::HELPER_FORK),
                tid,
                tgid,
                comm,
            });
        }
    }
}

// sched_process_fork(parent, child), include/trace/events/sched.h
#[raw_tracepoint(tracepoint = "sched_process_fork")]
pub fn raw_tp_sched_process_fork(ctx: RawTracePointContext) -> i32 {
    forked(ctx.arg(1));
    0
}

// wake_up_new_task(p), kernel/sched/core.c
#[kprobe]
pub fn kprobe_wake_up_new_task(ctx: ProbeContext) -> u32 {
    forked(ctx.argument(0));
    0
}

#[inline(always)]
fn runs(filename: u64) {
    if is_helper(tgid()) {
        emit(&Site {
            header: header::<Site>(kind::HELPER_RUNS),
            value: 0,
            symbol: string::<SYMBOL_LEN>(filename),
        });
    }
}

// sched_process_exec(p, old_pid, bprm): the program has been found and will run
#[raw_tracepoint(tracepoint = "sched_process_exec")]
pub fn raw_tp_sched_process_exec(ctx: RawTracePointContext) -> i32 {
    runs(member(ctx.arg(2), &OFF_BPRM_FILENAME));
    0
}

#[tracepoint]
pub fn tp_sched_process_exec(ctx: TracePointContext) -> u32 {
    runs(dynamic(&ctx, 8).0);
    0
}

// finalize_exec(bprm), fs/exec.c: the same, right before
#[kprobe]
pub fn kprobe_finalize_exec(ctx: ProbeContext) -> u32 {
    runs(member(ctx.argument(0), &OFF_BPRM_FILENAME));
    0
}

/// `status` is asked for only where a helper ended.
#[inline(always)]
fn ended(status: impl FnOnce() -> u32) {
    let (tid, tgid) = (tid(), tgid());
    // What a request that got no slot left behind.
    if current_request(tid).is_some() {
        end_request(tid);
    }
    if tid == tgid && is_helper(tgid) {
        emit_ret(kind::HELPER_END, i64::from(status()));
        let _ = HELPER_TASKS.remove(tgid);
    }
}

#[inline(always)]
fn exit_code() -> u32 {
    member(current(), &OFF_TASK_EXIT_CODE)
}

// sched_process_exit(p): in the task that ends
#[raw_tracepoint(tracepoint = "sched_process_exit")]
pub fn raw_tp_sched_process_exit(_ctx: RawTracePointContext) -> i32 {
    ended(exit_code);
    0
}

#[tracepoint]
pub fn tp_sched_process_exit(_ctx: TracePointContext) -> u32 {
    ended(exit_code);
    0
}

// do_exit(code), kernel/exit.c: it never returns, and the code is put into the task after its beginning
#[kprobe]
pub fn kprobe_do_exit(ctx: ProbeContext) -> u32 {
    ended(|| ctx.argument(0) as u32);
    0
}
