//! kmodtrace where it writes: system calls that fail, kills, and a disk that loses its power. `tests/faults` makes them and checks what is
//! left; here is where.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use guest_vm::{
    artifacts,
    kernel::{self, BadInput},
    packages, paths,
    paths::Scratch,
    process,
    vm::VmSpec,
};

use crate::guest::{self, Tally};
use crate::terminal::recording;

/// An init function failed in it.
const RECORDING: &str = "6.1-failing-init.kmt";

/// How often it is killed and the power fails, in the gate and where that is asked for.
const FEW: u32 = 5;
const MANY: u32 = 200;

/// Tries calls, and a few instants.
pub(crate) fn few() -> Result<Tally> {
    run(FEW, "boots power killed")
}

/// Tries many instants, and the calls of `record`, which take its start and its end each.
pub(crate) fn many() -> Result<Tally> {
    run(MANY, "boots record power killed")
}

/// `in_guest` are the cases that take root, or modules.
fn run(rounds: u32, in_guest: &str) -> Result<Tally> {
    packages::ensure(packages::FOR_FAULTS)?;
    let mut tally = Tally::default();
    here(&mut tally)?;
    there(rounds, in_guest, &mut tally)?;
    Ok(tally)
}

/// The case that needs neither.
fn here(tally: &mut Tally) -> Result<()> {
    let programs = artifacts::guest_programs()?;
    let (faults, tool) = (
        artifacts::named(&programs, "faults")?,
        artifacts::named(&programs, "kmodtrace")?,
    );
    let scratch = Scratch::new()?;
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = process::command(
        faults,
        [recording(RECORDING).as_os_str(), "0".as_ref(), "bisect".as_ref()],
    );
    command.current_dir(scratch.path());
    let folder = tool.parent().context("kmodtrace is in no folder")?;
    command.env("PATH", format!("{}:{path}", folder.display()));
    let output = command.output().context("cannot run the faults")?;
    tally.cases(&output.stdout);
    Ok(())
}

fn there(rounds: u32, cases: &str, tally: &mut Tally) -> Result<()> {
    // A tracer begins and ends on it in half the time that it takes on older ones.
    let kernel = kernel::ensure(kernel::first(|flavour| flavour.bad_input == BadInput::All)?)?;
    let mut spec = VmSpec::new(kernel, format!("faults recorded.kmt {rounds} {cases}"));
    spec.timeout = Duration::from_hours(1);
    spec.guest.programs = artifacts::guest_programs()?;
    spec.guest
        .programs
        .push(paths::program("mke2fs").context("mke2fs is missing")?);
    spec.guest.copies = vec![(recording(RECORDING), "root/recorded.kmt".to_owned())];
    let outcome = guest::run(&spec, tally)?;
    tally.cases(&outcome.stdout);
    ensure!(
        !outcome.stdout.is_empty(),
        "nothing was tried: {}",
        String::from_utf8_lossy(&outcome.stderr)
    );
    Ok(())
}
