//! The kernel's console: kept whole, and searched for signs that the kernel itself failed.

/// Texts by which a kernel says that it is in trouble.
const COMPLAINTS: &[&str] = &[
    "Kernel panic",
    "Oops:",
    "BUG: ",
    "kernel BUG at",
    "general protection fault",
    "rcu: INFO: rcu_",
    "soft lockup",
    "hard LOCKUP",
    "blocked for more than",
    "Unable to mount root",
    "possible circular locking",
];

/// How many lines of it a message shows.
const TAIL: usize = 40;

#[derive(Debug, Default)]
pub(super) struct Console {
    bytes: Vec<u8>,
}

impl Console {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).replace('\r', "")
    }

    /// The first line by which the kernel complains, unless it holds a tolerated text.
    pub(super) fn complaint(&self, tolerate: &[String]) -> Option<String> {
        let text = self.text();
        let bad = |line: &&str| COMPLAINTS.iter().any(|complaint| line.contains(complaint));
        let tolerated = |line: &str| tolerate.iter().any(|text| line.contains(text.as_str()));
        text.lines()
            .filter(bad)
            .find(|line| !tolerated(line))
            .map(|line| line.trim().to_owned())
    }

    /// Its last lines, for a message.
    pub(super) fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let from = lines.len().saturating_sub(TAIL);
        if lines.is_empty() {
            "(the console is empty)".to_owned()
        } else {
            format!("console:\n  {}", lines[from..].join("\n  "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Console;

    #[test]
    fn complaints_are_found_and_tolerated() {
        let mut console = Console::default();
        console.push(b"[ 1.0] hello\r\n[ 2.0] watchdog: BUG: soft lockup - CPU#0 stuck\r\n");
        assert_eq!(
            console.complaint(&[]).as_deref(),
            Some("[ 2.0] watchdog: BUG: soft lockup - CPU#0 stuck")
        );
        assert_eq!(console.complaint(&["soft lockup".to_owned()]), None);
    }
}
