//! Failures of modules that were made for it: `tests/fixtures`.

use std::ffi::{CStr, CString};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::init_says_eexist;
use crate::call::{Call, no_args};
use crate::child::Child;
use crate::expect::{Collision, Expect, Wait};
use crate::failure::{self, Cause, Failure};
use crate::hold::crowd;
use crate::kernel::Kernel;
use crate::library::Module;
use crate::stage::Stage;
use crate::task::Task;
use crate::watch::{self, Sleep};

/// Errnos that the loader has makers of its own for, and one that only an init function returns.
const FAILS_WITH: &[i32] = &[
    libc::EPERM,
    libc::ENOENT,
    libc::EINTR,
    libc::ENOEXEC,
    libc::ENOMEM,
    libc::EFAULT,
    libc::EBUSY,
    libc::EINVAL,
    libc::ERANGE,
    libc::EKEYREJECTED,
    libc::ENXIO,
];
const INIT: Cause = failure::init("kt_init_init");

/// Whether they are among the kernel's modules.
pub(in crate::scenario) fn are_here(kernel: &Kernel) -> bool {
    Path::new("/lib/modules")
        .join(&kernel.release)
        .join("extra/kt_init.ko")
        .exists()
}

/// Each of them.
pub(in crate::scenario) fn each(stage: &mut Stage<'_>) -> Result<()> {
    let init = stage.absent("kt_init")?;
    failing_init(stage, &init)?;
    inherited(stage, &init)?;
    parameters(stage, &init)?;
    let dependency = stage.absent("kt_dep")?;
    symbols(stage, &dependency)?;
    coming(stage, &dependency)
}

/// The init function fails as it is told, and once because of a request that it makes itself.
fn failing_init(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    for errno in FAILS_WITH {
        let arguments = CString::new(format!("fail={errno}"))?;
        let expect = Expect::leader().errno(*errno).case("init-as-told", INIT);
        load(stage, module, &arguments, &expect)?;
    }
    let exists = CString::new(format!("fail={}", libc::EEXIST))?;
    load(stage, module, &exists, &init_says_eexist(stage.kernel, INIT))?;
    let expect = Expect::leader().errno(libc::ENOENT).case("init-requests-in-vain", INIT);
    load(stage, module, c"request=kt-no-such-module request_fail=1", &expect)
}

/// Waiters for a load whose init function fails: the EINVAL of one task is the EBUSY of others.
fn inherited(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    let copies = module.copies(2)?;
    let arguments = CString::new(format!("hold=1 fail={}", libc::EINVAL))?;
    let leader = Task::start(Call::finit(module, arguments.as_ptr() as usize))?;
    watch::until_module_is(&module.name, "Loading")?;
    let waiters = crowd(copies.iter().map(Call::finit_copy), Sleep::SameName)?;
    let cause = failure::leader_failed(stage.kernel);
    let failure = Failure::inherited("leader-failed-with-einval", cause, leader.tid, libc::EINVAL);
    let inherits = Expect::follower(Wait::SameName, Collision::Coming, leader.tid)
        .errno(libc::EBUSY)
        .because(failure);
    release(module)?;
    let fails = Expect::leader().errno(libc::EINVAL).case("init-as-told", INIT);
    stage.finish(Some(&module.name), leader, &fails)?;
    for waiter in waiters {
        stage.finish(Some(&module.name), waiter, &inherits)?;
    }
    Ok(())
}

/// The module's own setter refuses a value, and the kernel's refuses another.
fn parameters(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    for (case, value, errno) in [
        ("setter-refuses", c"number=101", libc::ERANGE),
        ("setter-cannot-read", c"number=many", libc::EINVAL),
        ("no-bool", c"hold=perhaps", libc::EINVAL),
    ] {
        let expect = Expect::leader().errno(errno).case(case, failure::PARAMETER);
        load(stage, module, value, &expect)?;
    }
    Ok(())
}

/// Symbols that nobody has, that are not imported, that are there already.
fn symbols(stage: &mut Stage<'_>, dependency: &Module) -> Result<()> {
    let fails = |case, errno, cause| Expect::leader().errno(errno).case(case, cause);
    let alone = [
        (
            "kt_unknown",
            fails("symbol-of-nobody", libc::ENOENT, failure::UNKNOWN_SYMBOL),
        ),
        (
            "kt_user",
            fails("symbol-of-an-absent", libc::ENOENT, failure::UNKNOWN_SYMBOL),
        ),
    ];
    let beside = [
        (
            "kt_namespace",
            fails("namespace-of-a-module", libc::EINVAL, failure::NAMESPACE),
        ),
        (
            "kt_twin",
            fails("symbol-twice", libc::ENOEXEC, failure::DUPLICATE_EXPORT),
        ),
    ];
    for (name, expect) in alone {
        let module = stage.absent(name)?;
        load(stage, &module, c"", &expect)?;
    }
    stage.load(dependency)?;
    for (name, expect) in beside {
        let module = stage.absent(name)?;
        load(stage, &module, c"", &expect)?;
    }
    stage.unload(dependency)
}

/// Waits for the dependency's init function: one waiter is killed, one gives up after 30 s. These waits are not those
/// for a module of the same name, so nothing is said of other tasks.
fn coming(stage: &mut Stage<'_>, dependency: &Module) -> Result<()> {
    let user = stage.absent("kt_user")?;
    let leader = Task::start(Call::finit(dependency, c"hold=1".as_ptr() as usize))?;
    watch::until_module_is(&dependency.name, "Loading")?;
    let call = Call::finit(&user, no_args());
    let waiter = Child::start(call)?;
    watch::until_asleep(&[waiter.tid], Sleep::SameName)?;
    let made = waiter.kill()?;
    let killed = Expect::nothing()
        .killed(libc::EBUSY)
        .case("killed-waiting-for-a-dependency", failure::DEPENDENCY_COMING);
    stage.note(Some(&user.name), call, &made, &killed)?;
    let gives_up = Expect::nothing()
        .errno(libc::EBUSY)
        .case("30-s-for-a-dependency", failure::DEPENDENCY_COMING);
    stage.run(Some(&user.name), call, &gives_up)?;
    release(dependency)?;
    stage.finish(Some(&dependency.name), leader, &Expect::leader().errno(0))?;
    stage.unload(dependency)
}

fn load(stage: &mut Stage<'_>, module: &Module, arguments: &CStr, expect: &Expect) -> Result<()> {
    let call = Call::finit(module, arguments.as_ptr() as usize);
    stage.run(Some(&module.name), call, expect)?;
    Ok(())
}

/// Lets an init function go on that was told `hold=1`. COMING begins a little before its parameters are to be seen.
fn release(module: &Module) -> Result<()> {
    let hold: PathBuf = ["/sys/module", &module.name, "parameters/hold"].iter().collect();
    watch::until(&format!("{} is there", hold.display()), || Ok(hold.exists()))?;
    fs::write(&hold, "0").with_context(|| format!("cannot write {}", hold.display()))
}
