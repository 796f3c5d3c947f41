//! The chain of a failure, a sentence for each step.

use super::advice::{TO_HAVE_IT, advice};
use super::titles;
use super::window::Window;
use super::words::{task, took};
use crate::analysis::causes::{Cause, image, link, request, start};
use crate::analysis::drill::Load;
use crate::analysis::origin::{Certainty, Origin};
use crate::model::{
    Attempt, Caller, Helper, LogLine, Nanos, Request, RequestId, SLOTS, Stage, TaskRef, Tgid, WaitKind, ret_text,
};

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
    fn advise(&mut self, advice: Option<String>) {
        self.advice = advice.or(self.advice.take());
    }
}

/// Of an attempt.
pub(super) fn of_attempt(attempt: &Attempt, origin: &Origin, window: &Window) -> Chain {
    let mut chain = Chain::default();
    tell_attempt(&mut chain, attempt, origin, window, DEPTH);
    chain
}

/// Of a request.
pub(super) fn of_request(request: &Request, origin: &Origin, window: &Window) -> Chain {
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
    chain.advise(advice(attempt, origin, window));
    chain.sentences.extend(started_by(attempt));
    chain.sentences.extend(loaded_from(attempt));
    chain.sentences.extend(for_device(attempt));
    chain.sentences.extend(killed(attempt, window));
    if let Some(refusal) = window.around.refusal(attempt, origin) {
        chain.say(refusal.sentence);
        if refusal.cause == &image::NO_CAPABILITY {
            chain.advise(Some(TO_HAVE_IT.to_owned()));
        }
    }
    if let Some((later, after)) = window.around.retried(attempt.id) {
        chain.say(format!(
            "the same task loaded it {} later (attempt {})",
            took(after),
            later.0
        ));
    }
    if !attempt.calls.is_empty() {
        let said = Load::new(attempt, &window.functions).sentences();
        for sentence in said {
            chain.say(sentence);
        }
    }
    for line in said(attempt, origin) {
        chain.say(format!("the kernel log says: {line}"));
    }
    if let Some(owner) = dependency(attempt, origin, window) {
        chain.say(owner);
    }
    let unload = origin
        .from
        .as_ref()
        .and_then(|from| window.around.unload(from.task.attempt));
    if let Some(unload) = unload {
        chain.say(unload.to_owned());
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

/// Which file, with which arguments: `its file is /usr/lib/modules/6.12/kernel/fs/xfs/xfs.ko, its arguments are "debug=1"`.
pub(super) fn loaded_from(attempt: &Attempt) -> Option<String> {
    let file = attempt.path.as_ref().map(|path| format!("its file is {path}"));
    let args = attempt
        .args
        .as_ref()
        .map(|args| format!("its arguments are \"{args}\""));
    let which: Vec<String> = [file, args].into_iter().flatten().collect();
    (!which.is_empty()).then(|| which.join(", "))
}

/// For which device udev loaded it.
pub(super) fn for_device(attempt: &Attempt) -> Option<String> {
    let device = attempt.device.as_ref()?;
    let alias = device
        .alias
        .as_ref()
        .map_or_else(String::new, |alias| format!(", whose alias is {alias}"));
    Some(format!("udev was handling the device {}{alias}", device.path))
}

/// Who killed the task, and how long its call went on all the same: the kernel ends a task as it leaves the kernel.
pub(super) fn killed(attempt: &Attempt, window: &Window) -> Option<String> {
    let signal = attempt.killed()?;
    let after = attempt.start.map_or_else(String::new, |start| {
        format!(" {} after it had begun", took(signal.time.since(start)))
    });
    let on = match attempt.end {
        Some(end) => format!("went on for {}", took(end.since(signal.time))),
        None => "was not seen to return".to_owned(),
    };
    Some(format!(
        "task {} ({}) was sent SIGKILL{after}{}, as {} ({}) ran; its call {on}",
        attempt.tid.0,
        attempt.comm,
        window.at(Some(signal.time)),
        signal.sender.tgid.0,
        signal.sender.comm
    ))
}

/// Who started the loader, up to the first thread group: `task 131 was started by 130 (sh) < 1 (init)`. Of a request it is
/// known who asked.
pub(super) fn started_by(attempt: &Attempt) -> Option<String> {
    let mut line = Vec::new();
    for parent in attempt.parent.iter().chain(&attempt.ancestors) {
        line.push(format!("{} ({})", parent.tgid.0, parent.comm));
        if parent.tgid == Tgid(1) {
            break;
        }
    }
    let known = attempt.request.is_none() && !line.is_empty();
    known.then(|| format!("task {} was started by {}", attempt.tid.0, line.join(" < ")))
}

/// Lines of the kernel log that say why: those of the loader, or the last that the init function wrote.
fn said<'a>(attempt: &'a Attempt, origin: &'a Origin) -> Vec<&'a str> {
    const LINES: usize = 2;
    if !origin.evidence.is_empty() {
        return origin.evidence.iter().take(LINES).map(String::as_str).collect();
    }
    let Some(init) = attempt.init.as_ref().filter(|_| origin.stage == Stage::Init) else {
        return Vec::new();
    };
    let inside = |line: &&LogLine| line.time >= init.span.start && init.span.end.is_none_or(|end| line.time <= end);
    let mut last: Vec<&str> = attempt
        .log
        .iter()
        .filter(inside)
        .map(|line| line.text.as_str())
        .filter(|line| !is_dump(line))
        .rev()
        .take(LINES)
        .collect();
    last.reverse();
    last
}

/// Lines of a stack dump (`lib/dump_stack.c`, arch/x86/kernel/dumpstack.c), which say nothing to most readers.
fn is_dump(line: &str) -> bool {
    const BEGINS: &[&str] = &[
        " ",
        "CPU: ",
        "Tainted: ",
        "Hardware name: ",
        "Call Trace:",
        "Call trace:",
        "RIP: ",
        "RSP: ",
        "RAX: ",
        "RBP: ",
        "RDX: ",
        "R10: ",
        "R13: ",
        "FS: ",
        "CS: ",
        "CR2: ",
        "Code: ",
        "Modules linked in:",
        "---[",
        "Workqueue: ",
        "<TASK>",
        "</TASK>",
    ];
    let frame = || line.rsplit_once("+0x").is_some_and(|(_, rest)| rest.contains("/0x"));
    line.is_empty() || BEGINS.iter().any(|begin| line.starts_with(begin)) || frame()
}

/// The load of the module that a dependency waited for.
fn dependency(attempt: &Attempt, origin: &Origin, window: &Window) -> Option<String> {
    let waited = origin.cause() == Some(&link::DEPENDENCY_COMING);
    let owner = attempt.symbols.last().filter(|_| waited)?.owner.as_deref()?;
    let load = window.around.in_init(owner, attempt.end?)?;
    let (symbol, span) = load.init.as_ref()?;
    let symbol = symbol.as_deref().unwrap_or("its init function");
    let ran = span.end.map_or_else(
        || "had not returned when the recording ended".to_owned(),
        |end| format!("returned after {}", took(end.since(span.start))),
    );
    Some(format!(
        "attempt {} of task {} ({}) was loading {owner}: {symbol} ran since {}, and {ran}",
        load.id.0,
        load.tid.0,
        load.comm,
        window.seconds(span.start)
    ))
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
    let is = |causes: &[&Cause]| origin.cause().is_some_and(|cause| causes.contains(&cause));
    if is(&[&start::INIT, &start::INIT_BLACKLISTED]) {
        init(attempt).unwrap_or_else(|| titles(origin).into_owned())
    } else if is(&[&link::LEADER_FAILED]) {
        format!("{waited} for {whose} to load the same name{ended}")
    } else if is(&[&link::SHARED_LOAD]) {
        format!("{waited} for {whose}, who loaded the same file, and shares its result{ended}")
    } else if is(&[&link::GOING]) && from.is_some() {
        format!("the old module was GOING: {whose} took it down{ended}")
    } else if is(&[&link::ALREADY_LIVE]) {
        already(attempt)
    } else if is(OF_SYMBOLS) {
        symbol(attempt, origin)
    } else {
        place(origin)
    }
}

/// Causes that a symbol stands for.
const OF_SYMBOLS: &[&Cause] = &[
    &link::UNKNOWN_SYMBOL,
    &link::SYMBOL_VERSION,
    &link::NAMESPACE,
    &link::DEPENDENCY_COMING,
    &link::DEPENDENCY_GOING,
];

/// How long it waited for another task's load of the name, and for whose.
fn waited_for(attempt: &Attempt) -> Option<(Nanos, &TaskRef)> {
    let waits = attempt.waits.iter().filter(|wait| wait.kind == WaitKind::SameName);
    let on = waits.clone().rev().find_map(|wait| wait.on.as_ref())?;
    let long = waits.filter_map(|wait| wait.span.duration()).map(|long| long.0);
    Some((Nanos(long.fold(0, u64::saturating_add)), on))
}

/// The module was there.
fn already(attempt: &Attempt) -> String {
    waited_for(attempt).map_or_else(
        || "a module of this name was loaded already".to_owned(),
        |(long, on)| {
            format!(
                "it waited {} until attempt {} of {} had loaded the module",
                took(long),
                on.attempt.0,
                task(on)
            )
        },
    )
}

fn symbol(attempt: &Attempt, origin: &Origin) -> String {
    match attempt.symbols.last() {
        Some(symbol) if symbol.owner.is_none() && licence(attempt).is_some() => {
            let licence = licence(attempt).unwrap_or_default();
            format!(
                "{} {} ({}): no module that is loaded exports it, or it is exported to GPL modules only; this module's licence is {licence}",
                titles(origin),
                symbol.name,
                origin.function
            )
        }
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

/// The module's licence, where the loader wrote that it taints the kernel: such a module gets no symbol that is exported to GPL
/// modules only (`find_symbol`, kernel/module/main.c).
fn licence(attempt: &Attempt) -> Option<&str> {
    let mut lines = attempt.log.iter().map(|line| line.text.as_str());
    lines.find_map(|line| {
        let (_, rest) = line.split_once(": module license '")?;
        rest.strip_suffix("' taints kernel.")
    })
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
    chain.advise(origin.cause().map(|cause| cause.advice.to_owned()));
    if origin.cause() == Some(&request::NO_SLOT) {
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
    let ended = match request.ret {
        Some(0) => "exit 0".to_owned(),
        ret => ret.map_or_else(String::new, ret_text),
    };
    chain.say(format!("{who}: its {} ended with {ended}{lasted}", helper.path));
    match origin
        .from
        .as_ref()
        .and_then(|from| window.failed_attempt(from.task.attempt))
    {
        Some((attempt, origin)) => tell_attempt(chain, attempt, &origin, window, depth),
        None => chain.say(done(helper, window)),
    }
    if origin.cause() == Some(&request::NOTHING_LOADED)
        && let Some(caller) = &request.caller
    {
        chain.say(format!("{} then found no {}", caller.function, request.name));
    }
}

/// What a helper did that failed without a failed attempt of its own, as far as the kernel saw it.
fn done(helper: &Helper, window: &Window) -> String {
    const PROGRAMS: usize = 4;
    let own = usize::from(helper.programs.first() == Some(&helper.path));
    let programs = helper.programs.iter().skip(own).take(PROGRAMS);
    let programs: Vec<&str> = programs.map(String::as_str).collect();
    let loads = helper
        .attempts
        .iter()
        .filter_map(|id| window.around.loaded_by_helper(*id));
    let loads: Vec<&str> = loads.collect();
    let loaded = match (loads.as_slice(), helper.attempts.as_slice()) {
        ([], []) => "made no attempt to load anything".to_owned(),
        ([], _) => "loaded nothing".to_owned(),
        (loads, _) => format!("loaded {}, and nothing else", loads.join(", ")),
    };
    match programs.as_slice() {
        [] if helper.attempts.is_empty() && helper.runs.is_some() => match &window.missing_list {
            Some(list) => format!("it {loaded}: there is no {list}: modprobe finds no module"),
            None => format!(
                "it {loaded}: it found no module of this name or alias in /lib/modules, or modprobe.d kept it from loading one"
            ),
        },
        [] => format!("it {loaded}"),
        programs => format!(
            "it ran {} (an install line in modprobe.d) and {loaded}",
            programs.join(", ")
        ),
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
