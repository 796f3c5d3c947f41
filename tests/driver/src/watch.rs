//! Seeing where other tasks are, and waiting until they are there.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// What does not happen for so long, also in an emulated machine, will not.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// Yields until `seen`.
pub(crate) fn until(what: &str, mut seen: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !seen()? {
        if start.elapsed() > LIMIT {
            bail!("cannot be arranged: waited {} s until {what}", LIMIT.as_secs());
        }
        thread::yield_now();
    }
    Ok(())
}

/// Where a loading task can be seen asleep because of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// `finished_loading`, inlined into `load_module` or below it.
    SameName,
    /// `idempotent_init_module`, before `load_module`.
    SameInode,
}

impl Sleep {
    /// Whether the task sleeps there.
    ///
    /// Both waits are interruptible ("S"); all else that may sleep in these functions (`module_mutex`, RCU, page
    /// faults) is not. The stack is read first: a task seen inside stays inside as long as its leader is held.
    pub(crate) fn has(self, tid: i32) -> bool {
        let stack = stack(tid);
        let inside = |function: &str| stack.lines().any(|line| line.contains(function));
        let place = match self {
            Self::SameName => inside(" load_module+"),
            Self::SameInode => inside(" idempotent_init_module+") && !inside(" load_module+"),
        };
        place && state(tid) == Some('S')
    }
}

/// Waits until each of the tasks sleeps there.
pub(crate) fn until_asleep(tids: &[i32], place: Sleep) -> Result<()> {
    for &tid in tids {
        until(&format!("task {tid} sleeps in the {place:?} wait"), || {
            Ok(place.has(tid))
        })
        .map_err(|error| error.context(format!("its stack, state {:?}:\n{}", state(tid), stack(tid))))?;
    }
    Ok(())
}

/// The kernel stack of a task, empty while it runs or when it is gone.
pub(crate) fn stack(tid: i32) -> String {
    fs::read_to_string(format!("/proc/{tid}/stack")).unwrap_or_default()
}

/// The letter of a task's state.
fn state(tid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{tid}/stat")).ok()?;
    // The name in brackets may hold anything.
    stat.rsplit_once(") ")?.1.chars().next()
}

/// What `/proc/modules` says of a module: "Live", "Loading" (COMING), "Unloading" (GOING); none when it is not there,
/// which it is not either while UNFORMED.
pub(crate) fn module_state(name: &str) -> Result<Option<String>> {
    let modules = fs::read_to_string("/proc/modules")?;
    let line = modules.lines().find(|line| line.split(' ').next() == Some(name));
    Ok(line.and_then(|line| line.split(' ').nth(4)).map(str::to_owned))
}

/// Waits until `/proc/modules` says so.
pub(crate) fn until_module_is(name: &str, wanted: &str) -> Result<()> {
    until(&format!("{name} is {wanted} in /proc/modules"), || {
        Ok(module_state(name)?.as_deref() == Some(wanted))
    })
}
