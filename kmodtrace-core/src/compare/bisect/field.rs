//! What a rule can be about: numbers of a report, by name.

use std::fmt;
use std::str::FromStr;

use crate::analysis::causes::Subject;
use crate::analysis::findings::Name;
use crate::compare::diff::Unit;
use crate::model::{Collision, Errno, WaitKind};

/// A number of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    text: String,
    /// Of what.
    pub(super) scope: Scope,
    /// Which number.
    pub(super) quantity: Quantity,
}

/// What a field is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All modules together.
    All,
    /// One module.
    Module(String),
}

/// Requests of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Requests {
    /// All of them.
    All,
    /// Those of one name.
    Named(String),
}

/// Which number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    Attempts,
    Failed,
    Unfinished,
    Errno(Errno),
    /// Waits of one kind, or of all but those for `module_mutex`.
    Wait(Option<WaitKind>, Stat),
    Load(Stat),
    Init(Stat),
    Collisions(Collision),
    GoingWindows,
    GoingTotal,
    GoingLongest,
    Wasted,
    Unloads,
    Finding(Name),
    RequestCount(Requests),
    RequestFailed(Requests),
    RequestSlot(Requests, Stat),
    RequestTime(Requests, Stat),
    Lost,
    Missed,
    Clipped,
    CommandStatus,
    CommandTime,
}

/// Of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stat {
    Count,
    Total,
    P50,
    P90,
    P99,
    Max,
}

const STATS: [(&str, Stat); 6] = [
    ("count", Stat::Count),
    ("total", Stat::Total),
    ("p50", Stat::P50),
    ("p90", Stat::P90),
    ("p99", Stat::P99),
    ("max", Stat::Max),
];

/// What can be asked for, for people: name and meaning. `STAT` is one of count, total, p50, p90, p99, max.
pub const FIELDS: &[(&str, &str)] = &[
    ("attempts", "calls of init_module and finit_module"),
    ("failed", "those that returned an error"),
    ("errno(E)", "those that returned this errno, such as errno(EINVAL)"),
    ("unfinished", "those that had not returned at the end"),
    ("wait.STAT", "waits of all kinds but mutex"),
    (
        "wait(KIND).STAT",
        "waits of one: same-inode, same-name, dependency, mutex, rcu, async, request",
    ),
    ("total_wait", "the same as wait.total"),
    ("load.STAT", "from entry to return of loads that went ahead themselves"),
    ("init.STAT", "init functions; init.count is how often they ran"),
    (
        "collisions(STATE)",
        "loads that met UNFORMED, COMING, GOING, LIVE or IN_FLIGHT",
    ),
    ("going.windows", "how often a module was GOING"),
    ("going.total, going.longest", "and for how long"),
    ("wasted_bytes", "bytes read by loads that failed"),
    ("unloads", "calls of delete_module"),
    (
        "module(NAME).FIELD",
        "any of the above, of one module: module(xfs).wait.p99",
    ),
    (
        "requests.count, requests.failed",
        "requests of the kernel, and those without success",
    ),
    ("requests.slot.STAT", "their waits for one of the 50 slots"),
    ("requests.time.STAT", "from their beginning to their answer"),
    ("request(NAME).FIELD", "the same of one name: request(fs-xfs).failed"),
    ("finding(NAME)", "findings such as finding(deadlock), finding(herd)"),
    ("lost, missed, clipped", "what a recording lacks"),
    (
        "command.status, command.time",
        "how the command ended, and after how long",
    ),
];

/// No field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no field")]
pub struct UnknownField(pub String);

impl FromStr for Field {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownField(text.to_owned());
        let parts = split(text).ok_or_else(unknown)?;
        let (scope, rest) = match parts.as_slice() {
            [("module", Some(name)), rest @ ..] => (Scope::Module(module_name(name)), rest),
            all => (Scope::All, all),
        };
        let quantity = quantity(rest).ok_or_else(unknown)?;
        if scope != Scope::All && !quantity.is_of_modules() {
            return Err(unknown());
        }
        Ok(Self {
            text: text.to_owned(),
            scope,
            quantity,
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Module names have underscores; file names may have dashes, and modprobe takes either.
fn module_name(name: &str) -> String {
    name.replace('-', "_")
}

/// `a(b).c` as its parts, each with what is in its brackets.
fn split(text: &str) -> Option<Vec<(&str, Option<&str>)>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(['.', '(']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (argument, after) = match after.strip_prefix('(') {
            Some(inside) => {
                let (argument, after) = inside.split_once(')')?;
                (Some(argument.trim()).filter(|argument| !argument.is_empty()), after)
            }
            None => (None, after),
        };
        parts.push((name.trim(), argument));
        rest = match after.strip_prefix('.') {
            Some(rest) => rest,
            None if after.trim().is_empty() => return Some(parts),
            None => return None,
        };
    }
}

fn quantity(parts: &[(&str, Option<&str>)]) -> Option<Quantity> {
    let stat = |name: &str| STATS.iter().find(|(known, _)| *known == name).map(|(_, stat)| *stat);
    Some(match *parts {
        [("attempts", None)] => Quantity::Attempts,
        [("failed", None)] => Quantity::Failed,
        [("unfinished", None)] => Quantity::Unfinished,
        [("errno", Some(errno))] => match errno.parse() {
            Ok(Subject::Errno(errno)) => Quantity::Errno(errno),
            _ => return None,
        },
        [("total_wait", None)] => Quantity::Wait(None, Stat::Total),
        [("wait", None), (part, None)] => Quantity::Wait(None, stat(part)?),
        [("wait", Some(kind)), (part, None)] => {
            let kind = WaitKind::ALL.into_iter().find(|known| known.name() == kind)?;
            Quantity::Wait(Some(kind), stat(part)?)
        }
        [("load", None), (part, None)] => Quantity::Load(stat(part)?),
        [("init", None), (part, None)] => Quantity::Init(stat(part)?),
        [("collisions", Some(state))] => {
            let mut states = Collision::ALL.into_iter();
            Quantity::Collisions(states.find(|known| known.name().eq_ignore_ascii_case(state))?)
        }
        [("going", None), ("windows", None)] => Quantity::GoingWindows,
        [("going", None), ("total", None)] => Quantity::GoingTotal,
        [("going", None), ("longest", None)] => Quantity::GoingLongest,
        [("wasted_bytes", None)] => Quantity::Wasted,
        [("unloads", None)] => Quantity::Unloads,
        [("finding", Some(name))] => Quantity::Finding(Name::ALL.iter().copied().find(|known| known.name() == name)?),
        [("requests", None), ref rest @ ..] => of_requests(Requests::All, rest, stat)?,
        [("request", Some(name)), ref rest @ ..] => of_requests(Requests::Named(name.to_owned()), rest, stat)?,
        [("lost", None)] => Quantity::Lost,
        [("missed", None)] => Quantity::Missed,
        [("clipped", None)] => Quantity::Clipped,
        [("command", None), ("status", None)] => Quantity::CommandStatus,
        [("command", None), ("time", None)] => Quantity::CommandTime,
        _ => return None,
    })
}

fn of_requests(
    which: Requests,
    parts: &[(&str, Option<&str>)],
    stat: impl Fn(&str) -> Option<Stat>,
) -> Option<Quantity> {
    Some(match *parts {
        [("count", None)] => Quantity::RequestCount(which),
        [("failed", None)] => Quantity::RequestFailed(which),
        [("slot", None), (part, None)] => Quantity::RequestSlot(which, stat(part)?),
        [("time", None), (part, None)] => Quantity::RequestTime(which, stat(part)?),
        _ => return None,
    })
}

impl Quantity {
    /// Whether a single module has it.
    fn is_of_modules(&self) -> bool {
        !matches!(
            self,
            Self::Finding(_)
                | Self::RequestCount(_)
                | Self::RequestFailed(_)
                | Self::RequestSlot(..)
                | Self::RequestTime(..)
                | Self::Lost
                | Self::Missed
                | Self::Clipped
                | Self::CommandStatus
                | Self::CommandTime
        )
    }
}

impl Field {
    /// In what it is measured.
    pub fn unit(&self) -> Unit {
        match &self.quantity {
            Quantity::Wait(_, stat)
            | Quantity::Load(stat)
            | Quantity::Init(stat)
            | Quantity::RequestSlot(_, stat)
            | Quantity::RequestTime(_, stat) => match stat {
                Stat::Count => Unit::Count,
                Stat::Total | Stat::P50 | Stat::P90 | Stat::P99 | Stat::Max => Unit::Nanoseconds,
            },
            Quantity::GoingTotal | Quantity::GoingLongest | Quantity::CommandTime => Unit::Nanoseconds,
            Quantity::Wasted => Unit::Bytes,
            Quantity::Attempts
            | Quantity::Failed
            | Quantity::Unfinished
            | Quantity::Errno(_)
            | Quantity::Collisions(_)
            | Quantity::GoingWindows
            | Quantity::Unloads
            | Quantity::Finding(_)
            | Quantity::RequestCount(_)
            | Quantity::RequestFailed(_)
            | Quantity::Lost
            | Quantity::Missed
            | Quantity::Clipped
            | Quantity::CommandStatus => Unit::Count,
        }
    }

    /// Whether records that were lost could only have made it more. Of half the attempts the median may be anything, and an
    /// attempt whose return was lost is unfinished without being so.
    pub(super) fn only_grows(&self) -> bool {
        match &self.quantity {
            Quantity::Wait(_, stat)
            | Quantity::Load(stat)
            | Quantity::Init(stat)
            | Quantity::RequestSlot(_, stat)
            | Quantity::RequestTime(_, stat) => matches!(stat, Stat::Count | Stat::Total | Stat::Max),
            Quantity::Unfinished => false,
            _ => true,
        }
    }

    /// Whether it takes a recording to know it.
    pub(super) fn is_recorded(&self) -> bool {
        !matches!(self.quantity, Quantity::CommandStatus | Quantity::CommandTime)
    }

    /// Whether it tells how much a recording lacks, and is known whatever it lacks.
    pub(super) fn is_about_loss(&self) -> bool {
        matches!(self.quantity, Quantity::Lost | Quantity::Missed | Quantity::Clipped)
    }
}
