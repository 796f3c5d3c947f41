//! Where the time of an attempt went: its way cut at its marks, so that the pieces add up to its duration.
//!
//! Inside a function that a record brackets, time has that function's name. Inside a function that mostly calls others
//! (`load_module`, `do_init_module`, the system call) the compiler has inlined most of them: there a piece is named
//! after the marks on both sides of it.

use std::fmt;

use crate::model::{Attempt, Edge, Function, Ktime, Mark, Nanos, Stage, Syscall};

/// A piece of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageSpan {
    /// What the loader was about.
    pub stage: Stage,
    /// The function, or `in load_module, between X and Y`.
    pub name: Place,
    /// When it began.
    pub start: Ktime,
    /// How long it took; never 0.
    pub duration: Nanos,
}

/// Where a piece of an attempt lies. In words it is made only where somebody reads it: a report of a million records has as many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this function.
    In(Function),
    /// In this function's own code, or in what the compiler has put into it.
    Within {
        /// The function, or the system call.
        function: &'static str,
        /// What was passed last directly inside it; none for its entry.
        after: Option<Function>,
        /// What comes next inside it.
        before: Before,
    },
}

/// What ends a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// The return of what it is in.
    Return,
    /// This function.
    Function(Function),
    /// It lasts.
    Open,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::In(function) => f.write_str(function.name()),
            Self::Within {
                function,
                after,
                before,
            } => {
                let after = after.map_or("its entry", Function::name);
                match before {
                    Before::Open => write!(f, "in {function}, after {after}"),
                    Before::Return => write!(f, "in {function}, between {after} and its return"),
                    Before::Function(before) => write!(f, "in {function}, between {after} and {}", before.name()),
                }
            }
        }
    }
}

impl StageSpan {
    /// Whether an unload's time in it is that of the module's exit function: `delete_module` calls it between its look-up of the module
    /// and the notifiers for GOING.
    pub fn is_exit(&self) -> bool {
        let after_look_up = Place::Within {
            function: call(Some(Syscall::DeleteModule)),
            after: Some(Function::FindModuleAll),
            before: Before::Return,
        };
        let place = match self.name {
            Place::Within { function, after, .. } => Place::Within {
                function,
                after,
                before: Before::Return,
            },
            own @ Place::In(_) => own,
        };
        self.stage == Stage::CleanUp && place == after_look_up
    }
}

/// The pieces of an attempt in order, without gap or overlap from its entry to its return. Empty when one of the two was
/// not seen.
pub fn stages(attempt: &Attempt) -> Vec<StageSpan> {
    let mut all = Vec::new();
    each_stage(attempt, |piece| all.push(piece));
    all
}

/// The same, one after the other, for those who keep none.
pub(crate) fn each_stage(attempt: &Attempt, take: impl FnMut(StageSpan)) {
    if let Some(end) = attempt.end {
        cut(attempt, end, take);
    }
}

/// The same of an attempt in flight, from its entry to now: the last piece is what it is about. Empty when its entry was
/// not seen.
pub fn stages_until(attempt: &Attempt, now: Ktime) -> Vec<StageSpan> {
    // A nanosecond more, so that what has just begun is a piece as well.
    let mut all = Vec::new();
    cut(attempt, Ktime(now.0.saturating_add(1)), |piece| all.push(piece));
    all
}

fn cut(attempt: &Attempt, end: Ktime, take: impl FnMut(StageSpan)) {
    let Some(start) = attempt.start else { return };
    let mut cut = Cut {
        attempt,
        cursor: start,
        // A file may claim a return before its entry.
        end: end.max(start),
        open: Vec::new(),
        outside: None,
        last: None,
        take,
    };
    for mark in &attempt.trail {
        cut.mark(mark);
    }
    cut.piece(end, None);
    cut.last.map(cut.take);
}

struct Cut<'a, Take> {
    attempt: &'a Attempt,
    /// Up to here it is cut.
    cursor: Ktime,
    end: Ktime,
    /// Functions entered and not left, each with what was passed last directly inside it.
    open: Vec<(Function, Option<Function>)>,
    /// What was passed last directly inside the system call.
    outside: Option<Function>,
    /// The last piece, which may go on.
    last: Option<StageSpan>,
    take: Take,
}

impl<Take: FnMut(StageSpan)> Cut<'_, Take> {
    fn mark(&mut self, mark: &Mark) {
        let function = mark.function;
        // A leader's own load is only seen to begin; it ends with what is around it.
        let begins = mark.edge == Edge::Enter || function == Function::InitModuleFromFile;
        match mark.edge {
            Edge::Exit(_) => {
                let around = self.open.iter().rposition(|(open, _)| *open == function);
                self.piece(mark.time, around.is_none().then_some(function));
                if let Some(around) = around {
                    // What is still open inside has lost its exit.
                    self.open.truncate(around);
                }
                self.pass(function);
            }
            Edge::Enter | Edge::Passed => {
                self.piece(mark.time, Some(function));
                self.pass(function);
                if begins {
                    self.open.push((function, None));
                }
            }
        }
    }

    /// What was passed last, directly inside what is open. A wait for the mutex may be anywhere and says nothing.
    fn pass(&mut self, function: Function) {
        if function == Function::ModuleMutex {
            return;
        }
        match self.open.last_mut() {
            Some((_, last)) => *last = Some(function),
            None => self.outside = Some(function),
        }
    }

    /// Ends a piece; `next` is what comes inside the same function, none when that one returns.
    fn piece(&mut self, time: Ktime, next: Option<Function>) {
        let time = time.clamp(self.cursor, self.end);
        let duration = time.since(self.cursor);
        if duration == Nanos(0) {
            return;
        }
        let (stage, name) = match self.open.last() {
            Some(&(function, last)) if is_container(function) => (
                inside(function, last, next, self.attempt),
                self.between(function.name(), last, next),
            ),
            Some(&(function, _)) => (function.stage(), Place::In(function)),
            None => (
                self.outside_stage(),
                self.between(call(self.attempt.syscall), self.outside, next),
            ),
        };
        match &mut self.last {
            Some(last) if last.stage == stage && last.name == name => last.duration.0 += duration.0,
            last => {
                let piece = StageSpan {
                    stage,
                    name,
                    start: self.cursor,
                    duration,
                };
                last.replace(piece).map(&mut self.take);
            }
        }
        self.cursor = time;
    }

    /// What lasts has no next mark yet, and may never return.
    fn between(&self, function: &'static str, after: Option<Function>, next: Option<Function>) -> Place {
        let before = match next {
            Some(next) => Before::Function(next),
            None if self.attempt.end.is_none() => Before::Open,
            None => Before::Return,
        };
        Place::Within {
            function,
            after,
            before,
        }
    }

    /// The system call itself: a load does nothing there but get to its parts, an unload takes the module down.
    fn outside_stage(&self) -> Stage {
        let unloads = self.attempt.is_unload() && self.outside.is_some();
        if unloads { Stage::CleanUp } else { Stage::Entry }
    }
}

/// Whether a function's own time is that of functions which the compiler put into it.
fn is_container(function: Function) -> bool {
    matches!(
        function,
        Function::LoadModule | Function::DoInitModule | Function::InitModuleFromFile
    )
}

pub(crate) fn call(syscall: Option<Syscall>) -> &'static str {
    match syscall {
        Some(Syscall::InitModule) => "init_module",
        Some(Syscall::FinitModule) => "finit_module",
        Some(Syscall::DeleteModule) => "delete_module",
        None => "the system call",
    }
}

/// What a function is about between two marks.
fn inside(function: Function, last: Option<Function>, next: Option<Function>, attempt: &Attempt) -> Stage {
    use Function as F;
    if next.is_some_and(takes_down) && last.is_some_and(takes_down) {
        return Stage::CleanUp;
    }
    match (function, last) {
        (F::InitModuleFromFile, _) => Stage::Entry,
        (_, Some(F::DoOneInitcall)) if attempt.failed() => Stage::CleanUp,
        (F::DoInitModule, None) | (_, Some(F::DoOneInitcall)) => Stage::Init,
        (F::DoInitModule, Some(F::AsyncSynchronizeFull)) => Stage::Async,
        (F::DoInitModule, Some(F::NotifierChain)) if !attempt.failed() => Stage::Async,
        (_, last) => after(last, next, attempt.collided_with.is_some()),
    }
}

/// What `load_module` is about behind a function.
fn after(last: Option<Function>, next: Option<Function>, duplicate: bool) -> Stage {
    use Function as F;
    match last {
        None if matches!(next, Some(F::ModuleSigCheck | F::ModVerifySig)) => Stage::Signature,
        None | Some(F::LoadModule | F::ModuleSigCheck | F::ModVerifySig | F::CheckModstructVersion) => Stage::Checks,
        Some(F::FindModuleAll | F::FinishedLoading | F::AddUnformedModule) => match next {
            Some(F::ModuleFrobArchSections) => Stage::Checks,
            Some(F::FindModuleAll | F::FinishedLoading | F::AddUnformedModule) => Stage::DuplicateCheck,
            None if duplicate => Stage::CleanUp,
            _ => Stage::Symbols,
        },
        Some(F::ModuleFinalize) => Stage::Arguments,
        Some(F::StrndupUser) => Stage::Formation,
        Some(F::NotifierChainRobust) => Stage::Parameters,
        Some(F::ParseArgs | F::ModSysfsSetup) => Stage::Sysfs,
        // What comes behind these is done for a load that has failed.
        Some(
            F::KernelReadFile
            | F::IdempotentInitModule
            | F::InitModuleFromFile
            | F::ModuleDecompress
            | F::DoOneInitcall
            | F::InitcallStart
            | F::NotifierChain
            | F::AsyncSynchronizeFull,
        ) => Stage::CleanUp,
        Some(function) => function.stage(),
    }
}

/// Whether it is only called to take a module down.
pub(crate) fn takes_down(function: Function) -> bool {
    matches!(
        function,
        Function::SynchronizeRcu
            | Function::ModuleMutex
            | Function::KlpModuleGoing
            | Function::FreeModule
            | Function::ModSysfsTeardown
            | Function::NotifierChain
    )
}

#[cfg(test)]
mod tests;
