//! Every probe that kmodtrace knows. This list exists once: facts, plan, loader and messages all read it.
//!
//! kprobe.multi comes first: it misses no call, and one link attaches everything. Then fentry and fexit, whose returns need no pool,
//! but which a kernel that preempts its own code skips: there kprobe events come before them (`resolve`).
//! Where the kernel inlined a function, only what depends on that function is lost.

use std::collections::BTreeSet;

use kmodtrace_common::functions::LoaderFunction;

use super::spec::{Attach, AttachStage, Candidate, Hook, ProbeSpec, Want};

/// The chain that modules' state changes are announced on (kernel/module/main.c).
const NOTIFY_LIST: &str = "module_notify_list";

const fn function(function: LoaderFunction) -> Hook {
    let LoaderFunction { name, args, reads } = function;
    Hook::Function { name, args, reads }
}

/// One candidate per bracket: its attachments, and the data symbol that it needs.
macro_rules! candidates {
    (@needs) => { None };
    (@needs $needs:expr) => { Some($needs) };
    ($([$($mechanism:ident $hook:expr),+ $(; $needs:expr)?])+) => {
        &[$(Candidate {
            attach: &[$(Attach { mechanism: Mechanism::$mechanism, hook: $hook }),+],
            needs: candidates!(@needs $($needs)?),
        }),+]
    };
}

/// Attaching any tracepoint of the group `syscalls` makes `syscall_regfunc` (kernel/tracepoint.c) set `SYSCALL_WORK_SYSCALL_TRACEPOINT` for
/// every task, so every system call of the machine takes the slow path; a probe on the wrapper costs its callers alone.
macro_rules! syscall_enter {
    ($hook:ident) => {
        candidates!([KprobeMulti $hook] [Fentry $hook] [Kprobe $hook] [TracepointEnter $hook])
    };
}

macro_rules! syscall_exit {
    ($hook:ident) => {
        candidates!([KretprobeMulti $hook] [Fexit $hook] [Kretprobe $hook] [TracepointExit $hook])
    };
}

/// The entry of a function; `; SYMBOL` where the program needs the address of a data symbol.
macro_rules! enter {
    ($hook:expr $(; $needs:ident)?) => {
        candidates!([KprobeMulti $hook $(; $needs)?] [Fentry $hook $(; $needs)?] [Kprobe $hook $(; $needs)?])
    };
}

macro_rules! exit {
    ($hook:expr $(; $needs:ident)?) => {
        candidates!([KretprobeMulti $hook $(; $needs)?] [Fexit $hook $(; $needs)?] [Kretprobe $hook $(; $needs)?])
    };
}

/// The return of a function together with what it was called with, which a return probe does not have: its entry keeps that.
macro_rules! exit_with_arguments {
    ($hook:ident) => {
        candidates!([KprobeMulti $hook, KretprobeMulti $hook] [Fexit $hook] [Kprobe $hook, Kretprobe $hook])
    };
}

/// A tracepoint, and the fields of its format that its programs read, with the bytes before each.
macro_rules! tracepoint {
    ($group:literal, $name:literal $(, $field:literal at $offset:literal)*) => {
        Hook::Tracepoint {
            group: $group,
            name: $name,
            symbol: concat!("__tracepoint_", $name),
            fields: &[$(($field, $offset)),*],
            typedef: concat!("btf_trace_", $name),
        }
    };
}

/// A tracepoint. Where a raw one would be skipped, a function that is called right where it is comes before one by a performance event,
/// which takes a grace period of RCU to go.
macro_rules! hit {
    ($hook:ident $(or $($function:tt)+)?) => {
        candidates!([RawTracepoint $hook] $([$($function)+])? [Tracepoint $hook])
    };
}

mod load;
mod mark;
mod request;

const fn probe(
    id: &'static str,
    stage: AttachStage,
    want: Want,
    candidates: &'static [Candidate],
    loses: &'static str,
) -> ProbeSpec {
    ProbeSpec {
        id,
        stage,
        want,
        exists_if: None,
        absence: None,
        replaced_by: None,
        spare: false,
        begins: false,
        family: None,
        loses,
        candidates,
    }
}

const fn wanted(
    id: &'static str,
    stage: AttachStage,
    candidates: &'static [Candidate],
    loses: &'static str,
) -> ProbeSpec {
    probe(id, stage, Want::Wanted, candidates, loses)
}

const LEN: usize = load::PROBES.len() + mark::EDGES.len() + mark::PROBES.len() + request::PROBES.len();

/// Every probe: the way of a load, marks on it, requests; each in the order in which they are passed.
pub const CATALOGUE: &[ProbeSpec] = &join::<LEN>(&[load::PROBES, mark::EDGES, mark::PROBES, request::PROBES]);

#[expect(
    clippy::indexing_slicing,
    reason = "it runs as the program is compiled, or does not compile"
)]
const fn join<const N: usize>(lists: &[&[ProbeSpec]]) -> [ProbeSpec; N] {
    let mut all = [lists[0][0]; N];
    let (mut list, mut next) = (0, 0);
    while list < lists.len() {
        let mut index = 0;
        while index < lists[list].len() {
            all[next] = lists[list][index];
            next += 1;
            index += 1;
        }
        list += 1;
    }
    all
}

/// Names of all programs that a plan may choose: what the BPF object must hold, no more and no less.
pub fn programs() -> BTreeSet<String> {
    CATALOGUE
        .iter()
        .flat_map(|spec| spec.candidates)
        .flat_map(|candidate| candidate.attach)
        .map(Attach::program)
        .collect()
}
