//! The kernel's trace of a boot against the recording of it: what the trace has from the time on that the tracer was attached must
//! be in the recording, and be the same there. What was before is counted.

use anyhow::{Result, ensure};

use super::trace::{Call, Named, Trace};
use crate::compare::{few, within};
use crate::observed::{Attempt, Report, Request};

/// How much of the trace is in the recording.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    calls: Found,
    requests: Found,
    /// Calls that are there with another errno.
    errnos: Vec<String>,
    /// And those with another module.
    modules: Vec<String>,
}

/// Things that were looked for.
#[derive(Debug, Default)]
struct Found {
    seen: usize,
    missed_before: usize,
    /// Missed while the tracer was attached.
    missed_after: Vec<String>,
}

/// The columns of a table of them, and how wide they are.
pub(super) const COLUMNS: &str = "boot             took  attached  calls  seen  missed before  after  differ in errno  module  requests  seen  missed before  after";

impl Found {
    fn total(&self) -> usize {
        self.seen + self.missed_before + self.missed_after.len()
    }

    fn add(&mut self, seen: bool, before: bool, what: impl FnOnce() -> String) {
        if seen {
            self.seen += 1;
        } else if before {
            self.missed_before += 1;
        } else {
            self.missed_after.push(what());
        }
    }

    fn cells(&self) -> String {
        let Self {
            seen,
            missed_before,
            missed_after,
        } = self;
        format!("{seen:>6}{missed_before:>15}{:>7}", missed_after.len())
    }
}

impl Agreement {
    /// Compares them.
    pub(super) fn of(trace: &Trace, report: &Report) -> Self {
        let mut agreement = Self::default();
        let attempts: Vec<_> = report.attempts.iter().collect();
        let attached = report.recording.began_ns;
        for call in &trace.calls {
            let attempt = within(call.tid, &call.syscall, call.bracket(), &attempts);
            let missed = || format!("{call:?}");
            agreement.calls.add(attempt.is_some(), call.start_ns < attached, missed);
            if let Some((_, attempt)) = attempt {
                agreement.agree(call, attempt);
            }
        }
        for requested in &trace.requests {
            let seen = report.requests.iter().any(|request| is_it(requested, request));
            let missed = || format!("{requested:?}");
            agreement.requests.add(seen, requested.time_ns < attached, missed);
        }
        agreement
    }

    /// What the trace says of a call is what the attempt says. Of one without a module the trace knows no name.
    fn agree(&mut self, call: &Call, attempt: &Attempt) {
        let differs = || format!("{call:?}, seen {:?} and {:?}", attempt.errno, attempt.module);
        if call.end.is_some_and(|(_, errno)| attempt.errno != Some(errno)) {
            self.errnos.push(differs());
        }
        if call.module.is_some() && call.module != attempt.module {
            self.modules.push(differs());
        }
    }

    /// A line of the table, below its columns.
    pub(super) fn line(&self, name: &str, took_s: u64, attached_ns: u64) -> String {
        let tenths = attached_ns / 100_000_000;
        format!(
            "{name:<15}{took_s:>4} s{:>8}.{} s{:>5}{}{:>17}{:>8}{:>10}{}",
            tenths / 10,
            tenths % 10,
            self.calls.total(),
            self.calls.cells(),
            self.errnos.len(),
            self.modules.len(),
            self.requests.total(),
            self.requests.cells()
        )
    }

    /// How many calls are the same, where nothing is missed that must not be, and nothing differs.
    pub(super) fn whole(&self) -> Result<usize> {
        let wrong = [
            ("calls missed", &self.calls.missed_after),
            ("requests missed", &self.requests.missed_after),
            ("errnos differ", &self.errnos),
            ("modules differ", &self.modules),
        ];
        let wrong: Vec<_> = wrong
            .into_iter()
            .filter(|(_, which)| !which.is_empty())
            .map(|(what, which)| format!("{what}: {}", few(which)))
            .collect();
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        ensure!(self.calls.seen > 0, "no call was seen");
        Ok(self.calls.seen)
    }
}

fn is_it(requested: &Named, request: &Request) -> bool {
    let within = |start| requested.is_within(start, request.end_ns);
    request.tid == requested.tid && request.name == requested.name && request.start_ns.is_some_and(within)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::boot::trace::parse;

    const TRACE: &str = "a-1 [0] ..... 1.000000: sys_finit_module(fd: 3, uargs: 0, flags: 4)
a-1 [0] ..... 1.500000: sys_finit_module -> 0x0
a-2 [0] ..... 3.000000: sys_finit_module(fd: 3, uargs: 0, flags: 4)
a-2 [0] ..... 3.100000: module_load: fat\x20
a-2 [0] ..... 3.200000: module_request: nls_utf8 wait=1 call_site=load_nls
a-2 [0] ..... 3.500000: sys_finit_module -> 0x0
";

    /// Attached at 2 s.
    const REPORT: &str = r#"{"kernel":{"release":"6.12"},"recording":{"began_ns":2000000000},"quality":
        {"lost":0,"missed":0,"clipped":0,"began_before":0,"exit_not_seen":0,"in_flight":0,"truncated":null,"unobserved":[]},
        "modules":[],"unloads":[],"attempts":[{"id":1,"module":"fat","tid":2,"syscall":"finit_module",
        "comm":"a","signals":[],"start_ns":3000000400,"end_ns":3499999900,"errno":0,"role":"leader","waits":[],"collided_with":null,
        "leader_tid":null,"init_errno":0,"request":null,"origin":null}],
        "requests":[{"id":1,"name":"nls_utf8","tid":2,"tgid":2,"start_ns":3199999900,"end_ns":3300000000,"stack":[],
        "slot":null,"helper":null,"ret":0,"caller":null,"origin":null,"notes":[]}]}"#;

    /// Whether they agree, where `from` of the report is `to`.
    fn with(from: &str, to: &str) -> Result<usize> {
        assert!(REPORT.contains(from));
        let report = serde_json::from_str(&REPORT.replace(from, to))?;
        Agreement::of(&parse(TRACE)?, &report).whole()
    }

    #[test]
    fn what_was_before_is_counted_and_what_is_missed_or_differs_afterwards_is_wrong() {
        assert_eq!(with("fat", "fat").unwrap(), 1);
        for (from, to, wrong) in [
            ("\"errno\":0", "\"errno\":19", "errnos differ"),
            ("fat", "vfat", "modules differ"),
            ("\"tid\":2,\"syscall\"", "\"tid\":3,\"syscall\"", "calls missed"),
            ("nls_utf8", "nls_ascii", "requests missed"),
            ("\"began_ns\":2000000000", "\"began_ns\":500000000", "calls missed"),
        ] {
            let error = with(from, to).unwrap_err().to_string();
            assert!(error.starts_with(wrong), "{from} as {to}: {error}");
        }
    }
}
