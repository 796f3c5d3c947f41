//! The life of a module: the states it is announced in, and its end.

use kmodtrace_common::record::Module;
use kmodtrace_common::{MODULE_NAME_LEN, STATE_COMING, STATE_GOING, STATE_NONE, kind};

use crate::emit::{emit, emit_module, header, tid};
use crate::globals::MODULE_NOTIFY_LIST;
use crate::maps::current_task;
use crate::probes::{Arguments, entry, void_exit};
use crate::read::module_state;

#[inline(always)]
fn announce(module: u64, state: u32) {
    if current_task(tid()).is_some() {
        emit_module(kind::MODULE_STATE, module, state);
    }
}

#[inline(always)]
fn coming(ctx: &impl Arguments) {
    announce(ctx.argument(0), STATE_COMING);
}

#[inline(always)]
fn going(ctx: &impl Arguments) {
    announce(ctx.argument(0), STATE_GOING);
}

// klp_module_coming(mod) and klp_module_going(mod), kernel/livepatch/core.c: called for every module
entry!(fentry_klp_module_coming, kprobe_klp_module_coming, coming);
entry!(fentry_klp_module_going, kprobe_klp_module_going, going);

#[inline(always)]
fn notify(ctx: &impl Arguments) {
    let list = MODULE_NOTIFY_LIST.load();
    if list != 0 && ctx.argument(0) == list {
        announce(ctx.argument(2), ctx.argument(1) as u32);
    }
}

#[inline(always)]
fn notify_robust(ctx: &impl Arguments) {
    let list = MODULE_NOTIFY_LIST.load();
    if list != 0 && ctx.argument(0) == list {
        announce(ctx.argument(3), ctx.argument(1) as u32);
    }
}

// blocking_notifier_call_chain(nh, val, v) and blocking_notifier_call_chain_robust(nh, val_up, val_down, v),
// kernel/notifier.c: every chain's, so module_notify_list is told by its address
entry!(
    fentry_blocking_notifier_call_chain,
    kprobe_blocking_notifier_call_chain,
    notify
);
entry!(
    fentry_blocking_notifier_call_chain_robust,
    kprobe_blocking_notifier_call_chain_robust,
    notify_robust
);

#[inline(always)]
fn free_enter(ctx: &impl Arguments) {
    if let Some(task) = current_task(tid()) {
        let module = ctx.argument(0);
        task.freeing = module;
        emit_module(kind::FREE_ENTER, module, module_state(module));
    }
}

#[inline(always)]
fn free_exit() {
    if let Some(task) = current_task(tid()) {
        let module = task.freeing;
        task.freeing = 0;
        let name = [0; MODULE_NAME_LEN];
        emit(&Module {
            header: header::<Module>(kind::FREE_EXIT),
            module,
            state: STATE_NONE,
            checks: 0,
            name,
        });
    }
}

#[inline(always)]
fn teardown_exit() {
    // load_module's own error path tears down too; only in free_module does GOING end with it.
    if let Some(task) = current_task(tid())
        && task.freeing != 0
    {
        emit_module(kind::TEARDOWN, task.freeing, module_state(task.freeing));
    }
}

// free_module(mod) and mod_sysfs_teardown(mod), kernel/module/{main,sysfs}.c: they return nothing, so the module is
// the one that free_module was entered with
entry!(fentry_free_module, kprobe_free_module, free_enter);

void_exit!(fexit_free_module, kretprobe_free_module, free_exit);
void_exit!(fexit_mod_sysfs_teardown, kretprobe_mod_sysfs_teardown, teardown_exit);
