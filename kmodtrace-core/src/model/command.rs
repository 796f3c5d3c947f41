//! The command that is run under the tracer.

use std::fmt;

use serde::Serialize;

use super::ret_text;

/// How a command ended: the wait status of wait(2). JSON has what [`Self::shell`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "i64")]
pub struct WaitStatus(pub i64);

impl WaitStatus {
    /// The exit status, or 128 and the signal that killed it, as shells have it.
    pub fn shell(self) -> i64 {
        match self.0 & 0x7f {
            0 => self.0 >> 8 & 0xff,
            signal => 128 + signal,
        }
    }
}

impl From<WaitStatus> for i64 {
    fn from(status: WaitStatus) -> Self {
        status.shell()
    }
}

impl fmt::Display for WaitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("exit 0"),
            status => f.write_str(&ret_text(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_as_in_a_shell() {
        let shown = |status: i64| (WaitStatus(status).shell(), WaitStatus(status).to_string());
        assert_eq!(shown(0), (0, "exit 0".to_owned()));
        assert_eq!(shown(0x100), (1, "exit 1".to_owned()));
        assert_eq!(shown(9), (137, "killed by signal 9".to_owned()));
        assert_eq!(shown(0x8b), (139, "killed by signal 11".to_owned()), "with a core dump");
    }
}
