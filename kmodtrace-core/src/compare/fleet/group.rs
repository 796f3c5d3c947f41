//! Recordings with one kernel or one tag, beside all others.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::is_headline;
use crate::compare::diff::{Crowd, Diff, DiffRow, Limits, Measured, Run};

/// Kernels and tags that are compared, the first in their order.
pub(super) const COMPARED: usize = 64;

/// What the recordings of a group have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum GroupKind {
    /// The kernel.
    Kernel {
        /// Its release.
        release: String,
    },
    /// A tag.
    Tag {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// Recordings with something in common.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// What that is.
    #[serde(flatten)]
    pub kind: GroupKind,
    /// How many there are.
    pub recordings: u64,
    /// Whether so many, and so many others, could show a difference.
    pub can_differ: bool,
    /// What differs, as `diff` has it: `first` is all other recordings, `second` this group. Measures of all modules together, and what
    /// the loads of each module took.
    pub differences: Vec<DiffRow>,
}

/// All groups of a fleet.
#[derive(Debug, Default)]
pub(super) struct Groups {
    of: BTreeMap<GroupKind, Crowd>,
    more: bool,
}

impl Groups {
    pub(super) fn add(&mut self, run: &Run) {
        for kind in kinds(run) {
            self.of.entry(kind).or_default().add_some(run, is_headline);
            if self.of.len() > COMPARED {
                self.of.pop_last();
                self.more = true;
            }
        }
    }

    /// What differs of each from all others, and whether there are more groups. One that has all recordings has nothing to differ from.
    pub(super) fn finish(self, all: &Crowd, limits: Limits, told: &dyn Fn(&Measured) -> bool) -> (Vec<Group>, bool) {
        let Self { of, more } = self;
        let comparisons = of.len() as u64;
        let groups = of.into_iter().map(|(kind, crowd)| {
            let diff = Diff::of_many(&all.without(&crowd, is_headline), &crowd, comparisons, limits);
            let differences = diff.differences().filter(|row| told(&row.measure));
            Group {
                recordings: crowd.runs(),
                can_differ: diff.can_decide(),
                differences: differences.cloned().collect(),
                kind,
            }
        });
        (groups.collect(), more)
    }
}

fn kinds(run: &Run) -> BTreeSet<GroupKind> {
    let release = run.kernel.release.iter();
    let kernel = release.map(|release| GroupKind::Kernel {
        release: release.clone(),
    });
    let tags = run.recording.iter().flat_map(|recording| &recording.tags);
    let tags = tags.map(|(name, value)| GroupKind::Tag {
        name: name.clone(),
        value: value.clone(),
    });
    kernel.chain(tags).collect()
}
