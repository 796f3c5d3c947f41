//! Call for call: the driver's log against what kmodtrace saw.

use std::ops::RangeInclusive;

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};

use crate::observed::{Attempt, Report};
use crate::oracle::{Call, Forced, Scenario};

/// The attempts and unloads of a report, of which each is of one call.
#[derive(Debug)]
pub(crate) struct Observed<'r> {
    all: Vec<&'r Attempt>,
    taken: Vec<bool>,
    /// Whether paths of files were observed.
    paths: bool,
}

impl<'r> Observed<'r> {
    pub(crate) fn of(report: &'r Report) -> Self {
        let all: Vec<_> = report.attempts.iter().chain(&report.unloads).collect();
        let taken = vec![false; all.len()];
        let paths = !report
            .quality
            .unobserved
            .iter()
            .any(|lost| lost.contains("paths of files"));
        Self { all, taken, paths }
    }

    /// Compares every call of a scenario. Gives how many there were.
    pub(crate) fn compare(&mut self, scenario: &Scenario) -> Result<usize> {
        let compared = scenario
            .calls
            .iter()
            .map(|call| compare(call, &self.all, &mut self.taken, self.paths));
        let wrong: Vec<String> = compared
            .filter_map(|result| result.err().map(|error| format!("{error:#}")))
            .collect();
        ensure!(wrong.is_empty(), "{}: {}", scenario.name, few(&wrong));
        Ok(scenario.calls.len())
    }

    /// Once all are compared: an error with those that are of no call.
    pub(crate) fn nothing_is_invented(&self) -> Result<()> {
        let invented = self.all.iter().zip(&self.taken).filter(|(_, taken)| !**taken);
        let invented: Vec<_> = invented.map(|(attempt, _)| format!("{attempt:?}")).collect();
        ensure!(invented.is_empty(), "seen, though nobody called: {}", few(&invented));
        Ok(())
    }
}

/// The first of them, and how many more there are: one storm may give hundreds.
pub(crate) fn few(texts: &[String]) -> String {
    const SHOWN: usize = 3;
    match texts.split_at_checked(SHOWN) {
        Some((shown, more)) if !more.is_empty() => format!("{}; and {} more", shown.join("; "), more.len()),
        _ => texts.join("; "),
    }
}

/// Finds the one attempt of this call, and checks all that the call tells and all that its arrangement forces.
fn compare(call: &Call, observed: &[&Attempt], taken: &mut [bool], paths: bool) -> Result<()> {
    let (index, attempt) = find(call, observed)?;
    let who = call.who();
    let taken = taken.get_mut(index).context("out of range")?;
    ensure!(!*taken, "{who}: seen once for two calls");
    *taken = true;
    call_agrees(call, attempt)
        .and_then(|()| arguments_agree(call, attempt, paths))
        .and_then(|()| signal_agrees(call, attempt))
        .and_then(|()| waits_fit(attempt))
        .map_err(|error| error.context(who))
}

/// The one attempt that lies within the bracket of this call.
pub(crate) fn find<'o>(call: &Call, observed: &[&'o Attempt]) -> Result<(usize, &'o Attempt)> {
    within(call.tid, &call.syscall, call.start_ns..=call.end_ns, observed)
        .with_context(|| format!("{}: not seen within its bracket, or more than once", call.who()))
}

/// The one attempt of a task that lies within a bracket, and its place.
pub(crate) fn within<'o>(
    tid: u32,
    syscall: &str,
    bracket: RangeInclusive<u64>,
    observed: &[&'o Attempt],
) -> Option<(usize, &'o Attempt)> {
    let within = |attempt: &Attempt| {
        attempt.tid == tid
            && attempt.syscall.as_deref() == Some(syscall)
            && attempt.start_ns.is_some_and(|start| bracket.contains(&start))
            && attempt.end_ns.is_some_and(|end| bracket.contains(&end))
    };
    let all = observed.iter().copied().enumerate();
    let mut matching = all.filter(|(_, attempt)| within(attempt));
    match (matching.next(), matching.next()) {
        (Some(found), None) => Some(found),
        _ => None,
    }
}

fn call_agrees(call: &Call, attempt: &Attempt) -> Result<()> {
    if let Some(errno) = call.errno.or(call.expect.kernel_errno) {
        ensure!(attempt.errno == Some(errno), "errno {errno}, seen {:?}", attempt.errno);
    }
    if let Some(module) = &call.module {
        ensure!(attempt.module.as_ref() == Some(module), "seen as {:?}", attempt.module);
    }
    if let Forced::To(role) = &call.expect.role {
        ensure!(&attempt.role == role, "role {role:?}, seen {:?}", attempt.role);
    }
    if let Forced::To(state) = &call.expect.collided_with {
        ensure!(
            &attempt.collided_with == state,
            "collided with {state:?}, seen {:?}",
            attempt.collided_with
        );
    }
    if let Some(function) = &call.expect.exit_function {
        ensure!(
            attempt.exit_symbol.as_ref() == Some(function),
            "exit function {function}, seen {:?}",
            attempt.exit_symbol
        );
    }
    let waits = attempt.waits_for_loads();
    if let Forced::To(kind) = &call.expect.wait {
        let kinds: Vec<&str> = waits.iter().map(|wait| wait.kind.as_str()).collect();
        let forced: Vec<&str> = kind.iter().map(String::as_str).collect();
        ensure!(kinds == forced, "waits {forced:?}, seen {kinds:?}");
    }
    if let Forced::To(leader) = call.expect.leader_tid {
        ensure!(
            attempt.leader_tid == leader,
            "leader {leader:?}, seen {:?}",
            attempt.leader_tid
        );
        for wait in waits {
            ensure!(wait.on_tid == leader, "waited for {leader:?}, seen {:?}", wait.on_tid);
        }
    }
    Ok(())
}

/// Which file, with which arguments. A file that nobody came to read has no path.
fn arguments_agree(call: &Call, attempt: &Attempt, paths: bool) -> Result<()> {
    let loaded = call.errno == Some(0);
    ensure!(
        call.path.is_none() || attempt.path == call.path || attempt.path.is_none() && !(paths && loaded),
        "path {:?}, seen {:?}",
        call.path,
        attempt.path
    );
    let given = call.args.as_deref().unwrap_or_default();
    ensure!(
        call.args.is_none() || attempt.args.as_deref().unwrap_or_default() == given,
        "arguments {given:?}, seen {:?}",
        attempt.args
    );
    Ok(())
}

/// Who is killed was sent the signal by the driver, and nobody else was.
fn signal_agrees(call: &Call, attempt: &Attempt) -> Result<()> {
    let sent: Vec<_> = attempt.signals.iter().map(|signal| signal.name.as_str()).collect();
    let forced: &[&str] = if call.killed { &["SIGKILL"] } else { &[] };
    ensure!(sent == forced, "signals {forced:?}, seen {:?}", attempt.signals);
    Ok(())
}

/// Waits lie inside their attempt, one after the other, so they add up to no more than it.
fn waits_fit(attempt: &Attempt) -> Result<()> {
    let mut free = attempt.start_ns.unwrap_or(0);
    for wait in &attempt.waits {
        let Some(duration) = wait.duration_ns else {
            bail!("a wait without an end: {wait:?}")
        };
        ensure!(
            wait.start_ns >= free,
            "a wait before the one in front of it, or before its attempt: {wait:?}"
        );
        free = wait.start_ns + duration;
    }
    ensure!(
        attempt.end_ns.is_some_and(|end| free <= end),
        "waits reach beyond the attempt"
    );
    Ok(())
}

/// An error that says what is wrong with the sums, if anything.
pub(crate) fn whole(report: &Report) -> Result<()> {
    let failures: Vec<_> = sums(report).iter().map(|failure| format!("{failure:#}")).collect();
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

/// The sums of the report are those of its attempts, and nothing is missing.
pub(crate) fn sums(report: &Report) -> Vec<Error> {
    let quality = &report.quality;
    let whole = quality.lost
        + quality.missed
        + quality.clipped
        + quality.began_before
        + quality.exit_not_seen
        + quality.in_flight;
    let mut failures = Vec::new();
    if whole != 0 || quality.truncated.is_some() {
        failures.push(anyhow!("something is missing: {quality:?}"));
    }
    for module in &report.modules {
        let attempts: Vec<_> = report
            .attempts
            .iter()
            .filter(|attempt| attempt.module == module.name)
            .collect();
        if let Err(error) = module_sums(module, &attempts, report) {
            failures.push(error.context(format!("sums of {:?}", module.name)));
        }
    }
    failures
}

fn module_sums(module: &crate::observed::Module, attempts: &[&Attempt], report: &Report) -> Result<()> {
    let count =
        |matching: &dyn Fn(&Attempt) -> bool| attempts.iter().filter(|attempt| matching(attempt)).count() as u64;
    ensure!(
        module.attempts == attempts.len() as u64,
        "{} attempts, {} listed",
        module.attempts,
        attempts.len()
    );
    ensure!(
        module.outcomes.values().sum::<u64>() == module.attempts,
        "outcomes {:?}",
        module.outcomes
    );
    let ok = count(&|attempt| attempt.errno == Some(0));
    ensure!(
        module.outcomes.get("OK").copied().unwrap_or(0) == ok,
        "OK in {:?}, {ok} listed",
        module.outcomes
    );
    for total in &module.waits {
        let waits = attempts
            .iter()
            .flat_map(|attempt| &attempt.waits)
            .filter(|wait| wait.kind == total.kind);
        let (number, sum) = waits.fold((0, 0), |(number, sum), wait| {
            (number + 1, sum + wait.duration_ns.unwrap_or(0))
        });
        ensure!(
            total.count.unwrap_or(0) == number && total.total_ns.unwrap_or(0) == sum,
            "{total:?}: {number} waits, {sum} ns"
        );
    }
    for (state, number) in module.collisions.iter().flatten() {
        let listed = count(&|attempt| attempt.collided_with.as_ref() == Some(state));
        ensure!(
            *number == Some(listed),
            "{number:?} collisions with {state}, {listed} listed"
        );
    }
    let Some(going) = &module.going else {
        bail!("GOING was not observed")
    };
    // A module goes when its unload succeeds, when its init function fails, or when its load fails between COMING and
    // init, as over a bad parameter; of the last sort the listed attempts tell only that they may be.
    let ours = |unload: &&Attempt| unload.module == module.name && unload.errno == Some(0);
    let unloads = report.unloads.iter().filter(ours).count() as u64;
    let failed = count(&|attempt| attempt.init_errno.is_some_and(|errno| errno != 0));
    let led_in_vain = |attempt: &Attempt| attempt.role.as_deref() == Some("leader") && attempt.errno != Some(0);
    let maybe = count(&|attempt| led_in_vain(attempt) && attempt.init_errno.is_none());
    ensure!(
        (unloads + failed..=unloads + failed + maybe).contains(&going.windows),
        "{going:?}: {unloads} unloads, {failed} failed init functions, {maybe} other failures"
    );
    ensure!(going.longest_ns.unwrap_or(0) <= going.total_ns, "{going:?}");
    Ok(())
}
