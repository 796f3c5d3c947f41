//! Failures that have the same cause, counted.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::chain::{self, Chain};
use super::window::Window;
use super::{Reason, outcome, titles};
use crate::analysis::causes::{Made, link, request, unload};
use crate::analysis::origin::Origin;
use crate::model::{Attempt, Errno, Name, Request, entry_or, kind_of_task};
use crate::text::bytes_text;

/// Ids that are kept of a group.
const EXAMPLES: usize = 8;
/// Chains that are told of a group.
const CHAINS: usize = 4;

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "FailureKind")]
pub enum Kind {
    /// `request_module`.
    Request,
    /// `init_module` or `finit_module`.
    Load,
    /// `delete_module`.
    Unload,
}

impl Kind {
    /// As sentences call it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Load => "load",
            Self::Unload => "unload",
        }
    }
}

/// Groups at most: names come from users. A reader gives up long before.
const GROUPS: usize = 4_096;

/// Requests of the crypto layer that are told as one.
const ALGORITHMS: &str = "crypto-*";
/// Names that are told of those that are told as one.
const NAMES: usize = 6;

/// What failures have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    kind: Kind,
    name: Option<Name>,
    by: Option<String>,
    outcome: Cow<'static, str>,
    causes: Vec<&'static str>,
    title: Cow<'static, str>,
    /// What is known of a module without a name. Two of them are never the same, unless the caller had no right to load any.
    unnamed: Option<String>,
    /// The same task loaded it right after.
    retried: bool,
}

impl Key {
    pub(super) fn of_attempt(attempt: &Attempt, origin: &Origin, window: &Window) -> Self {
        let kind = if attempt.is_unload() { Kind::Unload } else { Kind::Load };
        let unnamed = attempt.module.is_none().then(|| unnamed(attempt, window));
        Self {
            unnamed,
            retried: window.around.retried(attempt.id).is_some(),
            ..Self::new(kind, attempt.module.clone(), None, outcome(origin, None), origin)
        }
    }

    pub(super) fn of_request(request: &Request, origin: &Origin) -> Self {
        let name = Some(request.name.clone()).filter(|name| !name.is_empty());
        let by = Some(kind_of_task(&request.comm)).filter(|by| !by.is_empty());
        Self::new(
            Kind::Request,
            name,
            by.map(str::to_owned),
            outcome(origin, request.ret),
            origin,
        )
    }

    /// The same for all names of algorithms: the kernel's crypto layer asks for many, most of which never were modules.
    pub(super) fn of_algorithm(request: &Request, origin: &Origin) -> Option<Self> {
        let alone = request.helper.as_ref().is_some_and(|helper| helper.attempts.is_empty());
        let folds = alone && request.name.starts_with("crypto-") && origin.cause() == Some(&request::MODPROBE_FAILED);
        folds.then(|| Self {
            name: Some(ALGORITHMS.into()),
            by: None,
            ..Self::of_request(request, origin)
        })
    }

    /// The same for all names of modules that a program may not unload, or that are not there: anybody can make up any number.
    pub(super) fn of_made_up(attempt: &Attempt, origin: &Origin, window: &Window) -> Option<Self> {
        let causes = [&unload::UNLOAD_NO_CAPABILITY, &unload::UNLOAD_ABSENT];
        let folds = attempt.module.is_some() && origin.cause().is_some_and(|cause| causes.contains(&cause));
        let uid = attempt.uid.map_or_else(String::new, |uid| format!(" (uid {uid})"));
        folds.then(|| Self {
            name: None,
            unnamed: Some(format!("several modules, by {}{uid},", attempt.comm)),
            ..Self::of_attempt(attempt, origin, window)
        })
    }

    fn new(kind: Kind, name: Option<Name>, by: Option<String>, outcome: Cow<'static, str>, origin: &Origin) -> Self {
        let causes: Vec<&str> = origin.causes.iter().map(|cause| cause.id).collect();
        let title = match (titles(origin), causes.as_slice()) {
            (title, ["init"]) => format!("{title} {}", origin.function).into(),
            (title, _) => title,
        };
        Self {
            kind,
            name,
            by,
            outcome,
            causes,
            title,
            unnamed: None,
            retried: false,
        }
    }

    /// The one that stands for all that are too many.
    fn of_others(self) -> Self {
        Self {
            name: Some("(others)".into()),
            by: None,
            causes: Vec::new(),
            title: "too many different failures to tell them all".into(),
            unnamed: None,
            retried: false,
            ..self
        }
    }

    /// What modprobe takes for success, or what the same task did again with success: noise to a reader.
    fn is_harmless(&self) -> bool {
        self.causes == HARMLESS || self.retried
    }

    /// `12 requests of fs-xfs by test_kmod failed: no slot (ETIME)`.
    fn headline(&self, count: u64, others: &BTreeMap<Cow<'static, str>, u64>) -> String {
        let kind = self.kind.word();
        let many = if count == 1 { "" } else { "s" };
        let name = self.name.as_deref().or(self.unnamed.as_deref());
        let name = name.unwrap_or("an unknown module");
        let by = self.by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
        let retried = if self.retried {
            "; harmless, a second try succeeded"
        } else {
            ""
        };
        let others = others.iter().filter(|(outcome, _)| **outcome != self.outcome);
        let others: Vec<String> = others
            .map(|(outcome, count)| format!("; {count} of them got {outcome}"))
            .collect();
        let others = others.concat();
        format!(
            "{count} {kind}{many} of {name}{by} failed: {} ({}{others}){retried}",
            self.title, self.outcome
        )
    }
}

/// What a chain leads to: of those that lead to the same one is told.
#[derive(Debug, PartialEq, Eq)]
enum Lead {
    Nowhere,
    /// Another attempt: what this one got, and what that one did.
    Errnos(Errno, Option<Errno>),
    /// An attempt of a request's helper: its module, and its origin in words.
    Attempt(Option<Name>, String),
}

/// What is told of failures with the same key.
#[derive(Debug, Default)]
pub(super) struct Group {
    count: u64,
    attempts: Vec<u64>,
    requests: Vec<u64>,
    /// What they got themselves: those who waited for a load that failed may have got another errno.
    outcomes: BTreeMap<Cow<'static, str>, u64>,
    /// Chains by what they lead to, in their order of coming, each with how often it came.
    chains: Vec<(Lead, u64, Chain)>,
    /// What callers made of it.
    callers: BTreeMap<String, u64>,
    /// What users get of it.
    made: BTreeSet<String>,
    /// The first names, where several are told as one, and whether there were others.
    names: (Vec<String>, bool),
}

impl Group {
    pub(super) fn attempt(&mut self, attempt: &Attempt, origin: &Origin, window: &Window) {
        self.count += 1;
        keep(&mut self.attempts, attempt.id.0);
        *self.outcomes.entry(outcome(origin, None)).or_default() += 1;
        let from = origin.from.as_ref();
        let lead = from.map_or(Lead::Nowhere, |from| Lead::Errnos(origin.errno, from.errno));
        self.chain(lead, || chain::of_attempt(attempt, origin, window));
    }

    pub(super) fn request(&mut self, request: &Request, origin: &Origin, window: &Window) {
        self.count += 1;
        keep(&mut self.requests, request.id.0);
        let from = origin.from.as_ref().map(|from| from.task.attempt);
        let lead = match from.and_then(|id| window.failed_attempt(id)) {
            Some((attempt, origin)) => {
                keep(&mut self.attempts, attempt.id.0);
                Lead::Attempt(attempt.module.clone(), origin.words())
            }
            None => Lead::Nowhere,
        };
        self.chain(lead, || chain::of_request(request, origin, window));
        if let Some(caller) = request.caller.as_ref().filter(|caller| !caller.found) {
            *self.callers.entry(chain::caller(caller)).or_default() += 1;
        } else if let Some(made) = Made::of(request) {
            let errnos = made.errnos.join(" or ");
            self.made.insert(format!(
                "what users see of it is {errnos}, by {}, whatever went wrong",
                made.by
            ));
        }
    }

    /// One of several names that are told as one.
    pub(super) fn name(&mut self, name: &str) {
        let (first, others) = &mut self.names;
        if first.iter().all(|known| known != name) {
            if first.len() < NAMES {
                first.push(name.to_owned());
            } else {
                *others = true;
            }
        }
    }

    fn chain(&mut self, lead: Lead, told: impl FnOnce() -> Chain) {
        if let Some((_, count, _)) = self.chains.iter_mut().find(|(known, ..)| *known == lead) {
            *count += 1;
        } else if self.chains.len() < CHAINS {
            self.chains.push((lead, 1, told()));
        }
    }

    /// A chain that is the end of another one need not be told again.
    fn forget_ends(&mut self) {
        let all: Vec<Vec<String>> = self.chains.iter().map(|(.., chain)| chain.sentences.clone()).collect();
        let is_end = |own: &[String]| all.iter().any(|other| other.len() > own.len() && other.ends_with(own));
        self.chains.retain(|(.., chain)| !is_end(&chain.sentences));
    }

    fn reason(mut self, mut key: Key, missing: Option<Errno>) -> Reason {
        self.chains.sort_by_key(|(_, count, _)| Reverse(*count));
        self.forget_ends();
        let several = self.chains.len() > 1;
        let (names, others) = std::mem::take(&mut self.names);
        if let [name] = names.as_slice() {
            key.name = Some(name.into());
        }
        let advice = self.chains.first().and_then(|(.., chain)| chain.advice.clone());
        let mut sentences = Vec::new();
        if names.len() > 1 {
            let what = match key.kind {
                Kind::Request => "algorithms and templates, most of which are no modules anywhere",
                Kind::Load | Kind::Unload => "the modules",
            };
            let others = if others { " and others" } else { "" };
            sentences.push(format!("{what}: {}{others}", names.join(", ")));
        }
        for (_, count, chain) in &self.chains {
            if several {
                sentences.push(format!("{count} of them like this:"));
            }
            sentences.extend(chain.sentences.iter().cloned());
        }
        for caller in self.callers.keys() {
            let missing = missing.map_or_else(String::new, |errno| {
                format!("; no function of the loader returned {errno}")
            });
            sentences.push(format!("{caller}{missing}"));
            sentences.push(chain::made_up(caller).to_owned());
        }
        sentences.extend(self.made);
        Reason {
            count: self.count,
            kind: key.kind,
            headline: key.headline(self.count, &self.outcomes),
            harmless: key.is_harmless(),
            name: key.name.map(Into::into),
            by: key.by,
            outcome: key.outcome.into_owned(),
            causes: key.causes.into_iter().map(str::to_owned).collect(),
            sentences,
            what_to_do: advice,
            attempts: self.attempts,
            requests: self.requests,
        }
    }
}

fn keep(ids: &mut Vec<u64>, id: u64) {
    if ids.len() < EXAMPLES && !ids.contains(&id) {
        ids.push(id);
    }
}

/// What modprobe takes for success, and a reader for noise.
const HARMLESS: &[&str] = &[link::ALREADY_LIVE.id];

/// The group of this key, or that of all others where there are too many.
pub(super) fn of_key(groups: &mut BTreeMap<Key, Group>, key: Key) -> &mut Group {
    entry_or(groups, GROUPS, key, Key::of_others).or_default()
}

/// The groups, the most frequent first, what is harmless last.
pub(super) fn reasons(groups: BTreeMap<Key, Group>, missing: Option<Errno>) -> Vec<Reason> {
    let mut reasons: Vec<(bool, Reason)> = groups
        .into_iter()
        .map(|(key, group)| (key.is_harmless(), group.reason(key, missing)))
        .collect();
    reasons.sort_by_key(|(harmless, reason)| (*harmless, Reverse(reason.count)));
    reasons.into_iter().map(|(_, reason)| reason).collect()
}

/// What is known of a module without a name: the call, its image, whose it was and for whom.
fn unnamed(attempt: &Attempt, window: &Window) -> String {
    // The kernel looked at nothing of it, and there may be any number: they are the same to everybody but the caller.
    if let (Some(false), Some(uid)) = (attempt.capable, attempt.uid) {
        return format!("unknown modules, by {} (uid {uid}),", attempt.comm);
    }
    let bytes = attempt
        .bytes()
        .map_or_else(String::new, |bytes| format!(" with {}", bytes_text(bytes)));
    let request = attempt.request.and_then(|id| window.failed_request(id));
    let request = request.map_or_else(String::new, |(request, _)| {
        format!(", for request {} of {}", request.id.0, request.name)
    });
    format!(
        "an unknown module (attempt {} of {}{bytes}{request})",
        attempt.id.0, attempt.comm
    )
}
