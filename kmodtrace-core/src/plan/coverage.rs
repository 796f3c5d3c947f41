//! What a tracer could see on its kernel. "0" and "not observed" differ, and only the plan knows which it is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{Collision, WaitKind};

/// Something a report shows that a kernel may hide.
///
/// A kernel that does not *have* a thing counts as observed: before 6.5 no load shares another one's inode, and 0 is the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// Waits for the load of the same inode (`idempotent_init_module`, 6.5 and later).
    SameInodeWaits,
    /// Waits for the load of the same name (`finished_loading`).
    SameNameWaits,
    /// The state of the old module (`find_module_all`).
    Collisions,
    /// The init function (`do_one_initcall`).
    InitTimes,
    /// Waits for a module that exports a symbol (`resolve_symbol`).
    DependencyWaits,
    /// Waits for `module_mutex`.
    MutexWaits,
    /// `synchronize_rcu` inside an attempt.
    RcuWaits,
    /// `async_synchronize_full` inside an attempt.
    AsyncWaits,
    /// Requests of the kernel (`__request_module`), their beginning and their answer.
    Requests,
    /// Waits for one of the slots of `__request_module`.
    SlotWaits,
    /// Helpers: which modprobe a request started, and what it did.
    Helpers,
    /// Who called `__request_module`.
    CallSites,
    /// Lines of the kernel log.
    KernelLog,
    /// The time that a module spends GOING.
    GoingWindows,
    /// Bytes read from files (`kernel_read_file`).
    ReadBytes,
}

impl Observed {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::SameInodeWaits,
        Self::SameNameWaits,
        Self::Collisions,
        Self::InitTimes,
        Self::DependencyWaits,
        Self::MutexWaits,
        Self::RcuWaits,
        Self::AsyncWaits,
        Self::Requests,
        Self::SlotWaits,
        Self::Helpers,
        Self::CallSites,
        Self::KernelLog,
        Self::GoingWindows,
        Self::ReadBytes,
    ];

    /// What it is, for programs, as in JSON: `same_inode_waits`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameInodeWaits => "same_inode_waits",
            Self::SameNameWaits => "same_name_waits",
            Self::Collisions => "collisions",
            Self::InitTimes => "init_times",
            Self::DependencyWaits => "dependency_waits",
            Self::MutexWaits => "mutex_waits",
            Self::RcuWaits => "rcu_waits",
            Self::AsyncWaits => "async_waits",
            Self::Requests => "requests",
            Self::SlotWaits => "slot_waits",
            Self::Helpers => "helpers",
            Self::CallSites => "call_sites",
            Self::KernelLog => "kernel_log",
            Self::GoingWindows => "going_windows",
            Self::ReadBytes => "read_bytes",
        }
    }

    /// What it is, for people, in the plural.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::SameInodeWaits => "same-inode waits",
            Self::SameNameWaits => "same-name waits",
            Self::Collisions => "collisions",
            Self::InitTimes => "init functions",
            Self::DependencyWaits => "dependency waits",
            Self::MutexWaits => "mutex waits",
            Self::RcuWaits => "rcu waits",
            Self::AsyncWaits => "async waits",
            Self::Requests => "requests",
            Self::SlotWaits => "waits for a slot",
            Self::Helpers => "helpers",
            Self::CallSites => "callers of requests",
            Self::KernelLog => "lines of the kernel log",
            Self::GoingWindows => "GOING windows",
            Self::ReadBytes => "bytes read",
        }
    }

    /// What has to be seen for waits of this kind.
    pub const fn waits(kind: WaitKind) -> Self {
        match kind {
            WaitKind::SameInode => Self::SameInodeWaits,
            WaitKind::SameName => Self::SameNameWaits,
            WaitKind::Dependency => Self::DependencyWaits,
            WaitKind::Mutex => Self::MutexWaits,
            WaitKind::Rcu => Self::RcuWaits,
            WaitKind::Async => Self::AsyncWaits,
            WaitKind::Request => Self::Requests,
        }
    }

    /// What has to be seen for loads that met this.
    pub const fn collisions(with: Collision) -> Self {
        match with {
            Collision::InFlight => Self::SameInodeWaits,
            Collision::Unformed | Collision::Coming | Collision::Going | Collision::Live => Self::Collisions,
        }
    }
}

/// What was not observed, and why. The default has lost nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    lost: BTreeSet<Observed>,
    reasons: Vec<String>,
}

impl Coverage {
    /// This was not observed. The reason is a clause for users, such as `init times: do_one_initcall has no symbol`.
    pub fn lose(&mut self, what: Observed, reason: impl Into<String>) {
        self.lost.insert(what);
        self.note(reason);
    }

    /// Something without a column of its own was not observed.
    pub fn note(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        // One missing probe may cost several things.
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Whether a 0 of this is a real 0.
    pub fn observed(&self, what: Observed) -> bool {
        !self.lost.contains(&what)
    }

    /// What was not observed.
    pub(crate) fn lost(&self) -> impl Iterator<Item = Observed> + '_ {
        self.lost.iter().copied()
    }

    /// Why what is missing is missing, in the order in which it was told.
    pub fn unobserved(&self) -> &[String] {
        &self.reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_json() {
        for what in Observed::ALL {
            assert_eq!(serde_json::json!(what), what.name());
        }
    }

    #[test]
    fn a_reason_is_told_once_for_all_that_it_costs() {
        let mut coverage = Coverage::default();
        assert!(coverage.observed(Observed::Collisions));
        coverage.lose(Observed::Collisions, "find_module_all has no symbol");
        coverage.lose(Observed::SameNameWaits, "find_module_all has no symbol");
        assert!(!coverage.observed(Observed::Collisions) && coverage.observed(Observed::InitTimes));
        assert_eq!(coverage.unobserved(), ["find_module_all has no symbol"]);
    }
}
