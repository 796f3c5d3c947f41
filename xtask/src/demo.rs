//! `cargo xtask demo`: from nothing to a storm of module loads, watched, in one command.

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use clap::Args;
use guest_vm::{
    artifacts, kernel, packages,
    vm::{VmSpec, run},
};

use crate::{
    setup,
    vm::{self, UNTIL_QUIT},
};

/// What the recording is called, here and in the guest's /out.
const RECORDING: &str = "storm.kmt";

/// Eight tasks at once load each of the modules that the kernel's mailing list heard of. On such a guest the first two
/// have no hardware: their loads fail with -ENODEV for the one that got to init, -EBUSY for who waited for it.
const STORM: &str = r"
cat > /tmp/storm <<'STORM'
for module in acpi_cpufreq pcc_cpufreq xfs; do
    for task in 1 2 3 4 5 6 7 8; do
        modprobe $module 2>/dev/null &
    done
    wait
done
STORM
";

/// The storm, and what was seen of it.
const LINES: &str = r"
kmodtrace trace -o /out/storm.kmt -- sh /tmp/storm || exit
echo
kmodtrace report --from /out/storm.kmt
";

/// The view has the console, so the storm is quiet; the kernel too, except when it dies. The storm begins when the recording
/// does, and then comes again, with time to look in between, until the view is quit: the guest ends with this script.
const VIEW: &str = r"
dmesg -n 1
(
    until [ -e /out/storm.kmt ]; do sleep 1; done
    while sh /tmp/storm; do
        sleep 3
        modprobe -r xfs
        sleep 2
    done
) </dev/null >/dev/null 2>&1 &
kmodtrace --quiet --output /out/storm.kmt
";

/// Boots the everyday kernel (6.1), loads modules from eight tasks at once, and shows what kmodtrace saw.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Open the live view on the guest's console, while the storm comes again and again; q ends both.
    #[arg(long)]
    view: bool,
}

/// Runs it: whatever is missing is installed, built and fetched on the way.
pub(crate) fn main(args: &DemoArgs) -> Result<ExitCode> {
    let terminal = args.view.then(vm::terminal).transpose()?;
    setup::build_tools()?;
    packages::ensure(packages::FOR_GUESTS)?;
    let kernel = kernel::ensure(kernel::first(|flavour| flavour.everyday)?)?;
    eprintln!("xtask: building kmodtrace (a minute the first time)");
    let programs = artifacts::guest_programs()?;
    let out = artifacts::target_dir()?.join("demo");
    let watched = if args.view { VIEW } else { LINES };
    let mut spec = VmSpec::new(kernel, format!("{STORM}{watched}"));
    spec.guest.programs = programs;
    spec.out_dir = Some(out.clone());
    if terminal.is_some() {
        spec.timeout = UNTIL_QUIT;
    }
    spec.guest.terminal = terminal;
    vm::announce(&spec);
    let outcome = run(&spec, &mut vm::pass_through)?;
    outcome.succeeded()?;
    tell(&out);
    Ok(ExitCode::SUCCESS)
}

fn tell(out: &Path) {
    eprintln!("xtask: the recording is {}", out.join(RECORDING).display());
}
