//! The parts of an attempt and of a request, in the order in which they are passed.

use serde::{Deserialize, Serialize};

/// A part of a load, or of a request for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The system call before it gets to the file, or the image.
    Entry,
    /// Sharing the load of another task that loads the same inode (6.5 and later).
    SharedLoad,
    /// Reading the file (`kernel_read_file`).
    Read,
    /// Decompressing it in the kernel (`module_decompress`, 5.17 and later).
    Decompress,
    /// The signature and its policy.
    Signature,
    /// ELF, version magic, CRCs.
    Checks,
    /// Memory for the sections, and moving them there.
    Layout,
    /// Is there an old module of this name? And the wait for it.
    DuplicateCheck,
    /// Resolving symbols, and waiting for the modules that export them.
    Symbols,
    /// Relocation.
    Relocation,
    /// Copying the argument string.
    Arguments,
    /// Exports, protection of memory: the module becomes COMING.
    Formation,
    /// Livepatch and the module notifiers.
    Notifiers,
    /// Parameters and their setters.
    Parameters,
    /// `/sys/module/NAME`.
    Sysfs,
    /// The init function.
    Init,
    /// Asynchronous work behind it.
    Async,
    /// Taking down what failed, or what is unloaded.
    CleanUp,
    /// A request: the security module's say.
    Security,
    /// A request: waiting for one of the slots.
    Slot,
    /// A request: the user-mode helper.
    Helper,
    /// A request: what its caller made of the answer.
    Caller,
}

impl Stage {
    /// Those of a load, in the order in which it passes them.
    pub const OF_LOADS: [Self; 18] = [
        Self::Entry,
        Self::SharedLoad,
        Self::Read,
        Self::Decompress,
        Self::Signature,
        Self::Checks,
        Self::Layout,
        Self::DuplicateCheck,
        Self::Symbols,
        Self::Relocation,
        Self::Arguments,
        Self::Formation,
        Self::Notifiers,
        Self::Parameters,
        Self::Sysfs,
        Self::Init,
        Self::Async,
        Self::CleanUp,
    ];

    /// What takes the time, as a sentence has it: `decompressing it`.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Entry => "entering the kernel",
            Self::SharedLoad => "sharing another task's load",
            Self::Read => "reading its file",
            Self::Decompress => "decompressing it",
            Self::Signature => "checking its signature",
            Self::Checks => "checking its headers",
            Self::Layout => "finding memory for it",
            Self::DuplicateCheck => "waiting for a module of its name",
            Self::Symbols => "resolving its symbols",
            Self::Relocation => "relocating it",
            Self::Arguments => "copying its arguments",
            Self::Formation => "protecting its memory",
            Self::Notifiers => "the module notifiers",
            Self::Parameters => "setting its parameters",
            Self::Sysfs => "making its files in sysfs",
            Self::Init => "its init function",
            Self::Async => "waiting for asynchronous work",
            Self::CleanUp => "taking it down",
            Self::Security => "the security module",
            Self::Slot => "waiting for a slot",
            Self::Helper => "modprobe",
            Self::Caller => "the caller",
        }
    }

    /// As reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::SharedLoad => "shared-load",
            Self::Read => "read",
            Self::Decompress => "decompress",
            Self::Signature => "signature",
            Self::Checks => "checks",
            Self::Layout => "layout",
            Self::DuplicateCheck => "duplicate-check",
            Self::Symbols => "symbols",
            Self::Relocation => "relocation",
            Self::Arguments => "arguments",
            Self::Formation => "formation",
            Self::Notifiers => "notifiers",
            Self::Parameters => "parameters",
            Self::Sysfs => "sysfs",
            Self::Init => "init",
            Self::Async => "async",
            Self::CleanUp => "clean-up",
            Self::Security => "security",
            Self::Slot => "slot",
            Self::Helper => "helper",
            Self::Caller => "caller",
        }
    }

    /// Where there is room for no more than a letter.
    pub fn letter(self) -> char {
        match self {
            Self::Entry => 'e',
            Self::SharedLoad => 'w',
            Self::Read => 'r',
            Self::Decompress => 'z',
            Self::Signature => 'g',
            Self::Checks => 'c',
            Self::Layout => 'l',
            Self::DuplicateCheck => 'd',
            Self::Symbols => 's',
            Self::Relocation => 'R',
            Self::Arguments => 'a',
            Self::Formation => 'f',
            Self::Notifiers => 'n',
            Self::Parameters => 'p',
            Self::Sysfs => 'y',
            Self::Init => 'I',
            Self::Async => 'A',
            Self::CleanUp => 'x',
            Self::Security => 'S',
            Self::Slot => 'o',
            Self::Helper => 'h',
            Self::Caller => 'k',
        }
    }
}
