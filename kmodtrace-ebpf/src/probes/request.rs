//! A request for a module, from the side of the task that makes it (`__request_module`, kernel/module/kmod.c).
//!
//! At most its entry is watched itself: it takes variable arguments, which trampolines do not, and a return probe would put its own
//! address where the kernel looks for the caller.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::bpf_get_current_comm;
use aya_ebpf::macros::{fentry, kprobe, raw_tracepoint, tracepoint};
use aya_ebpf::programs::{FEntryContext, ProbeContext, RawTracePointContext, TracePointContext};
use kmodtrace_common::record::Request as Record;
use kmodtrace_common::{COMM_LEN, UNREAD, counter, kind};

use crate::arguments::Arguments;
use crate::emit::{emit_in_place, emit_plain, emit_ret, tid};
use crate::globals::{
    ABSENT, HAVE_SNPRINTF, OFF_KTHREAD_DATA, OFF_TASK_FLAGS, OFF_TASK_SET_CHILD_TID, OFF_TASK_WORKER_PRIVATE,
    OFF_WORKER_CURRENT_FUNC, WITH_STACKS,
};
use crate::maps::{FS_TYPES, FsType, REQUESTS, Request, count, current_request, current_task, end_request, step};
use crate::probes::{entry, exit, int};
use crate::read::{comm_into, current, member, parent_of, string_into, tgid_of};
use crate::symbol::{emit_caller, emit_stack, symbol_into};

/// `PF_WQ_WORKER` of include/linux/sched.h, the same in 5.10 to 7.2.
const PF_WQ_WORKER: u32 = 0x20;

/// The function that a kworker runs; 0 for other tasks. As `kthread_data` (kernel/kthread.c) finds the worker.
#[inline(always)]
fn work(task: u64, flags: u32) -> u64 {
    if flags == UNREAD || flags & PF_WQ_WORKER == 0 {
        return 0;
    }
    // The struct kthread lay behind set_child_tid before 5.17.
    let kthread: u64 = if OFF_TASK_WORKER_PRIVATE.load() == ABSENT {
        member(task, &OFF_TASK_SET_CHILD_TID)
    } else {
        member(task, &OFF_TASK_WORKER_PRIVATE)
    };
    member(member(kthread, &OFF_KTHREAD_DATA), &OFF_WORKER_CURRENT_FUNC)
}

// __request_module(wait, fmt, ...), kernel/module/kmod.c
#[kprobe]
pub fn kprobe_request_module(ctx: ProbeContext) -> u32 {
    let request = Request {
        step: step::CALLED,
        waits: (ctx.argument(0) & 0xff) as u32,
        caller: return_address(&ctx),
        slot_since: 0,
        sub_info: 0,
    };
    // Where there is no room, what comes next finds none either, and counts it.
    let _ = REQUESTS.insert(tid(), request, 0);
    0
}

#[inline(always)]
fn begin(ctx: &(impl Arguments + EbpfContext)) {
    let tid = tid();
    match current_request(tid) {
        Some(request) if request.step == step::CALLED => request.step = step::SECURITY,
        _ => {
            let request = Request {
                step: step::SECURITY,
                waits: 0,
                caller: 0,
                slot_since: 0,
                sub_info: 0,
            };
            if REQUESTS.insert(tid, request, 0).is_err() {
                count(counter::CLIPPED);
                return;
            }
        }
    }
    let task = current();
    let flags = if OFF_TASK_FLAGS.load() == ABSENT {
        UNREAD
    } else {
        member(task, &OFF_TASK_FLAGS)
    };
    let in_attempt = u32::from(current_task(tid).is_some());
    let in_fs_type = u32::from(requests_fs_type(tid));
    let name = ctx.argument(0);
    emit_in_place::<Record>(kind::REQUEST_BEGIN, |record| {
        let parent = parent_of(task);
        // SAFETY: the record is reserved, and these are all of its fields; the helper writes as many bytes as a name has.
        unsafe {
            (&raw mut (*record).flags).write(flags);
            (&raw mut (*record).parent_tgid).write(tgid_of(parent));
            (&raw mut (*record).in_attempt).write(in_attempt);
            (&raw mut (*record).in_fs_type).write(in_fs_type);
            bpf_get_current_comm((&raw mut (*record).comm).cast(), COMM_LEN as u32);
            comm_into(parent, &raw mut (*record).parent_comm);
            string_into(name, &raw mut (*record).name);
            symbol_into(work(task, flags), &raw mut (*record).work);
        }
    });
    if WITH_STACKS.load() != 0 && HAVE_SNPRINTF.load() != 0 {
        emit_stack(ctx);
    }
}

/// Whether `get_fs_type` makes this request; if so, its return will be told.
#[inline(always)]
fn requests_fs_type(tid: u32) -> bool {
    let Some(fs_type) = FS_TYPES.get_ptr_mut(tid) else {
        return false;
    };
    // SAFETY: preallocated memory of the map, and only this task takes its entry.
    unsafe { (*fs_type).requested = 1 };
    true
}

#[inline(always)]
fn security_exit(ret: u64) {
    let tid = tid();
    if let Some(request) = current_request(tid) {
        emit_ret(kind::REQUEST_SECURITY, int(ret));
        if int(ret) == 0 {
            request.step = step::SLOT;
        } else {
            end_request(tid);
        }
    }
}

// security_kernel_module_request(kmod_name), security/security.c
entry!(
    fentry_security_kernel_module_request,
    kprobe_security_kernel_module_request,
    begin
);
exit!(
    fexit_security_kernel_module_request,
    kretprobe_security_kernel_module_request,
    SECURITY_KERNEL_MODULE_REQUEST,
    security_exit
);

/// The task has a slot.
#[inline(always)]
pub fn granted(request: &mut Request, waits: bool, caller: u64) {
    request.step = step::GRANTED;
    emit_caller(kind::REQUEST_GRANTED, waits.into(), caller);
}

// module_request(name, wait, ip), include/trace/events/module.h: called when the task has a slot
#[inline(always)]
fn traced(waits: bool, ip: u64) {
    if let Some(request) = current_request(tid()) {
        granted(request, waits, ip);
    }
}

#[raw_tracepoint(tracepoint = "module_request")]
pub fn raw_tp_module_request(ctx: RawTracePointContext) -> i32 {
    traced(ctx.arg::<u64>(1) & 0xff != 0, ctx.arg(2));
    0
}

#[tracepoint]
pub fn tp_module_request(ctx: TracePointContext) -> u32 {
    // SAFETY: user space has looked that both fields are there.
    let (ip, waits) = unsafe { (ctx.read_at(8), ctx.read_at::<u8>(16)) };
    traced(waits.unwrap_or(0) != 0, ip.unwrap_or(0));
    0
}

#[inline(always)]
fn dup_enter(_ctx: &impl Arguments) {
    if current_request(tid()).is_some() {
        emit_plain(kind::DUP_REQUEST_ENTER);
    }
}

#[inline(always)]
fn dup_exit(ret: u64) {
    let tid = tid();
    if current_request(tid).is_some() {
        let shared = ret & 0xff != 0;
        emit_ret(kind::DUP_REQUEST_EXIT, i64::from(shared));
        if shared {
            end_request(tid);
        }
    }
}

// kmod_dup_request_exists_wait(module_name, wait, dup_ret), kernel/module/dups.c
entry!(
    fentry_kmod_dup_request_exists_wait,
    kprobe_kmod_dup_request_exists_wait,
    dup_enter
);
exit!(
    fexit_kmod_dup_request_exists_wait,
    kretprobe_kmod_dup_request_exists_wait,
    KMOD_DUP_REQUEST_EXISTS_WAIT,
    dup_exit
);

#[inline(always)]
fn fs_type_enter(caller: u64) {
    // Without an entry its requests are told like all others.
    let _ = FS_TYPES.insert(tid(), FsType { caller, requested: 0 }, 0);
}

/// Where a function that is probed at its entry returns to.
#[inline(always)]
fn return_address(ctx: &ProbeContext) -> u64 {
    // SAFETY: the context of a kprobe is its registers.
    let regs = unsafe { &*ctx.regs };
    #[cfg(bpf_target_arch = "x86_64")]
    return crate::read::number(regs.rsp);
    #[cfg(bpf_target_arch = "aarch64")]
    return regs.regs[30];
}

// get_fs_type(name), fs/filesystems.c: it does not say that its request failed. A kprobe sees who called it.
#[kprobe]
pub fn kprobe_get_fs_type(ctx: ProbeContext) -> u32 {
    fs_type_enter(return_address(&ctx));
    0
}

#[fentry]
pub fn fentry_get_fs_type(_ctx: FEntryContext) -> i32 {
    fs_type_enter(0);
    0
}

#[inline(always)]
fn fs_type_exit(ret: u64) {
    let tid = tid();
    // SAFETY: as above.
    let Some(fs_type) = FS_TYPES.get_ptr(tid).map(|fs_type| unsafe { *fs_type }) else {
        return;
    };
    let _ = FS_TYPES.remove(tid);
    if fs_type.requested != 0 {
        emit_caller(kind::FS_TYPE_EXIT, (ret != 0).into(), fs_type.caller);
        end_request(tid);
    }
}

exit!(fexit_get_fs_type, kretprobe_get_fs_type, GET_FS_TYPE, fs_type_exit);
