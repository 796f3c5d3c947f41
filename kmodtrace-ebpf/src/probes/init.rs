//! `do_init_module`: the init function, and the wait for asynchronous work behind it.

use aya_ebpf::helpers::generated::bpf_snprintf;
use aya_ebpf::macros::{fentry, kprobe};
use aya_ebpf::programs::{FEntryContext, ProbeContext};
use kmodtrace_common::record::InitFn;
use kmodtrace_common::{SYMBOL_LEN, kind};

use crate::emit::{emit, emit_module, emit_plain, emit_ret, header, tid};
use crate::globals::HAVE_SNPRINTF;
use crate::maps::current_task;
use crate::probes::{Arguments, entry, exit, int, untyped_argument, void_exit};
use crate::read::module_state;

#[inline(always)]
fn do_init_enter(ctx: &impl Arguments) {
    if current_task(tid()).is_some() {
        let module = ctx.argument(0);
        emit_module(kind::DO_INIT_ENTER, module, module_state(module));
    }
}

#[inline(always)]
fn do_init_exit(ret: u64) {
    if current_task(tid()).is_some() {
        emit_ret(kind::DO_INIT_EXIT, int(ret));
    }
}

// do_init_module(mod), kernel/module/main.c, noinline on purpose
entry!(fentry_do_init_module, kprobe_do_init_module, do_init_enter);
exit!(fexit_do_init_module, kretprobe_do_init_module, 1, do_init_exit);

/// Symbol and module, as `%ps` prints them. In a frozen read-only map, as the helper demands.
#[unsafe(no_mangle)]
static SYMBOL_FORMAT: [u8; 4] = *b"%ps\0";

/// The function's symbol, resolved now: after a failed init its address means nothing, or something else.
#[inline(always)]
fn symbol(func: u64) -> [u8; SYMBOL_LEN] {
    let mut symbol = [0u8; SYMBOL_LEN];
    if HAVE_SNPRINTF.load() != 0 {
        let mut data = [func];
        // SAFETY: destination and data are ours and of the sizes given; the format is constant.
        unsafe {
            bpf_snprintf(
                symbol.as_mut_ptr().cast(),
                SYMBOL_LEN as u32,
                SYMBOL_FORMAT.as_ptr().cast(),
                data.as_mut_ptr(),
                size_of_val(&data) as u32,
            );
        }
    }
    symbol
}

#[inline(always)]
fn init_start(func: u64) {
    if current_task(tid()).is_some() {
        emit(&InitFn {
            header: header::<InitFn>(kind::INIT_START),
            func,
            ret: 0,
            symbol: symbol(func),
        });
    }
}

#[inline(always)]
fn init_end(ret: u64) {
    if current_task(tid()).is_some() {
        let header = header::<InitFn>(kind::INIT_END);
        emit(&InitFn {
            header,
            func: 0,
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

exit!(fexit_do_one_initcall, kretprobe_do_one_initcall, 1, init_end);

#[inline(always)]
fn async_enter(_ctx: &impl Arguments) {
    if current_task(tid()).is_some() {
        emit_plain(kind::ASYNC_ENTER);
    }
}

#[inline(always)]
fn async_exit() {
    if current_task(tid()).is_some() {
        emit_plain(kind::ASYNC_EXIT);
    }
}

// async_synchronize_full(void), kernel/async.c
entry!(
    fentry_async_synchronize_full,
    kprobe_async_synchronize_full,
    async_enter
);
void_exit!(
    fexit_async_synchronize_full,
    kretprobe_async_synchronize_full,
    async_exit
);
