//! What the kernel requests for a mount, and what comes of it: what an arrangement forces about `__request_module`.

use serde_json::{Value, json};

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Its modprobe loads the module.
    Loads(&'static str),
    /// It fails: what `__request_module` returns, and the id of the cause, as the tracer calls it.
    Fails(i32, &'static str),
    /// No slot is free for 5 s (`MAX_KMOD_ALL_BUSY_TIMEOUT`), so no modprobe is run.
    NoSlot,
}

/// What modprobe's end makes of a request is its wait status: here `exit(1)`.
pub(crate) const EXIT_1: Answer = Answer::Fails(1 << 8, "modprobe-failed");
/// A shell exits so when it cannot run a program.
pub(crate) const EXIT_127: Answer = Answer::Fails(127 << 8, "helper-not-started");
pub(crate) const KILLED: Answer = Answer::Fails(libc::SIGKILL, "modprobe-killed");
pub(crate) const ABSENT: Answer = Answer::Fails(-libc::ENOENT, "no-modprobe");
pub(crate) const NO_PROGRAM: Answer = Answer::Fails(-libc::EACCES, "helper-not-started");
/// -ERESTARTSYS, which libc does not have: the requester gets a fatal signal.
pub(crate) const REQUESTER_KILLED: Answer = Answer::Fails(-512, "request-killed");

/// What the kernel requests for a mount.
#[derive(Clone, Debug)]
pub(crate) enum Requested {
    /// Nothing: the file system is there, or `__request_module` turns back before it asks anybody.
    Nothing,
    /// This.
    This(Request),
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What is requested.
    pub(crate) name: String,
    /// What is to be run for it.
    pub(crate) helper: String,
    /// What comes of it.
    pub(crate) answer: Answer,
}

impl Request {
    /// As the log has it. `found` is whether `get_fs_type` has the file system then.
    pub(crate) fn json(&self) -> Value {
        let (ret, cause, module) = match self.answer {
            Answer::Loads(module) => (0, None, Some(module)),
            Answer::Fails(ret, cause) => (ret, Some(cause), None),
            Answer::NoSlot => (-libc::ETIME, Some("no-slot"), None),
        };
        let helper = (self.answer != Answer::NoSlot).then_some(self.helper.as_str());
        json!({
            "name": self.name,
            "helper": helper,
            "ret": ret,
            "cause": cause,
            "module": module,
            "found": module.is_some(),
        })
    }
}
