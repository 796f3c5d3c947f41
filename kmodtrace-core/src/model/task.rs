//! Tasks as others refer to them.

use super::ids::AttemptId;
use super::units::{Tgid, Tid};

/// A task inside an attempt, as others refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRef {
    /// Task.
    pub tid: Tid,
    /// Name of the task; empty if its entry was not seen.
    pub comm: String,
    /// Attempt that the task was making.
    pub attempt: AttemptId,
}

/// An ancestor of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Thread group of the ancestor.
    pub tgid: Tgid,
    /// Name of the ancestor.
    pub comm: String,
}
