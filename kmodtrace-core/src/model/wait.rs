//! What stood in the way of a load, and the waits for it.

use serde::{Deserialize, Serialize};

use super::module::ModuleState;
use super::name::Name;
use super::span::Span;
use super::task::TaskRef;

/// Why a task slept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitKind {
    /// Another task loads the same inode (`idempotent_init_module`, 6.5 and later); it shares that one's result.
    SameInode,
    /// A module of this name is being set up or, before 6.2, going away (`finished_loading`).
    SameName,
    /// A module that this one needs is still COMING (`resolve_symbol_wait`, 30 s at most).
    Dependency,
    /// `module_mutex`; watched on demand.
    Mutex,
    /// A grace period of RCU (`synchronize_rcu`), on the ways of error and unload mostly with `module_mutex` held.
    Rcu,
    /// All asynchronous work of the system (`async_synchronize_full`).
    Async,
    /// A request for another module, made inside the attempt.
    Request,
}

impl WaitKind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::SameInode,
        Self::SameName,
        Self::Dependency,
        Self::Mutex,
        Self::Rcu,
        Self::Async,
        Self::Request,
    ];

    /// As reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SameInode => "same-inode",
            Self::SameName => "same-name",
            Self::Dependency => "dependency",
            Self::Mutex => "mutex",
            Self::Rcu => "rcu",
            Self::Async => "async",
            Self::Request => "request",
        }
    }
}

/// A span in which a task slept because of somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What the task waited for.
    pub kind: WaitKind,
    /// Time of the wait. A wait whose own end was not seen, as that of a killed waiter, ends with what encloses it.
    pub span: Span,
    /// Task that the wait was for; absent if it was not seen.
    pub on: Option<TaskRef>,
    /// Module or request that the wait was for, if it is not the attempt's own module: the exporter of a symbol, or what is requested.
    pub module: Option<Name>,
    /// How often `finished_loading` ran; same-name waits only, absent if the end was not seen.
    pub checks: Option<u32>,
}

impl Wait {
    /// Wake-ups, the last one included. `wait_event_interruptible` checks once before the task queues itself and once
    /// before it sleeps.
    pub fn wakeups(&self) -> Option<u32> {
        Some(self.checks?.saturating_sub(2))
    }

    /// Wake-ups for nothing: `module_wq` is one queue for all modules.
    pub fn spurious(&self) -> Option<u32> {
        Some(self.checks?.saturating_sub(3))
    }
}

/// What stood in the way of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Collision {
    /// A module of this name that is being set up, or freed.
    Unformed,
    /// A module of this name whose init function runs or is about to.
    Coming,
    /// A module of this name that goes away.
    Going,
    /// A module of this name in use.
    Live,
    /// A load of the same inode.
    InFlight,
}

impl Collision {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 5] = [Self::Unformed, Self::Coming, Self::Going, Self::Live, Self::InFlight];

    /// As the kernel and reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unformed => "UNFORMED",
            Self::Coming => "COMING",
            Self::Going => "GOING",
            Self::Live => "LIVE",
            Self::InFlight => "IN_FLIGHT",
        }
    }
}

impl From<ModuleState> for Collision {
    fn from(state: ModuleState) -> Self {
        match state {
            ModuleState::Unformed => Self::Unformed,
            ModuleState::Coming => Self::Coming,
            ModuleState::Going => Self::Going,
            ModuleState::Live => Self::Live,
        }
    }
}
