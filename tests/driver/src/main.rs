//! Makes module system calls in arrangements that force what a tracer must see, and logs what it got.
//!
//! It is the oracle of the VM tests, so it shares no code with kmodtrace, and knows the kernel only through its system
//! calls and `/proc`. It is run as root in a guest of its own: it loads and unloads stock modules, holds RTNL, and
//! leaves nothing loaded.
//!
//! Invariant: tasks are ordered by what they are seen to do (a page fault that userfaultfd reports, a kernel stack
//! seen asleep, the state in `/proc/modules`), never by sleeping. What an arrangement does not force is not logged as
//! expected.

mod call;
mod child;
mod elf;
mod expect;
mod failure;
mod hold;
mod kernel;
mod library;
mod log;
mod options;
mod request;
mod rtnl;
mod scenario;
mod stage;
mod task;
mod uffd;
mod watch;

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::kernel::Kernel;
use crate::library::Library;
use crate::log::Log;
use crate::options::Options;
use crate::scenario::Scenario;
use crate::stage::Stage;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => return exit(list(|scenario, kernel| (scenario.possible)(kernel))),
        ["list", "all"] => return exit(list(|_, _| true)),
        _ => {}
    }
    let asked =
        Options::parse(words.into_iter()).and_then(|options| Ok((scenario::named(&options.scenario)?, options)));
    match asked {
        Ok((scenarios, options)) => exit(run(&scenarios, &options)),
        Err(error) => {
            eprintln!("load-driver: {error:#}\n{}", usage());
            ExitCode::from(2)
        }
    }
}

/// What can be asked for.
fn usage() -> String {
    let mut usage = String::from(
        "usage: load-driver list [all]\n\
         usage: load-driver SCENARIO|all [MODULE|PATH]... [--tasks N] [--rounds N] [--dir DIR] [--log FILE]\n\
         Runs as root. MODULE is looked up in DIR, then in /lib/modules; .ko.xz is unpacked. Scenarios:\n",
    );
    for scenario in scenario::ALL {
        // Writing to a String does not fail.
        let _ = writeln!(usage, "  {:20} {}", scenario.name, scenario.about);
    }
    usage
}

fn exit(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load-driver: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Names scenarios.
fn list(which: fn(&Scenario, &Kernel) -> bool) -> Result<()> {
    let kernel = Kernel::running()?;
    for scenario in scenario::ALL.iter().filter(|scenario| which(scenario, &kernel)) {
        println!("{}", scenario.name);
    }
    Ok(())
}

/// Runs the scenarios one after another. The first that fails ends the run: what it left behind would spoil the next.
fn run(scenarios: &[&Scenario], options: &Options) -> Result<()> {
    let kernel = Kernel::running()?;
    let library = Library::new(&kernel, options.dir.clone())?;
    let mut log = Log::to(options.log.as_deref())?;
    let several = scenarios.len() > 1;
    // One that was named is tried in any case, and says what it lacks.
    let asked = |scenario: &&&Scenario| !several || (scenario.possible)(&kernel);
    for scenario in scenarios.iter().filter(asked) {
        log.begin(scenario.name, &kernel)?;
        let mut stage = Stage::new(&mut log, &library, &kernel, options);
        (scenario.run)(&mut stage).with_context(|| format!("scenario {} on {}", scenario.name, kernel.release))?;
        log.end(scenario.name)
            .with_context(|| format!("scenario {} on {}", scenario.name, kernel.release))?;
    }
    if several {
        log.total()?;
    }
    Ok(())
}
