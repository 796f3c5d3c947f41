//! The command line.

mod bisect;
mod boot;
#[cfg(feature = "export")]
mod export;
mod labels;
mod recorded;
mod redact;
#[cfg(feature = "export")]
mod serve;
mod usage;
mod wanting;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use kmodtrace_core::plan::{CheckReport, Family};
use kmodtrace_core::report::SortKey;
use serde::{Deserialize, Serialize};

pub(crate) use bisect::{
    Bisect, BisectMark, BisectReport, BisectSession, BisectSkip, BisectStart, BisectStep, BisectWorkload,
};
pub(crate) use boot::{Boot, BootEnable, InitramfsTool};
#[cfg(feature = "export")]
pub(crate) use export::{Export, ExportOtlp, ExportParquet, Openmetrics, TextFormat};
pub(crate) use labels::Labels;
pub(crate) use recorded::{Recorded, Times};
pub(crate) use redact::Redact;
#[cfg(feature = "export")]
pub(crate) use serve::{Names, Serve};
pub(crate) use usage::{parse, refuse};
pub(crate) use wanting::Wanting;

use crate::output::{Answered, Explained, Format, Loads, Reported, SCHEMAS, Told, Waits};

/// Attempts in flight at once that the BPF side has room for, where nobody says another number.
pub(crate) const MAX_IN_FLIGHT: u32 = 8192;

/// Groups of probes that are attached where nobody says others.
pub(crate) const WITH: &[With] = &[With::Rcu, With::Printk, With::Devices];

/// Where recordings are written and looked for when no file is named.
pub(crate) const DEFAULT_FILE: &str = "kmodtrace.data";

/// Behind the options that each command has of its own.
const LAST: usize = 900;

/// Trace every attempt to load a kernel module: who waited, how long, for whom, and which errno it got.
///
/// On a terminal: the live view, of this kernel or of a recording (--from). When piped, filtered (-m) or given a COMMAND: one
/// line per attempt and request.
#[derive(Debug, Parser)]
#[command(version, bin_name = "kmodtrace", max_term_width = 100, after_help = EXIT_STATUS)]
pub(crate) struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Print more on stderr: -v what is attached, or why not; -vv also messages of the BPF programs
    #[arg(short, long, global = true, display_order = LAST, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Print only errors on stderr
    #[arg(short, long, global = true, display_order = LAST, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Colours in text and messages; auto: on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, display_order = LAST, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
    #[command(flatten)]
    pub trace: Trace,
    // The last: its heading is that of all that come behind it.
    #[command(flatten)]
    pub(crate) view: View,
}

const EXIT_STATUS: &str = "\
Exit status: 0 success; 1 failure; 2 wrong usage; 69 this kernel or user cannot trace; 130 interrupted twice; 134 out of memory.
With a COMMAND: its own exit status; 126 or 127 if it could not be started.
`bisect step`, for `git bisect run`: 0 good, 1 bad, 125 cannot tell. All of bisect: 128 wrong usage, 129 failure, 130 interrupted.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print one line per attempt and request, as it returns
    Trace(TraceCommand),
    /// Write a recording
    Record(Record),
    /// Summarize a recording, module by module, or the recordings of a folder
    Report(Report),
    /// Copy a recording without what tells of its machine and its users, for others to see
    Redact(Redact),
    /// Write recordings for other programs: tables for engines of SQL, metrics, traces
    #[cfg(feature = "export")]
    #[command(subcommand)]
    Export(Export),
    /// Serve metrics for Prometheus over HTTP, live or of a recording
    #[cfg(feature = "export")]
    Serve(Serve),
    /// Explain where each errno of a recording came from, the most frequent cause first
    Why(Why),
    /// List the possible causes of an errno, and what to do about each; needs no recording
    Explain(Explain),
    /// Show who waited for whom in a recording: what hangs, deadlocks, pile-ups, and whom the waits were for
    Graph(Graph),
    /// Compare two recordings, or two sets of them: what differs, by how much, and whether that is noise
    Diff(Diff),
    /// Trace the functions of modules while they load: which called which, and which returned the errno first
    Drill(Drill),
    /// Find the commit that made loads slower, or made them fail: record kernels, judge them by rules, drive `git bisect run`
    #[command(subcommand)]
    Bisect(Bisect),
    /// Trace boots from their beginning, and tell what they spent on modules
    #[command(subcommand)]
    Boot(Boot),
    /// List what can be traced on this kernel, probe by probe
    Check(Check),
    /// Print the JSON Schema of what a command prints with --json, or the layout of the records in a recording
    Schema(Schema),
}

/// The live view.
#[derive(Args, Debug)]
#[command(next_help_heading = "Live view")]
pub(crate) struct View {
    /// Show the recording as of exactly this time after the kernel started
    #[arg(long, value_name = "TIME", requires = "from", value_parser = duration)]
    pub(crate) at: Option<Duration>,
    /// Play the recording, from --at or from its start
    #[arg(long, requires = "from")]
    pub(crate) play: bool,
    /// Playback speed: 1 is real time, 0.1 is ten times slower
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Maximum frames per second; nothing is drawn while nothing changes
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) frames: u32,
    /// Use the mouse: the wheel moves the cursor, a click opens a row. Select text with Shift then
    #[arg(long)]
    pub(crate) mouse: bool,
    /// Highlight waits longer than this
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) stuck_after: Duration,
}

/// How the kernel is traced, for every command that does.
#[derive(Args, Debug)]
pub(crate) struct Tracing {
    /// Stop after this long: 10, 10s, 2m, 500ms (a bare number is seconds)
    #[arg(short, long, value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// Capacity of the kernel-side task table; attempts beyond it are recorded with entry and return only, and counted as
    /// clipped
    #[arg(long, value_name = "N", default_value_t = MAX_IN_FLIGHT, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_in_flight: u32,
    /// Optional probe groups to attach; each costs more
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',', default_values_t = WITH.to_vec())]
    pub(crate) with: Vec<With>,
    /// Probe groups not to attach
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    pub(crate) without: Vec<With>,
    #[command(flatten)]
    pub(crate) labels: Labels,
    /// Command to run, with the privileges and limits of kmodtrace when it was started; tracing stops when it exits
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Lines, by name.
#[derive(Args, Debug)]
pub(crate) struct TraceCommand {
    /// Recording to read instead of tracing: a file, a folder (the newest recording in it), or - for stdin
    #[arg(value_name = "FILE", conflicts_with_all = ["from", "duration", "with", "without", "host", "tags", "command", "output", "drill"])]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) times: Times,
    #[command(flatten)]
    pub(crate) wanting: Wanting,
    #[command(flatten)]
    pub(crate) format: Format<Told>,
    #[command(flatten)]
    pub(crate) trace: Trace,
}

/// Lines.
#[derive(Args, Debug)]
pub(crate) struct Trace {
    /// Read a recording instead of tracing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["duration", "with", "without", "host", "tags", "command", "output", "drill"])]
    pub from: Option<PathBuf>,
    /// Only modules with these names; globs (*, ?, [...]), separated by commas. May be repeated
    #[arg(short, long = "module", value_name = "GLOB", value_delimiter = ',')]
    pub modules: Vec<String>,
    /// Write a recording as well, for its owner alone. An existing one is kept as FILE.old
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Trace the functions of these modules too, as drill does: names or files, separated by commas
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    pub(crate) drill: Vec<String>,
    #[command(flatten)]
    pub(crate) tracing: Tracing,
}

impl From<Trace> for TraceCommand {
    fn from(trace: Trace) -> Self {
        Self {
            file: None,
            times: Times::default(),
            wanting: Wanting::default(),
            format: Format::default(),
            trace,
        }
    }
}

/// Groups of probes that are attached on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum With {
    /// Waits for the mutex of the module list, and who holds it
    Mutex,
    /// RCU grace periods inside attempts
    Rcu,
    /// Kernel log lines written inside attempts and requests
    Printk,
    /// Kernel stacks of tasks that request a module
    Stacks,
    /// Devices for which udev loads
    Devices,
    /// All of them
    All,
    /// None of them
    None,
}

impl With {
    /// The families of probes that a list means.
    pub(crate) fn families(list: &[Self]) -> BTreeSet<Family> {
        let families = |with: &Self| match with {
            Self::Mutex => &[Family::Mutex][..],
            Self::Rcu => &[Family::Rcu],
            Self::Printk => &[Family::Printk],
            Self::Stacks => &[Family::Stacks],
            Self::Devices => &[Family::Devices],
            Self::All => &Family::ALL,
            Self::None => &[],
        };
        list.iter().flat_map(families).copied().collect()
    }
}

/// Recording.
#[derive(Args, Debug)]
pub(crate) struct Record {
    /// File to write, for its owner alone; - is stdout. An existing recording is kept as FILE.old [default: kmodtrace.data]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// End before the recording has more bytes than that (1M is 1024K)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_size: Option<u64>,
    /// Trace the functions of these modules too, as drill does: names or files, separated by commas
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    pub(crate) drill: Vec<String>,
    #[command(flatten)]
    pub(crate) tracing: Tracing,
}

/// Reports.
#[derive(Args, Debug)]
pub(crate) struct Report {
    #[command(flatten)]
    pub(crate) recorded: Recorded,
    #[command(flatten)]
    pub(crate) reporting: Reporting,
}

/// What a report shows.
#[derive(Args, Debug)]
pub(crate) struct Reporting {
    #[command(flatten)]
    pub(crate) times: Times,
    #[command(flatten)]
    pub(crate) format: Format<Reported>,
    /// Add histograms of load, wait and init times
    #[arg(long)]
    pub histogram: bool,
    /// List every attempt
    #[arg(long)]
    pub attempts: bool,
    /// Only modules with these names; globs (*, ?, [...]), separated by commas. May be repeated
    #[arg(short, long = "module", value_name = "GLOB", value_delimiter = ',')]
    pub modules: Vec<String>,
    #[command(flatten)]
    pub(crate) wanting: Wanting,
    /// Show it as if made of a copy by redact: without what tells of the machine and its users
    #[arg(long)]
    pub(crate) redact: bool,
    /// Sort modules by this, largest first [default: time in text, attempts elsewhere]
    #[arg(long, value_name = "KEY", value_parser = sort_key())]
    pub sort: Option<SortKey>,
    /// Show only the first N modules
    #[arg(short = 'n', long, value_name = "N")]
    pub top: Option<usize>,
}

impl Reporting {
    /// An option that means nothing to the recordings of a folder.
    pub(crate) fn of_one_recording(&self) -> Option<&'static str> {
        let given = [
            (self.attempts, "--attempts"),
            (self.histogram, "--histogram"),
            (self.redact, "--redact"),
            (self.sort.is_some(), "--sort"),
            (self.wanting.is_anything(), "a choice of attempts"),
        ];
        given.into_iter().find_map(|(given, option)| given.then_some(option))
    }
}

/// Causes of failures.
#[derive(Args, Debug)]
pub(crate) struct Why {
    #[command(flatten)]
    pub(crate) recorded: Recorded,
    #[command(flatten)]
    pub(crate) times: Times,
    /// Only modules with these names; globs (*, ?, [...]), separated by commas. May be repeated
    #[arg(short, long = "module", value_name = "GLOB", value_delimiter = ',')]
    pub modules: Vec<String>,
    #[command(flatten)]
    pub(crate) wanting: Wanting,
    /// Only requests with this name, such as fs-xfs; a glob (*, ?, [...])
    #[arg(long, value_name = "NAME")]
    pub request: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format<Answered>,
}

/// Explanations.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// An errno (EBUSY, 16, -16, "Device or resource busy"), a wait status of modprobe (256, 32512), or the name of a cause (leader-failed)
    #[arg(required = true, value_name = "ERRNO|CAUSE", allow_negative_numbers = true)]
    pub subjects: Vec<String>,
    #[command(flatten)]
    pub(crate) format: Format<Explained>,
}

/// Wait graphs.
#[derive(Args, Debug)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) recorded: Recorded,
    #[command(flatten)]
    pub(crate) times: Times,
    #[command(flatten)]
    pub(crate) format: Format<Waits>,
    /// Only modules with these names; globs (*, ?, [...]), separated by commas. May be repeated
    #[arg(short, long = "module", value_name = "GLOB", value_delimiter = ',')]
    pub modules: Vec<String>,
    #[command(flatten)]
    pub(crate) wanting: Wanting,
}

/// Comparisons.
#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// A recording, a folder of *.kmt files, or a quoted pattern such as 'good-*.kmt'. Each recording is one sample
    #[arg(value_name = "A")]
    pub(crate) first: PathBuf,
    /// Recordings to compare with A
    #[arg(value_name = "B")]
    pub(crate) second: PathBuf,
    #[command(flatten)]
    pub(crate) comparing: Comparing,
}

/// How recordings are compared.
#[derive(Args, Debug)]
pub(crate) struct Comparing {
    #[command(flatten)]
    pub(crate) format: Format<kmodtrace_core::compare::diff::Diff>,
    /// Chance of reporting any difference between sets that have none
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = share)]
    pub(crate) alpha: f64,
    /// Ignore medians that differ by less than this factor
    #[arg(long, value_name = "X", default_value_t = 1.2, value_parser = factor)]
    pub(crate) factor: f64,
}

/// Looking inside modules.
#[derive(Args, Debug)]
pub(crate) struct Drill {
    /// Modules to trace, by name or file, separated by commas; they need not be loaded. Or a recording to read instead, made with
    /// drill or --drill: a file, a folder with a slash in its name (the newest recording in it), or - for stdin; MODULEs behind it
    /// select
    #[arg(value_name = "MODULE|FILE", required_unless_present = "from", value_delimiter = ',')]
    pub(crate) modules: Vec<String>,
    /// Only functions with this name; a glob (*, ?, [...])
    #[arg(long, value_name = "GLOB")]
    pub(crate) functions: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format<Loads>,
    /// Maximum depth of the call tree
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(crate) depth: usize,
    /// The same as FILE
    #[arg(long, short = 'i', visible_alias = "input", value_name = "FILE", conflicts_with_all = ["duration", "with", "without", "host", "tags", "command", "output", "functions"])]
    pub(crate) from: Option<PathBuf>,
    /// Write a recording as well, for its owner alone. An existing one is kept as FILE.old
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
    /// Check another kernel: a file with the output of `check --json` there
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,
}

/// Schemas.
#[derive(Args, Debug)]
pub(crate) struct Schema {
    /// Of which command; records for the layout
    #[arg(value_name = "NAME", default_value = SCHEMAS[0].0, value_parser = PossibleValuesParser::new(SCHEMAS.iter().map(|(name, _)| *name)))]
    pub(crate) name: String,
    /// List the names
    #[arg(long)]
    pub(crate) list: bool,
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

/// A number of bytes with a unit, as journald takes them. The least has room for a header.
fn size(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 1 << 20;
    let expected = "expected a number with a unit, such as 64M or 1G";
    let (number, unit) = text.split_at(text.trim_end_matches(['K', 'M', 'G']).len());
    let shift = match unit {
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err(expected.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| expected.to_owned())?;
    let bytes = number.checked_mul(1 << shift).ok_or("too large")?;
    if bytes < LEAST {
        return Err("1M is the least".to_owned());
    }
    Ok(bytes)
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
