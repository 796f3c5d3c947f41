//! Programs of this workspace, built to run in any guest: static, so that they need no library there.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{paths, process};

/// The target static programs are built for: glibc's, because rustup's machines have it; flags there leave build scripts alone.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The packages whose programs a guest gets.
const PACKAGES: [&str; 3] = ["kmodtrace", "load-driver", "faults"];

/// Builds every program that a guest gets.
pub fn guest_programs() -> Result<Vec<PathBuf>> {
    PACKAGES
        .iter()
        .map(|package| static_programs(&["--package", package]))
        .collect::<Result<Vec<_>>>()
        .map(|built| built.concat())
}

/// The program of this name among those that were built. It is static: it runs here as it does in a guest.
pub fn named<'p>(programs: &'p [PathBuf], name: &str) -> Result<&'p Path> {
    let found = programs.iter().find(|program| program.ends_with(name));
    found
        .map(PathBuf::as_path)
        .with_context(|| format!("no {name} was built"))
}

/// Builds the programs that a guest gets, and goes without those that do not build: for guests that are there to try something else.
pub fn guest_programs_that_build() -> Vec<PathBuf> {
    let built = PACKAGES.iter().map(|package| static_programs(&["--package", package]));
    let kept = built.filter_map(|built| {
        built
            .inspect_err(|error| eprintln!("xtask: going without: {error:#}"))
            .ok()
    });
    kept.flatten().collect()
}

/// Builds kmodtrace as guests get it. It runs here as well.
pub fn static_kmodtrace() -> Result<PathBuf> {
    let built = static_programs(&["--package", "kmodtrace"])?;
    built.into_iter().next().context("cargo built no kmodtrace")
}

/// Builds an example of a package, optimised.
pub fn example(package: &str, name: &str) -> Result<PathBuf> {
    let built = static_programs(&["--package", package, "--example", name])?;
    built.into_iter().next().context("cargo built no example")
}

/// Where cargo puts what it builds in this workspace.
pub fn target_dir() -> Result<PathBuf> {
    let mut cargo = process::command(env!("CARGO"), ["metadata", "--no-deps", "--format-version", "1"]);
    let metadata = process::text(cargo.current_dir(paths::workspace()))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let dir = metadata.get("target_directory").and_then(Value::as_str);
    dir.map(PathBuf::from)
        .context("cargo metadata names no target directory")
}

/// Builds kmodtrace as the tests of its crate have it: quick to build, and with all assertions.
pub fn debug_kmodtrace() -> Result<PathBuf> {
    let built = programs(Command::new(env!("CARGO")).arg("build"), &["--package", "kmodtrace"])?;
    built.into_iter().next().context("cargo built no kmodtrace")
}

/// What has the compiler of Rust count which edges of the code an input takes, as the sanitizers of LLVM do. Comparisons are not traced:
/// seeds have the words and numbers that matter, and tracing them takes half of the time of a run.
const COVERAGE: [&str; 4] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=3",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
];

/// Builds the program that runs targets under libFuzzer, with assertions, by the compiler that builds everything else.
pub fn fuzzer() -> Result<PathBuf> {
    let mut cargo = process::command(env!("CARGO"), ["build", "--profile", "fuzz", "--target", TARGET]);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\x1f"));
    let built = programs(
        &mut cargo,
        &["--package", "fuzz", "--bin", "fuzzer", "--features", "libfuzzer"],
    )?;
    built.into_iter().next().context("cargo built no fuzzer")
}

/// Builds what cargo's arguments name, static and optimised.
fn static_programs(what: &[&str]) -> Result<Vec<PathBuf>> {
    let mut cargo = process::command(env!("CARGO"), ["build", "--release", "--target", TARGET]);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static");
    programs(&mut cargo, what)
}

/// Builds what cargo's arguments name: the binaries of a package, or an example.
fn programs(cargo: &mut Command, what: &[&str]) -> Result<Vec<PathBuf>> {
    cargo.args(["--quiet", "--message-format=json-render-diagnostics"]);
    cargo.args(what).current_dir(paths::workspace());
    let output = cargo
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", process::shown(cargo)))?;
    if !output.status.success() {
        bail!("{} does not build ({})", what.join(" "), process::shown(cargo));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let executables: Vec<_> = messages.lines().filter_map(executable).collect();
    if executables.is_empty() {
        bail!("cargo built no program with {}", what.join(" "));
    }
    Ok(executables)
}

/// The program a line of cargo's JSON is about.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    message.get("executable")?.as_str().map(PathBuf::from)
}
