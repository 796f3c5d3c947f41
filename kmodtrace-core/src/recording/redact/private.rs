//! What of a recording is private.

/// What tells of a machine or of its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Private {
    /// The command under the tracer and the kernel's command line.
    Command,
    /// Names of tasks.
    Comm,
    /// Paths, cgroups and units.
    Path,
    /// What the machine and its boots are called.
    Host,
    /// Lines of the kernel log.
    Log,
    /// Values of parameters of modules.
    Arguments,
    /// Where devices are.
    Device,
}

impl Private {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Command,
        Self::Comm,
        Self::Path,
        Self::Host,
        Self::Log,
        Self::Arguments,
        Self::Device,
    ];

    /// What users call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Comm => "comm",
            Self::Path => "path",
            Self::Host => "host",
            Self::Log => "log",
            Self::Arguments => "arguments",
            Self::Device => "device",
        }
    }

    /// What it is, in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Command => "The command under the tracer, and the kernel's command line",
            Self::Comm => "Names of tasks that not every system has",
            Self::Path => "Folders, programs, cgroups and units that not every system has",
            Self::Host => "The ids of the machine and of the boot",
            Self::Log => "Lines of the kernel log, but for what the kernel writes of modules",
            Self::Arguments => "Values of parameters of modules",
            Self::Device => "Where devices are, and what udev knows of them; MODALIAS stays",
        }
    }
}
