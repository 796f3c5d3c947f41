//! Arguments of the function that a program is attached to.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::programs::{FEntryContext, FExitContext, ProbeContext};

/// The arguments of a probed function, wherever the mechanism keeps them.
pub trait Arguments {
    /// Frames of a stack that are those of the tracing itself, innermost. A trampoline's program has helper and program there, and on
    /// some kernels the trampoline shows behind them; a kprobe's stack begins with the probed function.
    const OWN_FRAMES: u64;

    /// The `n`th, from 0, as its register held it.
    fn argument(&self, n: usize) -> u64;
}

impl Arguments for FEntryContext {
    const OWN_FRAMES: u64 = 2;

    #[inline(always)]
    fn argument(&self, n: usize) -> u64 {
        self.arg(n)
    }
}

impl Arguments for FExitContext {
    const OWN_FRAMES: u64 = 2;

    #[inline(always)]
    fn argument(&self, n: usize) -> u64 {
        self.arg(n)
    }
}

impl Arguments for ProbeContext {
    const OWN_FRAMES: u64 = 0;

    #[inline(always)]
    fn argument(&self, n: usize) -> u64 {
        self.arg(n).unwrap_or(0)
    }
}

/// The first argument of a function probed by fentry, whatever its type.
///
/// The verifier lets no program load an argument that is no pointer to a struct it knows: one that points to a function
/// (`do_one_initcall`), or to a struct only declared where the function is defined (`struct pt_regs` in 5.10). See
/// `btf_ctx_access`, kernel/bpf/btf.c: "is not a struct". So the context, which begins with that argument, is read as the
/// plain memory it is.
#[inline(always)]
pub fn untyped_argument(ctx: &FEntryContext) -> u64 {
    crate::read::number(ctx.as_ptr() as u64)
}
