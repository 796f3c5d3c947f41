//! The states of a module, in the kernel's words.

use kmodtrace_common::{STATE_COMING, STATE_GOING, STATE_LIVE, STATE_UNFORMED};
use serde::{Deserialize, Serialize};

use super::name::Name;
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

/// A span in which a module was in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSpan {
    /// Name of the module.
    pub module: Name,
    /// Stands for the address of its `struct module`, and means nothing outside of its recording; absent if it was not seen.
    pub address: Option<ModuleAddress>,
    /// State. UNFORMED is both before COMING and after GOING.
    pub state: ModuleState,
    /// Time in the state; without an end if it lasted when the events ended.
    pub span: Span,
    /// Why the module became GOING; absent for other states.
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

/// The name of a module's file without what compressed it.
pub(crate) fn unpacked(file: &str) -> &str {
    let endings = [".xz", ".zst", ".gz"];
    let unpacked = endings.iter().find_map(|end| file.strip_suffix(end));
    unpacked.unwrap_or(file)
}

/// Whether a file is a module's by its name.
pub(crate) fn is_module_file(file: &str) -> bool {
    unpacked(file).strip_suffix(".ko").is_some()
}
