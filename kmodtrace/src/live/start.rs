//! From nothing to an attached tracer, or to the reason why not.

use anyhow::Result;
use kmodtrace_core::plan::{CATALOGUE, Feasibility, resolve, verdict};

use super::attach::{Tracer, Wish, begin};
use super::facts;
use crate::failure::{CANNOT_TRACE, failure};
use crate::notice::Notices;
use kmodtrace_core::kernel::facts::KernelFacts;

/// Attaches to the running kernel.
pub(crate) fn start(wish: &Wish, notices: Notices) -> Result<(Tracer, KernelFacts)> {
    let (mut kernel, begun) = facts::gather(begin);
    let plan = resolve(CATALOGUE, &kernel.facts).with(wish.families.iter().copied());
    if let Feasibility::CannotTrace { what, why, remedy } = verdict(&kernel.facts, &plan) {
        return Err(failure(CANNOT_TRACE, format!("{what}: {why}; {remedy}")));
    }
    let tracer = Tracer::attach(begun, &kernel, plan, wish, notices)?;
    kernel.btf = None;
    give_back_memory();
    Ok((tracer, kernel.facts))
}

/// Starting up takes ten times the memory of tracing, and glibc keeps what was freed: a machine in trouble needs it more.
fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes no pointers and moves nothing that is in use. The C library offers it to no safe caller.
    unsafe {
        libc::malloc_trim(0);
    }
}
