//! What this process may do once everything is attached.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use landlock::{
    ABI, AccessFs, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, path_beneath_rules,
};
use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs};
use tracing::info;

use super::facts::TRACEFS;
use super::tracefs::KPROBE_EVENTS;

/// The last version whose rights are known here. An older kernel is asked for those that it has.
const RIGHTS: ABI = ABI::V6;
/// What a view draws on.
const TERMINAL: &str = "/dev/tty";

/// What is done after attaching beside reading the ring and writing what is open already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Nothing.
    Nothing,
    /// Files are made in the current folder, which may belong to another user than root.
    CurrentFolder,
    /// It attaches again, and runs programs of the user's: nothing can be given up.
    All,
}

/// Gives up, for good and for all that comes from here, what is not needed any more: capabilities, those of programs that would be run, and writing
/// anywhere but where `keep` says and where probes are removed. Threads that there are already keep what they have. `ends_command` tells whether
/// a command may have to be ended, which can be another user's by then. Tells whether the kernel has Landlock, which is what keeps from writing.
pub(super) fn give_up(keep: Keep, ends_command: bool) -> Result<bool> {
    if keep == Keep::All {
        return Ok(false);
    }
    set_no_new_privs(true).context("cannot give up what programs would gain")?;
    // Where the kernel has it and somebody else forbids it, as a filter of system calls does, it is as where the kernel has it not.
    let confined = confine(keep).unwrap_or_else(|error| {
        info!("no Landlock: {error}");
        false
    });
    let permitted = capabilities(None).context("cannot read the capabilities")?.permitted;
    let kept = permitted & needed(permitted, keep, ends_command);
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets).context("cannot give up capabilities")?;
    info!("capabilities {kept:?}; files are written by permission only: {confined}");
    Ok(confined)
}

fn needed(permitted: CapabilitySet, keep: Keep, ends_command: bool) -> CapabilitySet {
    // The end reads maps and links. Up to 5.18 bpf(2) asks for it whatever it is to do (`__sys_bpf`, kernel/bpf/syscall.c).
    let mut needed = if permitted.contains(CapabilitySet::BPF) {
        CapabilitySet::BPF
    } else {
        CapabilitySet::SYS_ADMIN
    };
    if ends_command {
        needed |= CapabilitySet::KILL;
    }
    // What is root's alone, as tracefs is, anybody else needs these for.
    if keep == Keep::CurrentFolder || !geteuid().is_root() {
        needed |= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    }
    needed
}

fn confine(keep: Keep) -> Result<bool, RulesetError> {
    let writing = AccessFs::from_write(RIGHTS);
    // One that cannot be opened is left out, and then cannot be written.
    let mut places: Vec<PathBuf> = TRACEFS.map(|root| Path::new(root).join(KPROBE_EVENTS)).to_vec();
    places.push(PathBuf::from(TERMINAL));
    if keep == Keep::CurrentFolder {
        places.push(PathBuf::from("."));
    }
    let status = Ruleset::default()
        .handle_access(writing)?
        .create()?
        .add_rules(path_beneath_rules(places, writing))?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::fs::{self, File};
    use std::thread;

    use super::*;

    /// Gives up in a thread of its own, as others of the test must not: what is left of the capabilities, and whether a file can be
    /// made in the folder for others and in the current one.
    fn left(keep: Keep) -> (CapabilitySets, bool, [bool; 2]) {
        let name = format!("kmodtrace-privileges-{}-{keep:?}", std::process::id());
        let elsewhere = std::env::temp_dir().join(&name);
        thread::spawn(move || {
            let confined = give_up(keep, true).unwrap();
            let made = [elsewhere, name.into()]
                .map(|path| File::create_new(&path).and_then(|_| fs::remove_file(path)).is_ok());
            (capabilities(None).unwrap(), confined, made)
        })
        .join()
        .unwrap()
    }

    #[test]
    fn files_are_made_where_they_are_allowed_and_capabilities_go() {
        let before = capabilities(None).unwrap();
        let base = CapabilitySet::BPF | CapabilitySet::SYS_ADMIN | CapabilitySet::KILL;
        let files = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        for (keep, most, current) in [(Keep::Nothing, base, false), (Keep::CurrentFolder, base | files, true)] {
            let most = if geteuid().is_root() { most } else { most | files };
            let (sets, confined, made) = left(keep);
            assert_eq!(sets.permitted, sets.effective);
            assert!((before.permitted & most).contains(sets.permitted), "{sets:?}");
            // A kernel without Landlock keeps nobody from anything.
            assert_eq!(made, [!confined, current || !confined], "{keep:?}");
        }
        let (sets, _, made) = left(Keep::All);
        assert_eq!((sets.permitted, made), (before.permitted, [true; 2]));
    }
}
