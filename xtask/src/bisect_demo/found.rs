//! What git has found, by its own log.

use anyhow::Result;
use guest_vm::git::Git;

/// The end of a bisection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) first_bad: Option<String>,
    /// Commits that were answered with 125.
    pub(super) skipped: Vec<String>,
}

impl Found {
    /// Reads the log of the bisection that the repository is in.
    pub(super) fn read(git: &Git) -> Result<Self> {
        Ok(Self::parse(&git.text(&["bisect", "log"])?))
    }

    /// Comments name commits as `# VERDICT: [NAME] SUBJECT`.
    fn parse(log: &str) -> Self {
        let mut found = Self::default();
        for line in log.lines() {
            let named = |verdict: &str| {
                let rest = line.strip_prefix(verdict)?.strip_prefix(": [")?;
                Some(rest.split(']').next()?.to_owned())
            };
            found.skipped.extend(named("# skip"));
            found.first_bad = named("# first bad commit").or(found.first_bad);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::Found;

    #[test]
    fn the_log_tells() {
        let log = "git bisect start 'steady' 'source'\n# bad: [aa] x: y\n# skip: [bb] x: z\ngit bisect skip bb\n";
        let undecided = Found::parse(log);
        assert_eq!(
            (undecided.first_bad, undecided.skipped.as_slice()),
            (None, &["bb".to_owned()][..])
        );
        let decided = Found::parse(&format!("{log}# first bad commit: [cc] x: v\n"));
        assert_eq!(decided.first_bad.as_deref(), Some("cc"));
    }
}
