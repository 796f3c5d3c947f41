//! The scenarios.

mod contention;
mod corpus;
mod errors;
mod hammer;
#[cfg(target_arch = "x86_64")]
mod ia32;
mod init;
mod killed;
mod live;
mod race;
mod requests;
mod storm;
mod unload;

use anyhow::{Result, ensure};

use crate::kernel::Kernel;
use crate::stage::Stage;

/// An arrangement with a name.
pub(crate) struct Scenario {
    /// For the command line.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) about: &'static str,
    /// Whether it can be made here; the others are neither listed nor part of `all`.
    pub(crate) possible: fn(&Kernel) -> bool,
    /// Makes it. It leaves no module loaded.
    pub(crate) run: fn(&mut Stage<'_>) -> Result<()>,
}

/// All of them, in the order of `all`.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "same-file",
        about: "tasks finit_module one file while its load is held UNFORMED",
        possible: anywhere,
        run: contention::same_file,
    },
    Scenario {
        name: "copies",
        about: "the same with a file of its own for each task",
        possible: anywhere,
        run: contention::copies,
    },
    Scenario {
        name: "memory",
        about: "the same with init_module",
        possible: anywhere,
        run: contention::memory,
    },
    Scenario {
        name: "failing-init",
        about: "waiters through copies for a load whose init fails",
        possible: anywhere,
        run: init::failing,
    },
    Scenario {
        name: "failing-init-shared",
        about: "waiters through the same file for a load whose init fails",
        possible: anywhere,
        run: init::failing_shared,
    },
    Scenario {
        name: "slow-init",
        about: "loads and an unload of a module held COMING, then a load of it LIVE",
        possible: anywhere,
        run: init::slow,
    },
    Scenario {
        name: "going",
        about: "loads and an unload of a module held GOING, then a load of it gone",
        possible: anywhere,
        run: unload::going,
    },
    Scenario {
        name: "live",
        about: "loads of a module that is LIVE",
        possible: anywhere,
        run: live::again,
    },
    Scenario {
        name: "killed-waiter",
        about: "waiters killed in their wait, and the next load of the same tid",
        possible: anywhere,
        run: killed::waiters,
    },
    Scenario {
        name: "unload-race",
        about: "tasks load and unload one module as they like",
        possible: anywhere,
        run: race::unload,
    },
    Scenario {
        name: "errors",
        about: "one call for each way to be refused",
        possible: anywhere,
        run: errors::each,
    },
    #[cfg(target_arch = "x86_64")]
    Scenario {
        name: "ia32",
        about: "the calls of a 32-bit program",
        possible: anywhere,
        run: ia32::each,
    },
    Scenario {
        name: "storm",
        about: "tasks load a list of modules as fast as they can",
        possible: anywhere,
        run: storm::all_at_once,
    },
    Scenario {
        name: "hammer-live",
        about: "64 tasks load a module that is LIVE, each again and again",
        possible: anywhere,
        run: hammer::live,
    },
    Scenario {
        name: "hammer-absent",
        about: "64 tasks load a module at once, each a copy or from memory; then it is unloaded, again and again",
        possible: anywhere,
        run: hammer::absent,
    },
    Scenario {
        name: "hammer-file",
        about: "the same with one file for all",
        possible: anywhere,
        run: hammer::file,
    },
    Scenario {
        name: "hammer-failing",
        about: "64 tasks load a module at once whose init fails, each a copy or from memory, again and again",
        possible: anywhere,
        run: hammer::failing,
    },
    Scenario {
        name: "requests",
        about: "mounts of file systems that the kernel has to request, with a modprobe of each kind",
        possible: anywhere,
        run: requests::each,
    },
    Scenario {
        name: "corpus",
        about: "one failure for each cause that stock modules can be brought to",
        possible: anywhere,
        run: corpus::stock,
    },
    Scenario {
        name: "corpus-fixtures",
        about: "the same with modules made for it, where they are",
        possible: corpus::fixtures::are_here,
        run: corpus::fixtures::each,
    },
    // The last: from then on the kernel takes signed modules only.
    Scenario {
        name: "corpus-enforced",
        about: "a module without the signature that is demanded",
        possible: anywhere,
        run: corpus::policy::unsigned,
    },
];

/// Those of this name, or all of them, in this order.
pub(crate) fn named(name: &str) -> Result<Vec<&'static Scenario>> {
    let found: Vec<_> = ALL
        .iter()
        .filter(|scenario| name == "all" || name == scenario.name)
        .collect();
    ensure!(!found.is_empty(), "no scenario {name:?}");
    Ok(found)
}

fn anywhere(_: &Kernel) -> bool {
    true
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    #[test]
    fn names() {
        assert_eq!(named("all").unwrap().len(), ALL.len());
        assert_eq!(named("copies").unwrap().len(), 1);
        assert!(named("nothing").is_err());
    }
}
