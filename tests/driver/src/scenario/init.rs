//! An init function that fails, and one that takes long.

use anyhow::Result;

use super::contention::{Crowd, contend};
use crate::call::{Call, no_args};
use crate::expect::{Collision, Expect, Wait};
use crate::failure::{self, Cause};
use crate::hold::crowd;
use crate::rtnl::Rtnl;
use crate::stage::Stage;
use crate::task::Task;
use crate::watch::{self, Sleep};

/// Fails with ENODEV where ACPI describes no processor performance states, as in QEMU.
const FAILS: &str = "acpi_cpufreq";
const FAILS_IN: Cause = failure::init("acpi_cpufreq_init");
/// Its init and exit take RTNL.
const TAKES_RTNL: &str = "dummy";
const WAITERS: usize = 5;

/// Waiters for the name: the leader's ENODEV is EBUSY for them.
pub(super) fn failing(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject(FAILS)?;
    let copies = module.copies(stage.tasks(WAITERS + 1) - 1)?;
    let crowd = Crowd {
        followers: copies.iter().map(Call::finit_copy).collect(),
        leader_errno: libc::ENODEV,
        leader_fails: Some(FAILS_IN),
        shared: false,
    };
    contend(stage, &module, |args| Call::finit(&module, args), crowd)
}

/// Waiters for the inode, where there are such: the leader's ENODEV is theirs too.
pub(super) fn failing_shared(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject(FAILS)?;
    let crowd = Crowd {
        followers: vec![Call::finit(&module, no_args()); stage.tasks(WAITERS + 1) - 1],
        leader_errno: libc::ENODEV,
        leader_fails: Some(FAILS_IN),
        shared: stage.kernel.shares_inode_loads(),
    };
    contend(stage, &module, |args| Call::finit(&module, args), crowd)
}

/// The init function wants RTNL and does not get it.
pub(super) fn slow(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject(TAKES_RTNL)?;
    let name = Some(module.name.as_str());
    let copies = module.copies(stage.tasks(WAITERS))?;

    let rtnl = Rtnl::hold()?;
    let leader = Task::start(Call::finit(&module, no_args()))?;
    watch::until_module_is(&module.name, "Loading")?;
    let already_live = failure::already_live(stage.kernel);
    let coming = Expect::follower(Wait::SameName, Collision::Coming, leader.tid)
        .errno(libc::EEXIST)
        .case("waited-for-init", already_live);
    let by_name = copies
        .iter()
        .map(Call::finit_copy)
        .chain([Call::init(&module, no_args())]);
    let mut followers: Vec<_> = crowd(by_name, Sleep::SameName)?
        .into_iter()
        .map(|task| (task, coming.clone()))
        .collect();
    let (sleep, expect) = if stage.kernel.shares_inode_loads() {
        (
            Sleep::SameInode,
            Expect::follower(Wait::SameInode, Collision::InFlight, leader.tid).errno(0),
        )
    } else {
        (Sleep::SameName, coming)
    };
    let by_inode = crowd([Call::finit(&module, no_args())], sleep)?;
    followers.extend(by_inode.into_iter().map(|task| (task, expect.clone())));
    stage.run(
        name,
        Call::delete(&module.c_name),
        &Expect::nothing()
            .errno(libc::EBUSY)
            .case("unload-while-coming", failure::UNLOAD_BUSY),
    )?;
    rtnl.release()?;

    stage.finish(name, leader, &Expect::leader().errno(0))?;
    for (task, expect) in followers {
        stage.finish(name, task, &expect)?;
    }
    let live = Expect::refused(Collision::Live, None)
        .errno(libc::EEXIST)
        .case("live", already_live);
    stage.run(name, Call::finit(&module, no_args()), &live)?;
    stage.unload(&module)
}
