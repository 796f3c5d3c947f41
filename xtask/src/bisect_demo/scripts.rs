//! The scripts that the demo's bisection consists of, written into its directory, where they can be read and tried.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use guest_vm::kernel::build::make;

use super::{Programs, branch::Branch, place::Place};

/// The module that all tasks load.
const MODULE: &str = "acpi_cpufreq";

const STEP: &str = include_str!("step.sh");
const BOOT: &str = include_str!("boot.sh");
const GUEST: &str = include_str!("guest.sh");

/// Writes them, and gives the one that `git bisect run` calls.
pub(super) fn write(place: &Place, branch: Branch, programs: &Programs, session: &Path) -> Result<PathBuf> {
    let path = |path: &Path| path.display().to_string();
    let settings = settings(&[
        ("place", path(place.dir())),
        ("made", path(&place.dir().join("made"))),
        ("image", path(&place.tree().join("arch/x86/boot/bzImage"))),
        ("session", path(session)),
        ("kmodtrace", path(&programs.kmodtrace)),
        ("xtask", path(&programs.xtask)),
        ("compiler", make::COMPILER.join(" ")),
        ("jobs", make::jobs().to_string()),
        ("module", MODULE.to_owned()),
        ("runs", branch.runs_a_boot().to_string()),
    ]);
    for (name, script) in [("step.sh", STEP), ("boot.sh", BOOT), ("guest.sh", GUEST)] {
        let file = place.dir().join(name);
        fs::write(&file, format!("{settings}\n{script}"))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(place.dir().join("step.sh"))
}

/// Assignments, in the shell's words.
fn settings(values: &[(&str, String)]) -> String {
    let mut settings = String::new();
    for (name, value) in values {
        // Writing to a string cannot fail.
        let _ = writeln!(settings, "{name}={}", quoted(value));
    }
    settings
}

/// A text as one word of the shell's.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::settings;
    use guest_vm::process;

    #[test]
    fn the_shell_reads_what_was_meant() -> anyhow::Result<()> {
        let script = settings(&[("a", "it's $HOME".to_owned()), ("b", "2".to_owned())]) + "echo \"$a|$b\"";
        let said = process::text(&mut process::command("sh", ["-c", &script]))?;
        assert_eq!(said, "it's $HOME|2\n");
        Ok(())
    }
}
