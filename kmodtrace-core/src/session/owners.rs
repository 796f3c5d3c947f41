//! Whose load or unload a name was busy with.
//!
//! `module_mutex` orders the look-ups of a name: once a task found nothing and put its module on the list, nobody else
//! finds nothing until that module is gone. So the owner of what a look-up finds is the task with the latest empty
//! look-up before it, and the address confirms it.

use std::collections::HashMap;

use super::name_wait::Old;
use crate::model::{AttemptId, Ktime, ModuleAddress, ModuleState, TaskRef};

/// Finished doers kept for waiters that have not looked yet.
const ENDED_KEPT: usize = 16;

/// Doers kept of a name. The kernel has one at a time, and those whose later look-up is still to come.
pub(super) const KEPT: usize = 1_024;

/// A load whose look-up found nothing, or an unload that found a LIVE module.
#[derive(Clone, Debug)]
struct Doer {
    task: TaskRef,
    unload: bool,
    address: Option<ModuleAddress>,
    /// The look-up.
    began: Ktime,
    end: Option<Ktime>,
}

/// One name that attempts in flight have looked up.
#[derive(Debug, Default)]
struct Name {
    attempts: usize,
    doers: Vec<Doer>,
}

/// Names by the attempts in flight: a name is forgotten with its last one.
#[derive(Debug, Default)]
pub(super) struct Owners {
    names: HashMap<String, Name>,
}

impl Owners {
    /// An attempt turned to this name. Paired with [`Self::leave`].
    pub(super) fn enter(&mut self, name: &str) {
        match self.names.get_mut(name) {
            Some(entry) => entry.attempts += 1,
            None => drop(self.names.insert(
                name.to_owned(),
                Name {
                    attempts: 1,
                    doers: Vec::new(),
                },
            )),
        }
    }

    /// The attempt ended. One that `gave_up` was nobody's owner after all: since 6.2 a waiter looks once more, finds
    /// nothing when what it waited for has failed, and leaves it at that.
    pub(super) fn leave(&mut self, name: &str, attempt: AttemptId, time: Ktime, gave_up: bool) {
        let Some(entry) = self.names.get_mut(name) else { return };
        if gave_up {
            entry.doers.retain(|doer| doer.task.attempt != attempt);
        }
        entry.attempts = entry.attempts.saturating_sub(1);
        if entry.attempts == 0 {
            self.names.remove(name);
            return;
        }
        entry
            .doers
            .iter_mut()
            .filter(|doer| doer.task.attempt == attempt)
            .for_each(|doer| doer.end = Some(time));
        if entry.doers.iter().filter(|doer| doer.end.is_some()).count() > ENDED_KEPT
            && let Some(oldest) = entry.doers.iter().position(|doer| doer.end.is_some())
        {
            entry.doers.remove(oldest);
        }
    }

    /// A load looked the name up and found nothing.
    pub(super) fn load(&mut self, name: &str, task: &TaskRef, time: Ktime) {
        self.begin(
            name,
            Doer {
                task: task.clone(),
                unload: false,
                address: None,
                began: time,
                end: None,
            },
        );
    }

    /// An unload found its module LIVE.
    pub(super) fn unload(&mut self, name: &str, task: &TaskRef, address: ModuleAddress, time: Ktime) {
        self.begin(
            name,
            Doer {
                task: task.clone(),
                unload: true,
                address: Some(address),
                began: time,
                end: None,
            },
        );
    }

    fn begin(&mut self, name: &str, doer: Doer) {
        let Some(entry) = self.names.get_mut(name) else { return };
        // The later of two empty look-ups (6.4 asks twice) is the one that holds.
        entry.doers.retain(|known| known.task.attempt != doer.task.attempt);
        if entry.doers.len() >= KEPT {
            entry.doers.remove(0);
        }
        entry.doers.push(doer);
    }

    /// A load that had found nothing found something after all: it lost a race.
    pub(super) fn lost_race(&mut self, name: &str, attempt: AttemptId) {
        if let Some(entry) = self.names.get_mut(name) {
            entry.doers.retain(|doer| doer.task.attempt != attempt);
        }
    }

    /// The load's module is at this address.
    pub(super) fn address(&mut self, name: &str, attempt: AttemptId, address: ModuleAddress) {
        if let Some(doer) = self
            .names
            .get_mut(name)
            .and_then(|entry| entry.doers.iter_mut().find(|doer| doer.task.attempt == attempt))
        {
            doer.address = Some(address);
        }
    }

    /// Who held the module that this attempt's look-up found.
    pub(super) fn holder(&self, name: &str, me: AttemptId, old: Old) -> Option<&TaskRef> {
        // COMING comes before every unload; an unload makes it GOING, and UNFORMED once more.
        let may = |doer: &&Doer| {
            doer.task.attempt != me
                && doer.began <= old.found
                && doer.end.is_none_or(|end| end >= old.found)
                && !(doer.unload && matches!(old.state, Some(ModuleState::Coming)))
        };
        let doers = &self.names.get(name)?.doers;
        let at_address = doers
            .iter()
            .filter(may)
            .filter(|doer| doer.address == Some(old.address));
        let unknown = doers.iter().filter(may).filter(|doer| doer.address.is_none());
        let latest = at_address
            .max_by_key(|doer| doer.began)
            .or_else(|| unknown.max_by_key(|doer| doer.began));
        latest.map(|doer| &doer.task)
    }

    /// Who loads a module of this name now.
    pub(super) fn loading(&self, name: &str, me: AttemptId) -> Option<&TaskRef> {
        let doers = self.names.get(name)?.doers.iter();
        doers
            .filter(|doer| doer.task.attempt != me && !doer.unload && doer.end.is_none())
            .max_by_key(|doer| doer.began)
            .map(|doer| &doer.task)
    }

    /// Doers known now of a name.
    #[cfg(test)]
    pub(super) fn doers(&self, name: &str) -> usize {
        self.names.get(name).map_or(0, |name| name.doers.len())
    }

    /// Names known now.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}
