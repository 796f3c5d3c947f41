//! What a kernel is to have that Debian's source has not: a fix less, or somebody's patch. None of the kernel's own code is
//! kept here: fixes are taken out by the few words that they differ in.

use std::{
    fmt::Write as _,
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::{
    edit::{self, Substitution},
    tree::Tree,
};
use crate::{paths::Scratch, process};

/// A fix that can be taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fix {
    /// Commit 0254127ab977, "module: Don't wait for GOING modules", of 6.2-rc6 and 6.1.9: without it, who finds a module that
    /// is not LIVE waits until it is gone or LIVE, also where it is GOING, and then loads it again, as in 5.3 to 6.1.8.
    DontWaitForGoing,
}

/// The file that both functions are in since 5.19.
const MODULE_LOADER: &str = "kernel/module/main.c";

/// What makes the loader wait as it did before `DontWaitForGoing`, by function.
const WAIT_FOR_GOING: &[(&str, &[Substitution])] = &[
    // Its condition lists LIVE already: named twice, it leaves out GOING.
    ("finished_loading", &[("MODULE_STATE_GOING", "MODULE_STATE_LIVE")]),
    (
        "add_unformed_module",
        &[
            // Next to COMING: whatever is not LIVE is waited for.
            ("== MODULE_STATE_UNFORMED", "!= MODULE_STATE_LIVE"),
            // Whoever has waited without being interrupted starts again.
            ("= MODULE_STATE_UNFORMED;", "= MODULE_STATE_UNFORMED; again:"),
            ("goto out_unlocked;", "goto out_unlocked; else goto again;"),
            // Only a LIVE one is left then, whichever way it is asked.
            ("-EBUSY", "-EEXIST"),
        ],
    ),
];

impl Fix {
    /// What a kernel without it is called.
    pub(super) fn without(self) -> &'static str {
        match self {
            Self::DontWaitForGoing => "before",
        }
    }

    fn substitutions(self) -> (&'static str, &'static [(&'static str, &'static [Substitution])]) {
        match self {
            Self::DontWaitForGoing => (MODULE_LOADER, WAIT_FOR_GOING),
        }
    }

    /// Takes the fix out of the text of the file that it is in.
    pub fn revert(self, mut source: String) -> Result<String> {
        for (function, substitutions) in self.substitutions().1 {
            source = edit::in_function(&source, function, substitutions)?;
        }
        Ok(source)
    }
}

/// A file of the source, and its text; none if it is to be removed.
pub(super) type Edit = (PathBuf, Option<String>);

/// What is changed.
#[derive(Debug)]
pub(super) enum Change {
    Nothing,
    Revert(Fix),
    /// The text of a patch.
    Patch(String),
}

impl Change {
    pub(super) fn read(revert: Option<Fix>, patch: Option<&Path>) -> Result<Self> {
        Ok(match (revert, patch) {
            (Some(fix), _) => Self::Revert(fix),
            (None, Some(file)) => {
                Self::Patch(fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?)
            }
            (None, None) => Self::Nothing,
        })
    }

    /// All of it in one piece, to compare.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Nothing => "no change\n".to_owned(),
            Self::Patch(patch) => format!("patch\n{patch}"),
            Self::Revert(fix) => {
                let mut text = format!("without {fix:?}\n");
                for (function, substitutions) in fix.substitutions().1 {
                    for (words, instead) in *substitutions {
                        // Writing to a string cannot fail.
                        let _ = writeln!(text, "{function}: {words} -> {instead}");
                    }
                }
                text
            }
        }
    }

    /// What it makes of the tree's files, which must be as Debian has them.
    pub(super) fn edits(&self, tree: &Tree) -> Result<Vec<Edit>> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::Revert(fix) => {
                let (file, _) = fix.substitutions();
                let source =
                    fs::read_to_string(tree.path().join(file)).with_context(|| format!("this source has no {file}"))?;
                let source = fix.revert(source).with_context(|| format!("cannot change {file}"))?;
                Ok(vec![(file.into(), Some(source))])
            }
            Self::Patch(patch) => patched(patch, tree),
        }
    }
}

/// Applies a patch to copies of the files that it names, so that one that does not fit changes nothing.
fn patched(patch: &str, tree: &Tree) -> Result<Vec<Edit>> {
    let scratch = Scratch::new()?;
    let copies = scratch.path().join("files");
    let files = named(patch)?;
    for file in &files {
        let (from, to) = (tree.path().join(file), copies.join(file));
        let parent = to.parent().unwrap_or(&copies);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        if from.exists() {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    let input = scratch.path().join("patch");
    fs::write(&input, patch).with_context(|| format!("cannot write {}", input.display()))?;
    let arguments = ["--strip=1", "--batch", "--forward", "--remove-empty-files"];
    let mut command = process::command("patch", arguments);
    command
        .arg("--reject-file=-")
        .arg("--input")
        .arg(&input)
        .current_dir(&copies);
    let output = command.output().context("cannot run patch")?;
    if !output.status.success() {
        // What does not fit is on its standard output.
        bail!(
            "the patch does not fit\n{}",
            String::from_utf8_lossy(&output.stdout).trim_end()
        );
    }
    let text = |file: PathBuf| {
        let copy = copies.join(&file);
        let text = copy.exists().then(|| fs::read_to_string(&copy)).transpose();
        let text = text.with_context(|| format!("cannot read {} once patched", file.display()))?;
        Ok((file, text))
    };
    files.into_iter().map(text).collect()
}

/// The files a patch changes, creates or removes.
fn named(patch: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let headers = patch.lines().zip(patch.lines().skip(1)).filter_map(|(old, new)| {
        let after = |line: &str, prefix| Some(line.strip_prefix(prefix)?.split('\t').next()?.trim().to_owned());
        Some((after(old, "--- ")?, after(new, "+++ ")?))
    });
    for (old, new) in headers {
        let shown = if new == "/dev/null" { old } else { new };
        let file: PathBuf = Path::new(&shown).components().skip(1).collect();
        if file.as_os_str().is_empty() || !file.components().all(|part| matches!(part, Component::Normal(_))) {
            bail!("the patch names {shown:?}, which is no file of the source below a/ or b/");
        }
        files.push(file);
    }
    files.sort();
    files.dedup();
    if files.is_empty() {
        bail!("the patch has no line that starts with +++, after one that starts with ---");
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::{Fix, named};

    /// The words that matter of the two functions, in a loader that never was.
    const LOADER: &str = "static bool finished_loading(name)\n{\n\treturn gone || MODULE_STATE_LIVE || \
        MODULE_STATE_GOING;\n}\n\nstatic int add_unformed_module(mod)\n{\n\tmine = MODULE_STATE_UNFORMED;\n\tif (it == \
        MODULE_STATE_COMING || it == MODULE_STATE_UNFORMED) {\n\t\tif (interrupted)\n\t\t\tgoto out_unlocked;\n\t}\n\t\
        err = live ? -EEXIST : -EBUSY;\nout_unlocked:\n\treturn err;\n}\n";

    #[test]
    fn without_the_fix_whatever_is_not_live_is_waited_for() {
        let expected = "static bool finished_loading(name)\n{\n\treturn gone || MODULE_STATE_LIVE || \
            MODULE_STATE_LIVE;\n}\n\nstatic int add_unformed_module(mod)\n{\n\tmine = MODULE_STATE_UNFORMED; again:\n\tif (it \
            == MODULE_STATE_COMING || it != MODULE_STATE_LIVE) {\n\t\tif (interrupted)\n\t\t\tgoto out_unlocked; else goto \
            again;\n\t}\n\terr = live ? -EEXIST : -EEXIST;\nout_unlocked:\n\treturn err;\n}\n";
        let reverted = Fix::DontWaitForGoing.revert(LOADER.to_owned());
        assert_eq!(reverted.ok().as_deref(), Some(expected));
    }

    #[test]
    fn a_source_without_the_fix_is_refused() {
        let earlier = LOADER.replace("|| MODULE_STATE_GOING", "");
        let refused = Fix::DontWaitForGoing.revert(earlier).map_err(|error| error.to_string());
        let expected = "finished_loading has \"MODULE_STATE_GOING\" 0 times in this source, not once: it is not the one \
            expected";
        assert_eq!(refused, Err(expected.to_owned()));
    }

    #[test]
    fn patches_name_files_of_the_source_only() {
        let patch = "--- a/kernel/old.c\t2023\n+++ /dev/null\n@@\n--- /dev/null\n+++ b/kernel/new.c\n";
        let files = named(patch).unwrap_or_default();
        assert_eq!(files, ["kernel/new.c", "kernel/old.c"].map(std::path::PathBuf::from));
        assert!(named("--- a/x\n+++ b/../../etc/passwd\n").is_err());
        assert!(named("--- x.c\n+++ x.c\n").is_err());
        assert!(named("no patch\n").is_err());
    }
}
