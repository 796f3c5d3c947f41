//! `module_mutex`, when it is held by somebody else.

use kmodtrace_common::kind;
use kmodtrace_common::record::Owner;

use crate::arguments::Arguments;
use crate::emit::{emit, emit_ret, header, tid};
use crate::globals::{MODULE_MUTEX, OFF_MUTEX_OWNER};
use crate::maps::{current_task, progress};
use crate::probes::{entry, exit, int, void_exit};
use crate::read::{member, task};

/// `MUTEX_FLAGS` of kernel/locking/mutex.h: the low bits of `owner`, beside the task.
const FLAGS: u64 = 7;

#[inline(always)]
fn wait_enter(ctx: &impl Arguments) {
    let mutex = MODULE_MUTEX.load();
    if mutex != 0
        && ctx.argument(0) == mutex
        && let Some(waiter) = current_task(tid())
    {
        waiter.progress |= progress::MUTEX;
        let owner: u64 = member(mutex, &OFF_MUTEX_OWNER);
        let (tid, tgid, comm) = task(owner & !FLAGS);
        emit(&Owner {
            header: header::<Owner>(kind::MUTEX_ENTER),
            tid,
            tgid,
            comm,
        });
    }
}

#[inline(always)]
fn wait_exit(ret: u64) {
    if let Some(waiter) = current_task(tid())
        && waiter.leave(progress::MUTEX)
    {
        emit_ret(kind::MUTEX_EXIT, int(ret));
    }
}

#[inline(always)]
fn void_wait_exit() {
    wait_exit(0);
}

// __mutex_lock_slowpath(lock) and __mutex_lock_interruptible_slowpath(lock), kernel/locking/mutex.c. delete_module takes
// module_mutex interruptibly; nothing takes it killably.
entry!(fentry_mutex_lock_slowpath, kprobe_mutex_lock_slowpath, wait_enter);
void_exit!(fexit_mutex_lock_slowpath, kretprobe_mutex_lock_slowpath, void_wait_exit);
entry!(
    fentry_mutex_lock_interruptible_slowpath,
    kprobe_mutex_lock_interruptible_slowpath,
    wait_enter
);
exit!(
    fexit_mutex_lock_interruptible_slowpath,
    kretprobe_mutex_lock_interruptible_slowpath,
    MUTEX_LOCK_INTERRUPTIBLE_SLOWPATH,
    wait_exit
);
