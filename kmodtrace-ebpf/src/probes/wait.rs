//! The collision: the look-up of an old module of the same name, and the wait for it.

use aya_ebpf::macros::{fexit, kprobe, kretprobe};
use aya_ebpf::programs::{FExitContext, ProbeContext, RetProbeContext};
use kmodtrace_common::functions::FIND_MODULE_ALL;
use kmodtrace_common::record::Module;
use kmodtrace_common::syscall::DELETE_MODULE;
use kmodtrace_common::{MODULE_NAME_LEN, STATE_NONE, kind};

use crate::arguments::Arguments;
use crate::emit::{emit, header, hidden, tid};
use crate::globals::{MODULE_KEY, OFF_MODULE_EXIT};
use crate::maps::{Task, current_task};
use crate::probes::{entry, exit};
use crate::read::{member, module_name, module_state, string};
use crate::symbol::emit_function;

#[inline(always)]
fn find_enter(task: &mut Task, ctx: &impl Arguments) {
    task.find_name = ctx.argument(0);
    task.find_even_unformed = ctx.argument(2) & 0xff;
}

/// `module` is the old module, read while `module_mutex` is held: its state is the one that decides.
#[inline(always)]
fn find_exit(task: &mut Task, module: u64) {
    let state = module_state(module);
    if task.in_finished_loading != 0 {
        // A check of a wait that goes on: only the last one is told, with the end of the wait.
        task.last_module = module;
        task.last_state = state;
        return;
    }
    // A load asks for unformed modules too; a removal asks for its own module just before it becomes GOING.
    if task.find_even_unformed == 0 && task.syscall != DELETE_MODULE {
        return;
    }
    let name = string::<MODULE_NAME_LEN>(task.find_name);
    emit(&Module {
        header: header::<Module>(kind::FIND_MODULE),
        module: hidden(module, &MODULE_KEY),
        state,
        checks: 0,
        name,
    });
    if task.syscall == DELETE_MODULE {
        let exit: u64 = member(module, &OFF_MODULE_EXIT);
        if exit != 0 {
            emit_function(kind::EXIT_FUNCTION, 0, exit);
        }
    }
}

// find_module_all(name, len, even_unformed), kernel/module/main.c (kernel/module.c before 5.19)
#[fexit]
pub fn fexit_find_module_all(ctx: FExitContext) -> i32 {
    if let Some(task) = current_task(tid()) {
        find_enter(task, &ctx);
        find_exit(task, ctx.arg(FIND_MODULE_ALL.args as usize));
    }
    0
}

#[kprobe]
pub fn kprobe_find_module_all(ctx: ProbeContext) -> u32 {
    if let Some(task) = current_task(tid()) {
        find_enter(task, &ctx);
    }
    0
}

#[kretprobe]
pub fn kretprobe_find_module_all(ctx: RetProbeContext) -> u32 {
    if let Some(task) = current_task(tid()) {
        find_exit(task, ctx.ret());
    }
    0
}

#[inline(always)]
fn check_enter(ctx: &impl Arguments) {
    let Some(task) = current_task(tid()) else { return };
    task.in_finished_loading = 1;
    task.checks += 1;
    if task.checks == 1 {
        task.last_module = 0;
        task.last_state = STATE_NONE;
        let name = string::<MODULE_NAME_LEN>(ctx.argument(0));
        emit(&Module {
            header: header::<Module>(kind::WAIT_BEGIN),
            module: 0,
            state: STATE_NONE,
            checks: 0,
            name,
        });
    }
}

#[inline(always)]
fn check_exit(ret: u64) {
    let Some(task) = current_task(tid()) else { return };
    task.in_finished_loading = 0;
    if ret & 0xff == 0 {
        return;
    }
    let (module, state, checks) = (task.last_module, task.last_state, task.checks);
    task.checks = 0;
    let name = module_name(module);
    emit(&Module {
        header: header::<Module>(kind::WAIT_END),
        module: hidden(module, &MODULE_KEY),
        state,
        checks,
        name,
    });
}

// finished_loading(name), kernel/module/main.c: the condition of the wait in add_unformed_module
entry!(fentry_finished_loading, kprobe_finished_loading, check_enter);
exit!(
    fexit_finished_loading,
    kretprobe_finished_loading,
    FINISHED_LOADING,
    check_exit
);
