//! `cargo xtask demo`: from nothing to a storm of module loads, watched, in one command.

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    artifacts, kernel, setup,
    vm::{self, VmSpec},
};

/// The kernel it is shown on.
const KERNEL: &str = "6.1";

/// Eight tasks at once load each of the modules that the kernel's mailing list heard of. On such a guest the first two
/// have no hardware: their loads fail with -ENODEV for the one that got to init, -EBUSY for who waited for it.
const COMMAND: &str = r"
cat > /tmp/storm <<'STORM'
for module in acpi_cpufreq pcc_cpufreq xfs; do
    for task in 1 2 3 4 5 6 7 8; do
        modprobe $module 2>/dev/null &
    done
    wait
done
STORM
kmodtrace trace -o /out/storm.kmt -- sh /tmp/storm || exit
echo
kmodtrace report --from /out/storm.kmt
";

/// Runs it: whatever is missing is installed, built and fetched on the way.
pub(crate) fn main() -> Result<ExitCode> {
    setup::build_tools()?;
    setup::guest_tools()?;
    let kernel = kernel::ensure(kernel::find(KERNEL)?)?;
    eprintln!("xtask: building kmodtrace (a minute the first time)");
    let programs = artifacts::guest_programs()?;
    eprintln!("xtask: booting {} in QEMU", kernel.release);
    let mut spec = VmSpec::new(kernel, COMMAND);
    spec.guest.programs = programs;
    spec.out_dir = Some(artifacts::target_dir()?.join("demo"));
    let outcome = vm::run(&spec, &mut vm::pass_through)?;
    outcome.succeeded()?;
    if let Some(dir) = &spec.out_dir {
        eprintln!("xtask: the recording is {}", dir.join("storm.kmt").display());
    }
    Ok(ExitCode::SUCCESS)
}
