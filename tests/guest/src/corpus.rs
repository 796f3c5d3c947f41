//! The corpus of failures: where each errno came from, by the driver's arrangement and by kmodtrace's report.
//!
//! A case is right when the report names its one cause, with the function, stage and source that the arrangement forces.
//! It may name a gap with the cause among others only where the maker is inlined; everything else is a failure.

use anyhow::{Result, bail, ensure};

use crate::compare;
use crate::observed::{Attempt, Certainty, Origin, Report};
use crate::oracle::{Call, Scenario};

/// Functions into which makers are inlined: the driver names these where the kernel has no function for the maker.
const CALLERS: &[&str] = &["load_module", "finit_module", "init_module", "delete_module"];

/// Functions that are as right as the one that the driver names. What gives a module its memory returns NULL, which
/// becomes an errno in its caller.
const ALSO: &[(&str, &[&str])] = &[("memory", &["module_alloc", "execmem_alloc", "execmem_alloc_rw"])];

/// A cause of every stage, for which the report has but one.
const OF_ANY_STAGE: &str = "memory";

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

/// Compares every case of a scenario with the report of its recording, and adds a line for each sort of case:
/// case | kernel | expected cause, function, errno | found (the kernel's own words) | verdict. Cases that are alike are one line; an
/// error names every sort of case that is not right.
///
/// `init_names` says whether this kernel tells the names of init functions. A scenario without cases gives no counts and no error.
pub(crate) fn check(scenario: &Scenario, report: &Report, init_names: bool, lines: &mut Vec<String>) -> Result<Counts> {
    let observed: Vec<&Attempt> = report.attempts.iter().chain(&report.unloads).collect();
    let mut counts = Counts::default();
    let mut rows: Vec<(String, usize)> = Vec::new();
    let mut failures = Vec::new();
    for call in &scenario.calls {
        let Some(case) = Case::of(call)? else { continue };
        let (found, verdict) = match compare::find(call, &observed) {
            Ok((_, attempt)) => {
                let verdict = judge(case, attempt, init_names);
                (attempt.origin.as_ref().map_or("-".to_owned(), words), verdict)
            }
            // Who that is, the comparison of calls tells.
            Err(_) => ("-".to_owned(), Verdict::Unknown("not seen".to_owned())),
        };
        let row = format!(
            "{} | {} | {} | {found} | {}",
            case.name,
            scenario.kernel,
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
fn judge(case: Case<'_>, attempt: &Attempt, init_names: bool) -> Verdict {
    let expect = &case.call.expect;
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
    let inlined = CALLERS.contains(&case.function);
    let only = origin.causes == [case.cause];
    match origin.certainty {
        // With one cause it is told, be it by a line of the kernel's or because nothing else is left.
        Certainty::Exact | Certainty::Gap if only => {}
        Certainty::Gap if inlined && origin.causes.iter().any(|cause| cause == case.cause) => {
            return if origin.between.is_some() {
                Verdict::Gap
            } else {
                wrong("a gap without its borders", &origin.causes)
            };
        }
        Certainty::Exact | Certainty::Gap => return wrong("causes", &origin.causes),
    }
    if case.cause != OF_ANY_STAGE && origin.stage != case.stage {
        return wrong("stage", &origin.stage);
    }
    let nameless = case.cause == "init" && !init_names;
    if !nameless && !same_function(case, origin) {
        return wrong("function", &origin.function);
    }
    Verdict::Exact
}

/// Whether the report names the function that the arrangement forces; compilers put suffixes behind names.
fn same_function(case: Case<'_>, origin: &Origin) -> bool {
    let Some(function) = &origin.function else {
        return false;
    };
    let plain = function.split(['.', '+', ' ']).next().unwrap_or_default();
    let also = ALSO.iter().find(|(cause, _)| *cause == case.cause);
    plain == case.function || also.is_some_and(|(_, functions)| functions.contains(&plain))
}

/// A failing call of the driver, and the cause that its arrangement forces.
#[derive(Clone, Copy, Debug)]
struct Case<'c> {
    call: &'c Call,
    name: &'c str,
    cause: &'c str,
    stage: &'c str,
    function: &'c str,
}

impl<'c> Case<'c> {
    /// None for a call of which no cause is forced. A case that is not told whole must not pass for such a call.
    fn of(call: &'c Call) -> Result<Option<Self>> {
        let expect = &call.expect;
        match (&expect.cause, &expect.case, &expect.stage, &expect.function) {
            (None, None, None, None) => Ok(None),
            (Some(cause), Some(name), Some(stage), Some(function)) => Ok(Some(Self {
                call,
                name,
                cause,
                stage,
                function,
            })),
            _ => bail!("{}: the driver tells half a case", call.who()),
        }
    }

    /// What the kernel returned.
    fn errno(&self) -> Option<u32> {
        self.call.errno.or(self.call.expect.kernel_errno)
    }

    fn words(&self) -> String {
        let errno = self.errno().map_or("-".to_owned(), |errno| errno.to_string());
        format!("{}, {}, {errno}", self.cause, self.function)
    }
}

/// An origin in the table.
fn words(origin: &Origin) -> String {
    let function = origin.function.as_deref().unwrap_or("no function");
    let evidence = origin
        .evidence
        .first()
        .map_or(String::new(), |line| format!(" ({line})"));
    format!("{}, {function}, {}{evidence}", origin.causes.join(" or "), origin.errno)
}

#[cfg(test)]
mod tests;
