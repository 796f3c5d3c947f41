//! The text of a story's events.

#![expect(clippy::similar_names, reason = "tid and tgid are the kernel's words")]

use kmodtrace_core::model::{FileId, Function, Inode, Ktime, ModuleAddress, ModuleState, Syscall, Tgid, Tid};
use kmodtrace_core::records::event::{
    AttemptEnter, Counters, Event, Fact, Granted, HelperEnter, ModuleRef, OtherTask, RequestBegin, SymbolFact, WaitEnd,
};

pub(super) fn event(index: usize, line: &str) -> Option<Event> {
    let mut words = line.split_whitespace();
    let time = time(words.next()?)?;
    let (tid, tgid) = task(words.next()?)?;
    let kind = words.next()?;
    let rest: Vec<&str> = words.collect();
    Some(Event {
        time,
        tid,
        tgid,
        cpu: 0,
        seq: index as u64 + 1,
        fact: fact(kind, &rest)?,
    })
}

/// Nanoseconds, or milliseconds where it says so.
fn time(word: &str) -> Option<Ktime> {
    match word.strip_suffix("ms") {
        Some(ms) => Some(Ktime(ms.parse::<u64>().ok()? * 1_000_000)),
        None => Some(Ktime(word.parse().ok()?)),
    }
}

/// `TID`, or `TID/TGID` where they differ.
fn task(word: &str) -> Option<(Tid, Tgid)> {
    let (tid, tgid) = word.split_once('/').unwrap_or((word, word));
    Some((Tid(tid.parse().ok()?), Tgid(tgid.parse().ok()?)))
}

fn other(word: &str) -> Option<OtherTask> {
    let (tid, tgid) = task(word)?;
    Some(OtherTask {
        tid,
        tgid,
        comm: "other".into(),
    })
}

fn function(word: &str) -> Option<Function> {
    Function::ALL.iter().copied().find(|function| function.name() == word)
}

fn fact(kind: &str, args: &[&str]) -> Option<Fact> {
    let first = args.first().copied();
    let ret = || first?.parse::<i64>().ok();
    Some(match kind {
        "attempt_enter" => Fact::AttemptEnter(Box::new(attempt_enter(args)?)),
        "attempt_exit" => Fact::AttemptExit(ret()?),
        "read_enter" => Fact::ReadEnter(file(first?)?),
        "read_exit" => Fact::ReadExit(ret()?),
        "file" => Fact::File(file(first?)?),
        "idempotent_enter" => Fact::IdempotentEnter(file(first?)?),
        "idempotent_exit" => Fact::IdempotentExit(ret()?),
        "leader_enter" => Fact::LeaderEnter,
        "load_enter" => Fact::LoadEnter,
        "load_exit" => Fact::LoadExit(ret()?),
        "module_name" => Fact::ModuleName(first?.into()),
        "find_module" => Fact::FindModule(module(first?)?),
        "wait_begin" => Fact::WaitBegin(first?.into()),
        "wait_end" => Fact::WaitEnd(WaitEnd {
            last: module(first?)?,
            checks: value(args, "checks")?.parse().ok()?,
        }),
        "do_init_enter" => Fact::DoInitEnter(module(first?)?),
        "do_init_exit" => Fact::DoInitExit(ret()?),
        "init_start" => Fact::InitStart(first.map(str::to_owned)),
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
        _ => return function_fact(kind, args).or_else(|| request_fact(kind, args)),
    })
}

fn function_fact(kind: &str, args: &[&str]) -> Option<Fact> {
    let first = args.first().copied();
    let second = || args.get(1)?.parse::<i64>().ok();
    Some(match kind {
        "enter" => Fact::Enter(function(first?)?),
        "exit" => Fact::Exit(function(first?)?, second()?),
        "passed" => Fact::Passed(function(first?)?),
        "symbol" => Fact::Symbol(SymbolFact {
            name: first?.into(),
            ret: second()?,
            owner: value(args, "owner").map(str::to_owned).map(Into::into),
        }),
        "mutex_enter" => Fact::MutexEnter(match first {
            Some(holder) => Some(other(holder)?),
            None => None,
        }),
        "printk" => Fact::Printk(args.join(" ")),
        "ancestors" => Fact::Ancestors(
            args.iter()
                .map(|arg| {
                    let (tgid, comm) = arg.split_once(':')?;
                    Some((Tgid(tgid.parse().ok()?), comm.into()))
                })
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

fn request_fact(kind: &str, args: &[&str]) -> Option<Fact> {
    let first = args.first().copied();
    let ret = || first?.parse::<i64>().ok();
    let sub_info = || u64::from_str_radix(first?, 16).ok();
    Some(match kind {
        "request_begin" => Fact::RequestBegin(Box::new(RequestBegin {
            name: first?.into(),
            comm: value(args, "comm").unwrap_or("mount").into(),
            kernel_thread: Some(args.contains(&"kthread")),
            parent: Some((Tgid(1), "init".into())),
            work: value(args, "work").map(str::to_owned),
            in_attempt: args.contains(&"in_attempt"),
            in_fs_type: args.contains(&"in_fs_type"),
        })),
        "request_security" => Fact::RequestSecurity(ret()?),
        "slot_enter" => Fact::SlotEnter,
        "slot_exit" => Fact::SlotExit(ret()?),
        "slot_given_up" => Fact::SlotGivenUp,
        "request_granted" => Fact::RequestGranted(Granted {
            waits: !args.contains(&"nowait"),
            call_site: value(args, "site").map(str::to_owned),
        }),
        "helper_enter" => Fact::HelperEnter(HelperEnter {
            sub_info: sub_info()?,
            wait: value(args, "wait").map_or(Some(6), |wait| wait.parse().ok())?,
            path: "/sbin/modprobe".to_owned(),
        }),
        "helper_exit" => Fact::HelperExit(ret()?),
        "helper_work" => Fact::HelperWork(sub_info()?),
        "helper_task" => Fact::HelperTask(sub_info()?),
        "helper_fork" => Fact::HelperFork(other(first?)?),
        "helper_runs" => Fact::HelperRuns(first?.to_owned()),
        "helper_end" => Fact::HelperEnd(ret()?),
        "fs_type_exit" => Fact::FsTypeExit {
            found: match first? {
                "found" => true,
                "null" => false,
                _ => return None,
            },
            called_by: value(args, "by").map(str::to_owned),
        },
        "stack" => Fact::Stack(args.iter().map(|&arg| arg.to_owned()).collect()),
        "dup_request_enter" => Fact::DupRequestEnter,
        "dup_request_exit" => Fact::DupRequestExit(ret()? != 0),
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
        comm: value(args, "comm").unwrap_or("modprobe").into(),
        parent_comm: "kworker/u8:1".into(),
        module: value(args, "module").map(str::to_owned).map(Into::into),
    })
}

fn file(word: &str) -> Option<FileId> {
    let (name, inode) = word.split_once('#')?;
    Some(FileId {
        inode: Some(Inode(inode.parse().ok()?)),
        dev: 0x0800_0001,
        name: name.into(),
    })
}

fn module(word: &str) -> Option<ModuleRef> {
    let (name, at) = word.split_once('@')?;
    let name = name.to_owned();
    if at == "none" {
        return Some(ModuleRef {
            address: None,
            state: None,
            name: name.into(),
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
        name: name.into(),
    })
}
