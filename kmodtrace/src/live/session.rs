//! The one way to trace: for every command that does.

use std::ffi::OsString;
use std::fs::{self, File};
use std::time::Duration;

use anyhow::{Context as _, Result};
use kmodtrace_core::kernel::facts::KernelFacts;
use kmodtrace_core::model::Clock;
use kmodtrace_core::plan::check;
use kmodtrace_core::recording::{Boot, Header, Kernel};
use serde_json::json;
use tokio::runtime::{EnterGuard, Runtime};

use super::attach::{Tracer, Wish};
use super::drill::ModuleFunctions;
use super::machine;
use super::privileges::{Keep, give_up};
use super::pump::{self, Ended, Sink, Until, now};
use super::ready;
use super::start::start;
use crate::cli::Labels;
use crate::notice::Notices;
use crate::workload::{self, Limits};

/// What is traced, and for how long.
pub(crate) struct Options<'o> {
    /// Which probes, and with how much room.
    pub(crate) wish: Wish,
    /// Modules to look into while they are loaded, by name or by file.
    pub(crate) modules: &'o [String],
    /// Of these only functions of this name; `*`, `?` and `[...]` match as in a shell.
    pub(crate) functions: Option<&'o str>,
    /// A command whose end is the end; empty for none.
    pub(crate) command: &'o [OsString],
    /// How long at the most.
    pub(crate) duration: Option<Duration>,
    /// What the recording says of the machine.
    pub(crate) labels: &'o Labels,
    /// Whether nothing is told of the modules.
    pub(crate) quiet: bool,
}

/// A tracer that is attached, and may do all that it could before; dropping it detaches.
pub(crate) struct Session<'o> {
    /// What stands at the head of its recording.
    pub(crate) header: Header,
    /// The modules that it looks into, by their names.
    pub(crate) modules: Vec<String>,
    tracer: Tracer,
    runtime: Runtime,
    limits: Limits,
    command: &'o [OsString],
    duration: Option<Duration>,
}

/// A tracer that has given up what it does not need, beside the command that it traces, if there is one.
pub(crate) struct Running {
    tracer: Tracer,
    runtime: Runtime,
    until: Until,
}

impl<'o> Session<'o> {
    /// Attaches. Whatever else can be wrong is found before that: it may take seconds.
    pub(crate) fn open(options: Options<'o>) -> Result<Self> {
        let Options {
            wish,
            modules,
            functions,
            command,
            duration,
            labels,
            quiet,
        } = options;
        workload::find(command)?;
        let limits = Limits::now();
        let functions = ModuleFunctions::find(modules, functions, quiet)?;
        let modules = functions.modules.clone();
        let (mut tracer, facts) = start(&wish, Notices::new(quiet))?;
        let mut header = header(&tracer, &facts, command, labels);
        functions.attach(&mut tracer, &mut header, quiet)?;
        Ok(Self {
            header,
            modules,
            tracer,
            runtime: runtime()?,
            limits,
            command,
            duration,
        })
    }

    /// Says that tracing begins, where somebody waits for that.
    pub(crate) fn announce(&self, notices: Notices) {
        let probes = self.tracer.plan.chosen().count();
        notices.say(&format!("tracing {probes} probes; Ctrl-C ends it"));
    }

    /// Tells the service manager, and starts the command, with nothing to read and `console` for what it says where that is given. It has what this process
    /// was started with, which then gives up all but what `keep` says: threads are to be made after that.
    pub(crate) fn start(self, console: Option<&File>, keep: Keep) -> Result<Running> {
        let Self {
            tracer,
            runtime,
            limits,
            command,
            duration,
            ..
        } = self;
        ready::tell();
        let child = {
            let _inside = runtime.enter();
            workload::start(command, limits, console)?
        };
        give_up(keep, child.is_some())?;
        let until = Until { child, duration };
        Ok(Running { tracer, runtime, until })
    }
}

impl Running {
    /// Enters the event loop: who listens for signals is made inside of it.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Traces until the command ends, the time is up, a signal comes, or nobody wants any more.
    pub(crate) fn run(self, sink: &mut impl Sink) -> Result<Ended> {
        let Self { tracer, runtime, until } = self;
        runtime.block_on(async {
            ready::keep_telling();
            pump::run(tracer, until, sink).await
        })
    }
}

/// An event loop on the one thread that there is.
pub(crate) fn runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the event loop")
}

/// The head of the recording that this tracer makes: the kernel, the facts, the plan as attaching left it.
fn header(tracer: &Tracer, facts: &KernelFacts, command: &[OsString], labels: &Labels) -> Header {
    let uname = rustix::system::uname();
    let kernel = Kernel {
        release: facts.environment.release.clone(),
        version: uname.version().to_string_lossy().into_owned(),
        arch: facts.environment.arch.clone(),
    };
    let clock = Clock {
        monotonic_ns: now(),
        realtime_ns: realtime(),
    };
    let coverage = tracer.plan.coverage();
    let plan = json!({ "probes": check(facts, &tracer.plan).probes, "coverage": coverage });
    let mut header = Header::new(env!("CARGO_PKG_VERSION"), kernel, clock, facts.environment.cpus, plan);
    header.unobserved = coverage.unobserved().to_vec();
    header.boot = boot();
    header.machine_id = machine::id();
    header.host = labels.host.then(machine::host);
    header.tags = labels.tags.iter().cloned().collect();
    header.facts = serde_json::to_value(facts).ok();
    let words = || command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    header.command = (!command.is_empty()).then(words);
    header
}

/// This boot, as the kernel tells of it.
fn boot() -> Option<Boot> {
    let told = |path| fs::read_to_string(path).map(|text| text.trim_end().to_owned());
    Some(Boot {
        id: told("/proc/sys/kernel/random/boot_id").ok()?,
        command_line: told("/proc/cmdline").unwrap_or_default(),
        ..Boot::default()
    })
}

fn realtime() -> u64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
