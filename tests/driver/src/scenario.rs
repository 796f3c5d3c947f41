//! The scenarios.

mod contention;
mod errors;
mod init;
mod killed;
mod live;
mod race;
mod storm;
mod unload;

use anyhow::Result;

use crate::stage::Stage;

/// An arrangement with a name.
pub(crate) struct Scenario {
    /// For the command line.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) about: &'static str,
    /// Makes it. It leaves no module loaded.
    pub(crate) run: fn(&mut Stage<'_>) -> Result<()>,
}

/// All of them, in the order of `all`.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "same-file",
        about: "tasks finit_module one file while its load is held UNFORMED",
        run: contention::same_file,
    },
    Scenario {
        name: "copies",
        about: "the same with a file of its own for each task",
        run: contention::copies,
    },
    Scenario {
        name: "memory",
        about: "the same with init_module",
        run: contention::memory,
    },
    Scenario {
        name: "failing-init",
        about: "waiters through copies for a load whose init fails",
        run: init::failing,
    },
    Scenario {
        name: "failing-init-shared",
        about: "waiters through the same file for a load whose init fails",
        run: init::failing_shared,
    },
    Scenario {
        name: "slow-init",
        about: "loads and an unload of a module held COMING, then a load of it LIVE",
        run: init::slow,
    },
    Scenario {
        name: "going",
        about: "loads and an unload of a module held GOING, then a load of it gone",
        run: unload::going,
    },
    Scenario {
        name: "live",
        about: "loads of a module that is LIVE",
        run: live::again,
    },
    Scenario {
        name: "killed-waiter",
        about: "waiters killed in their wait, and the next load of the same tid",
        run: killed::waiters,
    },
    Scenario {
        name: "unload-race",
        about: "tasks load and unload one module as they like",
        run: race::unload,
    },
    Scenario {
        name: "errors",
        about: "one call for each way to be refused",
        run: errors::each,
    },
    Scenario {
        name: "storm",
        about: "tasks load a list of modules as fast as they can",
        run: storm::all_at_once,
    },
];
