//! Where an errno comes from: the function that returned it first, and what became of it on the way to the caller.
//!
//! The rule (see `trail.rs`): the deepest function that returned the errno made it. Where nothing that is watched returned
//! it, the maker is inlined, and lies between the last mark that was passed and the next one that a load would pass; the
//! errno, and the loader's own lines in the kernel log, narrow down what is made there.
//!
//! What a function that is not watched may have returned is no more than a gap: so the coverage of the plan goes in.

mod duplicate;
mod entry;
mod init;
mod request;
mod symbol;
mod trail;

use std::borrow::Cow;

use crate::analysis::causes::{Cause, image};
use crate::model::{Attempt, AttemptId, Edge, Errno, Function, Mark, Stage, TaskRef};
use crate::plan::Coverage;
use crate::text::printable;

pub use request::of_request;

/// Where an errno comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What the call returned.
    pub errno: Errno,
    /// What the loader was about.
    pub stage: Stage,
    /// The function that returned it first, or the one into which that is inlined.
    pub function: Cow<'static, str>,
    /// How sure that is.
    pub certainty: Certainty,
    /// What may have made it, the likeliest first. One where it is clear, none for what the table does not know.
    pub causes: Vec<&'static Cause>,
    /// Lines of the kernel log that say so.
    pub evidence: Vec<String>,
    /// The attempt that failed before, and because of which this one fails.
    pub from: Option<From>,
    /// What the errno was before a function made [`Self::errno`] of it.
    pub translated: Option<Translation>,
    /// Functions that passed it on, the innermost first.
    pub through: Vec<&'static str>,
}

impl Origin {
    /// The likeliest cause.
    pub fn cause(&self) -> Option<&'static Cause> {
        self.causes.first().copied()
    }

    /// The errno of whatever it comes from, where it was another one: of another attempt, or of the init function.
    pub fn from_errno(&self) -> Option<Errno> {
        let inherited = self.from.as_ref().and_then(|from| from.errno);
        inherited.or(self.translated.map(|translation| translation.from))
    }

    /// Function and causes, as in a line: `parse_args: parameter`.
    pub fn words(&self) -> String {
        let ids = self.causes.iter().map(|cause| cause.id);
        words(&self.function, self.stage, ids)
    }

    fn exact(errno: Errno, function: impl Into<Cow<'static, str>>, causes: Vec<&'static Cause>, stage: Stage) -> Self {
        Self {
            errno,
            stage: causes.first().map_or(stage, |cause| cause.stage),
            function: function.into(),
            certainty: Certainty::Exact,
            causes,
            evidence: Vec::new(),
            from: None,
            translated: None,
            through: Vec::new(),
        }
    }
}

/// How sure the function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It was seen to return the errno, or nothing else can have.
    Exact,
    /// It lies between these two, the last that was passed and the next that would have been.
    Gap {
        /// The last that was passed.
        after: &'static str,
        /// The next.
        before: &'static str,
    },
}

/// A failure that another one follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct From {
    /// Who failed.
    pub task: TaskRef,
    /// With what; none when that was not seen.
    pub errno: Option<Errno>,
}

/// An errno that a function made another one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The function.
    pub by: &'static str,
    /// What it got.
    pub from: Errno,
}

/// What is known of an attempt that others may have waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAttempt {
    /// Its task.
    pub task: TaskRef,
    /// What its caller got.
    pub errno: Option<Errno>,
}

/// The origin of an attempt's errno; none when it did not fail. `coverage` says what was watched, `known` tells of other attempts.
pub fn of(attempt: &Attempt, coverage: &Coverage, known: impl Fn(AttemptId) -> Option<KnownAttempt>) -> Option<Origin> {
    let errno = attempt.errno.filter(|_| attempt.failed())?;
    let mut origin = if attempt.is_unload() {
        entry::unload(errno)
    } else {
        init::of(attempt, errno)
            .or_else(|| duplicate::shared(attempt, errno, &known))
            .or_else(|| duplicate::shared_unseen(attempt, errno))
            .or_else(|| duplicate::same_name(attempt, errno))
            .or_else(|| symbol::of(attempt, errno, coverage))
            .or_else(|| entry::load(attempt, errno, coverage))
            .unwrap_or_else(|| trail::of(attempt, errno))
    };
    signature(&mut origin, attempt);
    confirm(&mut origin, attempt.log.iter().map(|line| line.text.as_str()));
    if let Some(from) = &mut origin.from {
        from.errno = known(from.task.attempt).and_then(|known| known.errno);
    }
    Some(origin)
}

/// What `mod_verify_sig` returned tells a missing signature from one that is not trusted: `module_sig_check` makes EKEYREJECTED of all.
fn signature(origin: &mut Origin, attempt: &Attempt) {
    const ENOPKG: i64 = -65;
    const ENOKEY: i64 = -126;
    let mut marks = attempt.trail.iter();
    let untrusted =
        |mark: &Mark| mark.function == Function::ModVerifySig && matches!(mark.edge, Edge::Exit(Some(ENOPKG | ENOKEY)));
    if marks.any(untrusted) && origin.causes.contains(&&image::UNTRUSTED_KEY) {
        origin.causes = vec![&image::UNTRUSTED_KEY];
    }
}

/// A line of the kernel log that only one of the causes writes makes it that one. Of a line that several write, it is the one
/// that knows most of its words.
fn confirm<'l>(origin: &mut Origin, lines: impl Iterator<Item = &'l str> + Clone) {
    let most = |line: &str| origin.causes.iter().filter_map(|cause| cause.words_of(line)).max();
    let writes = |cause: &Cause| {
        let own = |line: &str| cause.words_of(line).is_some_and(|words| Some(words) == most(line));
        lines.clone().any(own)
    };
    let told: Vec<&'static Cause> = origin.causes.iter().copied().filter(|cause| writes(cause)).collect();
    let Some(first) = told.first() else {
        if origin.causes.len() > 1 {
            origin.causes.retain(|cause| !cause.only_logged);
        }
        return;
    };
    origin.evidence = lines
        .filter(|line| told.iter().any(|cause| cause.logs_line(line)))
        .map(str::to_owned)
        .collect();
    if let Certainty::Gap { .. } = origin.certainty
        && told.len() == 1
    {
        origin.stage = first.stage;
        origin.certainty = Certainty::Exact;
    }
    origin.causes = told;
}

/// `parse_args: parameter`; where many causes are possible, the two likeliest.
pub(crate) fn words<'i>(function: &str, stage: Stage, ids: impl ExactSizeIterator<Item = &'i str>) -> String {
    let more = ids.len().saturating_sub(2);
    let mut shown: Vec<&str> = ids.take(2).collect();
    if shown.is_empty() {
        shown.push(stage.name());
    }
    let more = match more {
        0 => String::new(),
        1 => " or another".to_owned(),
        more => format!(" or {more} others"),
    };
    // The name of an init function comes from its module.
    format!("{}: {}{more}", printable(function), shown.join(" or "))
}

#[cfg(test)]
pub(crate) mod tests;
