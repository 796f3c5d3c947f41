//! A load that sleeps while its module is UNFORMED.

use anyhow::{Context as _, Result};

use crate::call::Call;
use crate::task::Task;
use crate::uffd::Border;
use crate::watch::{self, Sleep};

/// A load held in `load_module`: the module is on the list and UNFORMED when `strndup_user` copies its arguments, and
/// these end behind a border.
pub(crate) struct HeldLoad {
    border: Border,
    task: Task,
}

impl HeldLoad {
    /// Starts it, with the call that `call` makes of the arguments' address.
    pub(crate) fn start(call: impl FnOnce(usize) -> Call) -> Result<Self> {
        let mut border = Border::new()?;
        let task = Task::start(call(border.blank_args()?))?;
        border.wait_fault("the leader")?;
        // A tracer that reads so many bytes of the arguments would sleep there instead.
        watch::until("the leader sleeps in load_module", || {
            Ok(watch::stack(task.tid).contains(" load_module+"))
        })
        .with_context(|| format!("the stack of the leader:\n{}", watch::stack(task.tid)))?;
        Ok(Self { border, task })
    }

    /// Who holds the module.
    pub(crate) fn tid(&self) -> i32 {
        self.task.tid
    }

    /// Lets it go on.
    pub(crate) fn release(self) -> Result<Task> {
        self.border.open()?;
        Ok(self.task)
    }
}

/// Starts a task for each call and waits until all of them sleep in that wait. For this the leader must be held.
pub(crate) fn crowd(calls: impl IntoIterator<Item = Call>, place: Sleep) -> Result<Vec<Task>> {
    let tasks = calls.into_iter().map(Task::start).collect::<Result<Vec<_>>>()?;
    let tids: Vec<i32> = tasks.iter().map(|task| task.tid).collect();
    watch::until_asleep(&tids, place)?;
    Ok(tasks)
}
