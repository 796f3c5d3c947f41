//! The table of errnos: every maker of an errno on the way of a load, an unload or a request, with what it means and
//! what to do. It is data, and its only home: `explain` prints it, origins point into it.
//!
//! The rows are those of the loader's source of 5.10 to 7.2 (`kernel/module/`, `kernel/module.c` before 5.19, `kernel/kmod.c`,
//! `kernel/umh.c`, `kernel/params.c`, `fs/kernel_read_file.c`).

/// Rows of the table, each with a name: who speaks of one says which, and `CAUSES` has them all in their order.
macro_rules! causes {
    ($($name:ident = $cause:expr;)+) => {
        $(pub(crate) const $name: Cause = $cause;)+
        pub(super) const CAUSES: &[Cause] = &[$($name),+];
    };
}

mod caller;
mod explain;
pub(crate) mod image;
pub(crate) mod link;
pub(crate) mod request;
pub(crate) mod start;
pub(crate) mod unload;

use crate::model::{Errno, Function, Stage};

pub use caller::Made;
pub use explain::{Explanation, Subject, UnknownSubject, write_explanation};

/// A maker of errnos.
#[derive(Debug, PartialEq, Eq)]
pub struct Cause {
    /// A word for programs, as reports have it.
    pub id: &'static str,
    /// A few words for people.
    pub title: &'static str,
    /// Which errnos it makes.
    pub errnos: Errnos,
    /// For requests: which wait statuses of modprobe mean it.
    pub status: Option<Status>,
    /// What the loader is about meanwhile.
    pub stage: Stage,
    /// The functions that return it first. Those that the compiler inlines are not in [`Function`].
    pub makers: &'static [&'static str],
    /// Where the makers are inlined: the function behind which and the one before which they are.
    pub gap: Option<(Function, Function)>,
    /// Parts of the lines that the kernel logs for this and nothing else, in the words of any version.
    pub log: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// Whether nothing but its line in the kernel log tells it from others that make the same errno.
    pub only_logged: bool,
    /// Which kernels, where not all of 5.10 to 7.2.
    pub kernels: Option<&'static str>,
}

/// The errnos of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errnos {
    /// These, by name.
    Of(&'static [&'static str]),
    /// Above all these, and whatever else the code that is called returns.
    Any(&'static [&'static str]),
}

impl Errnos {
    /// Those that it names.
    pub fn named(self) -> &'static [&'static str] {
        match self {
            Self::Of(names) | Self::Any(names) => names,
        }
    }
}

/// A kind of wait status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Exit 126 or 127: it did not come to run.
    NotStarted,
    /// Another exit.
    Exit,
    /// A signal.
    Signal,
}

impl Status {
    /// What a wait status says; none for 0.
    pub fn from_wait(status: i64) -> Option<Self> {
        match (status & 0x7f, status >> 8 & 0xff) {
            (1.., _) => Some(Self::Signal),
            (_, 126 | 127) => Some(Self::NotStarted),
            (_, 0) => None,
            _ => Some(Self::Exit),
        }
    }
}

impl Cause {
    const fn new(id: &'static str, title: &'static str, stage: Stage, errnos: &'static [&'static str]) -> Self {
        Self {
            id,
            title,
            errnos: Errnos::Of(errnos),
            status: None,
            stage,
            makers: &[],
            gap: None,
            log: &[],
            meaning: "",
            advice: "",
            only_logged: false,
            kernels: None,
        }
    }

    const fn or_any(mut self) -> Self {
        self.errnos = Errnos::Any(self.errnos_named());
        self
    }

    const fn errnos_named(&self) -> &'static [&'static str] {
        match self.errnos {
            Errnos::Of(names) | Errnos::Any(names) => names,
        }
    }

    const fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    const fn by(mut self, makers: &'static [&'static str]) -> Self {
        self.makers = makers;
        self
    }

    const fn between(mut self, after: Function, before: Function) -> Self {
        self.gap = Some((after, before));
        self
    }

    const fn logs(mut self, log: &'static [&'static str]) -> Self {
        self.log = log;
        self
    }

    const fn means(mut self, meaning: &'static str, advice: &'static str) -> Self {
        self.meaning = meaning;
        self.advice = advice;
        self
    }

    const fn only_logged(mut self) -> Self {
        self.only_logged = true;
        self
    }

    const fn on(mut self, kernels: &'static str) -> Self {
        self.kernels = Some(kernels);
        self
    }

    /// Whether it can make this errno.
    pub fn makes(&self, errno: Errno) -> bool {
        match self.errnos {
            Errnos::Any(_) => true,
            Errnos::Of(names) => names.contains(&&*errno.name()),
        }
    }

    /// Whether it is known for this errno: not only one that may return anything.
    pub fn names(&self, errno: Errno) -> bool {
        self.errnos.named().contains(&&*errno.name())
    }

    /// Whether this line of the kernel log is one of its own.
    pub fn logs_line(&self, line: &str) -> bool {
        self.words_of(line).is_some()
    }

    /// How much of this line of the kernel log it knows, in bytes; none where the line is not one of its own.
    pub fn words_of(&self, line: &str) -> Option<usize> {
        let known = self.log.iter().filter(|part| line.contains(**part));
        known.map(|part| part.len()).max()
    }
}

/// Every cause, roughly in the order in which a load, then an unload, then a request passes them.
pub fn all() -> impl Iterator<Item = &'static Cause> {
    of_loads().chain(of_unloads()).chain(request::CAUSES)
}

/// All that causes know of lines of the kernel log.
pub fn log_words() -> impl Iterator<Item = &'static str> {
    all().flat_map(|cause| cause.log.iter().copied())
}

/// The causes of loads.
pub(crate) fn of_loads() -> impl Iterator<Item = &'static Cause> {
    [image::CAUSES, link::CAUSES, start::CAUSES].into_iter().flatten()
}

/// The causes of unloads.
pub(crate) fn of_unloads() -> impl Iterator<Item = &'static Cause> {
    unload::CAUSES.iter()
}

/// The cause with this id.
pub fn by_id(id: &str) -> Option<&'static Cause> {
    all().find(|cause| cause.id == id)
}

#[cfg(test)]
mod tests;
