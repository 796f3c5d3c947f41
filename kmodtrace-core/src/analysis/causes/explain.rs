//! The table in words, for `explain`.

use std::io::{self, Write};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Cause, Status, all, by_id};
use crate::model::Errno;
use crate::text::write_wrapped;

/// What is to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An errno: all that makes it.
    Errno(Errno),
    /// A wait status of modprobe, as `__request_module` returns it.
    Status(i64),
    /// One cause.
    Cause(&'static Cause),
}

/// Neither an errno, nor a wait status, nor a cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an errno (EBUSY, 16, -16, \"Device or resource busy\"), a wait status (256, 32512) or a cause of kmodtrace (leader-failed)"
)]
pub struct UnknownSubject(pub String);

impl FromStr for Subject {
    type Err = UnknownSubject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownSubject(text.to_owned());
        if let Some(errno) = Errno::named(text.trim()) {
            return Ok(Self::Errno(errno));
        }
        if let Some(cause) = by_id(text) {
            return Ok(Self::Cause(cause));
        }
        let number: i64 = text.parse().map_err(|_| unknown())?;
        let errno = Errno(u32::try_from(number.unsigned_abs()).map_err(|_| unknown())?);
        if errno != Errno::OK && !errno.name().starts_with("errno") {
            return Ok(Self::Errno(errno));
        }
        match Status::from_wait(number) {
            Some(_) if (1..=0xffff).contains(&number) => Ok(Self::Status(number)),
            _ => Err(unknown()),
        }
    }
}

impl Subject {
    /// As a heading.
    pub fn title(self) -> String {
        match self {
            Self::Errno(errno) => format!("{errno} ({})", errno.0),
            Self::Status(status) => format!("{} (wait status {status})", crate::model::ret_text(status)),
            Self::Cause(cause) => cause.id.to_owned(),
        }
    }

    /// Those that are known for it, then those that may return anything, in the order in which a load passes them.
    pub fn causes(self) -> Vec<&'static Cause> {
        match self {
            Self::Errno(errno) => {
                let (mut known, rest): (Vec<_>, Vec<_>) = all()
                    .filter(|cause| cause.makes(errno))
                    .partition(|cause| cause.names(errno));
                known.extend(rest);
                known
            }
            Self::Status(status) => all()
                .filter(|cause| cause.status == Status::from_wait(status))
                .collect(),
            Self::Cause(cause) => vec![cause],
        }
    }
}

/// A subject and its causes, for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explanation {
    /// What was asked for.
    pub subject: String,
    /// What makes it.
    pub causes: Vec<Row>,
}

/// A cause, for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "CauseRow")]
pub struct Row {
    /// Its name.
    id: &'static str,
    /// In a few words.
    title: &'static str,
    /// What the loader is about then.
    stage: &'static str,
    /// Those that make it.
    functions: &'static [&'static str],
    /// What they return.
    errnos: &'static [&'static str],
    /// Whether it may return others too.
    any_errno: bool,
    /// Kernels that have it; null for all.
    kernels: Option<&'static str>,
    /// Lines of the kernel log that say so.
    log: &'static [&'static str],
    /// What has happened.
    meaning: &'static str,
    /// What to do.
    what_to_do: &'static str,
}

impl Explanation {
    /// Of this.
    pub fn new(subject: Subject) -> Self {
        let row = |cause: &'static Cause| Row {
            id: cause.id,
            title: cause.title,
            stage: cause.stage.name(),
            functions: cause.makers,
            errnos: cause.errnos.named(),
            any_errno: matches!(cause.errnos, super::Errnos::Any(_)),
            kernels: cause.kernels,
            log: cause.log,
            meaning: cause.meaning,
            what_to_do: cause.advice,
        };
        Self {
            subject: subject.title(),
            causes: subject.causes().into_iter().map(row).collect(),
        }
    }
}

/// Writes every cause of a subject, wrapped to this many columns: those that are known for it at length, those that only
/// pass on what others return by name.
pub fn write_explanation(subject: Subject, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let known = |cause: &&Cause| !matches!(subject, Subject::Errno(errno) if !cause.names(errno));
    let (causes, rest): (Vec<_>, Vec<_>) = subject.causes().into_iter().partition(|cause| known(cause));
    let possible = if causes.len() == 1 {
        "possible cause"
    } else {
        "possible causes"
    };
    writeln!(out, "{}: {} {possible}", subject.title(), causes.len())?;
    for (number, cause) in causes.iter().enumerate() {
        writeln!(out)?;
        write_cause(&format!("{:>2}.", number + 1), cause, columns, out)?;
    }
    if rest.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = rest.iter().map(|cause| cause.id).collect();
    writeln!(out)?;
    let also = format!("These may return any errno, so this one too: {}.", ids.join(", "));
    paragraph(&also, 0, columns, out)
}

fn write_cause(number: &str, cause: &Cause, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let kernels = cause
        .kernels
        .map_or_else(String::new, |kernels| format!(" ({kernels})"));
    let head = format!("{number} {}: {}{kernels}", cause.id, cause.title);
    paragraph(&head, 0, columns, out)?;
    let place = format!("stage {}, by {}", cause.stage.name(), cause.makers.join(", "));
    paragraph(&place, 4, columns, out)?;
    paragraph(&errnos(cause), 4, columns, out)?;
    paragraph(cause.meaning, 4, columns, out)?;
    paragraph(&format!("what to do: {}", cause.advice), 4, columns, out)
}

fn errnos(cause: &Cause) -> String {
    let named = cause.errnos.named().join(", ");
    let status = match cause.status {
        Some(Status::NotStarted) => "wait status 32512 (exit 127) or 32256 (exit 126)",
        Some(Status::Exit) => "wait status 256 (exit 1), or of another exit",
        Some(Status::Signal) => "wait status below 128: the signal's number",
        None => "",
    };
    let other = match cause.errnos {
        super::Errnos::Any(&[]) => "any errno",
        super::Errnos::Any(_) => "or another errno",
        super::Errnos::Of(_) => "",
    };
    let parts = [named.as_str(), other, status];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("returns {}", parts.join(", "))
}

/// Writes a paragraph, each line behind `indent` blanks.
fn paragraph(text: &str, indent: usize, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let blanks = " ".repeat(indent);
    write_wrapped(text, &blanks, &blanks, columns, out)
}
