//! The life of each module: UNFORMED, COMING, LIVE, GOING, UNFORMED while it is freed, gone.
//!
//! A name has one module on the kernel's list at a time, so lives are kept by name. A life whose end was not seen is
//! replaced by the next one and makes no span: its length is not known.

use std::collections::HashMap;

use crate::model::{AttemptId, Finished, GoingCause, Ktime, ModuleAddress, ModuleState, Span, StateSpan};

/// Modules that can exist at a time, ten times as many as a distribution has. What only a made-up recording has beyond them has no life.
const MODULES: usize = 1 << 16;

#[derive(Debug)]
struct Life {
    address: Option<ModuleAddress>,
    state: ModuleState,
    since: Ktime,
    /// The load or unload that changes it; what a LIVE module was loaded by.
    by: AttemptId,
    cause: Option<GoingCause>,
    free: Option<Ktime>,
}

/// A module's change of state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) state: ModuleState,
    pub(super) time: Ktime,
    pub(super) by: AttemptId,
    pub(super) address: Option<ModuleAddress>,
    pub(super) cause: Option<GoingCause>,
}

/// Modules that exist, as far as was seen.
#[derive(Debug, Default)]
pub(super) struct Lives {
    modules: HashMap<String, Life>,
}

impl Lives {
    /// The module is in this state from now on. Being told twice is no change.
    pub(super) fn change(&mut self, module: &str, change: Change, out: &mut Vec<Finished>) {
        let Change {
            state,
            time,
            by,
            address,
            cause,
        } = change;
        let Some(life) = self.modules.get_mut(module) else {
            if self.modules.len() >= MODULES {
                return;
            }
            let life = Life {
                address,
                state,
                since: time,
                by,
                cause,
                free: None,
            };
            self.modules.insert(module.to_owned(), life);
            return;
        };
        let unloads = life.state == ModuleState::Live && state == ModuleState::Going;
        if life.by == by || unloads {
            life.address = address.or(life.address);
            if life.state == state {
                return;
            }
            out.push(life.span(module, Some(time)));
            *life = Life {
                address: life.address,
                state,
                since: time,
                by,
                cause,
                free: None,
            };
        } else {
            *life = Life {
                address,
                state,
                since: time,
                by,
                cause,
                free: None,
            };
        }
    }

    /// `free_module` began.
    pub(super) fn free(&mut self, module: &str, by: AttemptId, time: Ktime) {
        if let Some(life) = self.life(module, by) {
            life.free = Some(time);
        }
    }

    /// GOING is over, the module is UNFORMED until it is gone.
    pub(super) fn teardown(&mut self, module: &str, by: AttemptId, time: Ktime, out: &mut Vec<Finished>) {
        if let Some(life) = self.life(module, by) {
            out.push(life.span(module, Some(time)));
            *life = Life {
                state: ModuleState::Unformed,
                since: time,
                cause: None,
                ..*life
            };
        }
    }

    /// The module is gone, if this attempt is what changed it last.
    pub(super) fn gone(&mut self, module: &str, by: AttemptId, time: Ktime, out: &mut Vec<Finished>) {
        if let Some(life) = self.life(module, by)
            && life.state == ModuleState::Going
            && let Some(free) = life.free
        {
            // Nobody watched the teardown: the begin of free_module is the nearest thing.
            self.teardown(module, by, free, out);
        }
        if let Some(life) = self.life(module, by) {
            out.push(life.span(module, Some(time)));
            self.modules.remove(module);
        }
    }

    /// What this attempt changes now.
    pub(super) fn state(&self, module: &str, by: AttemptId) -> Option<ModuleState> {
        self.modules
            .get(module)
            .filter(|life| life.by == by)
            .map(|life| life.state)
    }

    /// States that last, as the events end.
    pub(super) fn finish(&mut self, out: &mut Vec<Finished>) {
        let mut rest: Vec<_> = self.modules.drain().collect();
        rest.sort_by(|(a, _), (b, _)| a.cmp(b));
        out.extend(rest.iter().map(|(module, life)| life.span(module, None)));
    }

    fn life(&mut self, module: &str, by: AttemptId) -> Option<&mut Life> {
        self.modules.get_mut(module).filter(|life| life.by == by)
    }
}

impl Life {
    fn span(&self, module: &str, end: Option<Ktime>) -> Finished {
        Finished::State(StateSpan {
            module: module.into(),
            address: self.address,
            state: self.state,
            span: Span { start: self.since, end },
            cause: self.cause,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_that_no_kernel_has_room_for_have_no_life() {
        let (mut lives, mut out) = (Lives::default(), Vec::new());
        let change = Change {
            state: ModuleState::Coming,
            time: Ktime(1),
            by: AttemptId(1),
            address: None,
            cause: None,
        };
        for module in 0..MODULES + 10 {
            lives.change(&module.to_string(), change, &mut out);
        }
        lives.finish(&mut out);
        assert_eq!(out.len(), MODULES);
    }
}
