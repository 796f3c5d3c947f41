//! A second witness: how often the kernel says that the programs ran.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, de::DeserializeOwned};

use crate::oracle::Scenario;

/// A program, as bpftool lists it.
#[derive(Deserialize)]
struct Program {
    name: Option<String>,
    #[serde(default)]
    run_cnt: u64,
}

/// What is read of `kmodtrace check --json`.
#[derive(Deserialize)]
struct Check {
    probes: Vec<Probe>,
}

#[derive(Deserialize)]
struct Probe {
    id: String,
    attach: Vec<Attachment>,
}

#[derive(Deserialize)]
struct Attachment {
    mechanism: String,
    program: String,
}

/// Mechanisms that run a program for each function, so that the kernel counts its runs. Behind one that serves many functions
/// (`kprobe_multi`, `kretprobe_multi`) a program is called by another one, which the kernel does not count: there the driver's log
/// is the only witness.
const COUNTED: [&str; 4] = ["fentry", "fexit", "kprobe", "kretprobe"];

/// The kernel keeps so many bytes of a program's name (`BPF_OBJ_NAME_LEN`, less the NUL).
const NAME: usize = 15;

/// The programs on each system call's return ran as often as the driver made the call, as whatever program. `out` has what the guest
/// left.
pub(crate) fn counts(out: &Path, name: &str, scenarios: &[Scenario]) -> Result<()> {
    let check: Check = json(&out.join("check.json"))?;
    let programs: Vec<Program> = json(&out.join(format!("{name}.programs")))?;
    for syscall in ["init_module", "finit_module", "delete_module"] {
        let find = |id: &str| check.probes.iter().find(|probe| probe.id == id);
        let id = format!("{syscall}.exit");
        let probe = find(&id).with_context(|| format!("check knows no probe {id}"))?;
        ensure!(!probe.attach.is_empty(), "{id} is not attached");
        let attached = probe
            .attach
            .iter()
            .chain(find(&format!("ia32_{id}")).into_iter().flat_map(|probe| &probe.attach));
        let counted = attached.filter(|attachment| COUNTED.contains(&attachment.mechanism.as_str()));
        let names: BTreeSet<&str> = counted.map(|attachment| attachment.program.as_str()).collect();
        if !names.is_empty() {
            ran_for_each_call(syscall, &names, &programs, scenarios)?;
        }
    }
    Ok(())
}

fn ran_for_each_call(
    syscall: &str,
    names: &BTreeSet<&str>,
    programs: &[Program],
    scenarios: &[Scenario],
) -> Result<()> {
    let calls = scenarios.iter().flat_map(|scenario| &scenario.calls);
    let made = calls.filter(|call| call.syscall == syscall).count() as u64;
    let ours = |program: &&Program| {
        let listed = program.name.as_deref().unwrap_or_default();
        listed.len() >= NAME && names.iter().any(|name| name.starts_with(listed))
    };
    let ran: u64 = programs.iter().filter(ours).map(|program| program.run_cnt).sum();
    ensure!(
        ran == made,
        "the kernel ran {names:?} {ran} times, the driver made {made} calls of {syscall}"
    );
    Ok(())
}

pub(crate) fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("the guest left no {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not as expected", path.display()))
}
