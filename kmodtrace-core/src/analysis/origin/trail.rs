//! The rule for everything that a load does itself: who returned the errno first, or between which marks it was made.

use super::{Certainty, Origin};
use crate::analysis::causes::{Cause, image, of_loads};
use crate::analysis::stages::{call, takes_down};
use crate::model::{Attempt, Edge, Errno, Function, Mark, Stage};

/// Where on its way a load passes a function; none for what is not on it. Even numbers, so that there is room between.
pub(super) fn place(function: Function) -> Option<usize> {
    Function::way()
        .position(|passed| passed.function == function)
        .map(|at| 2 * at)
}

/// The origin by the trail alone.
pub(super) fn of(attempt: &Attempt, errno: Errno) -> Origin {
    let way = walk(&attempt.trail, errno);
    let maker = way.returned.last().copied().filter(|maker| !passes_on(*maker));
    let mut through: Vec<&'static str> = way.returned.iter().rev().map(|function| function.name()).collect();
    if let Some(maker) = maker {
        let mut origin = Origin::exact(errno, maker.name(), made_by(maker, errno), maker.stage());
        origin.stage = maker.stage();
        through.remove(0);
        origin.through = through;
        return origin;
    }
    let mut origin = gap(attempt, errno, way.passed);
    through.retain(|function| *function != origin.function);
    origin.through = through;
    origin
}

/// What the end of a trail says.
struct Way {
    /// Functions that returned the errno, from the outermost to the innermost.
    returned: Vec<Function>,
    /// What was passed last before that, or before the clean-up.
    passed: Option<Passed>,
}

#[derive(Clone, Copy)]
struct Passed {
    function: Function,
    place: usize,
}

/// Goes back from the end: over clean-up and returns of the errno, up to the first mark that says something else.
fn walk(trail: &[Mark], errno: Errno) -> Way {
    let mut returned = Vec::new();
    for (at, mark) in trail.iter().enumerate().rev() {
        let failed = matches!(mark.edge, Edge::Exit(Some(ret)) if ret < 0 && Errno::from_ret(ret) == errno);
        if failed {
            returned.push(mark.function);
            continue;
        }
        if takes_down(mark.function) {
            continue;
        }
        if mark.edge == Edge::Enter && returned.last() == Some(&mark.function) && !passes_on(mark.function) {
            // Entered and failed, with nothing of interest in it.
            return Way { returned, passed: None };
        }
        let Some(place) = place(mark.function) else { continue };
        let early = mark.function == Function::FindModuleAll && !passed_frob(trail.get(..at).unwrap_or_default());
        let place = if early {
            super::trail::place(Function::ModuleFrobArchSections).unwrap_or_default() - 1
        } else {
            place
        };
        let function = mark.function;
        return Way {
            returned,
            passed: Some(Passed { function, place }),
        };
    }
    Way { returned, passed: None }
}

fn passed_frob(trail: &[Mark]) -> bool {
    trail
        .iter()
        .any(|mark| mark.function == Function::ModuleFrobArchSections)
}

/// Whether its errnos are those of what it calls, or of what is inlined into it. `module_alloc` has other names since
/// 6.10; who calls it is part of `load_module`.
fn passes_on(function: Function) -> bool {
    matches!(
        function,
        Function::LoadModule
            | Function::DoInitModule
            | Function::InitModuleFromFile
            | Function::IdempotentInitModule
            | Function::ModuleAlloc
    )
}

/// The causes of a function: those that are known for the errno, else those that may return any.
fn made_by(function: Function, errno: Errno) -> Vec<&'static Cause> {
    let mut made = matching(errno, |cause| cause.makers.contains(&function.name()));
    // The policy's verdict on what the signature is: only a signature that is there can be wrong.
    if function == Function::ModuleSigCheck && made.len() > 1 {
        made.retain(|cause| **cause != image::BAD_SIGNATURE);
    }
    made
}

fn matching(errno: Errno, takes: impl Fn(&Cause) -> bool) -> Vec<&'static Cause> {
    let (known, rest): (Vec<_>, Vec<_>) = of_loads()
        .filter(|cause| cause.makes(errno) && takes(cause))
        .partition(|cause| cause.names(errno));
    if known.is_empty() { rest } else { known }
}

/// What a load is about behind a function, where only the place says it.
fn after(function: Function) -> Stage {
    match function.stage() {
        // Its place on the list is its own: now comes what else it needs, such as memory for each CPU.
        Stage::DuplicateCheck => Stage::Layout,
        stage => stage,
    }
}

/// Where on its way a load can meet a cause; none for what is not on it.
fn cause_place(cause: &Cause) -> Option<usize> {
    let made = |maker: &&str| {
        let mut passed = Function::way().map(|passed| passed.function);
        passed.find(|function| function.name() == *maker)
    };
    let maker = cause.makers.iter().find_map(made).filter(|maker| !passes_on(*maker));
    place(cause.gap.map_or(maker, |(after, _)| Some(after))?)
}

/// Inlined: between what was passed last and what comes next.
fn gap(attempt: &Attempt, errno: Errno, passed: Option<Passed>) -> Origin {
    let last = passed.map_or(0, |passed| passed.place);
    let mut certain = Function::way()
        .filter(|passed| passed.always)
        .map(|passed| passed.function);
    let next = certain.find(|landmark| place(*landmark) > passed.map(|passed| passed.place));
    let until = next.and_then(place).unwrap_or(usize::MAX);
    let within = |cause: &Cause| {
        let bounds = cause
            .gap
            .and_then(|(after, before)| Some((place(after)?, place(before)?)));
        bounds.is_some_and(|(after, before)| after.max(last) < before.min(until))
    };
    let entered = passed.is_some_and(|passed| Some(passed.place) >= place(Function::LoadModule));
    let (function, before) = match next {
        _ if !entered => (call(attempt.syscall), "load_module"),
        Some(next) => ("load_module", next.name()),
        None => ("do_init_module", "its return"),
    };
    let mut causes = if entered { matching(errno, within) } else { Vec::new() };
    let mut before = before;
    if entered && causes.is_empty() {
        // What comes next was not watched: all that comes later, up to what always is.
        let later = Some(last)..place(Function::DoInitModule);
        causes = matching(errno, |cause| later.contains(&cause_place(cause)));
        before = "its return";
    }
    let stage = match causes.first() {
        Some(cause) if *cause != &image::MEMORY => cause.stage,
        _ => passed.map_or(Stage::Entry, |passed| after(passed.function)),
    };
    let mut origin = Origin::exact(errno, function, causes, stage);
    origin.certainty = Certainty::Gap {
        after: passed.map_or("its entry", |passed| passed.function.name()),
        before,
    };
    origin
}
