//! A second witness: how often the kernel says that the programs ran.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::oracle::Scenario;

#[derive(Deserialize)]
struct Program {
    name: Option<String>,
    #[serde(default)]
    run_cnt: u64,
}

/// The kernel keeps so many bytes of a program's name (`BPF_OBJ_NAME_LEN`, less the NUL); bpftool may find all of it in BTF.
const NAME: usize = 15;

/// The program on each system call's return ran as often as the driver made the call.
pub(crate) fn counts(path: &Path, scenarios: &[Scenario]) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("bpftool left no {}", path.display()))?;
    let programs: Vec<Program> = serde_json::from_str(&text).context("bpftool's list of programs")?;
    for syscall in ["init_module", "finit_module", "delete_module"] {
        let made = scenarios
            .iter()
            .flat_map(|scenario| &scenario.calls)
            .filter(|call| call.syscall == syscall)
            .count() as u64;
        let name = format!("fexit_{syscall}");
        let ours = |program: &&Program| {
            let listed = program.name.as_deref().unwrap_or_default();
            listed.len() >= NAME && name.starts_with(listed)
        };
        let ran: u64 = programs.iter().filter(ours).map(|program| program.run_cnt).sum();
        ensure!(
            ran == made,
            "the kernel ran {name} {ran} times, the driver made {made} calls of {syscall}"
        );
    }
    Ok(())
}
