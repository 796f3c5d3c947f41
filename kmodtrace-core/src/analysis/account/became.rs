//! What became of a load, as an account counts it.

use crate::model::{Attempt, Errno, Role};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// It went ahead and succeeded.
    Loaded,
    /// Its module was there in the end by another task's load.
    AlreadyThere,
    /// It failed otherwise.
    Failed,
    /// It was not seen to return.
    Unfinished,
}

impl Became {
    pub(super) fn of(load: &Attempt) -> Self {
        let shared = matches!(load.role, Some(Role::Follower | Role::Refused));
        let own = load.init.as_ref().is_some_and(|init| init.errno != Some(Errno::OK));
        match load.errno {
            None => Self::Unfinished,
            Some(Errno::OK) if shared => Self::AlreadyThere,
            Some(Errno::OK) => Self::Loaded,
            Some(Errno::EEXIST) if !own => Self::AlreadyThere,
            Some(_) => Self::Failed,
        }
    }
}
