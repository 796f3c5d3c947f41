//! The states that a module is announced in, and how long that takes.

use kmodtrace_common::{STATE_COMING, STATE_GOING, kind};

use crate::arguments::Arguments;
use crate::emit::{emit_module, emit_plain, emit_ret, tid};
use crate::globals::MODULE_NOTIFY_LIST;
use crate::maps::{Task, current_task, progress};
use crate::probes::mark::returned;
use crate::probes::{entry, exit, int};

#[inline(always)]
fn coming(task: &mut Task, module: u64) {
    task.progress |= progress::COMING;
    emit_module(kind::MODULE_STATE, module, STATE_COMING);
}

#[inline(always)]
fn klp_coming(ctx: &impl Arguments) {
    if let Some(task) = current_task(tid()) {
        coming(task, ctx.argument(0));
    }
}

#[inline(always)]
fn klp_going(ctx: &impl Arguments) {
    if current_task(tid()).is_some() {
        emit_module(kind::MODULE_STATE, ctx.argument(0), STATE_GOING);
    }
}

// klp_module_coming(mod) and klp_module_going(mod), kernel/livepatch/core.c: called for every module
entry!(fentry_klp_module_coming, kprobe_klp_module_coming, klp_coming);
exit!(
    fexit_klp_module_coming,
    kretprobe_klp_module_coming,
    KLP_MODULE_COMING,
    returned::<{ kind::KLP_EXIT }>
);
entry!(fentry_klp_module_going, kprobe_klp_module_going, klp_going);

/// Every chain comes by here; the module notifiers' is told by its address.
#[inline(always)]
fn is_modules(ctx: &impl Arguments) -> bool {
    let list = MODULE_NOTIFY_LIST.load();
    list != 0 && ctx.argument(0) == list
}

#[inline(always)]
fn announce_enter(ctx: &impl Arguments) {
    if is_modules(ctx)
        && let Some(task) = current_task(tid())
    {
        task.progress |= progress::ANNOUNCE;
        emit_module(kind::MODULE_STATE, ctx.argument(2), ctx.argument(1) as u32);
    }
}

#[inline(always)]
fn announce_exit(_ret: u64) {
    if let Some(task) = current_task(tid())
        && task.leave(progress::ANNOUNCE)
    {
        emit_plain(kind::ANNOUNCE_EXIT);
    }
}

// blocking_notifier_call_chain(nh, val, v), kernel/notifier.c
entry!(
    fentry_blocking_notifier_call_chain,
    kprobe_blocking_notifier_call_chain,
    announce_enter
);
exit!(
    fexit_blocking_notifier_call_chain,
    kretprobe_blocking_notifier_call_chain,
    BLOCKING_NOTIFIER_CALL_CHAIN,
    announce_exit
);

#[inline(always)]
fn announce_coming_enter(ctx: &impl Arguments) {
    if is_modules(ctx)
        && let Some(task) = current_task(tid())
    {
        // Without CONFIG_LIVEPATCH nothing has told of COMING yet.
        if task.progress & progress::COMING == 0 {
            coming(task, ctx.argument(3));
        }
        task.progress |= progress::ANNOUNCE_COMING;
        emit_plain(kind::NOTIFY_ENTER);
    }
}

#[inline(always)]
fn announce_coming_exit(ret: u64) {
    if let Some(task) = current_task(tid())
        && task.leave(progress::ANNOUNCE_COMING)
    {
        emit_ret(kind::NOTIFY_EXIT, verdict(int(ret)));
    }
}

/// `notifier_to_errno` of include/linux/notifier.h, as `prepare_coming_module` (kernel/module/main.c) applies it.
#[inline(always)]
fn verdict(ret: i64) -> i64 {
    const NOTIFY_OK: i64 = 1;
    const NOTIFY_STOP_MASK: i64 = 0x8000;
    let ret = ret & !NOTIFY_STOP_MASK;
    if ret > NOTIFY_OK { NOTIFY_OK - ret } else { 0 }
}

// blocking_notifier_call_chain_robust(nh, val_up, val_down, v), kernel/notifier.c
entry!(
    fentry_blocking_notifier_call_chain_robust,
    kprobe_blocking_notifier_call_chain_robust,
    announce_coming_enter
);
exit!(
    fexit_blocking_notifier_call_chain_robust,
    kretprobe_blocking_notifier_call_chain_robust,
    BLOCKING_NOTIFIER_CALL_CHAIN_ROBUST,
    announce_coming_exit
);
