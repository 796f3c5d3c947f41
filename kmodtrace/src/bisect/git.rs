//! The commit that the working directory is at. Git itself is asked, which knows of `GIT_DIR`, worktrees and all the rest.

use std::process::{Command, Stdio};

use kmodtrace_core::compare::bisect::Commit;

/// The commit; none where this is no working directory of git, or there is no git.
pub(crate) fn head() -> Option<Commit> {
    let about = git(&["log", "-1", "--no-show-signature", "--format=%H%n%P%n%s", "HEAD"])?;
    let mut lines = about.lines();
    let hash = lines.next()?.to_owned();
    let parents = lines.next()?.split_whitespace().map(str::to_owned).collect();
    let subject = lines.next().unwrap_or_default().to_owned();
    let depth = git(&["rev-list", "--count", "HEAD"])?.trim().parse().ok()?;
    Some(Commit {
        hash,
        subject,
        parents,
        depth,
    })
}

fn git(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    let output = command.args(arguments).stdin(Stdio::null()).output().ok()?;
    let said = output.status.success().then_some(output.stdout)?;
    Some(String::from_utf8_lossy(&said).into_owned())
}
