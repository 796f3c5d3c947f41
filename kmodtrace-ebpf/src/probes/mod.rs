//! The programs, a file for each subject.

pub mod attempt;
pub mod call;
pub mod device;
pub mod helper;
pub mod init;
pub mod life;
pub mod load;
pub mod log;
pub mod mark;
pub mod multi;
pub mod mutex;
pub mod notify;
pub mod path;
pub mod request;
pub mod signal;
pub mod slot;
pub mod symbol;
pub mod wait;

use aya_ebpf::EbpfContext as _;
use aya_ebpf::programs::TracePointContext;

/// Makes the programs for a function's entry: `entry!(fentry_f, kprobe_f, handler)`, with `handler(&impl Arguments)`.
macro_rules! entry {
    ($fentry:ident, $kprobe:ident, $handler:path) => {
        #[::aya_ebpf::macros::fentry]
        pub fn $fentry(ctx: ::aya_ebpf::programs::FEntryContext) -> i32 {
            $handler(&ctx);
            0
        }

        #[::aya_ebpf::macros::kprobe]
        pub fn $kprobe(ctx: ::aya_ebpf::programs::ProbeContext) -> u32 {
            $handler(&ctx);
            0
        }
    };
}

/// Makes the programs for a function's return: `exit!(fexit_f, kretprobe_f, FUNCTION, handler)`, with `handler(ret: u64)` and the
/// function of `kmodtrace_common::functions`.
///
/// The context of fexit holds the return value behind the arguments, so their number must be right: user space checks
/// it against BTF. `bpf_get_func_ret` would not need it, but comes with 5.17 only.
macro_rules! exit {
    ($fexit:ident, $kretprobe:ident, $function:ident, $handler:path) => {
        #[::aya_ebpf::macros::fexit]
        pub fn $fexit(ctx: ::aya_ebpf::programs::FExitContext) -> i32 {
            let args = ::kmodtrace_common::functions::$function.args;
            $handler(ctx.arg::<u64>(args as usize));
            0
        }

        #[::aya_ebpf::macros::kretprobe]
        pub fn $kretprobe(ctx: ::aya_ebpf::programs::RetProbeContext) -> u32 {
            $handler(ctx.ret::<u64>());
            0
        }
    };
}

/// As [`exit!`] for a function that returns nothing: `handler()`.
macro_rules! void_exit {
    ($fexit:ident, $kretprobe:ident, $handler:path) => {
        #[::aya_ebpf::macros::fexit]
        pub fn $fexit(_ctx: ::aya_ebpf::programs::FExitContext) -> i32 {
            $handler();
            0
        }

        #[::aya_ebpf::macros::kretprobe]
        pub fn $kretprobe(_ctx: ::aya_ebpf::programs::RetProbeContext) -> u32 {
            $handler();
            0
        }
    };
}

pub(crate) use {entry, exit, void_exit};

/// Where a field of variable length lies that a performance event has, and how long it is: `__data_loc` at this offset
/// (include/trace/stages/stage1_struct_define.h) is its place in the event, and its length above.
#[inline(always)]
pub fn dynamic(ctx: &TracePointContext, offset: usize) -> (u64, u64) {
    // SAFETY: user space has looked that the event has such a field there.
    let place = unsafe { ctx.read_at::<u32>(offset) }.unwrap_or(0);
    let at = ctx.as_ptr() as u64 + u64::from(place & 0xffff);
    (at, u64::from(place >> 16))
}

/// `-errno` of a pointer that is an error (`IS_ERR`, include/linux/err.h), else 0.
#[inline(always)]
pub fn pointer_error(pointer: u64) -> i64 {
    if pointer >= -4095i64 as u64 { pointer as i64 } else { 0 }
}

/// Sign-extends what a function returning `int` left in the register: the upper half is not defined.
#[inline(always)]
pub fn int(ret: u64) -> i64 {
    i64::from(ret as i32)
}
