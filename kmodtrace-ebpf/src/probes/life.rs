//! The end of a module.

use kmodtrace_common::record::Module;
use kmodtrace_common::{MODULE_NAME_LEN, STATE_NONE, kind};

use crate::arguments::Arguments;
use crate::emit::{emit, emit_module, header, hidden, tid};
use crate::globals::MODULE_KEY;
use crate::maps::current_task;
use crate::probes::{entry, void_exit};
use crate::read::module_state;

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
            module: hidden(module, &MODULE_KEY),
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
