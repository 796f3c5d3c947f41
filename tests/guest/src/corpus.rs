//! The corpus of failures: where each errno came from, by the driver's arrangement and by kmodtrace's report.
//!
//! A case is right when the report names its one cause, with the function, stage and source that the arrangement forces.
//! It may name a gap with the cause among others only where the maker is inlined; everything else is a failure.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, de::IgnoredAny};

/// Functions into which makers are inlined: the driver names these where the kernel has no function for the maker.
const CALLERS: &[&str] = &["load_module", "finit_module", "init_module", "delete_module"];

/// Functions that are as right as the one that the driver names. What gives a module its memory returns NULL, which
/// becomes an errno in its caller.
const ALSO: &[(&str, &[&str])] = &[("memory", &["module_alloc", "execmem_alloc", "execmem_alloc_rw"])];

/// A cause of every stage, for which the report has but one.
const OF_ANY_STAGE: &str = "memory";

/// How the report says that this kernel does not tell the names of init functions.
const NO_INIT_NAMES: &str = "symbols: of init functions only their addresses";

/// How many cases were right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Those whose one cause was named.
    pub(crate) exact: usize,
    /// Those that are among the few of a gap.
    pub(crate) gaps: usize,
}

impl Counts {
    /// Adds others.
    pub(crate) fn add(&mut self, other: Self) {
        self.exact += other.exact;
        self.gaps += other.gaps;
    }
}

/// Compares every case in the driver's log with the report of its recording, and adds a line for each sort of case:
/// case | kernel | expected cause, function, errno | found (the kernel's own words) | verdict.
///
/// A scenario without cases gives no counts and no error.
pub(crate) fn check(log: &Path, report: &Report, lines: &mut Vec<String>) -> Result<Counts> {
    let text = fs::read_to_string(log).with_context(|| format!("the driver left no {}", log.display()))?;
    let (kernel, cases) = cases(&text)?;
    if cases.is_empty() {
        return Ok(Counts::default());
    }
    tally(&kernel, &cases, report, lines)
}

/// Adds the table to the lines, cases that are alike in one line; an error names every sort of case that is not right.
fn tally(kernel: &str, cases: &[Case], report: &Report, lines: &mut Vec<String>) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut rows: Vec<(String, usize)> = Vec::new();
    let mut failures = Vec::new();
    for case in cases {
        let (found, verdict) = match report.of(case) {
            Ok(attempt) => {
                let verdict = judge(case, attempt, report.knows_init_names());
                (attempt.origin.as_ref().map_or("-".to_owned(), Origin::words), verdict)
            }
            Err(error) => ("-".to_owned(), Verdict::Unknown(format!("{error:#}"))),
        };
        let row = format!(
            "{} | {kernel} | {} | {found} | {}",
            case.expect.case,
            case.words(),
            verdict.words()
        );
        let known = rows.iter_mut().find(|(known, _)| *known == row);
        match verdict {
            Verdict::Exact => counts.exact += 1,
            Verdict::Gap => counts.gaps += 1,
            Verdict::Unknown(_) | Verdict::Wrong(_) if known.is_none() => failures.push(row.clone()),
            Verdict::Unknown(_) | Verdict::Wrong(_) => {}
        }
        match known {
            Some((_, times)) => *times += 1,
            None => rows.push((row, 1)),
        }
    }
    for (row, times) in rows {
        let times = if times > 1 {
            format!(", {times} times")
        } else {
            String::new()
        };
        lines.push(format!("{row}{times}"));
    }
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(counts)
}

/// What the report is worth for a case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// It names the cause.
    Exact,
    /// It names a gap in which the inlined maker lies, and the cause among others.
    Gap,
    /// It names none.
    Unknown(String),
    /// It names another, or another way to it.
    Wrong(String),
}

impl Verdict {
    fn words(&self) -> String {
        match self {
            Self::Exact => "exact".to_owned(),
            Self::Gap => "gap".to_owned(),
            Self::Unknown(why) => format!("UNKNOWN: {why}"),
            Self::Wrong(why) => format!("WRONG: {why}"),
        }
    }
}

/// Compares the origin of an attempt with what its arrangement forces.
fn judge(case: &Case, attempt: &Attempt, init_names: bool) -> Verdict {
    let expect = &case.expect;
    let Some(origin) = &attempt.origin else {
        return Verdict::Unknown("no origin".to_owned());
    };
    if origin.causes.is_empty() {
        return Verdict::Unknown("no cause".to_owned());
    }
    let wrong = |what: &str, found: &dyn std::fmt::Debug| Verdict::Wrong(format!("{what} {found:?}"));
    if Some(origin.errno) != case.errno() {
        return wrong("errno", &origin.errno);
    }
    if expect.from_tid.is_some() && origin.from_tid != expect.from_tid {
        return wrong("from task", &origin.from_tid);
    }
    if expect.from_errno.is_some() && origin.from_errno != expect.from_errno {
        return wrong("from errno", &origin.from_errno);
    }
    let inlined = CALLERS.contains(&expect.function.as_str());
    let only = origin.causes == [expect.cause.as_str()];
    match origin.certainty {
        // With one cause it is told, be it by a line of the kernel's or because nothing else is left.
        Certainty::Exact | Certainty::Gap if only => {}
        Certainty::Gap if inlined && origin.causes.contains(&expect.cause) => {
            return if origin.between.is_some() {
                Verdict::Gap
            } else {
                wrong("a gap without its borders", &origin.causes)
            };
        }
        Certainty::Exact | Certainty::Gap => return wrong("causes", &origin.causes),
    }
    if expect.cause != OF_ANY_STAGE && origin.stage != expect.stage {
        return wrong("stage", &origin.stage);
    }
    let nameless = expect.cause == "init" && !init_names;
    if !nameless && !same_function(expect, origin) {
        return wrong("function", &origin.function);
    }
    Verdict::Exact
}

/// Whether the report names the function that the arrangement forces; compilers put suffixes behind names.
fn same_function(expect: &Expect, origin: &Origin) -> bool {
    let Some(function) = &origin.function else {
        return false;
    };
    let plain = function.split(['.', '+', ' ']).next().unwrap_or_default();
    let also = ALSO.iter().find(|(cause, _)| *cause == expect.cause);
    plain == expect.function || also.is_some_and(|(_, functions)| functions.contains(&plain))
}

/// A failing call of the driver.
#[derive(Clone, Debug, Deserialize)]
struct Case {
    tid: u32,
    syscall: String,
    start_ns: u64,
    end_ns: u64,
    /// None for a task that was killed.
    errno: Option<u32>,
    expect: Expect,
}

/// What its arrangement forces.
#[derive(Clone, Debug, Deserialize)]
struct Expect {
    case: String,
    cause: String,
    stage: String,
    function: String,
    /// What the kernel returned to a task that was killed.
    kernel_errno: Option<u32>,
    /// Whose failure it inherits.
    from_tid: Option<u32>,
    /// What the errno was before it was made another.
    from_errno: Option<u32>,
}

impl Case {
    /// What the kernel returned.
    fn errno(&self) -> Option<u32> {
        self.errno.or(self.expect.kernel_errno)
    }

    fn words(&self) -> String {
        let errno = self.errno().map_or("-".to_owned(), |errno| errno.to_string());
        format!("{}, {}, {errno}", self.expect.cause, self.expect.function)
    }
}

/// A line of the driver's log.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    /// The first of a scenario.
    Begin { kernel: String },
    /// A call with a cause.
    Case(Box<Case>),
    /// A mount, of which `requests` tells.
    Mount {
        #[serde(rename = "expect")]
        _expect: Mount,
    },
    /// Any other.
    Other {},
}

#[derive(Deserialize)]
struct Mount {
    #[serde(rename = "request")]
    _request: IgnoredAny,
}

/// The kernel, and the calls for which a cause is forced.
fn cases(log: &str) -> Result<(String, Vec<Case>)> {
    let mut kernel = None;
    let mut cases = Vec::new();
    for line in log.lines() {
        match serde_json::from_str(line).with_context(|| format!("the driver's log has a line {line}"))? {
            Line::Begin { kernel: running } => kernel = Some(running),
            Line::Case(case) => cases.push(*case),
            Line::Mount { .. } => {}
            Line::Other {} => {
                // A case that is not read must not pass for a call without one.
                ensure!(!line.contains("\"cause\""), "the driver's log has a case {line}");
            }
        }
    }
    Ok((kernel.context("the driver's log names no kernel")?, cases))
}

/// What is read of the report.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    quality: Quality,
    attempts: Vec<Attempt>,
    unloads: Vec<Attempt>,
}

#[derive(Debug, Deserialize)]
struct Quality {
    unobserved: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Attempt {
    tid: u32,
    syscall: Option<String>,
    start_ns: Option<u64>,
    end_ns: Option<u64>,
    #[serde(default)]
    origin: Option<Origin>,
}

/// Where an errno came from, as the report has it.
#[derive(Clone, Debug, Deserialize)]
struct Origin {
    errno: u32,
    stage: String,
    function: Option<String>,
    certainty: Certainty,
    between: Option<(String, String)>,
    causes: Vec<String>,
    from_tid: Option<u32>,
    from_errno: Option<u32>,
    evidence: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Certainty {
    Exact,
    Gap,
}

impl Report {
    fn knows_init_names(&self) -> bool {
        !self
            .quality
            .unobserved
            .iter()
            .any(|what| what.starts_with(NO_INIT_NAMES))
    }

    /// The one attempt, or unload, that lies within the bracket of the call.
    fn of(&self, case: &Case) -> Result<&Attempt> {
        let within = |attempt: &&Attempt| {
            attempt.tid == case.tid
                && attempt.syscall.as_deref() == Some(&case.syscall)
                && attempt.start_ns.is_some_and(|start| start >= case.start_ns)
                && attempt.end_ns.is_some_and(|end| end <= case.end_ns)
        };
        let mut matching = self.attempts.iter().chain(&self.unloads).filter(within);
        match (matching.next(), matching.next()) {
            (Some(attempt), None) => Ok(attempt),
            _ => bail!("not seen within its bracket, or more than once"),
        }
    }
}

impl Origin {
    fn words(&self) -> String {
        let function = self.function.as_deref().unwrap_or("no function");
        let evidence = self.evidence.first().map_or(String::new(), |line| format!(" ({line})"));
        format!("{}, {function}, {}{evidence}", self.causes.join(" or "), self.errno)
    }
}

#[cfg(test)]
mod tests;
