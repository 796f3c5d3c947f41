//! The chain of a failure, a sentence for each step.

use super::titles;
use super::window::Window;
use crate::analysis::drill::Load;
use crate::analysis::origin::{Certainty, Origin};
use crate::model::{Attempt, Caller, Nanos, Request, RequestId, SLOTS, TaskRef, Tgid, ret_text};
use crate::text::span_text;

/// Steps that are told. A module that waits for itself would have no last one.
const DEPTH: usize = 8;

/// How a failure came about.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// A sentence for each step.
    pub(super) sentences: Vec<String>,
    /// What to do about the last one.
    pub(super) advice: Option<String>,
}

impl Chain {
    fn say(&mut self, sentence: String) {
        self.sentences.push(sentence);
    }

    /// The last step is the one to do something about.
    fn advise(&mut self, origin: &Origin) {
        match origin.causes.as_slice() {
            [] => {}
            [cause] => self.advice = Some(cause.advice.to_owned()),
            several => {
                let ids: Vec<&str> = several.iter().map(|cause| cause.id).collect();
                self.advice = Some(format!(
                    "which of these it was is not certain: {}; kmodtrace explain says what to do about each",
                    ids.join(", ")
                ));
            }
        }
    }
}

/// Of an attempt.
pub(super) fn attempt(attempt: &Attempt, origin: &Origin, window: &Window) -> Chain {
    let mut chain = Chain::default();
    tell_attempt(&mut chain, attempt, origin, window, DEPTH);
    chain
}

/// Of a request.
pub(super) fn request(request: &Request, origin: &Origin, window: &Window) -> Chain {
    let mut chain = Chain::default();
    tell_request(&mut chain, request, origin, window, DEPTH);
    chain
}

fn tell_attempt(chain: &mut Chain, attempt: &Attempt, origin: &Origin, window: &Window, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let what = if attempt.is_unload() { "unload" } else { "load" };
    let module = attempt.module.as_deref().unwrap_or("an unknown module");
    let lasted = attempt
        .duration()
        .map_or_else(String::new, |lasted| format!(" after {}", took(lasted)));
    chain.say(format!(
        "attempt {} by {}{} to {what} {module} ended with {}{lasted}: {}",
        attempt.id.0,
        task(&attempt.task()),
        window.at(attempt.start),
        origin.errno,
        reason(attempt, origin),
    ));
    chain.advise(origin);
    started_by(chain, attempt);
    if !attempt.calls.is_empty() {
        let said = Load::new(attempt, &window.functions).sentences();
        for sentence in said {
            chain.say(sentence);
        }
    }
    for line in origin.evidence.iter().take(2) {
        chain.say(format!("the kernel log says: {line}"));
    }
    if let Some((leader, origin)) = origin
        .from
        .as_ref()
        .and_then(|from| window.failed_attempt(from.task.attempt))
    {
        tell_attempt(chain, leader, &origin, window, depth);
    }
    tell_nested(chain, &attempt.requests, window, depth);
}

/// Who started the loader, up to the first thread group: `task 131 was started by 130 (sh) < 1 (init)`. Of a request it is
/// known who asked.
fn started_by(chain: &mut Chain, attempt: &Attempt) {
    let mut line = Vec::new();
    for parent in attempt.parent.iter().chain(&attempt.ancestors) {
        line.push(format!("{} ({})", parent.tgid.0, parent.comm));
        if parent.tgid == Tgid(1) {
            break;
        }
    }
    if attempt.request.is_none() && !line.is_empty() {
        chain.say(format!("task {} was started by {}", attempt.tid.0, line.join(" < ")));
    }
}

/// Requests inside an attempt that failed: the last one is the likeliest to be the reason.
fn tell_nested(chain: &mut Chain, requests: &[RequestId], window: &Window, depth: usize) {
    let failed = requests.iter().rev().find_map(|id| window.failed_request(*id));
    if let Some((request, origin)) = failed {
        chain.say(format!(
            "inside it, request {} for {} failed: {} ({})",
            request.id.0,
            request.name,
            titles(&origin),
            request.ret.map_or_else(String::new, ret_text)
        ));
        tell_request(chain, request, &origin, window, depth);
    }
}

/// Why an attempt ended as it did, as a clause.
fn reason(attempt: &Attempt, origin: &Origin) -> String {
    if let Some(translation) = origin.translated {
        let what = init(attempt).unwrap_or_else(|| format!("it met {}", translation.from));
        return format!("{what}, of which {} made {}", translation.by, origin.errno);
    }
    let from = origin.from.as_ref();
    let whose = from.map_or_else(
        || "another task's load".to_owned(),
        |from| format!("attempt {} of {}", from.task.attempt.0, task(&from.task)),
    );
    let ended = from.and_then(|from| from.errno);
    let ended = ended.map_or_else(String::new, |errno| format!(", which ended with {errno}"));
    let waited = attempt.waits.iter().filter_map(|wait| wait.span.duration()).max();
    let waited = waited.map_or_else(
        || "it waited".to_owned(),
        |waited| format!("it waited {}", took(waited)),
    );
    match origin.cause().map_or("", |cause| cause.id) {
        "init" | "init-blacklisted" => init(attempt).unwrap_or_else(|| titles(origin)),
        "leader-failed" => format!("{waited} for {whose} to load the same name{ended}"),
        "shared-load" => format!("{waited} for {whose}, who loaded the same file, and shares its result{ended}"),
        "going" if from.is_some() => format!("the old module was GOING: {whose} took it down{ended}"),
        "already-live" => "a module of this name was loaded already".to_owned(),
        "unknown-symbol" | "symbol-version" | "namespace" | "dependency-coming" | "dependency-going" => {
            symbol(attempt, origin)
        }
        _ => place(origin),
    }
}

fn symbol(attempt: &Attempt, origin: &Origin) -> String {
    match attempt.symbols.last() {
        Some(symbol) => {
            let owner = symbol
                .owner
                .as_ref()
                .map_or_else(String::new, |owner| format!(" of {owner}"));
            format!("{} {}{owner} ({})", titles(origin), symbol.name, origin.function)
        }
        None => place(origin),
    }
}

fn init(attempt: &Attempt) -> Option<String> {
    let init = attempt.init.as_ref()?;
    let errno = init.errno?;
    let function = init.symbol.as_deref().unwrap_or("its init function");
    let lasted = init
        .span
        .duration()
        .map_or_else(String::new, |lasted| format!(" after {}", took(lasted)));
    Some(format!("{function} returned {errno}{lasted}"))
}

/// Which function, or between which.
fn place(origin: &Origin) -> String {
    match origin.certainty {
        Certainty::Exact => format!("{} ({})", titles(origin), origin.function),
        Certainty::Gap { after, before } => format!(
            "in {}, between {after} and {before}: {}",
            origin.function,
            titles(origin)
        ),
    }
}

fn tell_request(chain: &mut Chain, request: &Request, origin: &Origin, window: &Window, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let work = request.work.as_ref();
    let work = work.map_or_else(String::new, |work| format!(", work function {work}"));
    let who = format!(
        "request {} by task {} ({}{work}){}",
        request.id.0,
        request.tid.0,
        request.comm,
        window.at(request.start)
    );
    let id = origin.cause().map_or("", |cause| cause.id);
    chain.advise(origin);
    if id == "no-slot" {
        chain.say(format!("{who} {}", no_slot(request, window)));
        return;
    }
    let Some(helper) = request
        .helper
        .as_ref()
        .filter(|_| origin.errno == crate::model::Errno::OK)
    else {
        chain.say(format!(
            "{who}: {} returned {} ({})",
            origin.function,
            origin.errno,
            titles(origin)
        ));
        return;
    };
    let lasted = helper
        .span
        .duration()
        .map_or_else(String::new, |lasted| format!(" after {}", took(lasted)));
    let ended = request.ret.map_or_else(String::new, ret_text);
    chain.say(format!("{who}: its {} ended with {ended}{lasted}", helper.path));
    match origin
        .from
        .as_ref()
        .and_then(|from| window.failed_attempt(from.task.attempt))
    {
        Some((attempt, origin)) => tell_attempt(chain, attempt, &origin, window, depth),
        None if helper.attempts.is_empty() && id == "modprobe-failed" && helper.path.ends_with("/modprobe") => {
            chain.say("it made no attempt to load anything: it found no module of this name or alias".to_owned());
        }
        None if helper.attempts.is_empty() => chain.say("it made no attempt to load anything".to_owned()),
        None => {}
    }
}

/// `waited 5.00s for one of 50 slots and gave up; 50 modprobes held them, the longest for 5.9s`
fn no_slot(request: &Request, window: &Window) -> String {
    let slot = request.slot.as_ref();
    let waited = slot
        .and_then(|slot| slot.span.duration())
        .map_or_else(String::new, |waited| format!(" {}", took(waited)));
    let holders = slot.and_then(|slot| slot.span.end).and_then(|end| window.holders(end));
    let held = match (holders, slot) {
        (Some(holders), _) => {
            let of = holders.name.map_or_else(String::new, |name| format!(" of {name}"));
            let many = if holders.count == 1 { "modprobe" } else { "modprobes" };
            let longest = took(holders.longest);
            format!("; {} {many}{of} held them, the longest for {longest}", holders.count)
        }
        (None, Some(slot)) if slot.held > 0 => format!("; {} requests held them", slot.held),
        _ => String::new(),
    };
    format!("waited{waited} for one of {SLOTS} slots and gave up{held}")
}

/// What a caller made of an answer: nothing.
pub(super) fn caller(caller: &Caller) -> String {
    let by = caller
        .called_by
        .as_ref()
        .map_or_else(String::new, |by| format!(" [called by {by}]"));
    format!("{}{by} dropped the errno and returned NULL", caller.function)
}

/// Where the errno that the user saw was made, by who called.
pub(super) fn made_up(caller: &str) -> &'static str {
    if caller.contains("[test_kmod]") {
        "NULL carries no errno: tally_work_test (lib/test_kmod.c) writes -EINVAL for a NULL fs_sync"
    } else {
        "NULL carries no errno: whoever called made one up, as mount makes ENODEV"
    }
}

fn task(task: &TaskRef) -> String {
    format!("task {} ({})", task.tid.0, task.comm)
}

fn took(nanos: Nanos) -> String {
    let text = span_text(nanos.0);
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    format!("{number} {unit}")
}

/// Tasks of one kind are numbered: `test_kmod-12`, `kworker/u8:1`.
pub(super) fn stem(comm: &str) -> &str {
    let comm = comm.split_once('/').map_or(comm, |(stem, _)| stem);
    let stem = comm.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == ':');
    if stem.is_empty() { comm } else { stem }
}
