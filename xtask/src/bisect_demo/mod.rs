//! `cargo xtask bisect-demo`: a regression of the kernel's module loader, found by `git bisect run` and nobody's help.
//!
//! The kernel is Debian's; the history on top of it is ours, and so is the choice of the commit to be found.

mod branch;
mod found;
mod import;
mod place;
mod repository;
mod scripts;
mod series;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use guest_vm::{
    artifacts,
    git::Git,
    kernel::{self, build::make},
    packages, process,
};

use crate::setup;
use branch::Branch;
use found::Found;
use place::Place;
use repository::History;

/// Finds a regression of the kernel's module loader by `git bisect run`, unattended.
///
/// It makes a git repository of Debian's source of 6.1 in the cache, with twenty commits of our own: one brings the
/// regression, one does not compile. Each commit that git asks for is built, booted and judged by `kmodtrace bisect step`.
/// The first time takes a quarter of an hour on two processors, most of it to compile a kernel; later ones compile what
/// differs.
#[derive(Debug, Args)]
pub(crate) struct BisectDemoArgs {
    /// A regression that shows in one boot of three.
    #[arg(long)]
    intermittent: bool,
}

/// Runs it. A failure is a commit that git finds and that is not the one.
pub(crate) fn main(args: &BisectDemoArgs) -> Result<ExitCode> {
    let began = Instant::now();
    setup::build_tools()?;
    packages::ensure(packages::FOR_GUESTS)?;
    packages::ensure(packages::FOR_KERNELS)?;
    packages::ensure(packages::FOR_BISECTING)?;
    let branch = if args.intermittent {
        Branch::Intermittent
    } else {
        Branch::Steady
    };
    let flavour = kernel::first(|flavour| flavour.builds)?;
    let place = Place::open(flavour)?;
    let git = repository::open(&place, flavour)?;
    let history = repository::history(&git, branch)?;
    let programs = Programs::settle(&place)?;
    make::configure(git.dir())?;
    let session = place.dir().join(format!("session-{}", branch.name()));
    start(&programs, &session, branch, git.dir())?;
    let script = scripts::write(&place, branch, &programs, &session)?;
    place.share_lock()?;
    let done = bisect(&git, &history, &script);
    let found = Found::read(&git)?;
    tell(&git, &found)?;
    let mut report = process::command(&programs.kmodtrace, ["bisect", "report", "--session"]);
    process::watched(report.arg(&session))?;
    let took = began.elapsed().as_secs();
    println!("\ntook {} min {} s", took / 60, took % 60);
    done?;
    check(&history, &found)?;
    Ok(ExitCode::SUCCESS)
}

/// Copies of programs, which stay the same for all steps whatever is compiled meanwhile.
#[derive(Debug)]
struct Programs {
    kmodtrace: PathBuf,
    xtask: PathBuf,
}

impl Programs {
    fn settle(place: &Place) -> Result<Self> {
        eprintln!("xtask: building kmodtrace (a minute the first time)");
        let copied = |from: &Path, name: &str| {
            let to = place.dir().join(name);
            fs::copy(from, &to)
                .with_context(|| format!("cannot copy {}", from.display()))
                .map(|_| to)
        };
        Ok(Self {
            kmodtrace: copied(&artifacts::static_kmodtrace()?, "kmodtrace")?,
            // It can be read also where cargo has put a newer one in its place.
            xtask: copied(Path::new("/proc/self/exe"), "xtask")?,
        })
    }
}

/// Begins a session with what is good and bad here.
fn start(programs: &Programs, session: &Path, branch: Branch, tree: &Path) -> Result<()> {
    if session.exists() {
        fs::remove_dir_all(session).with_context(|| format!("cannot remove {}", session.display()))?;
    }
    let mut command = process::command(&programs.kmodtrace, ["bisect", "start", "--session"]);
    command.arg(session).args(branch.judgement()).current_dir(tree);
    process::watched(&mut command)
}

/// Lets git do it.
fn bisect(git: &Git, history: &History, script: &Path) -> Result<()> {
    git.run(&["bisect", "start", &history.bad, &history.good])?;
    let mut command = git.command(&["bisect", "run", "sh"]);
    command.arg(script);
    process::watched(process::tied(make::alone(&mut command)))
}

/// Says which commit git names, and which ones nobody could judge.
fn tell(git: &Git, found: &Found) -> Result<()> {
    let named = |commit: &String| git.text(&["show", "--no-patch", "--format=%h %s", commit]);
    println!();
    if let Some(commit) = &found.first_bad {
        print!("first bad commit: {}", named(commit)?);
    }
    for commit in &found.skipped {
        print!("passed over: {}", named(commit)?);
    }
    println!("git -C {} bisect log tells the rest\n", git.dir().display());
    Ok(())
}

/// Whether it is the commit that brings the regression, and whether the one that does not compile was passed over.
fn check(history: &History, found: &Found) -> Result<()> {
    ensure!(
        found.first_bad.as_ref() == Some(&history.culprit),
        "git names {}, but {} brings the regression",
        found.first_bad.as_deref().unwrap_or("no commit"),
        history.culprit
    );
    ensure!(
        found.skipped.contains(&history.unbuildable),
        "git passed over {:?}, but {} is the one that does not compile",
        found.skipped,
        history.unbuildable
    );
    Ok(())
}
