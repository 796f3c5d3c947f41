//! A thread that makes one call.

use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::thread;

use anyhow::{Context as _, Result, anyhow};

use crate::call::{Call, Made, tid};
use crate::watch::LIMIT;

/// A thread in the middle of its call, or done with it.
pub(crate) struct Task {
    /// The thread.
    pub(crate) tid: i32,
    /// What it calls.
    pub(crate) call: Call,
    made: Receiver<Made>,
}

impl Task {
    /// Starts it. What the call points to must outlive it to mean anything.
    pub(crate) fn start(call: Call) -> Result<Self> {
        Self::spawn(call, || Ok(()))
    }

    /// Starts it as a task that may not load modules.
    pub(crate) fn start_powerless(call: Call) -> Result<Self> {
        Self::spawn(call, drop_module_capability)
    }

    fn spawn(call: Call, prepare: fn() -> io::Result<()>) -> Result<Self> {
        let (say_tid, hear_tid) = channel();
        let (say_made, made) = channel();
        thread::Builder::new().stack_size(64 << 10).spawn(move || {
            let ready = prepare();
            let go = ready.is_ok();
            // Nobody listens any more when the scenario has failed.
            let _ = say_tid.send(ready.map(|()| tid()));
            if go {
                let _ = say_made.send(call.make());
            }
        })?;
        let ready = hear_tid.recv_timeout(LIMIT).context("a thread did not start")?;
        let tid = ready.context("a thread cannot give up its capability")?;
        Ok(Self { tid, call, made })
    }

    /// Waits for its return.
    pub(crate) fn finish(self) -> Result<Made> {
        let name = self.call.name();
        self.made
            .recv_timeout(LIMIT)
            .with_context(|| format!("{name} of task {} does not return", self.tid))
    }
}

/// Gives up `CAP_SYS_MODULE`. Capabilities belong to the thread, so nobody else loses it.
fn drop_module_capability() -> io::Result<()> {
    /// `struct __user_cap_header_struct`.
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    const CAP_SYS_MODULE: u32 = 16;
    let mut header = Header {
        version: VERSION_3,
        pid: 0,
    };
    // `struct __user_cap_data_struct` twice, each effective, permitted and inheritable.
    let mut data = [0_u32; 6];
    // SAFETY: the header and the data have the layout that this version reads and writes.
    let got = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) };
    if got != 0 {
        return Err(io::Error::last_os_error());
    }
    data[0] &= !(1 << CAP_SYS_MODULE);
    // SAFETY: as above, and nothing is written.
    match unsafe { libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Runs each plan in a thread of its own, all beginning at once. What each call got, in the plans' order.
pub(crate) fn together(plans: impl IntoIterator<Item = Vec<Call>>) -> Result<Vec<Vec<(Call, Made)>>> {
    let plans: Vec<_> = plans.into_iter().collect();
    let gate = Arc::new(Barrier::new(plans.len()));
    let start = |plan: Vec<Call>| {
        let gate = Arc::clone(&gate);
        thread::spawn(move || {
            gate.wait();
            plan.into_iter().map(|call| (call, call.make())).collect()
        })
    };
    let threads: Vec<_> = plans.into_iter().map(start).collect();
    threads
        .into_iter()
        .map(|thread| thread.join().map_err(|_| anyhow!("a task panicked")))
        .collect()
}
