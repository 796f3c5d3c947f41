//! What an arrangement forces for one call.

use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Cause, Failure};
use crate::request::{Request, Requested};

/// What a task is among the loads of the same module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Its own load goes ahead.
    Leader,
    /// It waits for the load of another task.
    Follower,
    /// It is turned away at once.
    Refused,
}

/// What a load finds in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Collision {
    /// A module that is being set up.
    Unformed,
    /// A module whose init function runs.
    Coming,
    /// A module whose exit function runs.
    Going,
    /// A module in use.
    Live,
    /// A load of the same inode.
    InFlight,
}

/// Why a task waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wait {
    /// For a module of the same name.
    SameName,
    /// For a load of the same inode.
    SameInode,
}

/// Who stands in the way of whom, and what comes of it.
#[derive(Clone, Copy, Debug, Default)]
struct Forced {
    role: Option<Role>,
    collided_with: Option<Collision>,
    wait: Option<Wait>,
    leader_tid: Option<i32>,
}

/// What the arrangement forces for one call. A field that is not forced is not in the log; one that is forced to be
/// nothing is `null` there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expect {
    forced: Option<Forced>,
    leader_known: bool,
    errnos: Vec<i32>,
    killed: Option<i32>,
    failure: Option<Failure>,
    /// Of an unload: the module's exit function, where its name can be told.
    exit_function: Option<&'static str>,
    /// Of a mount: the request that it makes, or that none is made.
    requested: Option<Requested>,
}

impl Expect {
    /// Nothing about other tasks.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// It meets nobody: it fails before it could.
    pub(crate) fn alone() -> Self {
        Self {
            forced: Some(Forced::default()),
            leader_known: true,
            ..Self::default()
        }
    }

    /// It meets nobody, and its load goes ahead.
    pub(crate) fn leader() -> Self {
        let forced = Forced {
            role: Some(Role::Leader),
            ..Forced::default()
        };
        Self {
            forced: Some(forced),
            ..Self::alone()
        }
    }

    /// It waits for the load of `leader`.
    pub(crate) fn follower(wait: Wait, collided_with: Collision, leader: i32) -> Self {
        let forced = Forced {
            role: Some(Role::Follower),
            collided_with: Some(collided_with),
            wait: Some(wait),
            leader_tid: Some(leader),
        };
        Self {
            forced: Some(forced),
            leader_known: true,
            ..Self::default()
        }
    }

    /// It is turned away at once. `owner` is the task that takes the module away, where there is one.
    pub(crate) fn refused(collided_with: Collision, owner: Option<i32>) -> Self {
        let forced = Forced {
            role: Some(Role::Refused),
            collided_with: Some(collided_with),
            wait: None,
            leader_tid: owner,
        };
        Self {
            forced: Some(forced),
            leader_known: owner.is_some(),
            ..Self::default()
        }
    }

    /// It returns this.
    pub(crate) fn errno(self, errno: i32) -> Self {
        self.one_of(&[errno])
    }

    /// It returns one of these.
    pub(crate) fn one_of(mut self, errnos: &[i32]) -> Self {
        self.errnos = errnos.to_vec();
        self
    }

    /// It is killed inside, and the kernel's function returns this to nobody.
    pub(crate) fn killed(mut self, kernel_errno: i32) -> Self {
        self.killed = Some(kernel_errno);
        self
    }

    /// It fails for this reason, met by itself.
    pub(crate) fn case(self, name: &'static str, cause: Cause) -> Self {
        self.because(Failure::new(name, cause))
    }

    /// It fails for this reason.
    pub(crate) fn because(mut self, failure: Failure) -> Self {
        self.failure = Some(failure);
        self
    }

    /// Its module has this exit function; none where the kernel cannot tell its name, and nothing is forced.
    pub(crate) fn exits_by(mut self, function: Option<&'static str>) -> Self {
        self.exit_function = function;
        self
    }

    /// The kernel requests this for it.
    pub(crate) fn requests(mut self, request: Request) -> Self {
        self.requested = Some(Requested::This(request));
        self
    }

    /// The kernel requests nothing for it.
    pub(crate) fn requests_nothing(mut self) -> Self {
        self.requested = Some(Requested::Nothing);
        self
    }

    /// Whether a call may end so.
    pub(crate) fn holds(&self, errno: Option<i32>) -> bool {
        match errno {
            None => self.killed.is_some(),
            Some(errno) => self.killed.is_none() && (self.errnos.is_empty() || self.errnos.contains(&errno)),
        }
    }

    /// How it may end, for messages.
    pub(crate) fn outcome(&self) -> String {
        match self.killed {
            Some(errno) => format!("to be killed with {errno}"),
            None => format!("one of {:?}", self.errnos),
        }
    }

    /// As the log has it: what is not forced is not in it.
    pub(crate) fn json(&self) -> Value {
        let mut object = self.failure.map_or_else(|| json!({}), |failure| json!(failure));
        if let Some(forced) = self.forced {
            // Which role a call has that failed so early is the tracer's affair.
            if let Some(role) = forced.role {
                object["role"] = json!(role);
            }
            object["collided_with"] = json!(forced.collided_with);
            object["wait"] = json!(forced.wait);
            if self.leader_known {
                object["leader_tid"] = json!(forced.leader_tid);
            }
        }
        if let [errno] = self.errnos[..] {
            object["errno"] = json!(errno);
        }
        if let Some(errno) = self.killed {
            object["kernel_errno"] = json!(errno);
        }
        if let Some(function) = self.exit_function {
            object["exit_function"] = json!(function);
        }
        match &self.requested {
            Some(Requested::This(request)) => object["request"] = request.json(),
            Some(Requested::Nothing) => object["request"] = Value::Null,
            None => {}
        }
        object
    }
}
