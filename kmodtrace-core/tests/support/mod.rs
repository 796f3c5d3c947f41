//! Stories in text: events one a line, then what comes out of them.
//!
//! ```text
//! # comment
//! TIME TID FACT ARGUMENTS...
//! ---
//! attempt ...
//! state ...
//! request ...
//! ```
//! `show trail` before the events shows the trails too. A time is in nanoseconds, or in milliseconds as `5ms`; a task is
//! `TID`, or `TID/TGID`. A module is `name@ADDRESS:STATE`, or `name@none`; a file is `name#INODE`; `key=value` sets what has a default.

#![allow(clippy::cast_possible_truncation, reason = "stories are small")]
#![allow(clippy::panic, reason = "a story that is not understood is a wrong test")]
#![allow(clippy::format_push_string, reason = "speed does not matter here")]
#![allow(dead_code, reason = "each test program uses its part")]

mod parse;
pub(crate) mod show;

use kmodtrace_core::model::{Attempt, Finished, Inode, Name, Request};
use kmodtrace_core::records::event::{Event, Fact, ModuleRef, OtherTask};
use kmodtrace_core::session::Session;

/// A story, and what is expected of it.
pub(crate) struct Story {
    pub(crate) events: Vec<Event>,
    pub(crate) show: Show,
    pub(crate) expected: String,
}

/// What of the outcome is compared.
#[derive(Clone, Copy)]
pub(crate) struct Show {
    pub(crate) trail: bool,
}

/// Reads a story; panics with the line that it does not understand.
pub(crate) fn story(text: &str) -> Story {
    let (told, expected) = text.split_once("\n---\n").unwrap_or((text, ""));
    let lines = || told.lines().map(str::trim);
    let show = Show {
        trail: lines().any(|line| line == "show trail"),
    };
    let events = lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#') && *line != "show trail")
        .enumerate()
        .map(|(index, line)| parse::event(index, line).unwrap_or_else(|| panic!("not understood: {line}")))
        .collect();
    Story {
        events,
        show,
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
    let tasks = 100 * number as u32;
    event.tid.0 += tasks;
    event.tgid.0 += tasks;
    let rename = |name: &mut Name| *name = format!("{name}{number}").into();
    let module = |module: &mut ModuleRef| rename(&mut module.name);
    let other = |other: &mut OtherTask| {
        other.tid.0 += tasks;
        other.tgid.0 += tasks;
    };
    match &mut event.fact {
        Fact::AttemptEnter(enter) => enter.module.iter_mut().for_each(rename),
        Fact::ReadEnter(file) | Fact::IdempotentEnter(file) => {
            file.inode = Some(Inode(1000 * number as u64));
            file.name = format!("file{number}.ko").into();
        }
        Fact::ModuleName(name) | Fact::WaitBegin(name) => rename(name),
        Fact::FindModule(found) => module(found),
        Fact::WaitEnd(end) => module(&mut end.last),
        Fact::DoInitEnter(of)
        | Fact::ModuleState(of)
        | Fact::Teardown(of)
        | Fact::FreeEnter(of)
        | Fact::AddUnformedEnter(of) => module(of),
        Fact::Symbol(symbol) => symbol.owner.iter_mut().for_each(rename),
        Fact::MutexEnter(holder) => holder.iter_mut().for_each(other),
        Fact::HelperFork(child) => other(child),
        Fact::HelperEnter(helper) => helper.sub_info += u64::from(tasks) << 32,
        Fact::HelperWork(sub_info) | Fact::HelperTask(sub_info) => *sub_info += u64::from(tasks) << 32,
        _ => {}
    }
    event
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
        Finished::State(_) | Finished::Request(_) | Finished::Call(_) => None,
    });
    attempts.collect()
}

/// The requests among it.
pub(crate) fn requests(finished: &[Finished]) -> Vec<Request> {
    let requests = finished.iter().filter_map(|one| match one {
        Finished::Request(request) => Some((**request).clone()),
        Finished::State(_) | Finished::Attempt(_) | Finished::Call(_) => None,
    });
    requests.collect()
}
