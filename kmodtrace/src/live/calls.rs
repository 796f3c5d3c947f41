//! Attaches the two programs of calls to the functions of modules, loaded or not.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use anyhow::{Context as _, Result};
use aya::Ebpf;
use aya::programs::{KProbe, Program, RawTracePoint};
use kmodtrace_core::analysis::drill::{KERNEL_PROGRAMS, MODULE_PROGRAMS, OUTSIDE, SWITCH_PROGRAM};
use kmodtrace_core::model::{ProbedFunction, Returns};
use rustix::process::{Resource, getrlimit, setrlimit};
use tracing::info;

use super::bpf::{link_event, reason};
use super::perf;
use super::tracefs::{Edge, Events, Misses, Owner};
use crate::failure::{CANNOT_TRACE, failure};

/// Returns of one function that can be awaited at a time: one for each task inside. Drill may probe thousands of functions, and a
/// module's init function runs in one task.
const RETURNS: u32 = 32;

/// What is attached; dropping it detaches, and then removes the events.
#[derive(Debug)]
pub(crate) struct Calls {
    /// Before the events, which nobody may hold any more when they are removed.
    links: Vec<OwnedFd>,
    events: Events,
    /// The functions that are attached to, in the order of their numbers.
    pub(crate) known: Vec<ProbedFunction>,
    /// Those that the kernel did not take, each with the reason.
    pub(crate) refused: Vec<(String, String)>,
}

impl Calls {
    /// Attaches to entry and return of all of them, and to what of the kernel itself is told with them; `outside` tells what that
    /// returns.
    pub(crate) fn attach(
        ebpf: &mut Ebpf,
        functions: Vec<ProbedFunction>,
        outside: &BTreeMap<String, Returns>,
    ) -> Result<Self> {
        allow_files(functions.len() + OUTSIDE.len());
        let mut calls = Self {
            links: Vec::new(),
            events: Events::new(Owner::Drill)?,
            known: Vec::new(),
            refused: Vec::new(),
        };
        for name in MODULE_PROGRAMS.into_iter().chain(KERNEL_PROGRAMS) {
            load(ebpf, name)?;
        }
        let switch: &mut RawTracePoint = find(ebpf, SWITCH_PROGRAM)?.try_into()?;
        let switched = switch.load().and_then(|()| switch.attach("sched_switch").map(drop));
        if let Err(error) = switched {
            let why = reason(SWITCH_PROGRAM, error);
            calls.refused.push(("when tasks sleep".to_owned(), why));
        }
        let [enter, exit] = KERNEL_PROGRAMS;
        for names in OUTSIDE {
            calls.attach_first(names, outside, [program(ebpf, enter)?, program(ebpf, exit)?]);
        }
        let [enter, exit] = MODULE_PROGRAMS;
        for known in functions {
            let name = format!("{}:{}", known.module.as_deref().unwrap_or_default(), known.name);
            match calls.attach_one(&name, [program(ebpf, enter)?, program(ebpf, exit)?]) {
                Ok(()) => calls.known.push(known),
                Err(error) => calls.refused.push((name, error.to_string())),
            }
        }
        info!(
            "attached to {} functions, {} refused",
            calls.known.len(),
            calls.refused.len()
        );
        Ok(calls)
    }

    /// What tells how much they have missed.
    pub(super) fn misses(&self) -> Misses {
        self.events.misses()
    }

    /// A function of the kernel under the first of its names that this kernel has.
    fn attach_first(&mut self, names: &[&str], outside: &BTreeMap<String, Returns>, programs: [BorrowedFd<'_>; 2]) {
        let mut why = String::new();
        for name in names {
            match self.attach_one(name, programs) {
                Ok(()) => {
                    return self.known.push(ProbedFunction {
                        name: (*name).to_owned(),
                        returns: outside.get(*name).copied().unwrap_or_default(),
                        ..ProbedFunction::default()
                    });
                }
                Err(error) => why = error.to_string(),
            }
        }
        self.refused.push((names.join(" or "), why));
    }

    fn attach_one(&mut self, function: &str, [enter, exit]: [BorrowedFd<'_>; 2]) -> io::Result<()> {
        let number = self.known.len() as u64;
        // Of two probes at one place the kernel runs that first which was made last (`add_new_kprobe`, kernel/kprobes.c), and
        // that of the return puts a place of its own where the one of the entry reads who called.
        let ret = self.events.add(function, Edge::Exit, RETURNS)?;
        let entry = self.events.add(function, Edge::Enter, RETURNS)?;
        // The return first: what is entered is seen to return, or not seen at all.
        let exit = link_event(exit, perf::open(ret)?.as_fd(), number)?;
        let enter = link_event(enter, perf::open(entry)?.as_fd(), number)?;
        self.links.extend([exit, enter]);
        Ok(())
    }
}

fn find<'e>(ebpf: &'e mut Ebpf, name: &str) -> Result<&'e mut Program> {
    ebpf.program_mut(name)
        .with_context(|| format!("the BPF object has no program {name}"))
}

fn load(ebpf: &mut Ebpf, name: &str) -> Result<()> {
    let program: &mut KProbe = find(ebpf, name)?.try_into()?;
    program.load().map_err(|error| {
        let why = reason(name, error);
        let text = format!(
            "this kernel cannot tell functions apart in one program (bpf_get_attach_cookie, Linux 5.15): {why}"
        );
        failure(CANNOT_TRACE, text)
    })
}

fn program<'e>(ebpf: &'e Ebpf, name: &str) -> Result<BorrowedFd<'e>> {
    let program = ebpf
        .program(name)
        .with_context(|| format!("the BPF object has no program {name}"))?;
    let program: &KProbe = program.try_into()?;
    Ok(program.fd()?.as_fd())
}

/// Each function has two links, and a link is a file.
fn allow_files(functions: usize) {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = 4 * functions as u64 + 256;
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        // Root may have more than it was given, others as much as they were.
        limit.maximum = limit.maximum.map(|maximum| maximum.max(wanted));
        if setrlimit(Resource::Nofile, limit).is_ok() {
            return;
        }
        limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Without it opening fails and says so.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
