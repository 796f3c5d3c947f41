//! What the system does not allow: by the kernel's command line, by capabilities, by demanding signatures.

use std::fs;

use anyhow::{Context as _, Result};

use crate::call::{Call, no_args};
use crate::elf::Image;
use crate::expect::Expect;
use crate::failure;
use crate::kernel::Kernel;
use crate::library::Module;
use crate::stage::Stage;

/// Modules that `module_blacklist=` names.
pub(super) fn blacklisted(stage: &mut Stage<'_>) -> Result<()> {
    let Some(names) = Kernel::parameter("module_blacklist")? else {
        return Ok(());
    };
    for name in names.split(',') {
        let module = stage.absent(name)?;
        let expect = Expect::alone()
            .errno(libc::EPERM)
            .case("module-blacklist", failure::BLACKLISTED);
        stage.run(Some(&module.name), Call::finit(&module, no_args()), &expect)?;
    }
    Ok(())
}

/// Modules whose init function is `NAME_init` and `initcall_blacklist=` names it.
pub(super) fn init_blacklisted(stage: &mut Stage<'_>) -> Result<()> {
    let Some(functions) = Kernel::parameter("initcall_blacklist")? else {
        return Ok(());
    };
    for name in functions
        .split(',')
        .filter_map(|function| function.strip_suffix("_init"))
    {
        let module = stage.absent(name)?;
        let expect = Expect::leader()
            .errno(libc::EPERM)
            .case("initcall-blacklist", failure::INIT_BLACKLISTED);
        stage.run(Some(&module.name), Call::finit(&module, no_args()), &expect)?;
    }
    Ok(())
}

/// Tasks without `CAP_SYS_MODULE`.
pub(super) fn powerless(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    let name = Some(module.name.as_str());
    let refused = |case, cause| Expect::alone().errno(libc::EPERM).case(case, cause);
    let load = refused("no-capability", failure::NO_CAPABILITY);
    stage.run_powerless(name, Call::finit(module, no_args()), &load)?;
    let memory = failure::Cause {
        function: "init_module",
        ..failure::NO_CAPABILITY
    };
    let load = refused("no-capability-memory", memory);
    stage.run_powerless(None, Call::init(module, no_args()), &load)?;
    let unload = Expect::nothing()
        .errno(libc::EPERM)
        .case("no-capability-unload", failure::UNLOAD_NO_CAPABILITY);
    stage.run_powerless(name, Call::delete(&module.c_name), &unload)?;
    Ok(())
}

/// Demands signatures, which cannot be taken back, and brings none.
pub(in crate::scenario) fn unsigned(stage: &mut Stage<'_>) -> Result<()> {
    let switch = "/sys/module/module/parameters/sig_enforce";
    fs::write(switch, "1").with_context(|| format!("cannot write {switch}"))?;
    let module = stage.subject("dummy")?;
    let image = Image::unsigned(&module.image)?;
    let expect = Expect::alone()
        .errno(libc::EKEYREJECTED)
        .case("no-signature", failure::unsigned(stage.kernel));
    stage.run_image(&module.name, "unsigned", &image.0, &expect)?;
    stage.load(&module)?;
    stage.unload(&module)
}
