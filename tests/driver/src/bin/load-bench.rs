//! The workload that tracers are measured by, and the clock on them.
//!
//! `block` makes module system calls one after another and times each; `storm` makes many at once; both tell how much
//! memory their parent has, which is the tracer when they run under one. `under` starts a tracer and tells when, so
//! that what runs under it can tell how long attaching took, and afterwards what the tracer cost itself. Every answer
//! is one JSON object in one line on stdout.

use std::ffi::{CString, OsString};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Barrier;
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

const USAGE: &str = "usage: load-bench block CYCLES CALLS REQUESTS FILE.ko\n\
                     usage: load-bench storm TASKS ROUNDS FILE.ko...\n\
                     usage: load-bench under NAME COMMAND...\n\
                     block loads a file of zeroes CALLS times, and the module CALLS times while it is there, then loads and\n\
                     unloads it CYCLES times, then has the kernel request a file system that nobody has REQUESTS times.";

/// Calls before those that count.
const WARM_UP: usize = 10;

/// Tells what runs under `under` which tracer it is and when it was started.
const TRACER: &str = "LOAD_BENCH_TRACER";
const STARTED: &str = "LOAD_BENCH_STARTED_NS";

fn main() -> ExitCode {
    let begin = now_ns();
    match run(begin, &std::env::args_os().skip(1).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("load-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(begin: u64, words: &[OsString]) -> Result<ExitCode> {
    let words_text: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let words_text: Vec<&str> = words_text.iter().map(AsRef::as_ref).collect();
    match words_text[..] {
        ["block", cycles, calls, requests, file] => {
            let times = [cycles.parse()?, calls.parse()?, requests.parse()?];
            block(begin, times, &Module::open(file)?)?;
        }
        ["storm", tasks, rounds, ref files @ ..] if !files.is_empty() => {
            let modules: Vec<Module> = files.iter().map(|file| Module::open(file)).collect::<Result<_>>()?;
            storm(tasks.parse()?, rounds.parse()?, &modules)?;
        }
        ["under", name, _, ..] => return under(name, &words[2..]),
        _ => {
            eprintln!("{USAGE}");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A module's file, and its name.
struct Module {
    file: File,
    name: CString,
}

impl Module {
    fn open(path: &str) -> Result<Self> {
        let stem = Path::new(path)
            .file_stem()
            .with_context(|| format!("{path} names no module"))?;
        let name = CString::new(stem.to_string_lossy().replace('-', "_"))?;
        let file = File::open(path).with_context(|| format!("cannot read {path}"))?;
        Ok(Self { file, name })
    }

    /// A file that the kernel takes for no module: of its functions for modules it passes the fewest.
    fn junk() -> Result<Self> {
        // SAFETY: the kernel reads the name, which ends with a zero.
        let fd = unsafe { libc::memfd_create(c"junk".as_ptr(), libc::MFD_CLOEXEC) };
        ensure!(fd >= 0, "no file of zeroes: {}", io::Error::last_os_error());
        // SAFETY: the kernel has just made this file for nobody else.
        let mut file = unsafe { File::from_raw_fd(fd) };
        file.write_all(&[0; 4096]).context("cannot write zeroes")?;
        Ok(Self {
            file,
            name: CString::default(),
        })
    }

    /// So many loads that all get this errno, each in nanoseconds. An emulated processor translates its kernel's code anew after a
    /// tracer changed it, so the first are not counted.
    fn refused(&self, calls: usize, errno: i32) -> Result<Vec<u64>> {
        let mut times = Vec::with_capacity(calls);
        for nth in 0..WARM_UP + calls {
            let start = now_ns();
            let got = self.load();
            if nth >= WARM_UP {
                times.push(now_ns() - start);
            }
            ensure!(got == errno, "a load that should get errno {errno}: {got}");
        }
        Ok(times)
    }

    /// Gives the errno.
    fn load(&self) -> i32 {
        // SAFETY: the kernel reads the file and the empty string, and writes nothing back.
        errno(unsafe { libc::syscall(libc::SYS_finit_module, self.file.as_raw_fd(), c"".as_ptr(), 0) })
    }

    /// Gives the errno.
    fn unload(&self) -> i32 {
        // SAFETY: the kernel reads the name and writes nothing back.
        errno(unsafe { libc::syscall(libc::SYS_delete_module, self.name.as_ptr(), libc::O_NONBLOCK) })
    }
}

fn errno(result: libc::c_long) -> i32 {
    if result == 0 {
        0
    } else {
        io::Error::last_os_error().raw_os_error().unwrap_or(-1)
    }
}

/// One after another, each timed.
fn block(begin: u64, [cycles, calls, requests]: [usize; 3], module: &Module) -> Result<()> {
    let at_begin = parent_memory()?;
    let junk_ns = Module::junk()?.refused(calls, libc::ENOEXEC)?;
    let loaded = module.load();
    ensure!(loaded == 0, "load: errno {loaded}");
    let live_ns = module.refused(calls, libc::EEXIST)?;
    let unloaded = module.unload();
    ensure!(unloaded == 0, "unload: errno {unloaded}");
    let mut cycle_ns = Vec::with_capacity(cycles);
    for _ in 0..cycles {
        let start = now_ns();
        let (loaded, unloaded) = (module.load(), module.unload());
        cycle_ns.push(now_ns() - start);
        ensure!(
            (loaded, unloaded) == (0, 0),
            "load: errno {loaded}, unload: errno {unloaded}"
        );
    }
    let request_ns = (0..requests).map(|_| request()).collect::<Result<Vec<_>>>()?;
    let at_end = parent_memory()?;
    println!(
        r#"{{"what":"block",{},"begin_ns":{begin},"end_ns":{},"calls":{},"cycle_ns":{cycle_ns:?},"junk_ns":{junk_ns:?},"live_ns":{live_ns:?},"request_ns":{request_ns:?},"memory":[{at_begin},{at_end}]}}"#,
        tracer(),
        now_ns(),
        2 + 2 * (WARM_UP + calls) + 2 * cycles,
    );
    Ok(())
}

/// Asks for a file system that nobody has: the kernel runs modprobe, which finds nothing. Gives the nanoseconds.
fn request() -> Result<u64> {
    let start = now_ns();
    // SAFETY: the kernel reads the strings and writes nothing back.
    let result = unsafe { libc::mount(c"none".as_ptr(), c"/".as_ptr(), c"nobody".as_ptr(), 0, std::ptr::null()) };
    let took = now_ns() - start;
    let errno = errno(result.into());
    ensure!(
        errno == libc::ENODEV,
        "mount of a file system that nobody has: errno {errno}"
    );
    Ok(took)
}

/// All at once: every task loads every module; then they are unloaded one after another.
fn storm(tasks: usize, rounds: usize, modules: &[Module]) -> Result<()> {
    let at_begin = parent_memory()?;
    let mut calls = 0;
    for _ in 0..rounds {
        let gate = Barrier::new(tasks);
        thread::scope(|scope| {
            for _ in 0..tasks {
                scope.spawn(|| {
                    gate.wait();
                    for module in modules {
                        module.load();
                    }
                });
            }
        });
        calls += tasks * modules.len();
        for module in modules {
            // ENOENT: its init function fails here.
            let unloaded = module.unload();
            calls += 1;
            ensure!(
                [0, libc::ENOENT].contains(&unloaded),
                "unload of {:?}: errno {unloaded}",
                module.name
            );
        }
    }
    let at_end = parent_memory()?;
    let tracer = tracer();
    println!(r#"{{"what":"storm",{tracer},"calls":{calls},"memory":[{at_begin},{at_end}]}}"#);
    Ok(())
}

/// Runs a tracer to its end.
fn under(name: &str, command: &[OsString]) -> Result<ExitCode> {
    let [program, arguments @ ..] = command else {
        bail!("no command")
    };
    let start = now_ns();
    let mut child = Command::new(program);
    child.args(arguments).env(TRACER, name).env(STARTED, start.to_string());
    let child = child
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let pid = libc::pid_t::try_from(child.id())?;
    let mut status = 0;
    // SAFETY: all fields are numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to what the call writes; nobody else waits for this child.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    ensure!(waited == pid, "cannot wait for {name}");
    let ns = |time: libc::timeval| time.tv_sec * 1_000_000_000 + time.tv_usec * 1_000;
    println!(
        r#"{{"what":"tracer","tracer":"{name}","started_ns":{start},"ended_ns":{},"status":{status},"cpu_ns":{},"peak_kb":{}}}"#,
        now_ns(),
        ns(usage.ru_utime) + ns(usage.ru_stime),
        usage.ru_maxrss,
    );
    Ok(if status == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What this runs under, for its answer.
fn tracer() -> String {
    match (std::env::var(TRACER), std::env::var(STARTED)) {
        (Ok(name), Ok(started)) => format!(r#""tracer":"{name}","started_ns":{started}"#),
        _ => r#""tracer":null,"started_ns":null"#.to_owned(),
    }
}

/// Resident memory of the parent now and at its peak, in kB.
fn parent_memory() -> Result<String> {
    let parent = std::os::unix::process::parent_id();
    let status = fs::read_to_string(format!("/proc/{parent}/status")).context("cannot read the parent's status")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let (resident, peak) = (
        field("VmRSS:").context("no VmRSS")?,
        field("VmHWM:").context("no VmHWM")?,
    );
    Ok(format!(
        r#"{{"resident_kb":{resident},"anonymous_kb":{},"peak_kb":{peak}}}"#,
        field("RssAnon:").unwrap_or(0)
    ))
}

/// `CLOCK_MONOTONIC` in nanoseconds.
fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills in the timespec that it is given; this clock exists everywhere, so it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
