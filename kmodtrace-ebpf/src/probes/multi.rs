//! The programs behind the two links of kprobe.multi: each jumps to the program of the function at hand.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::bpf_get_attach_cookie;
use aya_ebpf::macros::{kprobe, kretprobe, map};
use aya_ebpf::maps::ProgramArray;
use aya_ebpf::programs::{ProbeContext, RetProbeContext};
use kmodtrace_common::MULTI_FUNCTIONS;

/// Programs at entries, and at returns, by the cookie of the function. One that is empty is not armed.
#[map]
static ENTRIES: ProgramArray = ProgramArray::with_max_entries(MULTI_FUNCTIONS, 0);
#[map]
static RETURNS: ProgramArray = ProgramArray::with_max_entries(MULTI_FUNCTIONS, 0);

#[inline(always)]
fn jump(programs: &ProgramArray, ctx: &impl EbpfContext) {
    // SAFETY: both helpers take the context of the program that runs, which this is.
    unsafe {
        let index = bpf_get_attach_cookie(ctx.as_ptr()) as u32;
        let _not_armed = programs.tail_call(ctx, index);
    }
}

#[kprobe]
pub fn kprobe_multi(ctx: ProbeContext) -> u32 {
    jump(&ENTRIES, &ctx);
    0
}

#[kretprobe]
pub fn kretprobe_multi(ctx: RetProbeContext) -> u32 {
    jump(&RETURNS, &ctx);
    0
}
