//! Calls that were only counted.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::bounded::entry_within;

/// Users and programs that are told apart: as many as the programs in the kernel do. A file may claim more.
const MOST: usize = 256;

/// Calls of one user and program that lack `CAP_SYS_MODULE`, and of which there were too many to record each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refused {
    /// Effective user, as the initial namespace numbers it; null where there were too many users and programs to tell them apart, or
    /// where it was not read.
    pub uid: Option<u32>,
    /// Name of the task; empty where there were too many.
    pub comm: String,
    /// Number of calls since tracing began.
    pub calls: u64,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusedCalls(BTreeMap<(Option<u32>, String), u64>);

impl RefusedCalls {
    /// Takes what is known of a user and program: the count only grows.
    pub fn add(&mut self, refused: &Refused) {
        let key = (refused.uid, refused.comm.clone());
        if let Some(calls) = entry_within(&mut self.0, MOST, key) {
            let calls = calls.or_default();
            *calls = (*calls).max(refused.calls);
        }
    }

    /// Those with the most calls come first.
    pub fn list(&self) -> Vec<Refused> {
        let all = self.0.iter().map(|((uid, comm), calls)| Refused {
            uid: *uid,
            comm: comm.clone(),
            calls: *calls,
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|refused| Reverse(refused.calls));
        all
    }
}
