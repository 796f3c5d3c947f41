//! Loads and attaches what the plan chose; where the kernel refuses, the plan's next candidate.

use anyhow::{Context as _, Result, anyhow};
use aya::maps::{MapData, RingBuf};
use aya::programs::{Program, ProgramError};
use aya::{Btf, Ebpf, EbpfLoader};
use aya_log::EbpfLogger;
use kmodtrace_core::facts::{Addresses, KernelFacts};
use kmodtrace_core::plan::{self, Attachment, GlobalValue, Plan, ProbeSpec, Stage};
use tracing::{debug, info};

use super::counters::Counters;

/// The programs, as the build script compiled them.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/kmodtrace.o"));

/// Hands the BPF side's messages to the tracer's own log.
pub(crate) type Logger = EbpfLogger<&'static dyn log::Log>;

/// A tracer that is attached; dropping it detaches.
pub(crate) struct Tracer {
    /// The programs and their links.
    pub ebpf: Ebpf,
    /// Where the records come from.
    pub ring: RingBuf<MapData>,
    /// What was lost.
    pub counters: Counters,
    /// The BPF side's own messages, when they were asked for.
    pub logger: Option<Logger>,
    /// What was attached in the end.
    pub plan: Plan,
}

impl Tracer {
    /// Attaches the plan. `log` makes the BPF side talk; without it the verifier sees none of that code.
    pub(crate) fn attach(facts: &KernelFacts, addresses: &Addresses, mut plan: Plan, log: bool) -> Result<Self> {
        let btf = if facts.btf { Some(Btf::from_sys_fs().context("cannot read /sys/kernel/btf/vmlinux")?) } else { None };
        let mut ebpf = load(facts, addresses, btf.as_ref(), log)?;
        for id in attach_order(&plan) {
            attach_probe(&mut ebpf, &mut plan, id, btf.as_ref());
        }
        if let Some(missing) = plan.missing_required().next() {
            let reasons: Vec<_> = missing.refused().map(|(_, reason)| reason).collect();
            return Err(anyhow!("cannot attach {}: {}", missing.spec.id, reasons.join("; ")));
        }
        let logger = if log { Some(EbpfLogger::init(&mut ebpf).context("cannot read the BPF side's messages")?) } else { None };
        let ring = ebpf.take_map("RING").context("the BPF object has no map RING")?.try_into()?;
        let counters = Counters::new(&mut ebpf)?;
        Ok(Self { ebpf, ring, counters, logger, plan })
    }
}

fn load(facts: &KernelFacts, addresses: &Addresses, btf: Option<&Btf>, log: bool) -> Result<Ebpf> {
    let log_level = if log { aya_log::Level::Debug as u8 } else { 0 };
    let globals = plan::values(facts, addresses);
    let mut loader = EbpfLoader::new();
    loader.btf(btf).override_global(aya_log::LEVEL, &log_level, true);
    for (name, value) in &globals {
        match value {
            GlobalValue::U32(value) => loader.override_global(name, value, true),
            GlobalValue::U64(value) => loader.override_global(name, value, true),
        };
    }
    loader.load(OBJECT).context("the kernel refused the BPF maps")
}

/// The system calls last and their entries last of all: the other programs do nothing outside of an attempt whose
/// entry was seen, so no attempt is ever seen from its middle.
fn attach_order(plan: &Plan) -> Vec<&'static str> {
    let rank = |spec: &ProbeSpec| match spec.stage {
        Stage::Attempt if spec.id.ends_with(".enter") => 2,
        Stage::Attempt => 1,
        _ => 0,
    };
    let mut specs: Vec<_> = plan.chosen().map(|(spec, _)| spec).collect();
    specs.sort_by_key(|spec| rank(spec));
    specs.into_iter().map(|spec| spec.id).collect()
}

fn attach_probe(ebpf: &mut Ebpf, plan: &mut Plan, id: &str, btf: Option<&Btf>) {
    let mut choice = plan.probe(id).and_then(|probe| probe.chosen()).cloned();
    while let Some(chosen) = choice {
        let Err(reason) = attach_all(ebpf, &chosen.attach, btf) else { return };
        info!("{id}: the kernel refused {}: {reason}", chosen.attach.first().map_or("", |attach| attach.program.as_str()));
        choice = plan.refuse(id, reason).cloned();
    }
}

fn attach_all(ebpf: &mut Ebpf, attachments: &[Attachment], btf: Option<&Btf>) -> Result<(), String> {
    for (done, attachment) in attachments.iter().enumerate() {
        let Err(error) = attach(ebpf, attachment, btf) else { continue };
        for undo in attachments.iter().take(done + 1) {
            // A program's links go with it; one that never loaded has none, and says so.
            let _ = match ebpf.program_mut(&undo.program) {
                Some(Program::FEntry(program)) => program.unload(),
                Some(Program::FExit(program)) => program.unload(),
                Some(Program::KProbe(program)) => program.unload(),
                Some(Program::TracePoint(program)) => program.unload(),
                Some(_) | None => Ok(()),
            };
        }
        return Err(error);
    }
    Ok(())
}

fn attach(ebpf: &mut Ebpf, attachment: &Attachment, btf: Option<&Btf>) -> Result<(), String> {
    let Attachment { target, program: name, .. } = attachment;
    let program = ebpf.program_mut(name).ok_or_else(|| format!("the BPF object has no program {name}"))?;
    let attached = match (program, btf) {
        (Program::FEntry(program), Some(btf)) => program.load(target, btf).and_then(|()| program.attach().map(drop)),
        (Program::FExit(program), Some(btf)) => program.load(target, btf).and_then(|()| program.attach().map(drop)),
        (Program::KProbe(program), _) => program.load().and_then(|()| program.attach(target, 0).map(drop)),
        (Program::TracePoint(program), _) => {
            let (category, tracepoint) = attachment.tracepoint().ok_or_else(|| format!("{target} is no tracepoint"))?;
            program.load().and_then(|()| program.attach(category, tracepoint).map(drop))
        }
        (_, _) => return Err(format!("{name} cannot be attached here")),
    };
    attached.map_err(|error| reason(name, error))
}

/// One line of why; the verifier's whole log goes to the debug messages.
fn reason(program: &str, error: ProgramError) -> String {
    if let ProgramError::LoadError { io_error, verifier_log } = &error {
        debug!("{program}: {verifier_log}");
        let log = verifier_log.to_string();
        let last = log.lines().rev().find(|line| !line.is_empty() && !line.starts_with("processed "));
        return last.map_or_else(|| io_error.to_string(), |line| format!("{io_error}: {line}"));
    }
    format!("{:#}", anyhow::Error::new(error))
}
