//! The driver's log: what it called, what it got, and what its arrangements force.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// A scenario of the driver.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// Its name.
    pub(crate) name: String,
    /// The release of the kernel that ran.
    pub(crate) kernel: String,
    /// Every module system call that it made.
    pub(crate) calls: Vec<Call>,
    /// Every mount that may make the kernel request a module.
    pub(crate) mounts: Vec<Call>,
}

/// A system call.
#[derive(Debug, Deserialize)]
pub(crate) struct Call {
    pub(crate) tid: u32,
    pub(crate) tgid: u32,
    pub(crate) syscall: String,
    /// What the file or the image says; none where the kernel never gets to a name.
    pub(crate) module: Option<String>,
    /// Where the file of `finit_module` lies.
    pub(crate) path: Option<String>,
    /// The argument string, where there is one of less than 127 bytes at its address.
    pub(crate) args: Option<String>,
    /// `CLOCK_MONOTONIC` before the call.
    pub(crate) start_ns: u64,
    /// And after it.
    pub(crate) end_ns: u64,
    /// What it got; none for a task that was killed.
    pub(crate) errno: Option<u32>,
    #[serde(default)]
    pub(crate) killed: bool,
    #[serde(default)]
    pub(crate) expect: Expect,
}

impl Call {
    /// How messages name it.
    pub(crate) fn who(&self) -> String {
        format!("{} of {:?} by {}", self.syscall, self.module, self.tid)
    }
}

/// What the arrangement forces.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Expect {
    #[serde(default)]
    pub(crate) role: Forced<String>,
    #[serde(default)]
    pub(crate) collided_with: Forced<String>,
    #[serde(default)]
    pub(crate) wait: Forced<String>,
    #[serde(default)]
    pub(crate) leader_tid: Forced<u32>,
    /// What the kernel returns to a task that is killed.
    pub(crate) kernel_errno: Option<u32>,
    /// The failure that it is a case of, and its cause's id.
    pub(crate) case: Option<String>,
    pub(crate) cause: Option<String>,
    /// The stage and the function that the cause is in.
    pub(crate) stage: Option<String>,
    pub(crate) function: Option<String>,
    /// Of an unload: the module's exit function.
    pub(crate) exit_function: Option<String>,
    /// Whose failure it inherits.
    pub(crate) from_tid: Option<u32>,
    /// What the errno was before it was made another.
    pub(crate) from_errno: Option<u32>,
    /// What is requested for a mount.
    #[serde(default)]
    pub(crate) request: Forced<Requested>,
}

/// What comes of a request.
#[derive(Debug, Deserialize)]
pub(crate) struct Requested {
    /// What is requested.
    pub(crate) name: String,
    /// The program that is run for it; none where it does not come to that.
    pub(crate) helper: Option<String>,
    /// What `__request_module` returns.
    pub(crate) ret: i64,
    /// The id of its failure's cause.
    pub(crate) cause: Option<String>,
    /// The module that is loaded.
    pub(crate) module: Option<String>,
    /// Whether `get_fs_type` finds the file system then.
    pub(crate) found: bool,
}

/// Something that an arrangement may force: to a value, or to be nothing.
#[derive(Debug, Default)]
pub(crate) enum Forced<T> {
    /// It may be anything.
    #[default]
    Not,
    /// It is this, or nothing.
    To(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Forced<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::To)
    }
}

/// A line of the log.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Begin {
        scenario: String,
        kernel: String,
    },
    End {
        #[serde(rename = "summary")]
        _summary: String,
    },
    Call(Box<Call>),
}

/// Reads the log.
pub(crate) fn read(path: &Path) -> Result<Vec<Scenario>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("the driver left no {}", path.display()))?;
    parse(&text)
}

/// Reads its text.
pub(crate) fn parse(text: &str) -> Result<Vec<Scenario>> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for line in text.lines() {
        let parsed = serde_json::from_str(line).with_context(|| format!("the driver's log has a line {line}"))?;
        match parsed {
            Line::Begin { scenario, kernel } => scenarios.push(Scenario {
                name: scenario,
                kernel,
                calls: Vec::new(),
                mounts: Vec::new(),
            }),
            Line::End { .. } => {}
            Line::Call(call) => {
                let scenario = scenarios.last_mut().context("a call before any scenario")?;
                let calls = if call.syscall == "mount" {
                    &mut scenario.mounts
                } else {
                    &mut scenario.calls
                };
                calls.push(*call);
            }
        }
    }
    Ok(scenarios)
}
