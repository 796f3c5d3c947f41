//! Signals that tasks get while they load.

use super::task::Parent;
use super::units::Ktime;

/// A signal that was sent to a task inside an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// When it was sent.
    pub time: Ktime,
    /// Its number (include/uapi/asm-generic/signal.h).
    pub number: u32,
    /// Thread group that ran as it was sent: the sender, or whom a signal of the kernel's own interrupted.
    pub sender: Parent,
}

impl Signal {
    /// `SIGKILL`: it always ends the task, once that is back from the kernel.
    pub const KILL: u32 = 9;

    /// `SIGKILL`, `SIGTERM`, ...; `signal 40` for a number without a name here.
    pub fn name(&self) -> String {
        let name = match self.number {
            1 => "SIGHUP",
            2 => "SIGINT",
            3 => "SIGQUIT",
            6 => "SIGABRT",
            Self::KILL => "SIGKILL",
            10 => "SIGUSR1",
            12 => "SIGUSR2",
            13 => "SIGPIPE",
            14 => "SIGALRM",
            15 => "SIGTERM",
            17 => "SIGCHLD",
            18 => "SIGCONT",
            19 => "SIGSTOP",
            20 => "SIGTSTP",
            number => return format!("signal {number}"),
        };
        name.to_owned()
    }
}
