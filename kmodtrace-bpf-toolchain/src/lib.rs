//! Finds what compiles Rust to BPF on this machine: a compiler that has `core` for the target, and a linker that
//! understands its bitcode. Says why it refused the others.
//!
//! It is for kmodtrace's build script, which compiles the BPF programs, and for what installs a toolchain. It needs nothing but std.

use std::{
    env,
    ffi::OsString,
    fmt, fs, iter,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The linker's release that setup builds. 0.13.0 knows LLVM 21 to 23.
pub const LINKER_VERSION: &str = "0.13.0";

/// Where a compiler has `core` for BPF from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Core {
    /// Built and shipped by the distribution.
    Prebuilt,
    /// Built from the sources that this rustup toolchain has.
    FromSource(String),
}

/// A compiler that can compile for BPF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// The program.
    pub rustc: PathBuf,
    release: String,
    /// The major version of the LLVM in it, which the linker's must reach.
    pub llvm: u32,
    /// Where its `core` for BPF is from.
    pub core: Core,
}

/// A linker for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linker {
    /// The program.
    pub path: PathBuf,
    /// Unknown where the program does not tell.
    llvm: Option<u32>,
}

/// What compiles and links BPF programs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// Compiles.
    pub compiler: Compiler,
    /// Links what it compiled.
    pub linker: Linker,
}

/// Why there is no toolchain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The compiler, if only the linker is missing.
    pub compiler: Option<Compiler>,
    /// What was looked at, and what it lacks.
    pub refused: Vec<String>,
}

/// Finds a toolchain for `target` (`bpfel-unknown-none`); compilers older than `minimum` (`1.95`) do not do.
pub fn find(target: &str, minimum: &str) -> Result<Toolchain, Missing> {
    let mut refused = Vec::new();
    let Some(compiler) = find_compiler(target, minimum, &mut refused) else {
        return Err(Missing {
            compiler: None,
            refused,
        });
    };
    match find_linker(compiler.llvm, &mut refused) {
        Some(linker) => Ok(Toolchain { compiler, linker }),
        None => Err(Missing {
            compiler: Some(compiler),
            refused,
        }),
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { compiler, linker } = self;
        write!(
            f,
            "rustc {} (LLVM {}, {}), ",
            compiler.release,
            compiler.llvm,
            compiler.rustc.display()
        )?;
        match linker.llvm {
            Some(llvm) => write!(f, "bpf-linker (LLVM {llvm}, {})", linker.path.display()),
            None => write!(f, "bpf-linker ({})", linker.path.display()),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.compiler {
            Some(compiler) => writeln!(
                f,
                "no bpf-linker here understands LLVM {}, the one in rustc {} ({})",
                compiler.llvm,
                compiler.release,
                compiler.rustc.display()
            )?,
            None => writeln!(f, "no Rust compiler here has `core` for BPF")?,
        }
        for refused in &self.refused {
            writeln!(f, "  {refused}")?;
        }
        Ok(())
    }
}

/// The distribution's compilers first: theirs need nothing built and no network.
fn find_compiler(target: &str, minimum: &str, refused: &mut Vec<String>) -> Option<Compiler> {
    let distribution = distribution_compilers();
    if distribution.is_empty() {
        refused.push("distribution: there is no /usr/bin/rustc".to_owned());
    }
    let prebuilt = distribution
        .iter()
        .map(|rustc| (rustc.display().to_string(), prebuilt(rustc, target, minimum)));
    for (what, found) in prebuilt.chain(iter::once_with(|| ("rustup".to_owned(), from_source(minimum)))) {
        match found {
            Ok(compiler) => return Some(compiler),
            Err(why) => refused.push(format!("{what}: {why}")),
        }
    }
    None
}

/// The compilers a distribution may have put here: /usr/bin/rustc, /usr/bin/rustc-1.95, /usr/lib/rust-1.95/bin/rustc.
fn distribution_compilers() -> Vec<PathBuf> {
    let listed = |dir: &str, prefix: &str, rest: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        named.map(|entry| entry.path().join(rest)).collect()
    };
    let mut found = vec![PathBuf::from("/usr/bin/rustc")];
    found.extend(listed("/usr/bin", "rustc-", ""));
    found.extend(listed("/usr/lib", "rust-", "bin/rustc"));
    found.retain(|path| path.is_file());
    found
}

/// A compiler that came with `core` for BPF.
fn prebuilt(rustc: &Path, target: &str, minimum: &str) -> Result<Compiler, String> {
    let (release, llvm) = version(&said(Command::new(rustc).arg("-vV"))?)?;
    check_age(&release, minimum)?;
    let sysroot = said(Command::new(rustc).args(["--print", "sysroot"]))?;
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib").join(target).join("lib");
    let is_core = |name: OsString| name.to_string_lossy().starts_with("libcore-");
    if !fs::read_dir(&libraries)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| is_core(entry.file_name()))
    {
        return Err(format!("has no core for {target} (in {})", libraries.display()));
    }
    Ok(Compiler {
        rustc: rustc.to_path_buf(),
        release,
        llvm,
        core: Core::Prebuilt,
    })
}

/// A nightly of rustup's that has the sources of `core`.
fn from_source(minimum: &str) -> Result<Compiler, String> {
    let listed = said(Command::new("rustup").args(["toolchain", "list"]))?;
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    let mut why = "has no nightly toolchain".to_owned();
    for name in names.filter(|name| name.starts_with("nightly")) {
        let sysroot = said(Command::new("rustup").args(["run", name, "rustc", "--print", "sysroot"]))?;
        let sysroot = Path::new(sysroot.trim());
        if !sysroot.join("lib/rustlib/src/rust/library/core").is_dir() {
            why = format!("{name} has no component rust-src");
            continue;
        }
        let (release, llvm) = version(&said(Command::new("rustup").args(["run", name, "rustc", "-vV"]))?)?;
        match check_age(&release, minimum) {
            Ok(()) => {
                let core = Core::FromSource(name.to_owned());
                return Ok(Compiler {
                    rustc: sysroot.join("bin/rustc"),
                    release,
                    llvm,
                    core,
                });
            }
            Err(age) => why = format!("{name} {age}"),
        }
    }
    Err(why)
}

/// Reads release and LLVM major version from what `rustc -vV` says.
fn version(verbose: &str) -> Result<(String, u32), String> {
    let field = |name: &str| verbose.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let llvm = field("LLVM version:").and_then(|llvm| llvm.split('.').next()?.parse().ok());
    match (field("release:"), llvm) {
        (Some(release), Some(llvm)) => Ok((release.to_owned(), llvm)),
        _ => Err("does not tell its LLVM version".to_owned()),
    }
}

fn check_age(release: &str, minimum: &str) -> Result<(), String> {
    let number = |text: &str| -> Vec<u32> {
        text.split(['.', '-', '+'])
            .map_while(|part| part.parse().ok())
            .collect()
    };
    if number(release) < number(minimum) {
        Err(format!("is {release}, {minimum} is needed"))
    } else {
        Ok(())
    }
}

/// A linker on PATH or built by setup whose LLVM is `llvm` or newer.
fn find_linker(llvm: u32, refused: &mut Vec<String>) -> Option<Linker> {
    let mut doubtful = None;
    for path in linkers() {
        match linked_llvm(&path) {
            Some(its) if its >= llvm => return Some(Linker { path, llvm: Some(its) }),
            Some(its) => refused.push(format!("{}: its LLVM is {its}, {llvm} is needed", path.display())),
            None => doubtful = doubtful.or(Some(Linker { path, llvm: None })),
        }
    }
    if doubtful.is_none() && refused.is_empty() {
        refused.push("bpf-linker: neither on PATH nor built by setup".to_owned());
    }
    doubtful
}

/// Every bpf-linker there is: those on PATH, then those in the cache.
fn linkers() -> Vec<PathBuf> {
    let mut found: Vec<_> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let built = cache()
        .into_iter()
        .flat_map(|cache| fs::read_dir(cache).into_iter().flatten().flatten());
    let built = built.filter(|entry| entry.file_name().to_string_lossy().starts_with("bpf-linker-"));
    found.extend(built.map(|entry| entry.path().join("bin")));
    found
        .iter()
        .map(|dir| dir.join("bpf-linker"))
        .filter(|path| path.is_file())
        .collect()
}

/// Where setup puts what it builds.
fn cache() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("KMODTRACE_CACHE").or_else(|| {
        set("XDG_CACHE_HOME")
            .or_else(|| set("HOME").map(|home| home.join(".cache")))
            .map(|dir| dir.join("kmodtrace"))
    })
}

/// Where the linker for an LLVM lies once setup has built it: `cargo install --root` of this directory.
pub fn linker_root(llvm: u32) -> Option<PathBuf> {
    cache().map(|cache| cache.join(format!("bpf-linker-{LINKER_VERSION}-llvm{llvm}")))
}

/// The major version of the LLVM library a program is linked to; a linker with LLVM inside does not tell.
fn linked_llvm(program: &Path) -> Option<u32> {
    let listing = said(Command::new("ldd").arg(program).env("LC_ALL", "C")).ok()?;
    // libLLVM.so.22.1, libLLVM-19.so.1
    let rest = listing
        .split("libLLVM")
        .nth(1)?
        .trim_start_matches(".so.")
        .trim_start_matches('-');
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What a command writes to its standard output.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => Err(format!("does not run ({})", output.status)),
        Err(error) => Err(format!("does not run ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_age, version};

    #[test]
    fn version_is_read() {
        let verbose = "rustc 1.96.0\nbinary: rustc\nrelease: 1.96.0\nLLVM version: 22.1.8\n";
        assert_eq!(version(verbose), Ok(("1.96.0".to_owned(), 22)));
        assert!(version("rustc 1.0\n").is_err());
    }

    #[test]
    fn age_is_compared_by_number() {
        assert_eq!(check_age("1.100.0-nightly", "1.95"), Ok(()));
        assert_eq!(check_age("1.95.0", "1.95"), Ok(()));
        assert!(check_age("1.85.0", "1.95").is_err());
    }
}
