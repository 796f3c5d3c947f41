//! Gathers the facts of the running kernel. What cannot be read is a fact too, never an error.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;

use aya::programs::ProgramType;
use aya::sys::{BpfHelper, is_helper_supported};
use kmodtrace_core::kernel::facts::{Addresses, Environment, KernelFacts, Questions};
use kmodtrace_core::kernel::{btf, kallsyms};
use kmodtrace_core::plan;
use rustix::fs::{Mode, OFlags, openat};
use tracing::debug;

use super::{capability, mount, preemption};

/// Where tracefs is mounted, in the order in which aya looks: in its own place, or in that of kernels before 4.1 and of those who
/// mount debugfs only.
pub(super) const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// BTF of the running kernel.
pub(crate) const BTF: &str = "/sys/kernel/btf/vmlinux";

/// What was found out about the running kernel.
pub(crate) struct Gathered {
    /// What it offers to this process.
    pub(crate) facts: KernelFacts,
    /// Where its data is; for attaching only.
    pub(crate) addresses: Addresses,
    /// What its BTF says of what was asked; none for a kernel without.
    pub(crate) btf: Option<btf::BtfAnswers>,
}

/// What this kernel offers to this process, and what attaching needs of it; and what came of what is done `meanwhile`: making the text
/// of kallsyms keeps the kernel busy longer than all else takes.
pub(crate) fn gather<T>(meanwhile: impl FnOnce() -> T) -> (Gathered, T) {
    let uname = rustix::system::uname();
    let arch = uname.machine().to_string_lossy().into_owned();
    let questions = Arc::new(plan::questions(&arch));
    let symbols = std::thread::Builder::new().spawn({
        let questions = Arc::clone(&questions);
        move || read_kallsyms(&questions)
    });
    let release = uname.release().to_string_lossy().into_owned();
    let environment = Environment {
        preemption: preemption::read(&release, &uname.version().to_string_lossy()),
        modules_dep: modules_dep(&release),
        possible_cpus: possible_cpus().unwrap_or(0),
        release,
        cpus: std::thread::available_parallelism().map_or(0, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX)),
        page_size: u32::try_from(rustix::param::page_size()).unwrap_or(0),
        modules: modules(),
        kprobes: Path::new("/sys/bus/event_source/devices/kprobe").exists(),
        tracefs: tracefs().is_some(),
        tracepoints: tracefs().is_some_and(|path| {
            Path::new(path)
                .join("events/syscalls/sys_enter_finit_module/id")
                .exists()
        }),
        events: events(&questions),
        helpers: helpers(&questions),
        capabilities: capability::effective(),
        uid: rustix::process::geteuid().as_raw(),
        lockdown: lockdown(),
        modules_disabled: sysctl("kernel/modules_disabled").map(|disabled| disabled != 0),
        sig_enforce: sig_enforce(),
        unprivileged_bpf_disabled: sysctl("kernel/unprivileged_bpf_disabled"),
        perf_event_paranoid: sysctl("kernel/perf_event_paranoid"),
        arch,
    };
    let btf = read_btf(&questions);
    let done = meanwhile();
    // A reader that panicked found nothing, as one that could not open the file. Where there is no thread to be had, this one reads.
    let symbols = symbols.map_or_else(
        |_| read_kallsyms(&questions),
        |symbols| symbols.join().unwrap_or_default(),
    );
    let (facts, addresses) = KernelFacts::new(environment, &questions, btf.as_ref(), &symbols);
    let gathered = Gathered { facts, addresses, btf };
    (gathered, done)
}

/// CPUs that may ever be: the end of the last range of `0-7`.
fn possible_cpus() -> Option<u32> {
    let text = fs::read_to_string("/sys/devices/system/cpu/possible").ok()?;
    let last: u32 = text.trim().rsplit([',', '-']).next()?.parse().ok()?;
    last.checked_add(1)
}

/// A kernel without modules has no `/proc/modules`; without `/proc` nobody knows.
fn modules() -> Option<bool> {
    Path::new("/proc/self")
        .exists()
        .then(|| Path::new("/proc/modules").exists())
}

/// Where tracefs is mounted.
pub(crate) fn tracefs() -> Option<&'static str> {
    TRACEFS
        .into_iter()
        .find(|path| Path::new(path).join("events").read_dir().is_ok())
}

/// Which of these tracepoints tracefs has.
fn events(questions: &Questions) -> BTreeMap<String, bool> {
    let Some(path) = tracefs() else { return BTreeMap::new() };
    let events = Path::new(path).join("events");
    let tracepoints = questions.tracepoints.iter();
    tracepoints
        .map(|&(group, name)| (name.to_owned(), events.join(group).join(name).exists()))
        .collect()
}

/// Which of these helpers there are. The kernel is asked with a program that calls them; one that may not load
/// programs gets no for an answer, and cannot trace anyway.
fn helpers(questions: &Questions) -> BTreeMap<String, bool> {
    let number = |name: &str| match name {
        "bpf_snprintf" => Some(BpfHelper::BPF_FUNC_snprintf),
        _ => None,
    };
    let supported = |name: &str| {
        number(name).is_some_and(|helper| is_helper_supported(ProgramType::KProbe, helper).unwrap_or(false))
    };
    let helpers = questions.helpers.iter();
    helpers.map(|name| ((*name).to_owned(), supported(name))).collect()
}

/// The word in brackets of `none [integrity] confidentiality`.
fn lockdown() -> Option<String> {
    let text = fs::read_to_string("/sys/kernel/security/lockdown");
    let text = text.or_else(|_| read_unseen("securityfs", "lockdown")).ok()?;
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(mode, _)| mode.to_owned())
}

/// What a file says of a file system that is not mounted, as in an initramfs.
fn read_unseen(system: &str, file: &str) -> io::Result<String> {
    let root = mount::unseen(system)?;
    let file = openat(root, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    io::read_to_string(File::from(file))
}

/// `Y` or `N`.
fn sig_enforce() -> Option<bool> {
    let text = fs::read_to_string("/sys/module/module/parameters/sig_enforce").ok()?;
    match text.trim() {
        "Y" => Some(true),
        "N" => Some(false),
        _ => None,
    }
}

/// Whether modprobe can look up modules. kmod reads the one, and the other where that is missing.
fn modules_dep(release: &str) -> Option<bool> {
    let folder = Path::new("/lib/modules").join(release);
    let there = |name: &str| folder.join(name).try_exists().ok();
    Some(there("modules.dep.bin")? || there("modules.dep")?)
}

fn sysctl(name: &str) -> Option<i32> {
    fs::read_to_string(Path::new("/proc/sys").join(name))
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn read_btf(questions: &Questions) -> Option<btf::BtfAnswers> {
    let bytes = fs::read(BTF).map_err(|error| debug!("{BTF}: {error}")).ok()?;
    let questions = btf::BtfQuestions {
        functions: &questions.functions,
        members: &questions.members.iter().copied().collect::<Vec<_>>(),
        types: &questions.types.iter().copied().collect::<Vec<_>>(),
    };
    btf::scan(&bytes, &questions)
        .map_err(|error| debug!("{BTF}: {error}"))
        .ok()
}

fn read_kallsyms(questions: &Questions) -> kallsyms::SymbolAnswers {
    let mut scanner = kallsyms::Scanner::new(questions.text_symbols(), questions.data_symbols.iter().copied());
    match File::open("/proc/kallsyms") {
        Ok(file) => {
            let mut reader = BufReader::with_capacity(64 << 10, file);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                scanner.line(&line);
                line.clear();
            }
        }
        Err(error) => debug!("/proc/kallsyms: {error}"),
    }
    scanner.finish()
}
