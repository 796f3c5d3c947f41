//! Why loads and requests failed: each cause with its chain, in sentences, the most frequent first.
//!
//! A fold over what a session hands out. Counts are exact; chains are told of the first failure of a kind. Memory is
//! bounded: failures wait until 4,096 later ones have come, or until they take too much, because what they follow from may finish
//! after them, and are then counted and forgotten. What was found besides is told at the end, as everywhere.

mod advice;
mod around;
mod chain;
mod deferred;
mod group;
mod hang;
mod loaded;
mod text;
mod window;
mod words;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::causes::{Made, link};
use crate::analysis::findings::{Finding, Findings};
use crate::analysis::origin::Origin;
use crate::kernel::facts::Environment;
use crate::model::{
    Attempt, Errno, Finished, Ktime, Note, ProbedFunction, Request, WaitStatus, Wanted, Zero, ret_text,
};
use crate::plan::Coverage;
use crate::text::{Glob, Names};
use deferred::Deferred;
use group::{Group, Key, Kind};
use hang::InFlight;
use loaded::Loads;
use window::{Entry, Window};

pub use hang::Hang;
pub use loaded::Loaded;
pub(crate) use text::write_hangs;
pub use text::write_text;

/// Name and version of the JSON.
pub const SCHEMA: &str = "kmodtrace.why/1";

/// Requests that were asked for by name and are remembered, to know which findings are about them: those show their first
/// few only.
const ASKED: usize = 4_096;

/// Which failures are asked for. The default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of these modules.
    pub modules: Names,
    /// Failures with this errno.
    pub errno: Option<Errno>,
    /// Requests of such a name, and nothing else.
    pub request: Option<Glob>,
    /// Attempts and requests that are like this. What explains them need not be.
    pub wanted: Wanted,
}

/// Gathers failures.
#[derive(Debug, Default)]
pub struct WhyFold {
    filter: Filter,
    window: Window,
    groups: BTreeMap<Key, Group>,
    /// Requests that failed with something else than the errno that is asked for, and whose caller makes that errno of any failure.
    dropped: BTreeMap<Key, Group>,
    /// The same, of whose callers nothing is known.
    perhaps: BTreeMap<Key, Group>,
    in_flight: InFlight,
    /// In flight as well, and not asked for.
    others_in_flight: u64,
    deferred: Deferred,
    /// Loads of the modules that are asked for by name, where nothing else is asked for.
    loads: Option<Loads>,
    attempts: u64,
    requests: u64,
    failed_attempts: u64,
    failed_requests: u64,
    /// Attempts and requests of the names that are asked for, whatever became of them.
    named: u64,
    /// Attempts and requests that returned the errno that is asked for, whatever their name.
    returned: u64,
    /// None where they are not asked for: findings are about modules and requests, whatever errno these returned.
    findings: Option<Findings>,
    /// The first requests of the name that is asked for.
    asked: BTreeSet<u64>,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Why {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The errno that was asked for.
    pub errno: Option<String>,
    /// Loads and unloads that were seen, all of them.
    pub attempts: u64,
    /// Requests that were seen, all of them.
    pub requests: u64,
    /// Loads, unloads and requests that had not returned when the recording ended, all of them.
    pub in_flight: u64,
    /// The exit status of the command that was run under the tracer, or 128 and the signal that killed it; null when it had not
    /// ended, and where the recording does not tell.
    #[schemars(with = "Option<i64>")]
    pub command_status: Option<WaitStatus>,
    /// Loads and unloads that failed, all of them.
    pub failed_attempts: u64,
    /// Requests that failed, all of them: those that succeeded and gave their caller nothing as well.
    pub failed_requests: u64,
    /// What is to be said before anything else.
    pub summary: Vec<String>,
    /// Why the modules that are asked for are loaded: the first 32 loads that succeeded. Empty where no module is asked for.
    pub loaded: Vec<Loaded>,
    /// What had not returned when the recording ended, those that lasted longest first. Empty where an errno is asked for.
    pub hanging: Vec<Hang>,
    /// The causes, the most frequent first; what modprobe takes for success comes last.
    pub causes: Vec<Reason>,
    /// Where an errno was asked for: requests that failed otherwise, and whose caller may have made that errno up.
    pub dropped: Vec<Reason>,
    /// What was found in all of it, of the modules and the request that are asked for. Null where an errno is, and where nobody
    /// looked.
    pub findings: Option<Vec<Finding>>,
    /// Waits of which was not looked whether they were part of a deadlock, because that would have taken too long; absent when
    /// there are none, and where nobody looked for findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsearched: Option<u64>,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// How many.
    pub count: u64,
    /// Of what: `load`, `unload`, `request`.
    pub kind: Kind,
    /// The module, or what was requested; null where that is not known, and where it is several.
    pub name: Option<String>,
    /// Who asked, where it is a request.
    pub by: Option<String>,
    /// What they ended with: `EBUSY`, `exit 1`.
    pub outcome: String,
    /// Ids of what may have made it, the likeliest first.
    pub causes: Vec<String>,
    /// All of this in a sentence.
    pub headline: String,
    /// How it came about, a sentence each.
    pub sentences: Vec<String>,
    /// Whether it needs nobody's attention: kmod takes it for success, or a second try of the same task succeeded.
    pub harmless: bool,
    /// What to do.
    pub what_to_do: Option<String>,
    /// Some of the attempts, by `id`.
    pub attempts: Vec<u64>,
    /// Some of the requests, by `id`.
    pub requests: Vec<u64>,
}

impl WhyFold {
    /// Nothing yet. `functions` are those of the recording's header, `coverage` is what was watched.
    pub fn new(filter: Filter, zero: Zero, functions: &[ProbedFunction], coverage: Coverage) -> Self {
        Self {
            findings: filter.errno.is_none().then(Findings::default),
            loads: filter.asks_for_modules().then(Loads::default),
            filter,
            window: Window::new(zero, functions, coverage),
            ..Self::default()
        }
    }

    /// The same in the light of what was known of the kernel when the recording began.
    #[must_use]
    pub fn in_environment(mut self, environment: Option<&Environment>) -> Self {
        let says = |fact: fn(&Environment) -> bool| environment.filter(|environment| fact(environment));
        self.window.around.disabled = says(|kernel| kernel.modules_disabled == Some(true)).is_some();
        self.window.missing_list = says(|kernel| kernel.modules_dep == Some(false))
            .map(|kernel| format!("/lib/modules/{}/modules.dep", kernel.release));
        self
    }

    /// The same without findings, for those who gather these anyway.
    #[must_use]
    pub fn without_findings(self) -> Self {
        Self { findings: None, ..self }
    }

    /// Adds what a session handed out. Gives back what it does not keep: this, or what it has no more use for.
    pub fn add(&mut self, finished: Finished) -> Option<Finished> {
        self.find(&finished);
        let spent = match finished {
            Finished::Attempt(attempt) => self.attempt(attempt).map(Finished::Attempt),
            Finished::Request(request) => self.request(request).map(Finished::Request),
            other @ (Finished::State(_) | Finished::Call(_)) => Some(other),
        };
        if self.window.is_full() {
            self.settle_all();
            self.window.forget();
        } else if let Some(entry) = self.window.due() {
            self.settle(entry);
        }
        spent
    }

    fn settle_all(&mut self) {
        while let Some(entry) = self.window.oldest() {
            self.settle(entry);
        }
    }

    fn attempt(&mut self, attempt: Box<Attempt>) -> Option<Box<Attempt>> {
        self.attempts += 1;
        self.named += u64::from(self.filter.modules.take(attempt.module.as_deref()));
        self.window.around.add(&attempt);
        if let Some(loads) = &mut self.loads {
            loads.attempt(&attempt, &self.filter.modules);
        }
        if attempt.failed() {
            self.failed_attempts += 1;
            return self.window.attempt(attempt);
        }
        let wanted = self.filter.wanted.takes_attempt(&attempt);
        if attempt.notes.contains(&Note::InFlight) {
            if wanted {
                self.in_flight.attempt(attempt);
                return None;
            }
            self.others_in_flight += 1;
        } else if wanted {
            self.deferred.add(&attempt, &self.window.functions);
        }
        Some(attempt)
    }

    fn request(&mut self, request: Box<Request>) -> Option<Box<Request>> {
        self.requests += 1;
        self.named += u64::from(self.filter.modules.take(Some(&request.name)));
        if let Some(loads) = &mut self.loads {
            loads.request(&request);
        }
        if request.notes.contains(&Note::InFlight) {
            if self.filter.wanted.takes_request(&request) {
                self.in_flight.request(request);
                return None;
            }
            self.others_in_flight += 1;
            return Some(request);
        }
        self.failed_requests += u64::from(request.failed() || request.got_nothing());
        self.window.request(request)
    }

    fn find(&mut self, finished: &Finished) {
        let Some(findings) = &mut self.findings else { return };
        if !self.filter.wanted.takes(finished) {
            return;
        }
        findings.add(finished);
        if let (Finished::Request(request), Some(glob)) = (finished, &self.filter.request)
            && self.asked.len() < ASKED
            && glob.matches(&request.name)
        {
            self.asked.insert(request.id.0);
        }
    }

    fn found(&self) -> Option<Vec<Finding>> {
        let mut found = self.findings.as_ref()?.list();
        let about = |finding: &Finding| {
            let glob = self.filter.request.as_ref();
            let named = |glob: &Glob| finding.module.as_ref().is_some_and(|name| glob.matches(name));
            let shown = finding.requests.ids.iter().any(|id| self.asked.contains(id));
            self.filter.modules.take(finding.module.as_deref()) && glob.is_none_or(|glob| shown || named(glob))
        };
        found.retain(about);
        Some(found)
    }

    /// What the failure is told with. Who waited for a load that failed is told with that, unless one errno is asked for.
    fn key_of(&self, attempt: &Attempt, origin: &Origin) -> Key {
        const DEPTH: usize = 8;
        let mut root = None;
        for _ in 0..DEPTH {
            let origin = root.as_ref().map_or(origin, |(_, origin)| origin);
            let follows = origin.cause() == Some(&link::SHARED_LOAD)
                || origin.cause() == Some(&link::LEADER_FAILED) && self.filter.errno.is_none();
            let from = origin.from.as_ref().filter(|_| follows);
            match from.and_then(|from| self.window.failed_attempt(from.task.attempt)) {
                Some(earlier) => root = Some(earlier),
                None => break,
            }
        }
        let (attempt, origin) = root
            .as_ref()
            .map_or((attempt, origin), |(attempt, origin)| (*attempt, origin));
        Key::of_attempt(attempt, origin, &self.window)
    }

    /// Nothing more comes: the recording ends at this time. What was gathered is taken out.
    pub fn finish(&mut self, end: Ktime) -> Why {
        self.settle_all();
        let asked = self.filter.errno;
        let missing = asked.filter(|_| self.returned == 0);
        let mut summary = Vec::new();
        if let Some(errno) = missing {
            summary.push(format!("no function of the loader returned {errno}"));
        }
        let seen = self.attempts + self.requests > 0;
        if !self.filter.modules.are_all() && self.named == 0 && seen {
            summary.push("no load, unload or request of such a name was seen".to_owned());
        }
        let findings = self.found();
        let unsearched = self
            .findings
            .as_ref()
            .and_then(|findings| findings.graph().unsearched());
        let hanging = match (asked, &self.filter.request) {
            (None, None) => self.in_flight.hangs(&self.filter.modules, end, &self.window),
            _ => Vec::new(),
        };
        let mut causes = group::reasons(mem::take(&mut self.groups), missing);
        let deferred = mem::take(&mut self.deferred).reasons(|name| self.filter.modules.take(name));
        if self.filter.request.is_none() && asked.is_none_or(|errno| errno.name() == "EPROBE_DEFER") {
            causes.extend(deferred);
        }
        let loaded = self
            .loads
            .take()
            .map_or_else(Vec::new, |loads| loads.list(&self.window));
        Why {
            schema: SCHEMA,
            loaded,
            errno: asked.map(|errno| errno.name().into_owned()),
            attempts: self.attempts,
            requests: self.requests,
            in_flight: self.in_flight.len() + self.others_in_flight,
            command_status: None,
            hanging,
            failed_attempts: self.failed_attempts,
            failed_requests: self.failed_requests,
            summary,
            causes,
            // What may have become the errno is told where nothing is known to have.
            dropped: group::reasons(
                mem::take(if self.dropped.is_empty() {
                    &mut self.perhaps
                } else {
                    &mut self.dropped
                }),
                missing,
            ),
            findings,
            unsearched,
        }
    }

    fn settle(&mut self, entry: Entry) {
        match entry {
            Entry::Attempt(id) => {
                let Some((attempt, origin)) = self.window.failed_attempt(id) else {
                    return;
                };
                let returned = self.filter.errno.is_none_or(|errno| has_errno(attempt, &origin, errno));
                self.returned += u64::from(returned);
                if returned && self.filter.takes_attempt(attempt) {
                    let folded = Key::of_made_up(attempt, &origin, &self.window).filter(|_| self.filter.folds());
                    let name = folded.as_ref().and(attempt.module.as_ref());
                    let key = folded.unwrap_or_else(|| self.key_of(attempt, &origin));
                    let group = group::of_key(&mut self.groups, key);
                    group.attempt(attempt, &origin, &self.window);
                    if let Some(name) = name {
                        group.name(name);
                    }
                }
            }
            Entry::Request(id) => {
                let Some((request, origin)) = self.window.failed_request(id) else {
                    return;
                };
                let errno = self.filter.errno;
                let returned = errno.is_none_or(|errno| origin.errno == errno);
                self.returned += u64::from(returned);
                let made = Made::of(request);
                let dropped = errno.is_some_and(|errno| made.is_none_or(|made| made.makes(errno)));
                if !self.filter.takes_request(request, &self.window) || !(returned || dropped) {
                    return;
                }
                let groups = match made {
                    _ if returned => &mut self.groups,
                    Some(_) => &mut self.dropped,
                    None => &mut self.perhaps,
                };
                let folded = Key::of_algorithm(request, &origin).filter(|_| self.filter.folds());
                let name = folded.as_ref().map(|_| &request.name);
                let group = group::of_key(groups, folded.unwrap_or_else(|| Key::of_request(request, &origin)));
                group.request(request, &origin, &self.window);
                if let Some(name) = name {
                    group.name(name);
                }
            }
        }
    }
}

impl Why {
    /// The same with how the command ended, where that is known.
    #[must_use]
    pub fn with_command_status(self, command_status: Option<WaitStatus>) -> Self {
        Self { command_status, ..self }
    }
}

/// Whether an attempt has to do with an errno: it returned it, or a function inside it did.
fn has_errno(attempt: &Attempt, origin: &Origin, errno: Errno) -> bool {
    attempt.errno == Some(errno) || origin.translated.is_some_and(|translation| translation.from == errno)
}

impl Filter {
    /// Whether modules are asked for by name, and nothing else.
    fn asks_for_modules(&self) -> bool {
        !self.modules.are_all() && self.errno.is_none() && self.request.is_none()
    }

    /// Whether names that anybody can make up are told as one: nobody asks for one of them.
    fn folds(&self) -> bool {
        self.request.is_none() && self.modules.are_all()
    }

    fn takes_attempt(&self, attempt: &Attempt) -> bool {
        self.request.is_none() && self.modules.take(attempt.module.as_deref()) && self.wanted.takes_attempt(attempt)
    }

    fn takes_request(&self, request: &Request, window: &Window) -> bool {
        let named = self.request.as_ref().is_none_or(|glob| glob.matches(&request.name));
        let made = request.helper.iter().flat_map(|helper| &helper.attempts);
        let loaded = || {
            made.filter_map(|id| window.failed_attempt(*id))
                .any(|(attempt, _)| self.modules.take(attempt.module.as_deref()))
        };
        named && self.wanted.takes_request(request) && (self.modules.take(Some(&request.name)) || loaded())
    }
}

/// What a failure ended with.
fn outcome(origin: &Origin, ret: Option<i64>) -> Cow<'static, str> {
    match ret {
        // It succeeded, and gave nobody what was asked for.
        Some(0) => "exit 0".into(),
        Some(ret) => ret_text(ret).into(),
        None => origin.errno.name(),
    }
}

/// The causes of an origin in words; many of them only by the first.
fn titles(origin: &Origin) -> Cow<'static, str> {
    match origin.causes.as_slice() {
        [] => format!("in stage {}", origin.stage.name()).into(),
        [one] => one.title.into(),
        [one, other] => format!("{}, or {}", one.title, other.title).into(),
        [one, other, rest @ ..] => format!("{}, {}, or {} others", one.title, other.title, rest.len()).into(),
    }
}

#[cfg(test)]
mod tests;
