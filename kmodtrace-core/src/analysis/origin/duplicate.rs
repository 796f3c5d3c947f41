//! Errnos that come of another task's load: of the same file, or of the same name.

use super::{Certainty, From, KnownAttempt, Origin, Translation};
use crate::analysis::causes::{Cause, link};
use crate::model::{Attempt, AttemptId, Collision, Edge, Errno, Function, Mark, Role, Stage, WaitKind};

/// The attempt shared the load of its inode (`idempotent_init_module`).
pub(super) fn shared(
    attempt: &Attempt,
    errno: Errno,
    known: impl Fn(AttemptId) -> Option<KnownAttempt>,
) -> Option<Origin> {
    let wait = attempt
        .waits
        .iter()
        .rev()
        .find(|wait| wait.kind == WaitKind::SameInode)?;
    // It led afterwards: then its errno is its own.
    if attempt.role == Some(Role::Leader) || attempt.load.is_some() {
        return None;
    }
    let task = wait.on.clone().or_else(|| attempt.leader.clone());
    let led = task.as_ref().and_then(|task| known(task.attempt)?.errno);
    let signal = matches!(errno, Errno::EINTR | Errno::ERESTARTSYS);
    let causes: &[&Cause] = match led {
        Some(led) if led == errno => &[&link::SHARED_LOAD],
        _ if signal && (led.is_some() || task.is_none()) => &[&link::SIGNAL_SAME_INODE],
        // The leader has not returned yet: a task that a signal wakes does not wait for it.
        _ if signal => &[&link::SIGNAL_SAME_INODE, &link::SHARED_LOAD],
        _ => &[&link::SHARED_LOAD],
    };
    let mut origin = Origin::exact(errno, "idempotent_init_module", causes.to_vec(), Stage::SharedLoad);
    if causes == [&link::SHARED_LOAD] {
        origin.from = task.map(|task| From { task, errno: None });
    }
    Some(origin)
}

/// The attempt shared a load, and `idempotent_init_module` was not watched: nothing but its leader says so.
pub(super) fn shared_unseen(attempt: &Attempt, errno: Errno) -> Option<Origin> {
    let shares = attempt.role == Some(Role::Follower) && attempt.collided_with == Some(Collision::InFlight);
    let task = attempt.leader.clone().filter(|_| shares && attempt.trail.is_empty())?;
    let mut origin = Origin::exact(errno, "finit_module", vec![&link::SHARED_LOAD], Stage::SharedLoad);
    origin.certainty = Certainty::Gap {
        after: "its entry",
        before: "init_module_from_file",
    };
    origin.from = Some(From { task, errno: None });
    Some(origin)
}

/// The look-up of the module's name ended it (`add_unformed_module`, and 6.4 and later `module_patient_check_exists`).
pub(super) fn same_name(attempt: &Attempt, errno: Errno) -> Option<Origin> {
    if attempt.init.is_some() || !attempt.symbols.is_empty() || went_on(&attempt.trail) {
        return None;
    }
    let waited = attempt.waits.iter().rev().find(|wait| wait.kind == WaitKind::SameName);
    let collision = attempt
        .collided_with
        .filter(|collision| *collision != Collision::InFlight);
    let causes: &[&Cause] = match (errno, collision, waited) {
        (_, None, None) => return None,
        (Errno::EEXIST, ..) => &[&link::ALREADY_LIVE],
        (Errno::ERESTARTSYS | Errno::EINTR, _, Some(_)) => &[&link::SIGNAL_SAME_NAME],
        (Errno::EBUSY, _, Some(_)) => &[&link::LEADER_FAILED],
        (Errno::EBUSY, Some(Collision::Going), None) => &[&link::GOING],
        // Its wait was not seen.
        (Errno::EBUSY, Some(_), None) => &[&link::LEADER_FAILED, &link::GOING],
        _ => return None,
    };
    let mut origin = Origin::exact(errno, function(&attempt.trail), causes.to_vec(), Stage::DuplicateCheck);
    if causes.contains(&&link::LEADER_FAILED) || causes.contains(&&link::GOING) {
        let task = waited
            .and_then(|wait| wait.on.clone())
            .or_else(|| attempt.leader.clone());
        origin.from = task.map(|task| From { task, errno: None });
    }
    if causes == [&link::SIGNAL_SAME_NAME] && errno == Errno::EINTR {
        origin.translated = Some(Translation {
            by: "the return to user space",
            from: Errno::ERESTARTSYS,
        });
    }
    if origin.function != "load_module" {
        origin.through = vec!["load_module"];
    }
    Some(origin)
}

/// Whether the load passed the look-up of its name: the errno is a later one's.
fn went_on(trail: &[Mark]) -> bool {
    let past = |mark: &Mark| super::trail::place(mark.function) > super::trail::place(Function::ResolveSymbol);
    trail.iter().any(past)
}

/// Which function looked the name up. Kernels that do it early (6.4) do it with a function of their own, which is never
/// inlined whole; before, all is inside `load_module` where `add_unformed_module` has no symbol.
fn function(trail: &[Mark]) -> &'static str {
    let at = |function| trail.iter().position(|mark| mark.function == function);
    let look_up = at(Function::FindModuleAll).or_else(|| at(Function::FinishedLoading));
    let early = match (look_up, at(Function::ModuleFrobArchSections)) {
        (Some(look_up), Some(frob)) => look_up < frob,
        (Some(_), None) => at(Function::LoadModule).is_some(),
        (None, _) => false,
    };
    let own = trail
        .iter()
        .any(|mark| mark.function == Function::AddUnformedModule && matches!(mark.edge, Edge::Exit(Some(..0))));
    match (early, own) {
        (true, _) => "module_patient_check_exists",
        (_, true) => "add_unformed_module",
        _ => "load_module",
    }
}
