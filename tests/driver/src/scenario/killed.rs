//! Waiters that never return, and tasks that get their tids afterwards.

use anyhow::{Result, ensure};

use crate::call::{Call, no_args};
use crate::child::Child;
use crate::expect::{Collision, Expect, Wait};
use crate::failure::{self, Cause};
use crate::hold::HeldLoad;
use crate::library::Module;
use crate::stage::Stage;
use crate::watch::{self, Sleep};

/// ERESTARTSYS, which user space never sees: how the same-name wait ends when its task is killed.
const ERESTARTSYS: i32 = 512;

/// A wait to be killed in.
struct Deadly {
    /// Calls that meet the held leader.
    call: Call,
    sleep: Sleep,
    wait: Wait,
    collided_with: Collision,
    /// What the kernel's function returns to nobody.
    kernel_errno: i32,
    /// Why.
    cause: Cause,
    /// What a waiter gets that lives on.
    errno: i32,
}

/// Waiters for the name and, on kernels that have such, for the inode.
pub(super) fn waiters(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    let other = stage.absent("veth")?;
    let mut deadly = vec![Deadly {
        call: Call::init(&module, no_args()),
        sleep: Sleep::SameName,
        wait: Wait::SameName,
        collided_with: Collision::Unformed,
        kernel_errno: ERESTARTSYS,
        cause: failure::signal_same_name(stage.kernel),
        errno: libc::EEXIST,
    }];
    if stage.kernel.shares_inode_loads() {
        ensure!(
            stage.kernel.inode_wait_is_interruptible(),
            "a same-inode wait of this kernel cannot be killed"
        );
        deadly.push(Deadly {
            call: Call::finit(&module, no_args()),
            sleep: Sleep::SameInode,
            wait: Wait::SameInode,
            collided_with: Collision::InFlight,
            kernel_errno: libc::EINTR,
            cause: failure::SIGNAL_SAME_INODE,
            errno: 0,
        });
    }
    for deadly in deadly {
        kill_twice(stage, &module, &other, &deadly)?;
    }
    Ok(())
}

/// Kills a waiter and lets its tid load another module; kills one more and lets its tid wait again. All the while the
/// leader is held.
fn kill_twice(stage: &mut Stage<'_>, module: &Module, other: &Module, deadly: &Deadly) -> Result<()> {
    let held = HeldLoad::start(|args| Call::finit(module, args))?;
    let expect = Expect::follower(deadly.wait, deadly.collided_with, held.tid());

    let tid = kill_one(stage, module, deadly, &expect)?;
    let call = Call::finit(other, no_args());
    let made = Child::start_as(tid, call)?.finish()?;
    stage.note(Some(&other.name), call, &made, &Expect::leader().errno(0))?;
    stage.unload(other)?;

    let tid = kill_one(stage, module, deadly, &expect)?;
    let again = Child::start_as(tid, deadly.call)?;
    watch::until_asleep(&[tid], deadly.sleep)?;

    let leader = held.release()?;
    stage.finish(Some(&module.name), leader, &Expect::leader().errno(0))?;
    let made = again.finish()?;
    stage.note(Some(&module.name), deadly.call, &made, &expect.errno(deadly.errno))?;
    stage.unload(module)
}

/// Kills a waiter in its sleep; its tid.
fn kill_one(stage: &mut Stage<'_>, module: &Module, deadly: &Deadly, expect: &Expect) -> Result<i32> {
    let waiter = Child::start(deadly.call)?;
    watch::until_asleep(&[waiter.tid], deadly.sleep)?;
    let made = waiter.kill()?;
    let expect = expect
        .clone()
        .killed(deadly.kernel_errno)
        .case("killed-in-its-wait", deadly.cause);
    stage.note(Some(&module.name), deadly.call, &made, &expect)?;
    Ok(made.tid)
}
