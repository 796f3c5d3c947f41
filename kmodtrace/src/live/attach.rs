//! Loads and attaches what the plan chose; where the kernel refuses, the plan's next candidate.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd as _;

use anyhow::{Context as _, Error, Result, bail};
use aya::maps::{Map, MapData, RingBuf};
use aya::programs::Program;
use aya::{Btf, Ebpf, EbpfLoader, Endianness};
use aya_log::EbpfLogger;
use aya_obj::{Object, ParseError};
use kmodtrace_core::plan::{self, AttachStage, Attachment, Family, GlobalValue, Mechanism, Plan, ProbeSpec};
use rustix::process::{Resource, getrlimit};
use tracing::info;

use super::bpf::reason;
use super::calls::Calls;
use super::cgroups::Cgroups;
use super::counters::{Counters, Misses};
use super::facts::Gathered;
use super::multi::Multi;
use super::refused::Refused;
use super::tracefs::{self, Edge, ProbeEvents};
use crate::failure::{CANNOT_TRACE, failure};
use crate::notice::Notices;

/// The programs, as the build script compiled them.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/kmodtrace.o"));

/// Hands the BPF side's messages to the tracer's own log.
pub(crate) type Logger = EbpfLogger<&'static dyn log::Log>;

/// What a user may choose.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Makes the BPF side talk; without it the verifier sees none of that code.
    pub(crate) log: bool,
    /// Entries of the map of tasks.
    pub(crate) max_in_flight: u32,
    /// Which families of probes are attached.
    pub(crate) families: BTreeSet<Family>,
}

/// A tracer that is attached.
pub(crate) struct Tracer {
    /// What is attached.
    pub attached: Attached,
    /// Where the records come from.
    pub ring: RingBuf<MapData>,
    /// What was lost.
    pub counters: Counters,
    /// The calls that were only counted.
    pub refused: Refused,
    /// Where the names of cgroups are.
    pub cgroups: Cgroups,
    /// The BPF side's own messages, when they were asked for.
    pub logger: Option<Logger>,
    /// What was attached in the end.
    pub plan: Plan,
}

/// Dropping it detaches.
pub(crate) struct Attached {
    /// Functions of modules.
    calls: Option<Calls>,
    multi: Option<Multi>,
    events: Option<ProbeEvents>,
    /// The programs, and the links that aya made.
    pub(super) ebpf: Ebpf,
}

/// What can be begun before anything is known of the kernel.
pub(crate) struct Begun {
    loader: EbpfLoader<'static>,
    object: Result<Object, ParseError>,
}

/// Begins: aya reads and parses all of the kernel's BTF as it makes a loader. The programs have no use for it, so it goes at once.
pub(crate) fn begin() -> Begun {
    let mut loader = EbpfLoader::new();
    loader.btf(None);
    Begun {
        loader,
        object: Object::parse(OBJECT),
    }
}

/// As much of the kernel's BTF as trampolines need, made when one is attached; or why there is none.
type Outline<'o> = dyn Fn() -> &'o Result<Btf, String> + 'o;

impl Tracer {
    /// Attaches the plan.
    pub(crate) fn attach(
        begun: Begun,
        kernel: &Gathered,
        mut plan: Plan,
        wish: &Wish,
        notices: Notices,
    ) -> Result<Self> {
        let Begun { loader, object } = begun;
        let outline = LazyCell::new(|| {
            let outline = kernel.btf.as_ref().ok_or("no BTF")?.outline();
            Btf::parse(&outline, Endianness::default()).map_err(|error| error.to_string())
        });
        let ebpf = load(loader, kernel, &plan, wish)?;
        let object = object.context("the BPF object cannot be read")?;
        let mut attached = Attached {
            calls: None,
            multi: Multi::new(object, &ebpf, kernel, &plan)?,
            events: None,
            ebpf,
        };
        let order = attach_order(&plan);
        let progress = notices.begin("attaching probes".to_owned(), Some(order.len() as u64));
        for (done, id) in (1..).zip(order) {
            attached.attach_probe(&mut plan, id, &|| &*outline);
            progress.reached(done);
        }
        drop((outline, progress));
        if let Some(missing) = plan.missing_required().next() {
            let mut reasons: Vec<_> = missing.refused().map(|(_, reason)| reason).collect();
            reasons.dedup();
            let text = format!("cannot attach {}: {}", missing.spec.id, reasons.join("; "));
            return Err(failure(CANNOT_TRACE, text));
        }
        info!("attached {} probes", plan.chosen().count());
        let ebpf = &mut attached.ebpf;
        let logger = wish
            .log
            .then(|| EbpfLogger::init(ebpf))
            .transpose()
            .context("cannot read the BPF side's messages")?;
        let ring = ebpf
            .take_map("RING")
            .context("the BPF object has no map RING")?
            .try_into()?;
        let Some(Map::Array(map)) = attached.ebpf.map("COUNTERS") else {
            bail!("the BPF object has no map COUNTERS");
        };
        let counters = Counters::new(map, attached.misses(Vec::new()))?;
        let refused = attached.ebpf.take_map("REFUSED");
        let refused = Refused::new(refused.context("the BPF object has no map REFUSED")?)?;
        Ok(Self {
            attached,
            ring,
            counters,
            refused,
            cgroups: Cgroups::new(),
            logger,
            plan,
        })
    }
}

impl Tracer {
    /// Keeps what is attached to functions of modules, and counts what it misses with the rest.
    pub(super) fn keep(&mut self, calls: Calls) {
        self.counters.watch(self.attached.misses(vec![calls.misses()]));
        self.attached.calls = Some(calls);
    }
}

impl Attached {
    /// Detaches, which can take seconds, and minutes for many functions of modules.
    pub(crate) fn detach(self, notices: Notices) {
        let _until_all_is_gone = notices.begin("detaching probes".to_owned(), None);
        drop(self);
    }

    /// Who knows what was missed, by this and by other events.
    pub(super) fn misses(&self, mut events: Vec<tracefs::Misses>) -> Misses {
        events.extend(self.events.as_ref().map(ProbeEvents::misses));
        let links = self.multi.as_ref().map_or_else(Vec::new, Multi::links);
        Misses::new(&self.ebpf, links, events)
    }

    /// Attaches the first candidate that the kernel takes; why it refused others goes into the plan. Of a candidate with two
    /// programs the first may stay attached without the second: all that it does then is to keep an argument for it.
    fn attach_probe(&mut self, plan: &mut Plan, id: &str, btf: &Outline<'_>) {
        let probe = plan.probe(id).filter(|probe| !plan.is_spared(probe));
        let mut choice = probe.and_then(|probe| probe.chosen()).cloned();
        while let Some(chosen) = choice {
            let Err(reason) = chosen
                .attach
                .iter()
                .try_for_each(|attachment| self.attach(attachment, btf))
            else {
                return;
            };
            let program = chosen.attach.first().map_or("", |attach| attach.program.as_str());
            info!("{id}: the kernel refused {program}: {reason}");
            choice = plan.refuse(id, reason).cloned();
        }
    }

    fn attach(&mut self, attachment: &Attachment, btf: &Outline<'_>) -> Result<(), String> {
        let Attachment {
            target,
            program: name,
            mechanism,
            fields,
        } = attachment;
        if mechanism.is_multi() {
            let multi = self.multi.as_ref().ok_or("no link of kprobe.multi was made")?;
            return multi.arm(attachment);
        }
        let program = self
            .ebpf
            .program_mut(name)
            .ok_or_else(|| format!("the BPF object has no program {name}"))?;
        let outline = || btf().as_ref().map_err(String::clone);
        let attached = match program {
            Program::FEntry(program) => program
                .load(target, outline()?)
                .and_then(|()| program.attach().map(drop)),
            Program::FExit(program) => program
                .load(target, outline()?)
                .and_then(|()| program.attach().map(drop)),
            Program::KProbe(program) => {
                program.load().map_err(|error| reason(name, error))?;
                let program = program.fd().map_err(|error| reason(name, error))?;
                let edge = if *mechanism == Mechanism::Kretprobe {
                    Edge::Exit
                } else {
                    Edge::Enter
                };
                return ProbeEvents::get_or_make(&mut self.events)?.attach(target, edge, program.as_fd());
            }
            Program::RawTracePoint(program) => program.load().and_then(|()| program.attach(target).map(drop)),
            Program::TracePoint(program) => {
                let (category, tracepoint) = attachment
                    .tracepoint()
                    .ok_or_else(|| format!("{target} is not a tracepoint"))?;
                tracefs::has_fields(category, tracepoint, fields)?;
                program
                    .load()
                    .and_then(|()| program.attach(category, tracepoint).map(drop))
            }
            _ => return Err(format!("{name} cannot be attached here")),
        };
        attached.map_err(|error| reason(name, error))
    }
}

fn load(loader: EbpfLoader<'_>, kernel: &Gathered, plan: &Plan, wish: &Wish) -> Result<Ebpf> {
    let log_level = if wish.log { aya_log::Level::Debug as u8 } else { 0 };
    let globals = plan::values(&kernel.facts, &kernel.addresses, &plan.families);
    // It keeps references to what it is given until it has loaded.
    let mut loader = loader;
    let keys = keys()?;
    for (name, key) in plan::KEYS.into_iter().zip(&keys) {
        loader.override_global(name, key, true);
    }
    loader
        .override_global(aya_log::LEVEL, &log_level, true)
        .map_max_entries("TASKS", wish.max_in_flight);
    for (name, value) in &globals {
        match value {
            GlobalValue::U32(value) => loader.override_global(name, value, true),
            GlobalValue::U64(value) => loader.override_global(name, value, true),
        };
    }
    loader.load(OBJECT).map_err(|error| no_maps(error.into()))
}

/// Numbers that nobody can guess.
fn keys() -> Result<[u64; plan::KEYS.len()]> {
    let mut keys = [0; plan::KEYS.len()];
    for key in &mut keys {
        let mut bytes = [0; 8];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).context("no random numbers")?;
        *key = u64::from_ne_bytes(bytes);
    }
    Ok(keys)
}

/// Before 5.11 the kernel counts maps as locked memory (`bpf_charge_memlock`, kernel/bpf/syscall.c); root raises that limit on
/// the way, a user with capabilities alone may not.
fn no_maps(error: Error) -> Error {
    let refused = "the kernel refused the BPF maps";
    let causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    let denied = causes
        .map(io::Error::kind)
        .any(|kind| kind == io::ErrorKind::PermissionDenied);
    match getrlimit(Resource::Memlock).current.filter(|_| denied) {
        Some(limit) => failure(
            CANNOT_TRACE,
            format!(
                "{refused}: before Linux 5.11 they count as locked memory, of which this process may have {} KiB; raise \
                 that (ulimit -l unlimited), or add cap_sys_resource to the capabilities of kmodtrace",
                limit >> 10
            ),
        ),
        None => error.context(refused),
    }
}

/// The order in which probes are attached. Where a call is seen from its beginning, that beginning comes last: the other programs do
/// nothing before they saw it, so no attempt and no request is ever seen from its middle. A probe that is there for another one comes
/// behind that. The return of a function comes before its entry: of two kprobes at one place the kernel runs that
/// first which was made last (`register_aggr_kprobe`, kernel/kprobes.c), and the one of the return puts a place of its own where the
/// one of the entry reads who called.
fn attach_order(plan: &Plan) -> Vec<&'static str> {
    let rank = |spec: &ProbeSpec| match spec.stage {
        AttachStage::Attempt => 3,
        AttachStage::Request if spec.begins => 2,
        AttachStage::Request => 1,
        _ => 0,
    };
    let mut specs: Vec<_> = plan.probes.iter().map(|probe| probe.spec).collect();
    specs.sort_by_key(|spec| (rank(spec), spec.spare, spec.enters()));
    specs.into_iter().map(|spec| spec.id).collect()
}
