//! Symbols that a module needs and that are not there, or not yet.

use aya_ebpf::macros::{fexit, kprobe, kretprobe};
use aya_ebpf::programs::{FExitContext, ProbeContext, RetProbeContext};
use kmodtrace_common::functions::RESOLVE_SYMBOL;
use kmodtrace_common::kind;
use kmodtrace_common::record::Symbol;

use crate::arguments::Arguments;
use crate::emit::{emit, header, tid};
use crate::maps::{Task, current_task};
use crate::probes::pointer_error;
use crate::read::string;

const ENOENT: i64 = -2;
const EBUSY: i64 = -16;

#[inline(always)]
fn resolve_enter(task: &mut Task, ctx: &impl Arguments) {
    task.symbol_name = ctx.argument(2);
    task.symbol_owner = ctx.argument(3);
}

/// A load comes by here for each of its symbols: what was found at the first look is not told.
#[inline(always)]
fn resolve_exit(task: &mut Task, symbol: u64) {
    let awaited = task.symbol_awaited != 0 && task.symbol_awaited == task.symbol_name;
    let ret = if symbol == 0 { ENOENT } else { pointer_error(symbol) };
    if ret == 0 && !awaited {
        return;
    }
    // resolve_symbol_wait asks again with the same pointer while the owner is COMING.
    task.symbol_awaited = if ret == EBUSY { task.symbol_name } else { 0 };
    emit(&Symbol {
        header: header::<Symbol>(kind::SYMBOL),
        ret,
        name: string(task.symbol_name),
        // Where nothing was found, nothing was written there.
        owner: string(if symbol == 0 { 0 } else { task.symbol_owner }),
    });
}

// resolve_symbol(mod, info, name, ownername), kernel/module/main.c
#[fexit]
pub fn fexit_resolve_symbol(ctx: FExitContext) -> i32 {
    if let Some(task) = current_task(tid()) {
        resolve_enter(task, &ctx);
        resolve_exit(task, ctx.arg(RESOLVE_SYMBOL.args as usize));
    }
    0
}

#[kprobe]
pub fn kprobe_resolve_symbol(ctx: ProbeContext) -> u32 {
    if let Some(task) = current_task(tid()) {
        resolve_enter(task, &ctx);
    }
    0
}

#[kretprobe]
pub fn kretprobe_resolve_symbol(ctx: RetProbeContext) -> u32 {
    if let Some(task) = current_task(tid()) {
        resolve_exit(task, ctx.ret());
    }
    0
}
