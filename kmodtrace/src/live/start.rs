//! From nothing to an attached tracer, or to the reason why not.

use anyhow::Result;
use kmodtrace_core::plan::{CATALOGUE, Verdict, resolve, verdict};

use super::attach::Tracer;
use super::facts;
use crate::failure::{CANNOT_TRACE, failure};
use kmodtrace_core::facts::KernelFacts;

/// Attaches to the running kernel. `bpf_log` makes the BPF side talk.
pub(crate) fn start(bpf_log: bool) -> Result<(Tracer, KernelFacts)> {
    let (facts, addresses) = facts::gather();
    let plan = resolve(CATALOGUE, &facts);
    if let Verdict::CannotTrace { what, why, remedy } = verdict(&facts, &plan) {
        return Err(failure(CANNOT_TRACE, format!("{what}: {why}; {remedy}")));
    }
    let tracer = Tracer::attach(&facts, &addresses, plan, bpf_log)?;
    Ok((tracer, facts))
}
