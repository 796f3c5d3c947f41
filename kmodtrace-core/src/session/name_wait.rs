//! The same-name wait of one attempt, from whichever hooks the kernel offers.
//!
//! Where `finished_loading` is a function of its own, its first call begins the wait and the call that returns true ends
//! it. Where the compiler inlined it, every check is a look-up: the first that finds a module that is not LIVE begins the
//! wait, the one that finds none or a LIVE one ends it (`add_unformed_module` and `finished_loading`,
//! kernel/module/main.c).

use crate::model::{Ktime, ModuleAddress, ModuleState};
use crate::records::event::ModuleRef;

/// An old module as a look-up found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Old {
    pub(super) address: ModuleAddress,
    /// None when the kernel gave no offset to read it.
    pub(super) state: Option<ModuleState>,
    pub(super) found: Ktime,
}

impl Old {
    /// What the look-up found; none when there was no module.
    pub(super) fn new(found: Ktime, module: &ModuleRef) -> Option<Self> {
        Some(Self {
            address: module.address?,
            state: module.state,
            found,
        })
    }

    fn live(self) -> bool {
        self.state == Some(ModuleState::Live)
    }

    /// Being set up (or freed): every kernel waits for those. For GOING only kernels before 6.2 do.
    fn always_waited_for(self) -> bool {
        matches!(self.state, Some(ModuleState::Unformed | ModuleState::Coming))
    }
}

/// A wait that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closed {
    pub(super) start: Ktime,
    pub(super) end: Ktime,
    pub(super) checks: Option<u32>,
    /// For which module.
    pub(super) old: Option<Old>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Idle,
    /// A look-up found an unfinished module; later look-ups may be the checks of a wait.
    Found { old: Old, checks: u32, last: Old },
    /// `finished_loading` was entered.
    Waiting { start: Ktime, old: Option<Old> },
}

/// Follows one attempt.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NameWait {
    state: State,
    /// `finished_loading` is told: look-ups are never checks.
    explicit: bool,
    /// There was a wait before.
    waited: bool,
}

impl NameWait {
    /// A look-up of an old module.
    pub(super) fn look_up(&mut self, time: Ktime, found: Option<Old>) -> Option<Closed> {
        match (self.state, found) {
            (State::Found { old, checks, .. }, None) => self.close(old.found, time, Some(checks + 1), Some(old)),
            (State::Found { old, checks, .. }, Some(now)) if now.live() => {
                self.close(old.found, time, Some(checks + 1), Some(old))
            }
            (State::Found { old, checks, .. }, Some(now)) => {
                self.state = State::Found {
                    old,
                    checks: checks.saturating_add(1),
                    last: now,
                };
                None
            }
            (State::Waiting { start, old }, _) => {
                // The end was lost: a task that waits in finished_loading looks up nothing else.
                self.close(start, time, None, old)
            }
            (State::Idle, Some(old)) if !old.live() => {
                self.state = State::Found {
                    old,
                    checks: 0,
                    last: old,
                };
                None
            }
            (State::Idle, _) => None,
        }
    }

    /// `finished_loading` was entered.
    pub(super) fn begin(&mut self, time: Ktime) {
        let old = match self.state {
            State::Idle => None,
            State::Found { last, .. } => Some(last),
            State::Waiting { old, .. } => old,
        };
        self.explicit = true;
        self.state = State::Waiting { start: time, old };
    }

    /// `finished_loading` returned true.
    pub(super) fn end(&mut self, time: Ktime, checks: u32) -> Option<Closed> {
        self.explicit = true;
        match self.state {
            State::Idle => None,
            State::Found { old, .. } => self.close(old.found, time, Some(checks), Some(old)),
            State::Waiting { start, old } => self.close(start, time, Some(checks), old),
        }
    }

    /// The duplicate check is over, by whatever ended it.
    pub(super) fn give_up(&mut self, time: Ktime, interrupted: bool) -> Option<Closed> {
        match std::mem::take(&mut self.state) {
            State::Waiting { start, old } => self.close(start, time, None, old),
            // A kernel of 6.2 or later, which ends the wait at GOING: the last look-up was the one behind the wait.
            State::Found { old, checks, last } if checks > 0 && !self.explicit => {
                let (end, checks) = if interrupted {
                    (time, None)
                } else {
                    (last.found, Some(checks))
                };
                self.close(old.found, end, checks, Some(old))
            }
            State::Found { old, .. } if old.always_waited_for() && !self.waited => {
                self.close(old.found, time, None, Some(old))
            }
            State::Found { .. } | State::Idle => None,
        }
    }

    /// Since when, and for which module, the task waits right now.
    pub(super) fn pending(&self) -> Option<(Ktime, Option<Old>)> {
        match self.state {
            State::Waiting { start, old } => Some((start, old)),
            State::Found { old, checks, .. } if checks > 0 || old.always_waited_for() => Some((old.found, Some(old))),
            State::Found { .. } | State::Idle => None,
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "every caller hands it on as its own answer")]
    fn close(&mut self, start: Ktime, end: Ktime, checks: Option<u32>, old: Option<Old>) -> Option<Closed> {
        self.state = State::Idle;
        self.waited = true;
        Some(Closed {
            start,
            end,
            checks,
            old,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "look_up takes it so")]
    fn old(time: u64, state: ModuleState) -> Option<Old> {
        Some(Old {
            address: ModuleAddress(0xa0),
            state: Some(state),
            found: Ktime(time),
        })
    }

    fn span(closed: Option<Closed>) -> Option<(u64, u64, Option<u32>)> {
        closed.map(|closed| (closed.start.0, closed.end.0, closed.checks))
    }

    #[test]
    fn inlined_check_of_before_6_2_waits_for_going_and_waits_again() {
        let mut wait = NameWait::default();
        assert_eq!(wait.look_up(Ktime(10), old(10, ModuleState::Going)), None);
        assert_eq!(wait.look_up(Ktime(11), old(11, ModuleState::Going)), None);
        assert_eq!(wait.look_up(Ktime(12), old(12, ModuleState::Going)), None);
        assert_eq!(span(wait.look_up(Ktime(30), None)), Some((10, 30, Some(3))));
        assert_eq!(wait.look_up(Ktime(31), old(31, ModuleState::Coming)), None);
        assert_eq!(
            span(wait.look_up(Ktime(50), old(50, ModuleState::Live))),
            Some((31, 50, Some(1)))
        );
        assert_eq!(wait.give_up(Ktime(51), false), None);
    }

    #[test]
    fn inlined_check_since_6_2_ends_at_going() {
        let mut wait = NameWait::default();
        for (time, state) in [
            (10, ModuleState::Coming),
            (11, ModuleState::Coming),
            (40, ModuleState::Going),
        ] {
            assert_eq!(wait.look_up(Ktime(time), old(time, state)), None);
        }
        assert_eq!(span(wait.give_up(Ktime(42), false)), Some((10, 40, Some(2))));
    }

    #[test]
    fn going_alone_is_no_wait() {
        let mut wait = NameWait::default();
        assert_eq!(wait.look_up(Ktime(10), old(10, ModuleState::Going)), None);
        assert_eq!(wait.pending(), None);
        assert_eq!(wait.give_up(Ktime(11), false), None);
    }

    #[test]
    fn told_wait_is_not_counted_again_from_its_second_look_up() {
        let mut wait = NameWait::default();
        assert_eq!(wait.look_up(Ktime(10), old(10, ModuleState::Unformed)), None);
        wait.begin(Ktime(12));
        assert_eq!(wait.pending().map(|(since, _)| since), Some(Ktime(12)));
        assert_eq!(span(wait.end(Ktime(40), 4)), Some((12, 40, Some(4))));
        assert_eq!(wait.look_up(Ktime(41), old(41, ModuleState::Coming)), None);
        assert_eq!(wait.give_up(Ktime(42), false), None);
    }

    #[test]
    fn killed_waiter_waits_to_the_end_of_the_load() {
        let mut wait = NameWait::default();
        assert_eq!(wait.look_up(Ktime(10), old(10, ModuleState::Coming)), None);
        wait.begin(Ktime(11));
        assert_eq!(span(wait.give_up(Ktime(90), true)), Some((11, 90, None)));
        let mut inlined = NameWait::default();
        for time in [10, 11, 12] {
            assert_eq!(inlined.look_up(Ktime(time), old(time, ModuleState::Coming)), None);
        }
        assert_eq!(span(inlined.give_up(Ktime(90), true)), Some((10, 90, None)));
    }
}
