//! Mount for mount: what the kernel had to request, and what kmodtrace says of it.

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::observed::{Attempt, Helper, Report, Request};
use crate::oracle::{Call, Forced, Requested, Scenario};

/// `MAX_KMOD_ALL_BUSY_TIMEOUT`, 5 s of the kernel's ticks, which fall behind on an emulated machine and then catch up.
const PATIENCE_NS: u64 = 4_500_000_000;
/// How long that may take an emulated machine.
const PATIENCE_AT_MOST_NS: u64 = 10_000_000_000;

/// Compares every mount of a scenario, and every load that a modprobe made for one. Gives how many mounts there were.
pub(crate) fn compare(scenario: &Scenario, report: &Report) -> Result<usize> {
    let mounts = &scenario.mounts;
    let mut failures = Vec::new();
    let mut fail = |error: anyhow::Error| failures.push(format!("{error:#}"));
    let mut made = 0;
    for mount in mounts {
        match one(mount, report) {
            Ok(requests) => made += requests,
            Err(error) => fail(error),
        }
    }
    let by_us = |request: &&Request| mounts.iter().any(|mount| mount.tgid == request.tgid);
    let seen = report.requests.iter().filter(by_us).count();
    if seen != made {
        fail(anyhow!("{made} requests were made, {seen} seen"));
    }
    for attempt in report.attempts.iter().filter(|attempt| attempt.request.is_none()) {
        fail(anyhow!(
            "only modprobes load modules here, and this is of none: {attempt:?}"
        ));
    }
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    ensure!(made > 0, "no mount made a request");
    Ok(mounts.len())
}

/// Compares a mount. Gives how many requests it makes: one or none.
fn one(mount: &Call, report: &Report) -> Result<usize> {
    let Forced::To(expected) = &mount.expect.request else {
        bail!("{}: the driver does not say what it requests", mount.who());
    };
    let within = |request: &&Request| {
        request.tid == mount.tid
            && request.start_ns.is_some_and(|start| start >= mount.start_ns)
            && request.end_ns.is_some_and(|end| end <= mount.end_ns)
    };
    let found: Vec<_> = report.requests.iter().filter(within).collect();
    match (expected, found.as_slice()) {
        (None, []) => Ok(0),
        (Some(expected), [request]) => agrees(expected, request, report)
            .map(|()| 1)
            .with_context(|| format!("request of {} by {}", expected.name, mount.tid)),
        _ => bail!("{}: {expected:?}, seen {found:?}", mount.who()),
    }
}

fn agrees(expected: &Requested, request: &Request, report: &Report) -> Result<()> {
    ensure!(request.notes.is_empty(), "something is missing: {:?}", request.notes);
    ensure!(request.name == expected.name, "seen as {}", request.name);
    ensure!(
        request.ret == Some(expected.ret),
        "returned {}, seen {:?}",
        expected.ret,
        request.ret
    );
    let causes = request.origin.as_ref().map(|origin| origin.causes.as_slice());
    ensure!(
        causes == expected.cause.as_ref().map(std::slice::from_ref),
        "cause {:?}, seen {causes:?}",
        expected.cause
    );
    let caller = request.caller.as_ref().context("nothing is known of its caller")?;
    ensure!(
        caller.function == "get_fs_type" && caller.found == expected.found,
        "found: {}, seen {caller:?}",
        expected.found
    );
    let Some(path) = &expected.helper else {
        return no_slot(request);
    };
    let helper = request.helper.as_ref().context("no helper was seen")?;
    ensure!(&helper.path == path, "runs {path}, seen {}", helper.path);
    helper_fits(expected, helper, request)?;
    loads(expected, helper, request, report)
}

/// It waits for a slot, for as long as that is worth it, and nothing else happens.
fn no_slot(request: &Request) -> Result<()> {
    ensure!(
        request.helper.is_none(),
        "a helper without a slot: {:?}",
        request.helper
    );
    let slot = request.slot.as_ref().context("no wait for a slot was seen")?;
    let waited = slot.duration_ns.context("the wait for a slot has no end")?;
    let errno = request.ret.and_then(|ret| u32::try_from(-ret).ok());
    ensure!(
        slot.errno == errno && (PATIENCE_NS..PATIENCE_AT_MOST_NS).contains(&waited),
        "{slot:?}"
    );
    Ok(())
}

/// The steps of a helper lie one after the other within the time that the requester waited for it.
fn helper_fits(expected: &Requested, helper: &Helper, request: &Request) -> Result<()> {
    let end = helper.duration_ns.map(|duration| helper.start_ns + duration);
    let end = end.context("the helper's span has no end")?;
    ensure!(
        request.start_ns <= Some(helper.start_ns) && Some(end) <= request.end_ns,
        "the helper reaches beyond its request: {helper:?}"
    );
    // A requester that is killed leaves its helper running, at whichever step.
    let whole = expected.cause.as_deref() != Some("request-killed");
    // Where execve fails, nothing runs.
    let runs = expected.ret >= 0;
    let steps = [
        ("taken up", helper.taken_up_ns, true),
        ("forked", helper.forked_ns, true),
        ("run", helper.runs_ns, runs),
        ("ended", helper.ended_ns, runs),
    ];
    let mut last = helper.start_ns;
    for (step, time, happens) in steps {
        let Some(time) = time else {
            ensure!(!(happens && whole), "it was {step}, which was not seen: {helper:?}");
            continue;
        };
        ensure!(time >= last, "{step} before the step in front of it: {helper:?}");
        last = time;
    }
    ensure!(
        !whole || last <= end,
        "it took longer than it was waited for: {helper:?}"
    );
    if runs {
        ensure!(
            helper.status == Some(expected.ret) && helper.programs.first() == Some(&helper.path),
            "{helper:?}"
        );
    }
    Ok(())
}

/// The loads of its modprobe are the request's, and of nothing but the module that comes of it.
fn loads(expected: &Requested, helper: &Helper, request: &Request, report: &Report) -> Result<()> {
    let of_request = |attempt: &&Attempt| attempt.request == Some(request.id);
    let attempts: Vec<_> = report.attempts.iter().filter(of_request).collect();
    let mut ids: Vec<u64> = attempts.iter().map(|attempt| attempt.id).collect();
    let mut listed = helper.attempts.clone();
    ids.sort_unstable();
    listed.sort_unstable();
    ensure!(ids == listed, "attempts {ids:?} say they are its, it lists {listed:?}");
    let end = helper.duration_ns.map(|duration| helper.start_ns + duration);
    match (&expected.module, attempts.as_slice()) {
        (None, []) => Ok(()),
        (Some(module), [attempt]) => {
            ensure!(
                attempt.module.as_ref() == Some(module) && attempt.errno == Some(0),
                "loads {module}, seen {attempt:?}"
            );
            ensure!(
                attempt.start_ns > Some(helper.start_ns) && attempt.end_ns < end,
                "the load lies outside of its helper: {attempt:?}, {helper:?}"
            );
            Ok(())
        }
        _ => bail!("loads {:?}, seen {attempts:?}", expected.module),
    }
}
