//! What scenarios run on.

use guest_vm::kernel::{Flavour, Kernel};

/// A kernel of the matrix, and which scenarios are wanted on it.
#[derive(Debug)]
pub(crate) struct Subject<'p> {
    pub(crate) flavour: Flavour,
    pub(crate) kernel: Kernel,
    /// Names of the scenarios to run; all if there is none.
    pub(crate) only: &'p [String],
}

impl Subject<'_> {
    /// Whether this scenario is to run.
    pub(crate) fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == scenario)
    }
}
