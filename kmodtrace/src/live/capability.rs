//! Effective capabilities of this process.

use std::collections::BTreeSet;

use kmodtrace_core::kernel::facts::CAPABILITIES;
use rustix::thread::{CapabilitySet, capabilities};

/// The capabilities of [`CAPABILITIES`] that are effective; none when the kernel would not tell.
pub(crate) fn effective() -> BTreeSet<String> {
    let Ok(sets) = capabilities(None) else {
        return BTreeSet::new();
    };
    CAPABILITIES
        .iter()
        .filter(|name| flag(name).is_some_and(|flag| sets.effective.contains(flag)))
        .map(|&name| name.to_owned())
        .collect()
}

fn flag(name: &str) -> Option<CapabilitySet> {
    match name {
        "CAP_BPF" => Some(CapabilitySet::BPF),
        "CAP_PERFMON" => Some(CapabilitySet::PERFMON),
        "CAP_SYSLOG" => Some(CapabilitySet::SYSLOG),
        "CAP_SYS_ADMIN" => Some(CapabilitySet::SYS_ADMIN),
        "CAP_DAC_READ_SEARCH" => Some(CapabilitySet::DAC_READ_SEARCH),
        _ => None,
    }
}
