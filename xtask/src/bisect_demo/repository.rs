//! A git repository of the kernel, whose first commit is Debian's source.

use std::{fs, io, path::Path};

use anyhow::{Context as _, Result};
use guest_vm::{
    git::Git,
    kernel::{Flavour, build::unpack},
    paths::Scratch,
};

use super::{
    branch::Branch,
    import::{self, Step},
    place::Place,
    series::{self, Role, SERIES},
};

/// The name of the commit that is Debian's source.
pub(super) const SOURCE: &str = "refs/tags/source";

/// A branch of the demo, and which of its commits is what.
#[derive(Debug)]
pub(super) struct History {
    pub(super) good: String,
    pub(super) bad: String,
    /// The one to be found.
    pub(super) culprit: String,
    /// The one that nobody can judge.
    pub(super) unbuildable: String,
}

/// The repository, made where it is not, and put right where a run was killed in it.
pub(super) fn open(place: &Place, flavour: Flavour) -> Result<Git> {
    let git = Git::new(&place.tree());
    if !place.made_from().exists() {
        make(place, flavour)?;
    }
    recover(&git).context("cannot put the kernel's repository right")?;
    Ok(git)
}

/// Gives the newest source its place, as a repository.
fn make(place: &Place, flavour: Flavour) -> Result<()> {
    let scratch = Scratch::new_in(place.dir())?;
    let source = unpack::newest(flavour, scratch.path())?;
    eprintln!("xtask: making a git repository of {}", source.version);
    first_commit(&Git::new(&source.dir), &source.version).context("cannot make a repository of the source")?;
    // What an earlier run did not bring to its end goes with the scratch directory.
    drop(fs::rename(place.tree(), scratch.path().join("old")));
    fs::rename(&source.dir, place.tree()).context("cannot give the repository its place")?;
    // Its presence says that the rest is whole.
    fs::write(place.made_from(), source.version).context("cannot write down the version")
}

fn first_commit(git: &Git, version: &str) -> Result<()> {
    git.run(&["init", "--quiet", "--initial-branch=debian"])?;
    for (key, value) in [("gc.auto", "0"), ("advice.detachedHead", "false")] {
        git.run(&["config", key, value])?;
    }
    // All of it, also what the source's own lists would have git ignore.
    git.run(&["add", "--all", "--force"])?;
    git.run(&["commit", "--quiet", "--no-verify", &format!("--message={version}")])?;
    git.run(&["tag", "source"])
}

/// Ends a bisection that was cut short, and makes the files those of whichever commit is checked out: the lock is held, so
/// nobody else is at it.
fn recover(git: &Git) -> Result<()> {
    remove(&git.dir().join(".git/index.lock"))?;
    git.run(&["reset", "--quiet", "--hard"])?;
    git.run(&["bisect", "reset", "HEAD"])?;
    // Branches are made anew, and none of them is to be checked out then.
    git.run(&["checkout", "--quiet", "--detach"])
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Makes a branch of the demo, whose commits have the same names every time.
pub(super) fn history(git: &Git, branch: Branch) -> Result<History> {
    let texts = series::texts(branch, |file| {
        let named = format!("{SOURCE}:{file}");
        git.text(&["cat-file", "blob", &named])
    })?;
    let steps: Vec<_> = SERIES
        .iter()
        .zip(&texts)
        .map(|(commit, text)| Step {
            subject: commit.subject,
            file: commit.file,
            text,
        })
        .collect();
    let commits = import::commits(git, SOURCE, branch.name(), &steps)?;
    let named = |role: Role| {
        let found = SERIES.iter().zip(&commits).find(|(commit, _)| commit.role == role);
        found.map(|(_, name)| name.clone()).context("the series lacks a commit")
    };
    Ok(History {
        good: git
            .text(&["rev-parse", &format!("{SOURCE}^{{commit}}")])?
            .trim()
            .to_owned(),
        bad: commits.last().context("the branch has no commits")?.clone(),
        culprit: named(Role::Bad)?,
        unbuildable: named(Role::Unbuildable)?,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Git, Role, SERIES, SOURCE, Step, first_commit, import, recover};
    use crate::bisect_demo::found::Found;
    use guest_vm::paths::Scratch;

    /// A judge who knows the number of the commit: the first line of the only file.
    fn judge(number: usize, unbuildable: usize) -> String {
        format!("n=$(cat number); [ $n = {unbuildable} ] && exit 125; [ $n -lt {number} ]")
    }

    #[test]
    fn git_asks_for_the_unbuildable_commit_and_finds_the_bad_one() -> anyhow::Result<()> {
        let scratch = Scratch::new()?;
        let git = Git::new(scratch.path());
        fs::write(scratch.path().join("number"), "0\n")?;
        first_commit(&git, "source")?;
        let texts: Vec<_> = (1..=SERIES.len()).map(|number| format!("{number}\n")).collect();
        let steps: Vec<_> = SERIES
            .iter()
            .zip(&texts)
            .map(|(commit, text)| Step {
                subject: commit.subject,
                file: "number",
                text,
            })
            .collect();
        recover(&git)?;
        let names = import::commits(&git, SOURCE, "steady", &steps)?;
        assert_eq!(names, import::commits(&git, SOURCE, "steady", &steps)?);
        assert_eq!(names.len(), SERIES.len());
        let number = |role| {
            SERIES
                .iter()
                .position(|commit| commit.role == role)
                .map_or(0, |index| index + 1)
        };
        let (bad, unbuildable) = (number(Role::Bad), number(Role::Unbuildable));
        git.run(&["bisect", "start", "steady", SOURCE])?;
        let said = git.text(&["bisect", "run", "sh", "-c", &judge(bad, unbuildable)])?;
        let found = Found::read(&git)?;
        assert_eq!(found.first_bad.as_deref(), Some(names[bad - 1].as_str()), "{said}");
        assert_eq!(found.skipped, [names[unbuildable - 1].as_str()], "{said}");
        // As a killed run leaves it.
        fs::write(scratch.path().join(".git/index.lock"), "")?;
        fs::write(scratch.path().join("number"), "half")?;
        recover(&git)?;
        assert!(git.run(&["bisect", "log"]).is_err());
        assert_eq!(git.text(&["status", "--porcelain"])?, "");
        Ok(())
    }
}
