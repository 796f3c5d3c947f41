//! Programs of this workspace, built to run in any guest: static, so that they need no library there.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{paths, process};

/// The target static programs are built for: glibc's, because rustup's machines have it; flags there leave build scripts alone.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Every program a guest gets.
pub(crate) fn guest_programs() -> Result<Vec<PathBuf>> {
    let mut programs = Vec::new();
    for package in ["kmodtrace", "load-driver"] {
        match static_program(package) {
            Ok(built) => programs.extend(built),
            Err(error) => eprintln!("xtask: going without {package}: {error:#}"),
        }
    }
    Ok(programs)
}

/// Builds the binaries of a package for a guest.
fn static_program(package: &str) -> Result<Vec<PathBuf>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--release",
        "--quiet",
        "--target",
        TARGET,
        "--message-format=json-render-diagnostics",
    ]);
    cargo.args(["--package", package]).current_dir(paths::workspace());
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static");
    let output = cargo
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", process::shown(&cargo)))?;
    if !output.status.success() {
        bail!("{package} does not build ({})", process::shown(&cargo));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let executables: Vec<_> = messages.lines().filter_map(executable).collect();
    if executables.is_empty() {
        bail!("cargo built no program of {package}");
    }
    Ok(executables)
}

/// The program a line of cargo's JSON is about.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    message.get("executable")?.as_str().map(PathBuf::from)
}
