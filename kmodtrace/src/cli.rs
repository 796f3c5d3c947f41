//! The command line.

mod bisect;
mod usage;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use kmodtrace_core::plan::{CheckReport, Family};
use kmodtrace_core::report::SortKey;
use serde::{Deserialize, Serialize};

pub(crate) use bisect::{
    Bisect, BisectMark, BisectReport, BisectSession, BisectSkip, BisectStart, BisectStep, BisectWorkload,
};
pub(crate) use usage::{parse, refuse};

use crate::output::{Explained, Format, Loads, Reported, Waits};

/// Attempts in flight at once that the BPF side has room for, where nobody says another number.
pub(crate) const MAX_IN_FLIGHT: u32 = 8192;

/// Where recordings are written and looked for when no file is named.
pub(crate) const DEFAULT_FILE: &str = "kmodtrace.data";

/// Behind the options that each command has of its own.
const LAST: usize = 900;

/// Trace every attempt to load a kernel module: who waited, how long, for whom, and which errno it got.
///
/// Without a command, and on a terminal: the live view, of this kernel or of a recording (--from). Elsewhere, with -m,
/// and with a COMMAND to run, which wants the terminal for itself: a line for every attempt as it returns.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_STATUS)]
pub(crate) struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Say more on stderr: -v what is attached and why not, -vv also the BPF side's own messages
    #[arg(short, long, global = true, display_order = LAST, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, display_order = LAST, conflicts_with = "verbose")]
    pub quiet: bool,
    #[command(flatten)]
    pub trace: Trace,
    // The last: its heading is that of all that come behind it.
    #[command(flatten)]
    pub(crate) view: View,
}

const EXIT_STATUS: &str = "\
Exit status: 0 done; 1 failed; 2 wrong usage; 69 this kernel, or this user, cannot trace; 130 interrupted twice.
`record -- COMMAND` passes on the command's own; 126 and 127 when it could not be started.
`bisect step` speaks to `git bisect run`: 0 good, 1 bad, 125 cannot tell; all of bisect: 128 wrong usage, 129 failed, 130 interrupted.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a line for every attempt as it returns
    Trace(Trace),
    /// Write a recording
    Record(Record),
    /// Show what a recording holds, module by module
    Report(Report),
    /// Say where the errnos of a recording came from, the most frequent cause first
    Why(Why),
    /// Say what makes an errno, and what to do about it; needs no recording
    Explain(Explain),
    /// Show who waited for whom in a recording: deadlocks, pile-ups, and waits by their owners
    Graph(Graph),
    /// Compare two recordings, or two sets of them: what differs, by how much, and whether that is noise
    Diff(Diff),
    /// Look inside modules while they are loaded: which of their functions called which, and which made the errno
    Drill(Drill),
    /// Find the commit that made it slower, or made it fail: record kernels, judge them by rules, answer `git bisect run`
    #[command(subcommand)]
    Bisect(Bisect),
    /// Tell what can be traced on this kernel, probe by probe
    Check(Check),
    /// Print the JSON Schema of `report --format json`
    Schema,
}

/// The live view.
#[derive(Args, Debug)]
#[command(next_help_heading = "Live view")]
pub(crate) struct View {
    /// Show the recording as it was this long after its beginning, instead of all of it
    #[arg(long, value_name = "TIME", requires = "from", value_parser = duration)]
    pub(crate) at: Option<Duration>,
    /// Play the recording from there, or from its beginning
    #[arg(long, requires = "from")]
    pub(crate) play: bool,
    /// How fast to play: 1 is as it happened, 0.1 ten times slower
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Frames a second at most; it draws when something changed only
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) frames: u32,
    /// Let the wheel move the cursor and clicks open what is under them; the terminal then marks text with Shift only
    #[arg(long)]
    pub(crate) mouse: bool,
    /// What waits for longer than this stands out
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) stuck_after: Duration,
}

/// How the kernel is traced, for every command that does.
#[derive(Args, Debug)]
pub(crate) struct Tracing {
    /// Stop after this long: 10, 10s, 2m, 500ms (a bare number is seconds)
    #[arg(short, long, value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// Attempts in flight at once that the BPF side has room for; of more it sees entry and return only, and counts them
    /// as clipped
    #[arg(long, value_name = "N", default_value_t = MAX_IN_FLIGHT, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_in_flight: u32,
    /// Also trace these, and of them no others: more is seen, and tracing costs more. `none` for none
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',', default_values_t = [With::Rcu, With::Printk])]
    pub(crate) with: Vec<With>,
    /// Run this and stop when it ends
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Lines.
#[derive(Args, Debug)]
pub(crate) struct Trace {
    /// Read a recording instead of tracing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["duration", "with", "command", "output", "drill"])]
    pub from: Option<PathBuf>,
    /// Only modules of this name; *, ? and [...] match as in a shell. May be repeated
    #[arg(short, long = "module", value_name = "GLOB")]
    pub modules: Vec<String>,
    /// Write a recording as well. An older one there is kept as FILE.old
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Look inside these modules too, by name or by file, separated by commas, as drill does
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    pub(crate) drill: Vec<String>,
    #[command(flatten)]
    pub(crate) tracing: Tracing,
}

/// What is traced on demand only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum With {
    /// Waits for the mutex of the list of modules, and who holds it
    Mutex,
    /// Grace periods of RCU inside attempts
    Rcu,
    /// What the kernel logs inside attempts and requests
    Printk,
    /// Kernel stacks of tasks that request a module
    Stacks,
    /// Nothing more
    None,
}

impl With {
    /// The families of probes that a list means.
    pub(crate) fn families(list: &[Self]) -> BTreeSet<Family> {
        let family = |with: &Self| match with {
            Self::Mutex => Some(Family::Mutex),
            Self::Rcu => Some(Family::Rcu),
            Self::Printk => Some(Family::Printk),
            Self::Stacks => Some(Family::Stacks),
            Self::None => None,
        };
        list.iter().filter_map(family).collect()
    }
}

/// Recording.
#[derive(Args, Debug)]
pub(crate) struct Record {
    /// Where to write to; - is stdout. An older recording there is kept as FILE.old
    #[arg(short, long, value_name = "FILE", default_value = DEFAULT_FILE)]
    pub output: PathBuf,
    /// Look inside these modules too, by name or by file, separated by commas, as drill does
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    pub(crate) drill: Vec<String>,
    #[command(flatten)]
    pub(crate) tracing: Tracing,
}

/// Reports.
#[derive(Args, Debug)]
pub(crate) struct Report {
    /// The recording
    #[arg(long, short = 'i', visible_alias = "input", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub from: PathBuf,
    #[command(flatten)]
    pub(crate) format: Format<Reported>,
    /// Add bars of load, wait and init times
    #[arg(long)]
    pub histogram: bool,
    /// List every attempt
    #[arg(long)]
    pub attempts: bool,
    /// Only modules of this name; *, ? and [...] match as in a shell. May be repeated
    #[arg(short, long = "module", value_name = "GLOB")]
    pub modules: Vec<String>,
    /// What to sort modules by
    #[arg(long, value_name = "KEY", default_value = "attempts", value_parser = sort_key())]
    pub sort: SortKey,
    /// Only the first so many modules
    #[arg(short = 'n', long, value_name = "N")]
    pub top: Option<usize>,
}

/// Causes of failures.
#[derive(Args, Debug)]
pub(crate) struct Why {
    /// The recording
    #[arg(long, short = 'i', visible_alias = "input", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub from: PathBuf,
    /// Only modules of this name; *, ? and [...] match as in a shell. May be repeated
    #[arg(short, long = "module", value_name = "GLOB")]
    pub modules: Vec<String>,
    /// Only failures with this errno (EBUSY, 16, -16), and the requests whose caller may have made it up; no findings
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    pub errno: Option<String>,
    /// Only requests of this name, such as fs-xfs; *, ? and [...] match as in a shell
    #[arg(long, value_name = "NAME")]
    pub request: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format<kmodtrace_core::analysis::why::Why>,
}

/// Explanations.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// An errno (EBUSY, 16, -16), a wait status of modprobe (256, 32512), or a cause that reports name (leader-failed)
    #[arg(required = true, value_name = "ERRNO|CAUSE", allow_negative_numbers = true)]
    pub subjects: Vec<String>,
    #[command(flatten)]
    pub(crate) format: Format<Explained>,
}

/// Wait graphs.
#[derive(Args, Debug)]
pub(crate) struct Graph {
    /// The recording; one that is still being written is shown as far as it goes
    #[arg(long, short = 'i', visible_alias = "input", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub from: PathBuf,
    #[command(flatten)]
    pub(crate) format: Format<Waits>,
    /// Only modules of this name; *, ? and [...] match as in a shell. May be repeated
    #[arg(short, long = "module", value_name = "GLOB")]
    pub modules: Vec<String>,
}

/// Comparisons.
#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// A recording, a folder of *.kmt, or a pattern in quotes, such as 'good-*.kmt'. Each recording is one sample
    #[arg(value_name = "A")]
    pub(crate) first: PathBuf,
    /// What to compare it with
    #[arg(value_name = "B")]
    pub(crate) second: PathBuf,
    #[command(flatten)]
    pub(crate) format: Format<kmodtrace_core::compare::diff::Diff>,
    /// How often a table of sets that are alike may call something different
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = share)]
    pub(crate) alpha: f64,
    /// By which factor a median has to differ to matter
    #[arg(long, value_name = "X", default_value_t = 1.2, value_parser = factor)]
    pub(crate) factor: f64,
}

/// Looking inside modules.
#[derive(Args, Debug)]
pub(crate) struct Drill {
    /// Modules, by name or by file, separated by commas; they need not be loaded yet
    #[arg(value_name = "MODULE", required = true, value_delimiter = ',')]
    pub(crate) modules: Vec<String>,
    /// Only functions of this name; *, ? and [...] match as in a shell
    #[arg(long, value_name = "GLOB")]
    pub(crate) functions: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format<Loads>,
    /// Calls within calls that are shown
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(crate) depth: usize,
    /// Read a recording of such a session instead of tracing
    #[arg(long, short = 'i', visible_alias = "input", value_name = "FILE", conflicts_with_all = ["duration", "with", "command", "output", "functions"])]
    pub(crate) from: Option<PathBuf>,
    /// Write a recording as well. An older one there is kept as FILE.old
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tracing: Tracing,
}

/// Checks.
#[derive(Args, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) format: Format<CheckReport>,
    /// Not this kernel, but the one that these facts are of: the output of `check --json` there
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,
}

/// One of the keys, which `--help` lists.
fn sort_key() -> impl TypedValueParser<Value = SortKey> {
    let key = |name: String| SortKey::all().find(|(known, _)| *known == name).map(|(_, key)| key);
    PossibleValuesParser::new(SortKey::all().map(|(name, _)| name)).map(move |name| key(name).unwrap_or_default())
}

/// A factor, neither so small nor so large that time would not pass.
fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text
        .parse()
        .map_err(|_| "expected a number, such as 1 or 0.1".to_owned())?;
    if (0.001..=1_000.0).contains(&speed) {
        Ok(speed)
    } else {
        Err("expected a number from 0.001 to 1000".to_owned())
    }
}

/// Some of all.
fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "expected a number, such as 0.05".to_owned())?;
    if share > 0.0 && share < 1.0 {
        Ok(share)
    } else {
        Err("expected a number between 0 and 1".to_owned())
    }
}

/// At least as much.
fn factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "expected a number, such as 1.2".to_owned())?;
    if factor.is_finite() && factor >= 1.0 {
        Ok(factor)
    } else {
        Err("expected a number of at least 1".to_owned())
    }
}

/// A number of seconds, or a number with a unit.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit \"{unit}\": use ms, s, m or h")),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "expected a number, such as 10, 500ms or 2m".to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| "too long".to_owned())
}
