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
    /// Start a session: state what makes a run bad
    #[command(after_help = RULES)]
    Start(BisectStart),
    /// Record runs of a workload until they suffice for a verdict; exits 0 good, 1 bad, 125 cannot tell, 128 or more if no
    /// commit is to blame
    Step(BisectStep),
    /// Mark a step as good; with a COMMAND, record runs that are known to be good
    Good(BisectMark),
    /// Mark a step as bad; with a COMMAND, record runs that are known to be bad
    Bad(BisectMark),
    /// Mark a step as untestable
    Skip(BisectSkip),
    /// List the steps so far, and damaged files of the session
    Log(BisectSession),
    /// Show all steps in commit order with their numbers, and compare the first bad one with the last good
    Report(BisectReport),
    /// Read a recording and say nothing: the others look whether that can be done
    #[command(hide = true)]
    Read {
        /// The recording
        recording: PathBuf,
    },
}

const RULES: &str = "\
A rule is FIELD, an operator (> >= < <= == !=), and a value with its unit, or a multiple of the median of runs marked good:
  'errno(EINVAL)>0'  'module(acpi_cpufreq).wait.p99>2s'  'requests.failed>0'  'total_wait>1.5x good'
or 'command fails', or 'no recording' (for kernels that do not boot). An unknown field prints the list of valid ones.";

/// Where a session is.
#[derive(Args, Debug)]
pub(crate) struct BisectSession {
    /// Folder of the session
    #[arg(long, value_name = "DIR", default_value = "kmodtrace.bisect")]
    pub(crate) session: PathBuf,
}

/// What a session goes by.
#[derive(Args, Debug)]
pub(crate) struct BisectStart {
    #[command(flatten)]
    pub(crate) session: BisectSession,
    /// A run is bad if this rule holds. May be repeated: one match suffices
    #[arg(long, value_name = "RULE", required = true)]
    pub(crate) bad_when: Vec<String>,
    /// A run does not count if this rule holds. May be repeated
    #[arg(long, value_name = "RULE")]
    pub(crate) skip_when: Vec<String>,
    /// Runs per step [default: as many as the verdict needs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) runs: Option<u32>,
    /// Maximum runs per step; without a verdict by then the step is untestable
    #[arg(long, value_name = "N", default_value_t = MOST_RUNS, conflicts_with = "runs", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) most_runs: u32,
    /// Required confidence of each verdict
    #[arg(long, value_name = "P", default_value_t = CONFIDENCE, value_parser = share)]
    pub(crate) confidence: f64,
    /// Minimum share of bad runs at a bad commit, such as 1, 0.3 or 1/3 [default: as in runs marked bad; 1/2 without any]
    #[arg(long, value_name = "SHARE", value_parser = some_or_all)]
    pub(crate) rate: Option<f64>,
    /// Maximum share of bad runs at a good commit [default: as in runs marked good; 0.001 if none of them is bad]
    #[arg(long, value_name = "SHARE", value_parser = none_or_some)]
    pub(crate) noise: Option<f64>,
    /// Optional probe groups to attach, as for record
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',', default_values_t = [With::Rcu, With::Printk])]
    pub(crate) with: Vec<With>,
}

/// What is run.
#[derive(Args, Debug)]
pub(crate) struct BisectWorkload {
    /// Label of the step; its commit is detected
    #[arg(long, value_name = "L")]
    pub(crate) label: Option<String>,
    /// Shell command that boots another machine, leaves recordings (*.kmt, one per run) in `$KMODTRACE_OUT`, and exits as the
    /// workload did
    #[arg(long, value_name = "COMMAND", conflicts_with = "command")]
    pub(crate) vm: Option<String>,
    /// Trace the functions of these modules too, as drill does: names or files, separated by commas
    #[arg(long, value_name = "MODULE", value_delimiter = ',', conflicts_with = "vm")]
    pub(crate) drill: Vec<String>,
    /// Workload to record on this machine
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
    /// Runs of the COMMAND [default: as many as the session has per step, or 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) runs: Option<u32>,
    /// Number, label or abbreviated commit of the step [default: the last one]
    #[arg(value_name = "STEP", conflicts_with_all = ["vm", "drill", "command", "label", "runs"])]
    pub(crate) step: Option<String>,
}

/// What a user wants left out.
#[derive(Args, Debug)]
pub(crate) struct BisectSkip {
    #[command(flatten)]
    pub(crate) session: BisectSession,
    /// Number, label or abbreviated commit of the step [default: the last one]
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
