//! Attaches the two programs of calls to the functions of modules, loaded or not.

use std::collections::BTreeMap;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use anyhow::{Context as _, Result};
use aya::Ebpf;
use aya::programs::{KProbe, Program, RawTracePoint};
use kmodtrace_core::drill::{KERNEL_PROGRAMS, Known, MODULE_PROGRAMS, OUTSIDE, Returns, SWITCH_PROGRAM};
use rustix::process::{Resource, getrlimit, setrlimit};
use tracing::info;

use super::attach::{Tracer, reason};
use super::tracefs::{Edge, Events};
use crate::failure::{CANNOT_TRACE, failure};

/// `PERF_TYPE_TRACEPOINT`, `include/uapi/linux/perf_event.h`.
const TRACEPOINT: u32 = 2;
/// `PERF_ATTR_SIZE_VER0`: all that a tracepoint needs.
const ATTR_SIZE: u32 = 64;
/// `PERF_FLAG_FD_CLOEXEC`, of the same.
const CLOEXEC: libc::c_ulong = 8;
/// `BPF_LINK_CREATE`, `include/uapi/linux/bpf.h`.
const LINK_CREATE: libc::c_long = 28;
/// `BPF_PERF_EVENT`, of `enum bpf_attach_type`.
const PERF_EVENT: u32 = 41;

/// What is attached; dropping it detaches, and then removes the events.
#[derive(Debug)]
pub(crate) struct Calls {
    /// Before the events, which nobody may hold any more when they are removed.
    links: Vec<OwnedFd>,
    events: Events,
    /// The functions that are attached to, in the order of their numbers.
    pub(crate) known: Vec<Known>,
    /// Those that the kernel did not take, each with the reason.
    pub(crate) refused: Vec<(String, String)>,
}

impl Calls {
    /// Attaches to entry and return of all of them, and to what of the kernel itself is told with them; `outside` tells what that
    /// returns.
    pub(crate) fn attach(
        tracer: &mut Tracer,
        functions: Vec<Known>,
        outside: &BTreeMap<String, Returns>,
    ) -> Result<Self> {
        let ebpf = &mut tracer.ebpf;
        allow_files(functions.len() + OUTSIDE.len());
        let mut calls = Self {
            links: Vec::new(),
            events: Events::new()?,
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
        tracer.counters.add(ebpf, calls.events.misses());
        info!(
            "attached to {} functions, {} refused",
            calls.known.len(),
            calls.refused.len()
        );
        Ok(calls)
    }

    /// A function of the kernel under the first of its names that this kernel has.
    fn attach_first(&mut self, names: &[&str], outside: &BTreeMap<String, Returns>, programs: [BorrowedFd<'_>; 2]) {
        let mut why = String::new();
        for name in names {
            match self.attach_one(name, programs) {
                Ok(()) => {
                    return self.known.push(Known {
                        name: (*name).to_owned(),
                        returns: outside.get(*name).copied().unwrap_or_default(),
                        ..Known::default()
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
        let ret = self.events.add(function, Edge::Exit)?;
        let entry = self.events.add(function, Edge::Enter)?;
        // The return first: what is entered is seen to return, or not seen at all.
        let exit = link(exit, open(ret)?.as_fd(), number)?;
        let enter = link(enter, open(entry)?.as_fd(), number)?;
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

/// Opens the event as a performance event. A program on it runs on every processor, whichever it is opened for.
fn open(id: u64) -> io::Result<OwnedFd> {
    let mut attr = [0_u64; ATTR_SIZE as usize / size_of::<u64>()];
    attr[0] = u64::from(TRACEPOINT) | u64::from(ATTR_SIZE) << 32;
    attr[1] = id;
    // SAFETY: the attributes are as long as they say, are read only, and live until the call returns. No library that is used
    // here makes this call for an event that is there already.
    let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, attr.as_ptr(), -1, 0, -1, CLOEXEC) };
    owned(fd)
}

/// Links a program to it, with a number that the program can ask for.
fn link(program: BorrowedFd<'_>, event: BorrowedFd<'_>, cookie: u64) -> io::Result<OwnedFd> {
    let half = |fd: BorrowedFd<'_>| u64::from(fd.as_raw_fd().unsigned_abs());
    // prog_fd, target_fd; attach_type, flags; perf_event.bpf_cookie: `union bpf_attr`.
    let attr = [half(program) | half(event) << 32, u64::from(PERF_EVENT), cookie];
    // SAFETY: as above; aya's own links know no event that is there already.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, LINK_CREATE, attr.as_ptr(), size_of_val(&attr)) };
    owned(fd)
}

fn owned(fd: libc::c_long) -> io::Result<OwnedFd> {
    match i32::try_from(fd) {
        // SAFETY: the kernel has just made this file for nobody else.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}
