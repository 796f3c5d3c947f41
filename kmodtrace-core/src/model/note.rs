//! What is known to be missing.

use serde::{Deserialize, Serialize};

/// What is known to be missing from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Note {
    /// It began before tracing did, or its entry was lost.
    EntryNotSeen,
    /// The same task entered again, or too many attempts were open: the return was lost.
    ExitNotSeen,
    /// It had not returned when the events ended.
    InFlight,
    /// Something inside it began without an end, ended without a beginning, or is not there at all.
    InnerMissing,
    /// Records were lost while it ran; they may have been its own or others'.
    RecordsLost,
}

impl Note {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::EntryNotSeen => "entry not seen",
            Self::ExitNotSeen => "exit not seen",
            Self::InFlight => "still in flight",
            Self::InnerMissing => "inner records missing",
            Self::RecordsLost => "records lost meanwhile",
        }
    }
}
