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
const EXCERPT: usize = 40;

#[derive(Debug, Default)]
pub(crate) struct Console {
    bytes: Vec<u8>,
}

impl Console {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).replace('\r', "")
    }

    /// The first line by which the kernel complains, unless it holds a tolerated text.
    pub(crate) fn complaint(&self, tolerate: &[String]) -> Option<String> {
        let text = self.text();
        let tolerated = |line: &str| tolerate.iter().any(|text| line.contains(text.as_str()));
        text.lines()
            .filter(|line| complains(line))
            .find(|line| !tolerated(line))
            .map(|line| line.trim().to_owned())
    }

    /// What a message shows of it: its last lines, or those from the first complaint on.
    pub(crate) fn excerpt(&self) -> String {
        let text = self.text();
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines.len().saturating_sub(EXCERPT);
        let from = lines
            .iter()
            .position(|line| complains(line))
            .map_or(last, |first| first.min(last));
        let to = lines.len().min(from + EXCERPT);
        if lines.is_empty() {
            "(the console is empty)".to_owned()
        } else {
            format!("console:\n  {}", lines[from..to].join("\n  "))
        }
    }
}

fn complains(line: &str) -> bool {
    COMPLAINTS.iter().any(|complaint| line.contains(complaint))
}

#[cfg(test)]
mod tests {
    use super::{Console, EXCERPT};

    #[test]
    fn an_excerpt_begins_where_the_trouble_does() {
        let mut console = Console::default();
        console.push(b"hello\n\nOops: 0010\n");
        (0..EXCERPT).for_each(|_| console.push(b"BUG: another\n"));
        assert!(
            console
                .excerpt()
                .starts_with("console:\n  Oops: 0010\n  BUG: another\n")
        );
        assert_eq!(console.excerpt().lines().count(), 1 + EXCERPT);
    }

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
