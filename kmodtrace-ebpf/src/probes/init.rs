//! `do_init_module`: the init function, and the wait for asynchronous work behind it.

use aya_ebpf::macros::{fentry, kprobe, kretprobe, raw_tracepoint, tracepoint};
use aya_ebpf::programs::{FEntryContext, ProbeContext, RawTracePointContext, RetProbeContext, TracePointContext};
use kmodtrace_common::record::InitFn;
use kmodtrace_common::{SYMBOL_LEN, kind};

use crate::arguments::{Arguments, untyped_argument};
use crate::emit::{emit, emit_in_place, emit_module, header, tid};
use crate::maps::current_task;
use crate::probes::mark::{entered, left, returned};
use crate::probes::{entry, exit, int, void_exit};
use crate::read::module_state;
use crate::symbol::symbol_into;

#[inline(always)]
fn do_init_enter(ctx: &impl Arguments) {
    if current_task(tid()).is_some() {
        let module = ctx.argument(0);
        emit_module(kind::DO_INIT_ENTER, module, module_state(module));
    }
}

// do_init_module(mod), kernel/module/main.c, noinline on purpose
entry!(fentry_do_init_module, kprobe_do_init_module, do_init_enter);
exit!(
    fexit_do_init_module,
    kretprobe_do_init_module,
    DO_INIT_MODULE,
    returned::<{ kind::DO_INIT_EXIT }>
);

#[inline(always)]
fn init_start(func: u64) {
    if current_task(tid()).is_some() {
        emit_in_place::<InitFn>(kind::INIT_START, |init| {
            // SAFETY: the record is reserved, and these are all of its fields.
            unsafe {
                (&raw mut (*init).reserved).write(0);
                (&raw mut (*init).ret).write(0);
                symbol_into(func, &raw mut (*init).symbol);
            }
        });
    }
}

#[inline(always)]
fn init_end(ret: u64) {
    if current_task(tid()).is_some() {
        let header = header::<InitFn>(kind::INIT_END);
        emit(&InitFn {
            header,
            reserved: 0,
            ret: int(ret),
            symbol: [0; SYMBOL_LEN],
        });
    }
}

// do_one_initcall(fn), init/main.c
#[fentry]
pub fn fentry_do_one_initcall(ctx: FEntryContext) -> i32 {
    init_start(untyped_argument(&ctx));
    0
}

#[kprobe]
pub fn kprobe_do_one_initcall(ctx: ProbeContext) -> u32 {
    init_start(ctx.argument(0));
    0
}

exit!(
    fexit_do_one_initcall,
    kretprobe_do_one_initcall,
    DO_ONE_INITCALL,
    init_end
);

// initcall_start(func), include/trace/events/initcall.h: do_one_initcall does not get here with a function that the command
// line blacklists
#[raw_tracepoint(tracepoint = "initcall_start")]
pub fn raw_tp_initcall_start(_ctx: RawTracePointContext) -> i32 {
    left::<{ kind::INITCALL_CALLED }>();
    0
}

#[tracepoint]
pub fn tp_initcall_start(_ctx: TracePointContext) -> u32 {
    left::<{ kind::INITCALL_CALLED }>();
    0
}

// initcall_blacklisted(fn), init/main.c: do_one_initcall asks it first, and says -EPERM where it says yes
#[kretprobe]
pub fn kretprobe_initcall_blacklisted(ctx: RetProbeContext) -> u32 {
    if ctx.ret::<u64>() & 0xff == 0 {
        left::<{ kind::INITCALL_CALLED }>();
    }
    0
}

// async_synchronize_full(void), kernel/async.c
entry!(
    fentry_async_synchronize_full,
    kprobe_async_synchronize_full,
    entered::<{ kind::ASYNC_ENTER }>
);
void_exit!(
    fexit_async_synchronize_full,
    kretprobe_async_synchronize_full,
    left::<{ kind::ASYNC_EXIT }>
);
