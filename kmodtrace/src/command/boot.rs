//! `kmodtrace boot`: tracing of boots.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use kmodtrace_core::report::{BootRow, Boots};
use kmodtrace_core::text::printable;

use crate::boot::{self, Ending, Installed, Kept, Running, Step};
use crate::cli::{self, Boot, BootEnable, Recorded};
use crate::failure::{FAILED, failure, say};
use crate::live::attach::Wish;
use crate::live::session::Options;
use crate::output::{raw_stdout, stdout, written};

/// Does what was asked for.
pub(crate) fn run(args: Boot, quiet: bool) -> Result<ExitCode> {
    match args {
        Boot::Enable(args) => enable(&args)?,
        Boot::Disable(args) => disable(args.dry_run)?,
        Boot::Status => status()?,
        Boot::List(args) => {
            let boots = boot::list(|path, error| say(format_args!("{}: {error:#}", path.display())))?;
            let row = |kept: &Kept| BootRow::new(&kept.header, kept.bytes, kept.path.to_string_lossy().into_owned());
            args.format.print(&Boots::new(boots.iter().map(row).collect()))?;
        }
        Boot::Report(args) => {
            let recorded = Recorded::of(boot::find(&args.boot)?);
            let reporting = args.reporting;
            return super::report::run(&cli::Report { recorded, reporting }, quiet);
        }
        Boot::Diff(args) => {
            let (first, second) = (boot::find_all(&args.first)?, boot::find_all(&args.second)?);
            return super::diff::compare(&first, &second, &args.comparing, quiet);
        }
        Boot::Stop => {
            let kept = boot::keep(Ending::Now, None)?;
            say(format_args!("kept as {}", kept.display()));
        }
        Boot::Cpio(args) if args.output == Path::new("-") => {
            let archive = boot::cpio()?;
            written(raw_stdout().and_then(|mut out| out.write_all(&archive)))?;
        }
        Boot::Cpio(args) => {
            let written = fs::write(&args.output, boot::cpio()?);
            written.with_context(|| format!("cannot write {}", args.output.display()))?;
        }
        Boot::Trace(args) if args.detach => boot::detach(args.max_size, &args.labels)?,
        Boot::Trace(args) => {
            let options = Options {
                wish: Wish {
                    log: false,
                    max_in_flight: cli::MAX_IN_FLIGHT,
                    families: cli::With::families(cli::WITH),
                },
                modules: &[],
                functions: None,
                command: &[],
                duration: Some(args.at_most),
                labels: &args.labels,
                quiet,
            };
            boot::trace(options, args.max_size)?;
        }
        Boot::Keep(args) => {
            let kept = boot::keep(Ending::QuietFor(args.quiet_for), Some(args.keep));
            // Also where this one could not be traced, it was the one.
            let disabled = if args.once { disable(false) } else { Ok(()) };
            say(format_args!("kept as {}", kept?.display()));
            disabled?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn enable(args: &BootEnable) -> Result<()> {
    let installed = boot::enable(args)?;
    if args.dry_run {
        return show(&installed, "would");
    }
    as_root()?;
    for step in &installed.steps {
        if matches!(step, Step::Run(_)) {
            say(step);
        }
        step.make()?;
    }
    let which = if args.once { "boot is" } else { "boots are" };
    say(format_args!(
        "the next {which} traced; see them with: kmodtrace boot report; kmodtrace=off on the kernel's command line makes an exception"
    ));
    Ok(())
}

fn disable(dry_run: bool) -> Result<()> {
    let Some(installed) = boot::disable() else {
        say("boots are not traced: nothing is installed");
        return Ok(());
    };
    if dry_run {
        return show(&installed, "would undo");
    }
    as_root()?;
    for step in &installed.steps {
        if matches!(step, Step::Run(_)) {
            say(step);
        }
        step.undo()?;
    }
    say("boots are traced no longer; recordings are kept");
    Ok(())
}

/// What would be done, a line each.
fn show(installed: &Installed, how: &str) -> Result<()> {
    let mut out = written(stdout())?;
    for step in &installed.steps {
        written(writeln!(out, "{how}: {step}"))?;
    }
    Ok(())
}

fn as_root() -> Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(failure(
        FAILED,
        "only root may change what is done in a boot: use sudo; --dry-run prints what it would be",
    ))
}

fn status() -> Result<()> {
    let mut out = written(stdout())?;
    let traced = match boot::disable() {
        None => "boots are not traced; kmodtrace boot enable changes that".to_owned(),
        Some(installed) => {
            let from = match installed.tool {
                cli::InitramfsTool::None => "the real root".to_owned(),
                _ => "the initramfs".to_owned(),
            };
            format!("boots are traced, from {from} on")
        }
    };
    written(writeln!(out, "{traced}"))?;
    written(writeln!(out, "{}", printable(&this_boot())))?;
    written(writeln!(out, "{}", boot::ring_status()))
}

/// What became of tracing this boot.
fn this_boot() -> String {
    let early = || boot::told().map_or_else(String::new, |why| format!(", but not to its end: {why}"));
    match (boot::running(), boot::this_one()) {
        (Running::Writes, _) => format!("this boot is being traced, into {}", boot::RUN),
        (Running::Ended, _) => format!(
            "this boot was traced{}; its recording in {} is not kept yet: kmodtrace boot stop does that",
            early(),
            boot::RUN
        ),
        (Running::Nothing, Some(path)) => format!("this boot was traced: {}{}", path.display(), early()),
        (Running::Nothing, None) => match (boot::told(), boot::logged()) {
            (Some(why), _) => format!("this boot could not be traced: {why}"),
            (None, Some(line)) => format!("of this boot there is no recording; the kernel's log has: {line}"),
            (None, None) => "of this boot there is no recording".to_owned(),
        },
    }
}
