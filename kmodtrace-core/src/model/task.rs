//! Tasks as others refer to them.

use super::ids::AttemptId;
use super::units::{Tgid, Tid};

/// A task in the middle of an attempt: whom somebody waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRef {
    /// The task.
    pub tid: Tid,
    /// Its name; empty when its entry was not seen.
    pub comm: String,
    /// What it was doing.
    pub attempt: AttemptId,
}

/// Who started the thread group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its thread group.
    pub tgid: Tgid,
    /// Its name.
    pub comm: String,
}
