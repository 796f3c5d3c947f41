//! Bisecting over two real kernels: the one as it is, and the one without the fix "module: Don't wait for GOING modules", on which
//! every task that waits for a failed load runs the failing init function again.

mod git;
mod session;
mod splits;

use std::{path::Path, thread};

use anyhow::{Result, anyhow};
use guest_vm::{
    artifacts,
    kernel::{
        self, Kernel,
        build::{self, BuildSpec, Fix},
    },
};

use crate::guest::Tally;
use session::Side;

/// Recordings of each that a difference takes.
const FEW: usize = 8;

/// And so many that there are three times eight to be divided.
const MANY: usize = 24;

/// The kernel as it is, and the one without the fix; built where they are not in the cache.
pub(super) fn both_kernels() -> Result<(Kernel, Kernel)> {
    let flavour = kernel::first(|flavour| flavour.builds)?;
    let built = |revert| {
        build::ensure(&BuildSpec {
            series: flavour.name.to_owned(),
            revert,
            ..BuildSpec::default()
        })
    };
    Ok((built(None)?, built(Some(Fix::DontWaitForGoing))?))
}

/// Builds them, so that no guest waits for it.
pub(super) fn kernels() -> Result<Tally> {
    both_kernels()?;
    Ok(Tally::passed())
}

/// Tries everything.
pub(super) fn run() -> Result<Tally> {
    let (plain, before) = both_kernels()?;
    let programs = artifacts::guest_programs()?;
    let tool = artifacts::named(&programs, "kmodtrace")?;
    let out = artifacts::target_dir()?.join("guests/bisect");
    let side = |name, kernel, runs| Side {
        name,
        kernel,
        runs,
        out: out.join(name),
    };
    let (plain, before) = (side("plain", &plain, MANY), side("before", &before, FEW));
    let mut tally = Tally::default();
    // They wait more than they compute.
    let sides = thread::scope(|scope| {
        let running = [&plain, &before].map(|side| scope.spawn(|| side.run()));
        running.map(|side| {
            side.join()
                .unwrap_or_else(|_| Err(anyhow!("a guest's thread panicked")))
        })
    });
    for side in sides {
        tally.add(side?);
    }
    tally.scenario("session, with the fix", plain.check(tool, 0));
    tally.scenario("session, without it", before.check(tool, 1));
    tally.scenario("what the fix changed", none(splits::fix(tool, &plain, &before)));
    let same = splits::same(tool, &plain).map(|line| tally.lines.push(line));
    tally.scenario("nothing changed", none(same));
    tally.scenario("git bisect run", none(git::run(tool, plain.kernel, before.kernel)));
    Ok(tally)
}

/// Checks that compare no calls.
fn none(result: Result<()>) -> Result<usize> {
    result.map(|()| 0)
}

/// What a tool says.
fn says(tool: &Path, arguments: &[&std::ffi::OsStr]) -> Result<serde_json::Value> {
    let text = guest_vm::process::text(std::process::Command::new(tool).args(arguments))?;
    Ok(serde_json::from_str(&text)?)
}
