//! What each string of each record is.

use kmodtrace_common::kind;

use super::Private;

/// What a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The kernel's word: names of modules, symbols, requests, stacks.
    Public,
    /// A task's name.
    Comm,
    /// The last component of a file's path.
    FileName,
    /// A file's path, the last component first.
    Location,
    /// A program's path.
    Program,
    /// A cgroup's path.
    Cgroup,
    /// A line of the kernel log.
    Line,
    /// An argument string.
    Arguments,
    /// Properties of a device.
    Device,
    /// Not known.
    Unknown,
}

impl Meaning {
    /// What it is of; none where it stays, and where it is not known.
    pub(super) const fn private(self) -> Option<Private> {
        match self {
            Self::Public | Self::Unknown => None,
            Self::Comm => Some(Private::Comm),
            Self::FileName | Self::Location | Self::Program | Self::Cgroup => Some(Private::Path),
            Self::Line => Some(Private::Log),
            Self::Arguments => Some(Private::Arguments),
            Self::Device => Some(Private::Device),
        }
    }
}

/// What a string of a kind of record is; none where nobody has said. A field means the same in all kinds that are carried in one struct, but
/// for those of [`kmodtrace_common::record::Site`].
pub(super) fn meaning(kind: u16, field: &str) -> Option<Meaning> {
    Some(match (kind, field) {
        (
            kind::ATTEMPT_ENTER
            | kind::REQUEST_BEGIN
            | kind::ANCESTORS
            | kind::MUTEX_ENTER
            | kind::HELPER_FORK
            | kind::REFUSED,
            "comm",
        )
        | (kind::ATTEMPT_ENTER | kind::REQUEST_BEGIN, "parent_comm")
        | (kind::SIGNAL, "sender_comm") => Meaning::Comm,
        (kind::READ_ENTER | kind::IDEMPOTENT_ENTER | kind::FILE, "name") => Meaning::FileName,
        (kind::PATH, "text") => Meaning::Location,
        (kind::HELPER_ENTER | kind::HELPER_WORK | kind::HELPER_TASK, "path") | (kind::HELPER_RUNS, "symbol") => {
            Meaning::Program
        }
        (kind::CGROUP, "path") => Meaning::Cgroup,
        (kind::PRINTK, "text") => Meaning::Line,
        (kind::ARGUMENT_STRING, "text") => Meaning::Arguments,
        (kind::UEVENT, "text") => Meaning::Device,
        (kind::ATTEMPT_ENTER, "module")
        | (
            kind::MODULE_NAME
            | kind::FIND_MODULE
            | kind::WAIT_BEGIN
            | kind::WAIT_END
            | kind::DO_INIT_ENTER
            | kind::MODULE_STATE
            | kind::TEARDOWN
            | kind::FREE_ENTER
            | kind::FREE_EXIT
            | kind::ADD_UNFORMED_ENTER,
            "name",
        )
        | (
            kind::INIT_START | kind::INIT_END | kind::EXIT_FUNCTION | kind::REQUEST_GRANTED | kind::FS_TYPE_EXIT,
            "symbol",
        )
        | (kind::SYMBOL, "name" | "owner")
        | (kind::REQUEST_BEGIN, "name" | "work")
        | (kind::STACK, "text") => Meaning::Public,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::strings::strings;

    #[test]
    fn each_string_of_each_kind_has_a_meaning() {
        let all = kind::ALL
            .iter()
            .flat_map(|(kind, name, layout)| strings(layout).map(move |(field, ..)| (*kind, name, field)));
        let forgotten: Vec<_> = all.filter(|(kind, _, field)| meaning(*kind, field).is_none()).collect();
        assert_eq!(forgotten, []);
    }
}
