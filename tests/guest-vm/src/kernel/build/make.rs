//! The kernel's make, in a source tree: how it is configured, and with what it is built.

use std::{fs, path::Path, process::Command, thread};

use anyhow::{Context as _, Result, bail};

use crate::process;

/// What kernels are configured with, on top of the kernel's own smallest configuration.
pub(super) const CONFIG: &str = include_str!("kernel.config");

/// Kernels of Debian 12 are made with this compiler. A later one may refuse the source.
pub const COMPILER: [&str; 2] = ["CC=gcc-12", "HOSTCC=gcc-12"];

/// How many processors the kernel's make may use.
pub fn jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs make in a tree. It says nothing but what is wrong.
pub(super) fn make(tree: &Path, local: &str, targets: &[&str], variables: &[&str]) -> Result<()> {
    eprintln!("xtask: making {} (LOCALVERSION={local})", targets.join(" "));
    let mut command = process::command("make", ["--silent", &format!("--jobs={}", jobs())]);
    command.arg("-C").arg(tree).args(COMPILER).args(targets).args(variables);
    command.arg(format!("LOCALVERSION={local}"));
    process::captured(alone(&mut command)).map(drop)
}

/// A command that may run the kernel's make: what cargo hands down is not for that one.
pub fn alone(command: &mut Command) -> &mut Command {
    command
        .env_remove("MAKEFLAGS")
        .env_remove("CARGO_MAKEFLAGS")
        .env("LC_ALL", "C")
}

/// Configures a tree, unless it is configured like this already.
pub fn configure(tree: &Path) -> Result<()> {
    let asked = tree.join(".config.asked");
    if fs::read_to_string(&asked).ok().as_deref() == Some(CONFIG) {
        return Ok(());
    }
    anew(tree).context("cannot configure the kernel")?;
    fs::write(asked, CONFIG).context("cannot write down the configuration")
}

fn anew(tree: &Path) -> Result<()> {
    make(tree, "", &["tinyconfig"], &[])?;
    let file = tree.join(".config");
    let read = || fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()));
    // Of two lines about an option the later one counts.
    fs::write(&file, read()? + CONFIG).with_context(|| format!("cannot write {}", file.display()))?;
    make(tree, "", &["olddefconfig"], &[])?;
    let got = read()?;
    let lost = lost(CONFIG, &got);
    if !lost.is_empty() {
        bail!("this source does not take {}", lost.join(", "));
    }
    Ok(())
}

/// The options that a configuration asks for and that are not in the one that came of it.
fn lost<'a>(asked: &'a str, got: &str) -> Vec<&'a str> {
    let options = asked.lines().filter(|line| line.starts_with("CONFIG_"));
    options
        .filter(|option| !got.lines().any(|line| line == *option))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::lost;

    #[test]
    fn options_that_did_not_survive_are_named() {
        let asked = "# Why.\nCONFIG_A=y\nCONFIG_AB=m\nCONFIG_C=y\n";
        let got = "CONFIG_A=y\nCONFIG_AB=y\n# CONFIG_C is not set\n";
        assert_eq!(lost(asked, got), ["CONFIG_AB=m", "CONFIG_C=y"]);
    }
}
