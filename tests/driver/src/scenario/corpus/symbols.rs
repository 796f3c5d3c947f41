//! Symbols of other modules that cannot be had.

use anyhow::Result;

use crate::call::{Call, no_args};
use crate::child::Child;
use crate::elf::Image;
use crate::expect::Expect;
use crate::failure;
use crate::library::Module;
use crate::rtnl::Rtnl;
use crate::stage::Stage;
use crate::task::Task;
use crate::watch::{self, Sleep};

/// Its init and exit functions take RTNL.
const OWNER: &str = "udp_tunnel";
/// Uses symbols of a namespace and needs no other module; kernels before 6.1 have none such.
const IMPORTER: &str = "cmac";

/// Of a module that comes, of one that goes, of a namespace.
pub(super) fn each(stage: &mut Stage<'_>) -> Result<()> {
    let owner = stage.absent(OWNER)?;
    let other = stage.absent("ip6_udp_tunnel")?;
    let user = stage.absent("vxlan")?;
    stage.load(&other)?;
    coming(stage, &owner, &user)?;
    going(stage, &owner, &user)?;
    stage.unload(&other)?;
    namespace(stage)
}

/// Waits for the owner's init function and is killed. This wait has no leader, so nothing is said of other tasks.
fn coming(stage: &mut Stage<'_>, owner: &Module, user: &Module) -> Result<()> {
    let rtnl = Rtnl::hold()?;
    let leader = Task::start(Call::finit(owner, no_args()))?;
    watch::until_module_is(&owner.name, "Loading")?;
    let call = Call::finit(user, no_args());
    let waiter = Child::start(call)?;
    // This wait too is interruptible and below `load_module`.
    watch::until_asleep(&[waiter.tid], Sleep::SameName)?;
    let made = waiter.kill()?;
    let expect = Expect::nothing()
        .killed(libc::EBUSY)
        .case("dependency-in-its-init", failure::DEPENDENCY_COMING);
    stage.note(Some(&user.name), call, &made, &expect)?;
    rtnl.release()?;
    stage.finish(Some(&owner.name), leader, &Expect::leader().errno(0))?;
    Ok(())
}

/// Finds the owner on its way out.
fn going(stage: &mut Stage<'_>, owner: &Module, user: &Module) -> Result<()> {
    let rtnl = Rtnl::hold()?;
    let unload = Task::start(Call::delete(&owner.c_name))?;
    watch::until_module_is(&owner.name, "Unloading")?;
    let expect = Expect::leader()
        .errno(libc::ENOENT)
        .case("dependency-in-its-exit", failure::DEPENDENCY_GOING);
    stage.run(Some(&user.name), Call::finit(user, no_args()), &expect)?;
    rtnl.release()?;
    stage.finish(Some(&owner.name), unload, &Expect::nothing().errno(0))?;
    Ok(())
}

/// Uses a symbol of a namespace that it says not to import.
fn namespace(stage: &mut Stage<'_>) -> Result<()> {
    if !stage.library.has(IMPORTER) {
        return Ok(());
    }
    let module = stage.absent(IMPORTER)?;
    let mut image = Image::unsigned(&module.image)?;
    let texts = image.section(".modinfo")?;
    let Ok(import) = image.find(texts, b"import_ns=") else {
        return Ok(());
    };
    image.put(import, b"ignore_ns=")?;
    let expect = Expect::leader()
        .errno(libc::EINVAL)
        .case("namespace-not-imported", failure::NAMESPACE);
    stage.run_image(&module.name, "namespace", &image.0, &expect)?;
    Ok(())
}
