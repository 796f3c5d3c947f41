//! A `git bisect run` whose commits name the kernel to boot, as docs/bisect shows it for plain QEMU.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use guest_vm::{
    git::Git,
    kernel::Kernel,
    paths::{self, Scratch},
    process,
};
use serde_json::Value;

/// The kernel of each commit; one does not build, where git looks first.
const HISTORY: [&str; 7] = ["plain", "plain", "plain", "nothing", "plain", "before", "before"];

/// The first one of the wrong kernel.
const BAD: usize = 5;

/// What builds and boots a commit.
const STEP: &str = r#"
case $(cat kernel) in
plain) export KERNEL=$PLAIN MODULES=$PLAIN_MODULES ;;
before) export KERNEL=$BEFORE MODULES=$BEFORE_MODULES ;;
*) exit 125 ;;
esac
exec "$KMODTRACE" bisect step --session "$SESSION" --vm "sh $RECIPES/qemu.sh $RECIPES/storm.sh"
"#;

/// The first commit that boots the wrong kernel is found, and the session says the same.
pub(super) fn run(tool: &Path, plain: &Kernel, before: &Kernel) -> Result<()> {
    let scratch = Scratch::new()?;
    let session = scratch.path().join("session");
    let tree = scratch.path().join("tree");
    fs::create_dir(&tree).context("cannot make a folder")?;
    let bisect = |arguments: &[&str]| {
        let mut command = Command::new(tool);
        command.arg("bisect").args(arguments).arg("--session").arg(&session);
        command.current_dir(&tree);
        process::text(&mut command)
    };
    bisect(&[
        "start",
        "--bad-when",
        "module(acpi_cpufreq).init.count>4",
        "--rate",
        "1",
    ])?;
    let git = Git::new(&tree);
    git.run(&["init", "-q"])?;
    let mut commits = Vec::new();
    for (at, kernel) in HISTORY.iter().enumerate() {
        fs::write(tree.join("kernel"), kernel).context("cannot write")?;
        fs::write(tree.join("number"), at.to_string()).context("cannot write")?;
        git.run(&["add", "-A"])?;
        git.run(&["commit", "-q", "-m", &format!("module: change {at}")])?;
        commits.push(git.text(&["rev-parse", "HEAD"])?.trim().to_owned());
    }
    git.run(&["bisect", "start", &commits[HISTORY.len() - 1], &commits[0]])?;
    let mut step = git.command(&["bisect", "run", "sh", "-c", STEP]);
    step.env("KMODTRACE", tool).env("SESSION", &session);
    step.env("PLAIN", &plain.image).env("PLAIN_MODULES", &plain.modules);
    step.env("BEFORE", &before.image).env("BEFORE_MODULES", &before.modules);
    step.env("RECIPES", paths::workspace().join("docs/bisect"));
    let done = step.output().context("cannot run git")?;
    let said = text(&done.stdout) + &text(&done.stderr);
    let found = format!("{} is the first bad commit", commits[BAD]);
    ensure!(done.status.success() && said.contains(&found), "git says\n{said}");
    let log = git.text(&["bisect", "log"])?;
    ensure!(log.contains("git bisect skip"), "nothing was skipped\n{log}");
    let report: Value = serde_json::from_str(&bisect(&["report", "--json"])?)?;
    let conclusion = &report["conclusion"];
    let mut steps = report["steps"].as_array().into_iter().flatten();
    let first_bad = steps.find(|step| step["number"] == conclusion["first_bad"]);
    ensure!(
        conclusion["candidates"] == 1 && first_bad.is_some_and(|step| step["commit"]["hash"] == commits[BAD]),
        "the session says {report}"
    );
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
