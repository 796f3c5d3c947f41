//! The states of a module, in the kernel's words.

use kmodtrace_common::{STATE_COMING, STATE_GOING, STATE_LIVE, STATE_UNFORMED};
use serde::{Deserialize, Serialize};

use super::span::Span;
use super::units::ModuleAddress;

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

/// A module was in one state for this long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSpan {
    /// Its name.
    pub module: String,
    /// Its address, where it was told.
    pub address: Option<ModuleAddress>,
    /// The state. UNFORMED is both before COMING and after GOING.
    pub state: ModuleState,
    /// When; without an end for a state that lasted when the events ended.
    pub span: Span,
    /// For GOING: why.
    pub cause: Option<GoingCause>,
}

/// Why a module became GOING.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoingCause {
    /// `delete_module`.
    Unload,
    /// Its load failed after COMING, mostly in its init function.
    FailedLoad,
}
