//! `kmodtrace drill`: the functions of modules whose init function fails, seen from their first instruction.
//!
//! The oracles are the source of `tests/fixtures/kt_deep.c`, which says which function makes the errno, what modprobe and tracefs
//! say, and the kernel's own function graph of the same loads. All of it is made in one guest: each file has its part of the
//! guest's command, in a script beside it, and what is checked of it.

mod agree;
mod clean;
mod cycles;
mod deep;
mod graph;
mod load;
mod same;
mod stock;

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use guest_vm::{artifacts, fixtures, kernel::Selection, vm::VmSpec};
use load::Load;
use serde::{Deserialize, de::DeserializeOwned};

use crate::guest::{self, Tally};
use crate::observed::Quality;
use crate::subject::Subject;

/// What the guest does, in this order.
const COMMAND: [&str; 7] = [
    include_str!("begin.sh"),
    stock::SCRIPT,
    deep::SCRIPT,
    clean::SCRIPT,
    same::SCRIPT,
    cycles::SCRIPT,
    clean::END,
];

/// Runs it on this kernel.
pub(crate) fn run(subject: &Subject<'_>) -> Result<Tally> {
    let (flavour, kernel) = (subject.flavour, &subject.kernel);
    let out = artifacts::target_dir()?
        .join("guests")
        .join(format!("{}-drill", kernel.name));
    let mut spec = VmSpec::new(kernel.clone(), COMMAND.concat());
    spec.guest.programs = artifacts::guest_programs()?;
    if flavour.fixtures {
        fixtures::stage(&mut spec)?;
    }
    if flavour.requesting
        && let Selection::Some { named, .. } = &mut spec.modules
    {
        named.extend(same::REQUESTING.map(str::to_owned));
    }
    // All through it, code is patched that runs on the other processor. QEMU 7.2 keeps breakpoints of that which are gone from
    // memory ("Oops: int3", with a nop there), in one of three such guests on a busy host; not where one thread does it all.
    spec.by_turns = true;
    // The kernel takes its time to arm probes and to let go of them, and other guests run beside this one.
    spec.timeout = Duration::from_mins(40);
    spec.out_dir = Some(out.clone());
    let mut tally = Tally::default();
    let outcome = guest::run(&spec, &mut tally)?;
    outcome.succeeded()?;
    let statuses = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let seen = Seen {
        out: &out,
        statuses: &statuses,
    };
    let none = |result: Result<()>| result.map(|()| 0);
    if !flavour.cookies {
        tally.scenario("drill without cookies", none(stock::refused(&seen)));
        return Ok(tally);
    }
    tally.scenario("drill of stock modules", none(stock::check(&seen)));
    tally.scenario("drill leaves nothing", none(clean::check(&seen)));
    if flavour.fixtures {
        for (name, result) in deep::each(&seen) {
            tally.scenario(&format!("drill {name}"), none(result));
        }
    }
    for (name, result) in same::each(&seen, flavour) {
        tally.scenario(&format!("drill {name}"), result);
    }
    tally.scenario("drill of a loaded module", same::loaded(&seen));
    tally.scenario("drill of many loads", cycles::check(&seen));
    Ok(tally)
}

/// What the guest left.
struct Seen<'o> {
    out: &'o Path,
    statuses: &'o str,
}

/// What is read of a recording's report.
#[derive(Deserialize)]
struct Report {
    quality: Quality,
}

impl Seen<'_> {
    fn file(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.out.join(name)).with_context(|| format!("the guest left no {name}"))
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let text = self.file(name)?;
        serde_json::from_str(&text).with_context(|| format!("{name} is not as documented: {text}"))
    }

    fn ended(&self, name: &str, status: u8) -> Result<()> {
        let line = format!("{name} {status}");
        ensure!(
            self.statuses.lines().any(|known| known == line),
            "no \"{line}\" in\n{}\n{}",
            self.statuses,
            self.file(&format!("{name}.err"))?
        );
        Ok(())
    }

    /// The loads that a drill told of.
    fn loads(&self, name: &str) -> Result<Vec<Load>> {
        load::read(&self.file(&format!("{name}.json"))?)
    }

    /// What its recording lacks.
    fn quality(&self, name: &str) -> Result<Quality> {
        let report: Report = self.json(&format!("{name}.report"))?;
        Ok(report.quality)
    }

    /// Nothing was lost, and the kernel skipped no program.
    fn whole(&self, name: &str) -> Result<()> {
        let quality = self.quality(name)?;
        ensure!(quality.is_whole(), "something is missing: {quality:?}");
        Ok(())
    }
}
