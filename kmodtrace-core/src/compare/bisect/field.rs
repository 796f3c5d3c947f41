//! What a rule can be about: numbers of a report, by name.

use std::fmt;
use std::str::FromStr;

use crate::analysis::causes::Subject;
use crate::analysis::findings::Name;
use crate::measures::{MEASURES, Measure, STATS, Stat, Unit, Value};
use crate::model::Errno;

/// A number of a report.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub(super) enum Quantity {
    /// A number of modules.
    Number(&'static Measure),
    /// A statistic of one of their distributions.
    Times(&'static Measure, &'static Stat),
    /// Waits of all kinds but those for `module_mutex`, which are watched on demand only.
    Waits(&'static Stat),
    Errno(Errno),
    Finding(Name),
    RequestCount(Requests),
    RequestFailed(Requests),
    RequestSlot(Requests, &'static Stat),
    RequestTime(Requests, &'static Stat),
    Lost,
    Missed,
    Clipped,
    CommandStatus,
    CommandTime,
}

/// What can be asked for besides the measures of modules, for people: name and meaning. `STAT` is one of count, total, p50, p90, p99, max.
const OTHER_FIELDS: &[(&str, &str)] = &[
    ("wait.STAT", "waits of all kinds but mutex"),
    ("total_wait", "the same as wait.total"),
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

/// What can be asked for, for people: names and meanings. `STAT` is one of count, total, p50, p90, p99, max.
pub fn fields() -> Vec<(String, &'static str)> {
    let measures = MEASURES.iter().filter(|measure| !measure.field.is_empty());
    let measures = measures.map(|measure| {
        let field = match measure.value {
            Value::Number(..) => measure.field.to_owned(),
            Value::Times(..) => format!("{}.STAT", measure.field),
            Value::Outcomes(_) => format!("{}(E)", measure.field),
        };
        (field, measure.help)
    });
    let others = OTHER_FIELDS.iter().map(|(name, help)| ((*name).to_owned(), *help));
    measures.chain(others).collect()
}

/// No field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a field")]
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

/// Fields are what they are written as.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
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

fn stat(name: &str) -> Option<&'static Stat> {
    STATS.into_iter().find(|stat| stat.name == name)
}

fn quantity(parts: &[(&str, Option<&str>)]) -> Option<Quantity> {
    Some(match *parts {
        [("errno", Some(errno))] => match errno.parse() {
            Ok(Subject::Errno(errno)) => Quantity::Errno(errno),
            _ => return None,
        },
        [("total_wait", None)] => Quantity::Waits(stat("total")?),
        [("wait", None), (part, None)] => Quantity::Waits(stat(part)?),
        [("finding", Some(name))] => Quantity::Finding(Name::ALL.iter().copied().find(|known| known.name() == name)?),
        [("requests", None), ref rest @ ..] => of_requests(Requests::All, rest)?,
        [("request", Some(name)), ref rest @ ..] => of_requests(Requests::Named(name.to_owned()), rest)?,
        [("lost", None)] => Quantity::Lost,
        [("missed", None)] => Quantity::Missed,
        [("clipped", None)] => Quantity::Clipped,
        [("command", None), ("status", None)] => Quantity::CommandStatus,
        [("command", None), ("time", None)] => Quantity::CommandTime,
        _ => of_modules(parts)?,
    })
}

/// A row of the table of measures: its field, and of a distribution the statistic behind it.
fn of_modules(parts: &[(&str, Option<&str>)]) -> Option<Quantity> {
    let known = |parts: &[(&str, Option<&str>)]| {
        let words = parts.iter().map(|(name, argument)| match argument {
            Some(argument) => format!("{name}({argument})"),
            None => (*name).to_owned(),
        });
        let field = words.collect::<Vec<_>>().join(".");
        MEASURES
            .iter()
            .find(|measure| measure.field.eq_ignore_ascii_case(&field))
    };
    let number = known(parts).filter(|measure| matches!(measure.value, Value::Number(..)));
    number.map(Quantity::Number).or_else(|| {
        let ((last, argument), before) = parts.split_last()?;
        let times = known(before).filter(|measure| argument.is_none() && matches!(measure.value, Value::Times(..)));
        Some(Quantity::Times(times?, stat(last)?))
    })
}

fn of_requests(which: Requests, parts: &[(&str, Option<&str>)]) -> Option<Quantity> {
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
            Quantity::Times(_, stat)
            | Quantity::Waits(stat)
            | Quantity::RequestSlot(_, stat)
            | Quantity::RequestTime(_, stat) => stat.unit,
            Quantity::Number(measure) => match measure.value {
                Value::Number(unit, _) => unit,
                Value::Times(..) | Value::Outcomes(_) => Unit::Count,
            },
            Quantity::CommandTime => Unit::Nanoseconds,
            Quantity::Errno(_)
            | Quantity::Finding(_)
            | Quantity::RequestCount(_)
            | Quantity::RequestFailed(_)
            | Quantity::Lost
            | Quantity::Missed
            | Quantity::Clipped
            | Quantity::CommandStatus => Unit::Count,
        }
    }

    /// Whether records that were lost could only have made it more.
    pub(super) fn only_grows(&self) -> bool {
        match &self.quantity {
            Quantity::Times(_, stat)
            | Quantity::Waits(stat)
            | Quantity::RequestSlot(_, stat)
            | Quantity::RequestTime(_, stat) => stat.only_grows,
            Quantity::Number(measure) => measure.only_grows,
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
