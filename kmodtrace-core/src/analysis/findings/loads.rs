//! What one attempt shows by itself.

use super::finding::Name;
use super::tally::{Sum, Tallies};
use crate::model::{Attempt, Collision, Errno, Role, Span, WaitKind};

/// A load that spends more than half of its time behind its init function, and at least this long, pays for others: its own
/// asynchronous work is mostly that of one device, and 10 ms is what a boot notices.
const ASYNC_NS: u64 = 10_000_000;

/// Counts a load.
pub(super) fn load(attempt: &Attempt, tallies: &mut Tallies) {
    let module = attempt.module.as_deref();
    herd(attempt, module, tallies);
    init(attempt, module, tallies);
    busy(attempt, module, tallies);
    killed(attempt, module, tallies);
    outlived(attempt, module, tallies);
    file(attempt, module, tallies);
    asynchronous(attempt, module, tallies);
    unknown_parameters(attempt, module, tallies);
}

/// The loader says so itself: `dummy: unknown parameter 'x' ignored` (`unknown_module_param_cb`, kernel/module/main.c).
fn unknown_parameters(attempt: &Attempt, module: Option<&str>, tallies: &mut Tallies) {
    for line in &attempt.log {
        let parameter = line.text.split_once(": unknown parameter '");
        let Some(parameter) = parameter.and_then(|(_, rest)| rest.strip_suffix("' ignored")) else {
            continue;
        };
        if let Some(tally) = tallies.of(Name::ParameterUnknown, module, parameter) {
            tally.add(Sum::Loads, 1);
            tally.attempts.add(attempt.id.0);
        }
    }
}

fn herd(attempt: &Attempt, module: Option<&str>, tallies: &mut Tallies) {
    // What has no name is not one module.
    let Some(tally) = module.and_then(|name| tallies.of(Name::Herd, Some(name), "")) else {
        return;
    };
    tally.add(Sum::Attempts, 1);
    let waited = attempt.waits.iter().filter(|wait| wait.on.is_some());
    let waited = waited.filter_map(|wait| wait.span.duration()).map(|long| long.0);
    match attempt.role {
        Some(Role::Leader) => tally.add(Sum::Loads, 1),
        Some(Role::Follower) => {
            tally.add(Sum::Followers, 1);
            tally.add(Sum::Waited, waited.fold(0, u64::saturating_add));
            tally.by(&attempt.comm);
            tally.attempts.add(attempt.id.0);
        }
        Some(Role::Refused) => tally.add(Sum::Refused, 1),
        None => {}
    }
    if attempt.failed() {
        tally.add(Sum::Wasted, attempt.bytes().unwrap_or_default());
    }
}

fn init(attempt: &Attempt, module: Option<&str>, tallies: &mut Tallies) {
    let Some(init) = &attempt.init else { return };
    let Some(errno) = init.errno.filter(|errno| *errno != Errno::OK) else {
        return;
    };
    let hidden = errno == Errno::EEXIST && attempt.errno == Some(Errno::EEXIST);
    let name = if hidden {
        Name::ExistHidden
    } else {
        Name::InitFailsAgain
    };
    if let Some(tally) = tallies.of(name, module, &errno.name()) {
        tally.add(Sum::Times, 1);
        tally.add(Sum::InitTime, init.span.duration().unwrap_or_default().0);
        tally.by(&attempt.comm);
        tally.attempts.add(attempt.id.0);
    }
}

/// EBUSY of the duplicate check: that of a module that goes away, or of one whose load failed in the end.
fn busy(attempt: &Attempt, module: Option<&str>, tallies: &mut Tallies) {
    let waited = |kind| attempt.waits.iter().any(|wait| wait.kind == kind);
    // Waiting for a dependency comes later, and has an EBUSY of its own; so has the init function.
    if attempt.errno != Some(Errno::EBUSY) || attempt.init.is_some() || waited(WaitKind::Dependency) {
        return;
    }
    let case = match (attempt.role, attempt.collided_with) {
        (Some(Role::Refused), Some(Collision::Going)) => "going",
        (Some(Role::Follower), _) if waited(WaitKind::SameName) => "leader-failed",
        _ => return,
    };
    if let Some(tally) = tallies.of(Name::BusyInherited, module, case) {
        tally.add(Sum::Times, 1);
        if let Some(leader) = &attempt.leader {
            tally.by(&leader.comm);
        }
        tally.attempts.add(attempt.id.0);
    }
}

fn killed(attempt: &Attempt, module: Option<&str>, tallies: &mut Tallies) {
    let by_signal = |errno| matches!(errno, Some(Errno::EINTR | Errno::ERESTARTSYS));
    // An init function may return what it likes.
    let own = attempt.init.as_ref().is_some_and(|init| by_signal(init.errno));
    if by_signal(attempt.errno)
        && !own
        && let Some(tally) = tallies.of(Name::KilledBySignal, module, "")
    {
        tally.add(Sum::Loads, 1);
        let waits = attempt.waits.iter().filter_map(|wait| wait.span.duration());
        tally.add(Sum::Waited, waits.map(|long| long.0).fold(0, u64::saturating_add));
        tally.by(&attempt.comm);
        tally.attempts.add(attempt.id.0);
    }
}

/// Some time passes in any case until the task takes notice.
const OUTLIVED_NS: u64 = 10_000_000;

fn outlived(attempt: &Attempt, module: Option<&str>, tallies: &mut Tallies) {
    let (Some(signal), Some(end)) = (attempt.killed(), attempt.end) else {
        return;
    };
    let on = end.since(signal.time).0;
    if on >= OUTLIVED_NS
        && let Some(tally) = tallies.of(Name::KilledButLoading, module, "")
    {
        tally.add(Sum::Loads, 1);
        tally.add(Sum::LoadTime, on);
        tally.by(&signal.sender.comm);
        tally.attempts.add(attempt.id.0);
    }
}

fn file(attempt: &Attempt, module: Option<&str>, tallies: &mut Tallies) {
    let Some(file) = &attempt.file else { return };
    // Only the loader knows which module is in a file.
    if attempt.load.is_none() || file.name.is_empty() {
        return;
    }
    let (Some(name), Some(inode)) = (module, file.inode) else {
        return;
    };
    if let Some(tally) = tallies.of(Name::TwoFiles, Some(name), "") {
        let known = tally.by.len();
        let named = attempt.path.as_deref().unwrap_or(&file.name);
        tally.by_file(named, inode, file.dev);
        // The first attempt at each.
        if tally.by.len() > known {
            tally.add(Sum::Files, 1);
            tally.attempts.add(attempt.id.0);
        }
    }
}

fn asynchronous(attempt: &Attempt, module: Option<&str>, tallies: &mut Tallies) {
    let spans = attempt.waits.iter().filter(|wait| wait.kind == WaitKind::Async);
    let waited = spans.filter_map(|wait| wait.span.duration()).map(|long| long.0);
    let waited = waited.fold(0, u64::saturating_add);
    let Some(load) = attempt.load.and_then(Span::duration) else {
        return;
    };
    if waited >= ASYNC_NS
        && waited > load.0 / 2
        && let Some(tally) = tallies.of(Name::AsyncOfOthers, module, "")
    {
        tally.add(Sum::Loads, 1);
        tally.add(Sum::Waited, waited);
        tally.add(Sum::LoadTime, load.0);
        tally.attempts.add(attempt.id.0);
    }
}
