//! The command line of bisect.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use kmodtrace_core::compare::bisect::{CONFIDENCE, MOST_RUNS, Summary};

use super::{With, share};
use crate::output::Format;

/// Bisecting.
#[derive(Debug, Subcommand)]
pub(crate) enum Bisect {
    /// Begin a session: state what makes a run bad, before the first one
    #[command(after_help = RULES)]
    Start(BisectStart),
    /// Record runs of a workload until they are enough for a verdict; exits 0 good, 1 bad, 125 cannot tell, 128 and more
    /// where it is the fault of no commit
    Step(BisectStep),
    /// Say that a step is good; with a COMMAND, record runs that are known to be good
    Good(BisectMark),
    /// Say that a step is bad; with a COMMAND, record runs that are known to be bad
    Bad(BisectMark),
    /// Say that a step tells nothing
    Skip(BisectSkip),
    /// Tell what was done, step by step, and what of the session is damaged
    Log(BisectSession),
    /// Show all steps in the order of their commits, with what was seen at each, and the first bad one beside the last good
    Report(BisectReport),
}

const RULES: &str = "\
A rule is FIELD, one of > >= < <= == !=, and a value with its unit, or so many times what runs marked good show:
  'errno(EINVAL)>0'  'module(acpi_cpufreq).wait.p99>2s'  'requests.failed>0'  'total_wait>1.5x good'
or 'command fails', or 'no recording' (for kernels that do not come up). A wrong field gets the list of all.";

/// Where a session is.
#[derive(Args, Debug)]
pub(crate) struct BisectSession {
    /// The session's folder
    #[arg(long, value_name = "DIR", default_value = "kmodtrace.bisect")]
    pub(crate) session: PathBuf,
}

/// What a session goes by.
#[derive(Args, Debug)]
pub(crate) struct BisectStart {
    #[command(flatten)]
    pub(crate) session: BisectSession,
    /// A run is bad when this holds. May be repeated: one of them is enough
    #[arg(long, value_name = "RULE", required = true)]
    pub(crate) bad_when: Vec<String>,
    /// A run tells nothing when this holds. May be repeated
    #[arg(long, value_name = "RULE")]
    pub(crate) skip_when: Vec<String>,
    /// So many runs at each step [default: as many as it takes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) runs: Option<u32>,
    /// Runs at each step at most: what is not clear then cannot be told
    #[arg(long, value_name = "N", default_value_t = MOST_RUNS, conflicts_with = "runs", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) most_runs: u32,
    /// How sure each verdict has to be
    #[arg(long, value_name = "P", default_value_t = CONFIDENCE, value_parser = share)]
    pub(crate) confidence: f64,
    /// A bad commit is bad in this share of its runs at least, such as 1, 0.3 or 1/3 [default: what runs marked bad show;
    /// 1/2 before that]
    #[arg(long, value_name = "SHARE", value_parser = some_or_all)]
    pub(crate) rate: Option<f64>,
    /// A good commit is bad in this share of its runs at most [default: what runs marked good show; 0.001 where none of them
    /// is bad]
    #[arg(long, value_name = "SHARE", value_parser = none_or_some)]
    pub(crate) noise: Option<f64>,
    /// Also trace these, and of them no others, as record does
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',', default_values_t = [With::Rcu, With::Printk])]
    pub(crate) with: Vec<With>,
}

/// What is run.
#[derive(Args, Debug)]
pub(crate) struct BisectWorkload {
    /// What to call the step; its commit is found out by itself
    #[arg(long, value_name = "L")]
    pub(crate) label: Option<String>,
    /// Not this machine, but one that this shell command boots: it leaves recordings, *.kmt, in the folder `$KMODTRACE_OUT`,
    /// each a run, and exits as the workload did
    #[arg(long, value_name = "COMMAND", conflicts_with = "command")]
    pub(crate) vm: Option<String>,
    /// Look inside these modules too, by name or by file, separated by commas, as drill does
    #[arg(long, value_name = "MODULE", value_delimiter = ',', conflicts_with = "vm")]
    pub(crate) drill: Vec<String>,
    /// The workload, recorded on this machine
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// A step.
#[derive(Args, Debug)]
pub(crate) struct BisectStep {
    #[command(flatten)]
    pub(crate) session: BisectSession,
    #[command(flatten)]
    pub(crate) workload: BisectWorkload,
}

/// What a user knows.
#[derive(Args, Debug)]
pub(crate) struct BisectMark {
    #[command(flatten)]
    pub(crate) session: BisectSession,
    #[command(flatten)]
    pub(crate) workload: BisectWorkload,
    /// So many runs of the COMMAND [default: as many as the session has at each step, or 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) runs: Option<u32>,
    /// Which step: its number, its label, or the beginning of its commit's name [default: the last one]
    #[arg(value_name = "STEP", conflicts_with_all = ["vm", "drill", "command", "label", "runs"])]
    pub(crate) step: Option<String>,
}

/// What a user wants left out.
#[derive(Args, Debug)]
pub(crate) struct BisectSkip {
    #[command(flatten)]
    pub(crate) session: BisectSession,
    /// Which step: its number, its label, or the beginning of its commit's name [default: the last one]
    #[arg(value_name = "STEP")]
    pub(crate) step: Option<String>,
}

/// What a session has come to.
#[derive(Args, Debug)]
pub(crate) struct BisectReport {
    #[command(flatten)]
    pub(crate) session: BisectSession,
    #[command(flatten)]
    pub(crate) format: Format<Summary>,
}

/// A share of runs, as a number or as a fraction.
fn share_of_runs(text: &str) -> Result<f64, String> {
    let wrong = || "expected a share, such as 0.3 or 1/3".to_owned();
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| wrong());
    let share = match text.split_once('/') {
        Some((part, whole)) => number(part)? / number(whole)?,
        None => number(text)?,
    };
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err("expected a share from 0 to 1".to_owned())
    }
}

/// A commit that is never bad is no bad one.
fn some_or_all(text: &str) -> Result<f64, String> {
    share_of_runs(text).and_then(|share| (share > 0.0).then_some(share).ok_or("expected more than 0".to_owned()))
}

/// A commit that is always bad is no good one.
fn none_or_some(text: &str) -> Result<f64, String> {
    share_of_runs(text).and_then(|share| (share < 1.0).then_some(share).ok_or("expected less than 1".to_owned()))
}
