//! Tasks that load a list of modules as fast as they can.

use std::iter::zip;

use anyhow::{Result, ensure};

use crate::call::{Call, no_args};
use crate::expect::Expect;
use crate::library::Module;
use crate::stage::Stage;
use crate::task::together;
use crate::watch;

const TASKS: usize = 16;
/// Some whose init takes RTNL, some whose init fails.
const MODULES: &[&str] = &["dummy", "macvlan", "veth", "acpi_cpufreq", "pcc_cpufreq"];

/// What a load may get; ENODEV is for modules without hardware, ENOENT for those whose dependencies are not there.
const LOAD: &[i32] = &[0, libc::EEXIST, libc::EBUSY, libc::ENODEV, libc::ENOENT];

/// Every second task goes through the files, the others through memory.
pub(super) fn all_at_once(stage: &mut Stage<'_>) -> Result<()> {
    let modules = stage.subjects(MODULES)?;
    let (by_file, by_memory): (Vec<Call>, Vec<Call>) = modules
        .iter()
        .map(|module| (Call::finit(module, no_args()), Call::init(module, no_args())))
        .unzip();
    let plans = (0..stage.tasks(TASKS)).map(|n| if n % 2 == 0 { by_file.clone() } else { by_memory.clone() });
    let done = together(plans)?;

    for (module, call) in done.iter().flat_map(|calls| zip(&modules, calls)) {
        let (call, made) = call;
        stage.note(Some(&module.name), *call, made, &Expect::nothing().one_of(LOAD))?;
    }
    for (n, module) in modules.iter().enumerate() {
        settle(stage, module, done.iter().any(|calls| calls[n].1.errno == Some(0)))?;
    }
    Ok(())
}

/// A module is there exactly when one of its loads said so; then it is taken out.
fn settle(stage: &mut Stage<'_>, module: &Module, loaded: bool) -> Result<()> {
    let left = watch::module_state(&module.name)?;
    ensure!(
        loaded == left.is_some(),
        "{} is {left:?}, a load succeeded: {loaded}",
        module.name
    );
    if loaded { stage.unload(module) } else { Ok(()) }
}
