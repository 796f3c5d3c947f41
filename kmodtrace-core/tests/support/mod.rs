//! Stories in text: events one a line, then what comes out of them.
//!
//! ```text
//! # comment
//! TIME TID FACT ARGUMENTS...
//! ---
//! attempt ...
//! state ...
//! ```
//! A module is `name@ADDRESS:STATE`, or `name@none`; a file is `name#INODE`; `key=value` sets what has a default.

#![allow(clippy::cast_possible_truncation, reason = "stories are small")]
#![allow(clippy::panic, reason = "a story that is not understood is a wrong test")]
#![allow(clippy::format_push_string, reason = "speed does not matter here")]
#![allow(dead_code, reason = "each test program uses its part")]

use kmodtrace_core::attempt::{Attempt, Finished, Wait};
use kmodtrace_core::event::{AttemptEnter, Counters, Event, Fact, FileId, InitStart, ModuleRef, Syscall, WaitEnd};
use kmodtrace_core::session::Session;
use kmodtrace_core::state::ModuleState;
use kmodtrace_core::units::{Inode, Ktime, ModuleAddress, Tgid, Tid};

/// A story, and what is expected of it.
pub(crate) struct Story {
    pub(crate) events: Vec<Event>,
    pub(crate) expected: String,
}

/// Reads a story; panics with the line that it does not understand.
pub(crate) fn story(text: &str) -> Story {
    let (told, expected) = text.split_once("\n---\n").unwrap_or((text, ""));
    let lines = told.lines().map(str::trim);
    let events = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .enumerate()
        .map(|(index, line)| event(index, line).unwrap_or_else(|| panic!("not understood: {line}")))
        .collect();
    Story {
        events,
        expected: expected.to_owned(),
    }
}

/// Several stories at once, as if on a machine of their own each: no task, module or inode is shared.
pub(crate) fn together(names: &[&str]) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let path = format!("{}/tests/scenarios/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        events.extend(story(&text).events.into_iter().map(|event| apart(event, number)));
    }
    events.sort_by_key(|event| event.time);
    events
}

fn apart(mut event: Event, number: usize) -> Event {
    event.tid.0 += 100 * number as u32;
    let module = |module: &mut ModuleRef| module.name += &number.to_string();
    match &mut event.fact {
        Fact::AttemptEnter(enter) => enter.module.iter_mut().for_each(|name| *name += &number.to_string()),
        Fact::ReadEnter(file) | Fact::IdempotentEnter(file) => {
            file.inode = Some(Inode(1000 * number as u64));
            file.name = format!("file{number}.ko");
        }
        Fact::ModuleName(name) | Fact::WaitBegin(name) => *name += &number.to_string(),
        Fact::FindModule(found) => module(found),
        Fact::WaitEnd(end) => module(&mut end.last),
        Fact::DoInitEnter(of)
        | Fact::ModuleState(of)
        | Fact::Teardown(of)
        | Fact::FreeEnter(of)
        | Fact::AddUnformedEnter(of) => module(of),
        _ => {}
    }
    event
}

fn event(index: usize, line: &str) -> Option<Event> {
    let mut words = line.split_whitespace();
    let time = Ktime(words.next()?.parse().ok()?);
    let tid = words.next()?.parse().ok()?;
    let kind = words.next()?;
    let rest: Vec<&str> = words.collect();
    Some(Event {
        time,
        tid: Tid(tid),
        tgid: Tgid(tid),
        cpu: 0,
        seq: index as u64 + 1,
        fact: fact(kind, &rest)?,
    })
}

fn fact(kind: &str, args: &[&str]) -> Option<Fact> {
    let first = args.first().copied();
    let ret = || first?.parse::<i64>().ok();
    Some(match kind {
        "attempt_enter" => Fact::AttemptEnter(Box::new(attempt_enter(args)?)),
        "attempt_exit" => Fact::AttemptExit(ret()?),
        "read_enter" => Fact::ReadEnter(file(first?)?),
        "read_exit" => Fact::ReadExit(ret()?),
        "idempotent_enter" => Fact::IdempotentEnter(file(first?)?),
        "idempotent_exit" => Fact::IdempotentExit(ret()?),
        "leader_enter" => Fact::LeaderEnter,
        "load_enter" => Fact::LoadEnter,
        "load_exit" => Fact::LoadExit(ret()?),
        "module_name" => Fact::ModuleName(first?.to_owned()),
        "find_module" => Fact::FindModule(module(first?)?),
        "wait_begin" => Fact::WaitBegin(first?.to_owned()),
        "wait_end" => Fact::WaitEnd(WaitEnd {
            last: module(first?)?,
            checks: value(args, "checks")?.parse().ok()?,
        }),
        "do_init_enter" => Fact::DoInitEnter(module(first?)?),
        "do_init_exit" => Fact::DoInitExit(ret()?),
        "init_start" => Fact::InitStart(InitStart {
            func: 1,
            symbol: first.map(str::to_owned),
        }),
        "init_end" => Fact::InitEnd(ret()?),
        "async_enter" => Fact::AsyncEnter,
        "async_exit" => Fact::AsyncExit,
        "module_state" => Fact::ModuleState(module(first?)?),
        "teardown" => Fact::Teardown(module(first?)?),
        "free_enter" => Fact::FreeEnter(module(first?)?),
        "free_exit" => Fact::FreeExit(module(first?)?.address?),
        "add_unformed_enter" => Fact::AddUnformedEnter(module(first?)?),
        "add_unformed_exit" => Fact::AddUnformedExit(ret()?),
        "tick" => Fact::Tick(Counters {
            dropped: value(args, "dropped")?.parse().ok()?,
            ..Counters::default()
        }),
        _ => return None,
    })
}

fn value<'a>(args: &[&'a str], key: &str) -> Option<&'a str> {
    args.iter().find_map(|arg| arg.strip_prefix(key)?.strip_prefix('='))
}

fn attempt_enter(args: &[&str]) -> Option<AttemptEnter> {
    let syscall = match *args.first()? {
        "init_module" => Syscall::InitModule,
        "finit_module" => Syscall::FinitModule,
        "delete_module" => Syscall::DeleteModule,
        _ => return None,
    };
    Some(AttemptEnter {
        syscall: Some(syscall),
        flags: 0,
        fd: (syscall == Syscall::FinitModule).then_some(3),
        image_bytes: value(args, "bytes").and_then(|bytes| bytes.parse().ok()),
        args_len: Some(0),
        cgroup_id: 1,
        parent_tgid: Some(Tgid(1)),
        comm: value(args, "comm").unwrap_or("modprobe").to_owned(),
        parent_comm: "kworker/u8:1".to_owned(),
        module: value(args, "module").map(str::to_owned),
    })
}

fn file(word: &str) -> Option<FileId> {
    let (name, inode) = word.split_once('#')?;
    Some(FileId {
        inode: Some(Inode(inode.parse().ok()?)),
        dev: 0x0800_0001,
        name: name.to_owned(),
    })
}

fn module(word: &str) -> Option<ModuleRef> {
    let (name, at) = word.split_once('@')?;
    let name = name.to_owned();
    if at == "none" {
        return Some(ModuleRef {
            address: None,
            state: None,
            name,
        });
    }
    let (address, state) = at
        .split_once(':')
        .map_or((at, None), |(address, state)| (address, Some(state)));
    let address = ModuleAddress(u64::from_str_radix(address, 16).ok()?);
    let state = match state {
        Some("LIVE") => Some(ModuleState::Live),
        Some("COMING") => Some(ModuleState::Coming),
        Some("GOING") => Some(ModuleState::Going),
        Some("UNFORMED") => Some(ModuleState::Unformed),
        Some(_) => return None,
        None => None,
    };
    Some(ModuleRef {
        address: Some(address),
        state,
        name,
    })
}

/// All that a session makes of these events.
pub(crate) fn run(events: impl IntoIterator<Item = Event>) -> Vec<Finished> {
    let mut session = Session::new();
    let mut out = Vec::new();
    for event in events {
        session.apply(event, &mut out);
    }
    session.finish(&mut out);
    out
}

/// The attempts among it.
pub(crate) fn attempts(finished: &[Finished]) -> Vec<Attempt> {
    let attempts = finished.iter().filter_map(|one| match one {
        Finished::Attempt(attempt) => Some((**attempt).clone()),
        Finished::State(_) | Finished::Request(_) => None,
    });
    attempts.collect()
}

/// One line each, in the order in which they were finished.
pub(crate) fn render(finished: &[Finished]) -> String {
    finished.iter().map(|one| line(one) + "\n").collect()
}

fn opt<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn line(finished: &Finished) -> String {
    match finished {
        Finished::Attempt(attempt) => attempt_line(attempt),
        Finished::Request(request) => format!("request {} {:?}", request.name, request.ret),
        Finished::State(span) => {
            let cause = span.cause.map_or(String::new(), |cause| format!(" {}", word(&cause)));
            let end = opt(span.span.end.map(|end| end.0));
            format!(
                "state {} {} {}..{end}{cause}",
                span.module,
                word(&span.state),
                span.span.start.0
            )
        }
    }
}

/// How serde spells a variant.
fn word(variant: &impl serde::Serialize) -> String {
    serde_json::to_value(variant).map_or_else(|error| error.to_string(), |value| opt(value.as_str()))
}

fn attempt_line(attempt: &Attempt) -> String {
    let mut line = format!(
        "attempt {} {} {} {} {}..{} {}",
        attempt.tid.0,
        attempt.syscall.map_or("-".to_owned(), |syscall| word(&syscall)),
        opt(attempt.module.as_ref()),
        opt(attempt.errno),
        opt(attempt.start.map(|start| start.0)),
        opt(attempt.end.map(|end| end.0)),
        attempt.role.map_or("-".to_owned(), |role| word(&role)),
    );
    if let Some(collision) = attempt.collided_with {
        line += &format!(" hit={}", collision.name());
    }
    if let Some(leader) = &attempt.leader {
        line += &format!(" leader={}", leader.tid.0);
    }
    for wait in &attempt.waits {
        line += &wait_text(wait);
    }
    if let Some(init) = &attempt.init {
        line += &format!(" init={}..{}", init.span.start.0, opt(init.span.end.map(|end| end.0)));
        line += &format!("={}", opt(init.errno));
    }
    if let Some(bytes) = attempt.bytes() {
        line += &format!(" bytes={bytes}");
    }
    for note in &attempt.notes {
        line += &format!(" [{}]", note.text());
    }
    line
}

fn wait_text(wait: &Wait) -> String {
    let on = wait
        .on
        .as_ref()
        .map_or(String::new(), |on| format!(" for {}", on.tid.0));
    let spurious = wait
        .spurious()
        .map_or(String::new(), |spurious| format!(" spurious {spurious}"));
    let end = opt(wait.span.end.map(|end| end.0));
    format!(" ({} {}..{end}{on}{spurious})", wait.kind.name(), wait.span.start.0)
}
