//! A module that goes away.

use anyhow::Result;

use crate::call::{Call, no_args};
use crate::expect::{Collision, Expect};
use crate::failure;
use crate::rtnl::Rtnl;
use crate::stage::Stage;
use crate::task::Task;
use crate::watch;

const LOADS: usize = 5;

/// The exit function wants RTNL and does not get it. Loads meanwhile fail at once, one after another, so that none
/// shares the inode load of the one before.
pub(super) fn going(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    let name = Some(module.name.as_str());
    let copies = module.copies(stage.tasks(LOADS))?;
    stage.load(&module)?;

    let rtnl = Rtnl::hold()?;
    let unload = Task::start(Call::delete(&module.c_name))?;
    watch::until_module_is(&module.name, "Unloading")?;
    let refused = Expect::refused(Collision::Going, Some(unload.tid))
        .errno(libc::EBUSY)
        .case("going", failure::going(stage.kernel));
    let memory_and_file = [Call::init(&module, no_args()), Call::finit(&module, no_args())];
    for call in copies.iter().map(Call::finit_copy).chain(memory_and_file) {
        stage.run(name, call, &refused)?;
    }
    stage.run(
        name,
        Call::delete(&module.c_name),
        &Expect::nothing()
            .errno(libc::EBUSY)
            .case("unload-while-going", failure::UNLOAD_BUSY),
    )?;
    rtnl.release()?;

    // drivers/net/dummy.c
    let exit = stage.kernel.tells_functions().then_some("dummy_cleanup_module [dummy]");
    stage.finish(name, unload, &Expect::nothing().errno(0).exits_by(exit))?;
    stage.load(&module)?;
    stage.unload(&module)
}
