//! Many tasks load one module while the first of them is held UNFORMED.

use anyhow::Result;

use crate::call::{Call, no_args};
use crate::expect::{Collision, Expect, Wait};
use crate::failure::{self, Cause, Failure, SHARED_LOAD};
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
    /// Why, unless it gets 0.
    pub(super) leader_fails: Option<Cause>,
    /// Whether the followers share the leader's inode load, on kernels that do.
    pub(super) shared: bool,
}

/// One file for all.
pub(super) fn same_file(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    let crowd = Crowd {
        followers: vec![Call::finit(&module, no_args()); stage.tasks(TASKS) - 1],
        leader_errno: 0,
        leader_fails: None,
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
        leader_fails: None,
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
        leader_fails: None,
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
        let expect = expect.errno(of.leader_errno);
        let failure = Failure::inherited("leader-failed-shared", SHARED_LOAD, held.tid(), of.leader_errno);
        let failed = of.leader_errno != 0;
        (Sleep::SameInode, if failed { expect.because(failure) } else { expect })
    } else {
        let expect = Expect::follower(Wait::SameName, Collision::Unformed, held.tid());
        // 0254127ab977 "module: Don't wait for GOING modules": gone after the wait is EBUSY, and nobody tries again.
        let expect = if of.leader_errno == 0 {
            let live = failure::already_live(stage.kernel);
            expect.errno(libc::EEXIST).case("leader-won", live)
        } else {
            let cause = failure::leader_failed(stage.kernel);
            let failure = Failure::inherited("leader-failed", cause, held.tid(), of.leader_errno);
            expect.errno(libc::EBUSY).because(failure)
        };
        (Sleep::SameName, expect)
    };
    let followers = crowd(of.followers, sleep)?;
    let leader = held.release()?;
    let lead = Expect::leader().errno(of.leader_errno);
    let lead = match of.leader_fails {
        Some(cause) => lead.case("init-fails", cause),
        None => lead,
    };
    stage.finish(Some(&module.name), leader, &lead)?;
    for follower in followers {
        stage.finish(Some(&module.name), follower, &expect)?;
    }
    Ok(())
}
