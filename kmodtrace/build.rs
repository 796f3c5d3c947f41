//! Compiles the BPF programs that kmodtrace carries, with the compiler for BPF that this machine has.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use kmodtrace_bpf_toolchain::{Core, LINKER_VERSION, Missing, Toolchain};

/// What the object depends on besides this script, seen from this crate.
const SOURCES: &[&str] = &[
    "../kmodtrace-ebpf",
    "../kmodtrace-common",
    "../Cargo.lock",
    "../Cargo.toml",
];

/// Variables by which the cargo that runs a build script would speak to the cargo that the script runs.
const INHERITED: &[&str] = &[
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    let out_dir = PathBuf::from(variable("OUT_DIR")?);
    let target = match variable("CARGO_CFG_TARGET_ENDIAN")?.as_str() {
        "big" => "bpfeb-unknown-none",
        _ => "bpfel-unknown-none",
    };
    let minimum = variable("CARGO_PKG_RUST_VERSION")?;
    let toolchain = kmodtrace_bpf_toolchain::find(target, &minimum).map_err(|missing| advice(&missing))?;
    println!("cargo::rustc-env=KMODTRACE_BPF_TOOLCHAIN={toolchain}");
    let object = compile(&toolchain, target, &out_dir)?;
    let ours = out_dir.join("kmodtrace.o");
    fs::copy(&object, &ours)
        .map_err(|error| format!("cannot copy {} to {}: {error}", object.display(), ours.display()))?;
    Ok(())
}

/// Runs cargo on the BPF crate; returns the object it made.
fn compile(toolchain: &Toolchain, target: &str, out_dir: &Path) -> Result<PathBuf, String> {
    let target_dir = shared(out_dir).join("bpf");
    let flags = [
        format!("--cfg=bpf_target_arch=\"{}\"", variable("CARGO_CFG_TARGET_ARCH")?),
        // BTF of the programs would be all that the kernel keeps of it: names of theirs that are longer than its own. It is five sixths of
        // an object that the tracer has in memory.
        "-Cdebuginfo=0".to_owned(),
        // With it each copy and each zeroed struct is a loop over bytes: the verifier follows every turn, and so does every call.
        "-Clink-arg=--disable-expand-memcpy-in-order".to_owned(),
        format!("-Clinker={}", toolchain.linker.path.display()),
    ];
    let mut cargo = cargo(toolchain);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    cargo
        .args([
            "--release",
            "--package",
            "kmodtrace-ebpf",
            "--target",
            target,
            "--target-dir",
        ])
        .arg(&target_dir);
    run(&mut cargo).map_err(|error| format!("the BPF programs do not build with {toolchain}: {error}"))?;
    Ok(target_dir.join(target).join("release/kmodtrace"))
}

/// `cargo build` with the toolchain's compiler, undisturbed by the cargo that runs this script.
fn cargo(toolchain: &Toolchain) -> Command {
    let mut command = match &toolchain.compiler.core {
        Core::Prebuilt => Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
        Core::FromSource(_) => Command::new("rustup"),
    };
    for variable in INHERITED {
        command.env_remove(variable);
    }
    match &toolchain.compiler.core {
        // The distribution's compiler is a stable one; this makes it take unstable features.
        Core::Prebuilt => command
            .env("RUSTC", &toolchain.compiler.rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .arg("build"),
        Core::FromSource(name) => command.args(["run", name, "cargo", "build", "-Zbuild-std=core"]),
    };
    command
}

/// The target directory this build is in, so that debug, release and test builds share one object; it has cargo's tag. With `--target`
/// the directory of that target in it has one as well.
fn shared(out_dir: &Path) -> &Path {
    let tagged = |dir: &&Path| dir.join("CACHEDIR.TAG").exists();
    let nearest = out_dir.ancestors().find(tagged).unwrap_or(out_dir);
    nearest.parent().filter(tagged).unwrap_or(nearest)
}

/// What a user without a toolchain can do.
fn advice(missing: &Missing) -> String {
    let linker = match &missing.compiler {
        Some(compiler) => {
            let (llvm, root) = (compiler.llvm, kmodtrace_bpf_toolchain::linker_root(compiler.llvm));
            let root = root.map_or_else(String::new, |root| format!(" --root {}", root.display()));
            format!(
                "  apt-get install llvm-{llvm}-dev libpolly-{llvm}-dev\n  LLVM_PREFIX=/usr/lib/llvm-{llvm} cargo install \
                 bpf-linker --version {LINKER_VERSION} --no-default-features --features llvm-{llvm}{root}\n"
            )
        }
        None => "  rustup toolchain install nightly --component rust-src\n  cargo install bpf-linker\n".to_owned(),
    };
    format!(
        "{missing}\nkmodtrace's BPF programs are compiled when it is built. On Debian and Ubuntu this installs what that \
         takes:\n\n  cargo xtask setup\n\nElsewhere, or by hand:\n\n{linker}"
    )
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(status.to_string()))
    }
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("cargo sets no usable {name}: {error}"))
}
