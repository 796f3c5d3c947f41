//! Many tasks load one module while the first of them is held UNFORMED.

use anyhow::Result;

use crate::call::{Call, no_args};
use crate::expect::{Collision, Expect, Wait};
use crate::hold::{HeldLoad, crowd};
use crate::library::Module;
use crate::stage::Stage;
use crate::watch::Sleep;

/// 16: a udevd's worth.
const TASKS: usize = 16;

/// How the followers come, and what the leader and they get.
pub(super) struct Crowd {
    /// One call for each follower.
    pub(super) followers: Vec<Call>,
    /// What the leader gets.
    pub(super) leader_errno: i32,
    /// Whether the followers share the leader's inode load, on kernels that do.
    pub(super) shared: bool,
}

/// One file for all.
pub(super) fn same_file(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    let crowd = Crowd {
        followers: vec![Call::finit(&module, no_args()); stage.tasks(TASKS) - 1],
        leader_errno: 0,
        shared: stage.kernel.shares_inode_loads(),
    };
    contend(stage, &module, |args| Call::finit(&module, args), crowd)?;
    stage.unload(&module)
}

/// A file for each.
pub(super) fn copies(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    let copies = module.copies(stage.tasks(TASKS) - 1)?;
    let crowd = Crowd {
        followers: copies.iter().map(Call::finit_copy).collect(),
        leader_errno: 0,
        shared: false,
    };
    contend(stage, &module, |args| Call::finit(&module, args), crowd)?;
    stage.unload(&module)
}

/// No file at all.
pub(super) fn memory(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    let crowd = Crowd {
        followers: vec![Call::init(&module, no_args()); stage.tasks(TASKS) - 1],
        leader_errno: 0,
        shared: false,
    };
    contend(stage, &module, |args| Call::init(&module, args), crowd)?;
    stage.unload(&module)
}

/// Holds the leader, gathers the followers, lets go, and logs all of them.
pub(super) fn contend(
    stage: &mut Stage<'_>,
    module: &Module,
    leader: impl FnOnce(usize) -> Call,
    of: Crowd,
) -> Result<()> {
    let held = HeldLoad::start(leader)?;
    let (sleep, expect) = if of.shared {
        let expect = Expect::follower(Wait::SameInode, Collision::InFlight, held.tid());
        // The followers take the leader's result, whatever it is.
        (Sleep::SameInode, expect.errno(of.leader_errno))
    } else {
        let expect = Expect::follower(Wait::SameName, Collision::Unformed, held.tid());
        // 0254127ab977 "module: Don't wait for GOING modules": gone after the wait is EBUSY, and nobody tries again.
        (
            Sleep::SameName,
            expect.errno(if of.leader_errno == 0 {
                libc::EEXIST
            } else {
                libc::EBUSY
            }),
        )
    };
    let followers = crowd(of.followers, sleep)?;
    let leader = held.release()?;
    stage.finish(Some(&module.name), leader, &Expect::leader().errno(of.leader_errno))?;
    for follower in followers {
        stage.finish(Some(&module.name), follower, &expect)?;
    }
    Ok(())
}
