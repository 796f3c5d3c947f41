//! The states of a module, in the kernel's words.

use kmodtrace_common::{STATE_COMING, STATE_GOING, STATE_LIVE, STATE_UNFORMED};
use serde::{Deserialize, Serialize};

/// `enum module_state` of include/linux/module.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ModuleState {
    /// Still being set up, or already being freed.
    Unformed,
    /// Fully formed, its init function is about to run or runs.
    Coming,
    /// In use.
    Live,
    /// Going away: its exit function runs, or its init function failed.
    Going,
}

impl ModuleState {
    /// The state for the kernel's number; none for one that is no state.
    pub fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            STATE_LIVE => Some(Self::Live),
            STATE_COMING => Some(Self::Coming),
            STATE_GOING => Some(Self::Going),
            STATE_UNFORMED => Some(Self::Unformed),
            _ => None,
        }
    }
}
