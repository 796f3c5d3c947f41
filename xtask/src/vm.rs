//! `cargo xtask vm`: a command in a guest, as if it ran here.

use std::{
    env, fs,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use guest_vm::{
    artifacts, fixtures,
    guest::{Guest, Terminal},
    kernel::{self, Kernel, Selection},
    vm::{self, Stream, VmSpec},
};

/// How long a guest has whose user says when it ends: for ever, or nearly.
pub(crate) const UNTIL_QUIT: Duration = Duration::from_hours(24 * 365);

/// Boots a kernel in QEMU and runs a command in it.
///
/// The command's output and exit status are passed through; what it leaves in /out comes back into --out. In the guest are
/// kmodtrace and load-driver (built statically), kmod's programs, bpftool, a shell and busybox. Without a command, and from
/// a terminal, there is a shell.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct VmArgs {
    /// Kernel of the matrix: 5.10, 6.1, 6.12, 6.12-full, rt, sid, backports.
    #[arg(long, short, required_unless_present = "kernel_image")]
    kernel: Option<String>,
    /// Another kernel's image.
    #[arg(long, value_name = "FILE", conflicts_with = "kernel", requires = "modules_dir")]
    kernel_image: Option<PathBuf>,
    /// The other kernel's lib/modules/RELEASE.
    #[arg(long, value_name = "DIR", requires = "kernel_image")]
    modules_dir: Option<PathBuf>,
    /// Virtual processors.
    #[arg(long, default_value_t = 2, value_name = "N")]
    smp: u32,
    /// Memory [default: 1G, 2G with --fixtures].
    #[arg(long, value_name = "M")]
    mem: Option<String>,
    /// More parameters for the kernel's command line.
    #[arg(long, default_value = "", value_name = "ARGS", allow_hyphen_values = true)]
    append: String,
    /// Modules in the guest, with what they need: names, `useful` for the everyday set, or `all`.
    #[arg(long, default_value = "useful", value_name = "LIST")]
    modules: String,
    /// Add the modules of tests/fixtures, the kernel's `test_kmod` with its kmod.sh, and `seed`; kernel 6.1 only.
    #[arg(long)]
    fixtures: bool,
    /// File or directory to put into the guest, in /root unless a place is named; repeatable.
    #[arg(long, value_name = "FILE[:PLACE]")]
    copy: Vec<String>,
    /// Where what the command leaves in /out goes.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seconds until the guest is given up [default: 300, none for a terminal].
    #[arg(long, value_name = "SECS")]
    timeout: Option<u64>,
    /// Do not fail over console lines with this text, such as "blocked for more than"; repeatable.
    #[arg(long, value_name = "TEXT")]
    tolerate: Vec<String>,
    /// Give the command this terminal, for programs that draw on one.
    #[arg(long, short)]
    tty: bool,
    /// Boot without kmodtrace and load-driver, so that nothing is built.
    #[arg(long)]
    no_build: bool,
    /// Show the kernel's console at the end, and how long things took.
    #[arg(long, short)]
    verbose: bool,
    /// Shell command to run in /root; several words are joined by spaces.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Runs it. The exit status is the command's.
pub(crate) fn main(args: &VmArgs) -> Result<ExitCode> {
    let spec = args.spec()?;
    if spec.guest.terminal.is_some() {
        announce(&spec);
    }
    let outcome = vm::run(&spec, &mut pass_through)?;
    if args.verbose {
        eprint!("{}", outcome.console);
        let (booted, took) = (outcome.booted.as_secs_f32(), outcome.took.as_secs_f32());
        let again = if outcome.retried { ", at the second boot" } else { "" };
        let release = &outcome.release;
        eprintln!("xtask: {release}: up after {booted:.1} s, off after {took:.1} s{again}");
    }
    Ok(ExitCode::from(outcome.status))
}

impl VmArgs {
    fn spec(&self) -> Result<VmSpec> {
        let command = Some(self.command.join(" ")).filter(|command| !command.is_empty());
        let terminal = if self.tty || command.is_none() {
            Some(terminal()?)
        } else {
            None
        };
        let kernel = self.kernel()?;
        let copies = self.copy.iter().map(|copy| place(copy)).collect::<Result<_>>()?;
        let timeout = match self.timeout {
            Some(seconds) => Duration::from_secs(seconds),
            None if terminal.is_some() => UNTIL_QUIT,
            None => Duration::from_mins(5),
        };
        let memory = if self.fixtures { fixtures::MEMORY } else { "1G" };
        let mut spec = VmSpec {
            kernel,
            guest: Guest {
                command,
                terminal,
                programs: Vec::new(),
                copies,
            },
            modules: Selection::parse(&self.modules),
            smp: self.smp,
            by_turns: false,
            memory: self.mem.clone().unwrap_or_else(|| memory.to_owned()),
            append: self.append.clone(),
            timeout,
            capture: false,
            out_dir: self.out.clone(),
            tolerate: self.tolerate.clone(),
        };
        if self.fixtures {
            fixtures::stage(&mut spec)?;
        }
        if !self.no_build {
            spec.guest.programs = artifacts::guest_programs_that_build();
        }
        Ok(spec)
    }

    fn kernel(&self) -> Result<Kernel> {
        match (&self.kernel, &self.kernel_image, &self.modules_dir) {
            (Some(name), _, _) => kernel::ensure(kernel::find(name)?),
            (None, Some(image), Some(modules)) => Kernel::own(image, modules),
            _ => bail!("--kernel, or --kernel-image with --modules-dir, says what to boot"),
        }
    }
}

/// Reads `FILE` or `FILE:PLACE`.
fn place(copy: &str) -> Result<(PathBuf, String)> {
    let (source, place) = if let Some((source, place)) = copy.rsplit_once(':') {
        (Path::new(source), place.to_owned())
    } else {
        let name = Path::new(copy)
            .file_name()
            .with_context(|| format!("{copy} has no name"))?;
        (Path::new(copy), format!("root/{}", name.to_string_lossy()))
    };
    let source = fs::canonicalize(source).with_context(|| format!("cannot copy {}", source.display()))?;
    Ok((source, place))
}

/// Says what boots, and how to leave it where it has the user's terminal.
pub(crate) fn announce(spec: &VmSpec) {
    let release = &spec.kernel.release;
    if spec.guest.terminal.is_some() {
        eprintln!("xtask: booting {release}; Control-] then x ends the guest at once");
    } else {
        eprintln!("xtask: booting {release} in QEMU");
    }
}

/// The user's terminal.
pub(crate) fn terminal() -> Result<Terminal> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        bail!("a command is needed (after --) where there is no terminal");
    }
    let size = rustix::termios::tcgetwinsize(io::stdout()).context("cannot read the terminal's size")?;
    let term = env::var("TERM")
        .ok()
        .filter(|term| term.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    Ok(Terminal {
        term: term.unwrap_or_else(|| "linux".to_owned()),
        rows: size.ws_row.max(24),
        cols: size.ws_col.max(80),
    })
}

/// Hands a guest's output on.
pub(crate) fn pass_through(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Stdout => io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()),
        Stream::Stderr => io::stderr().write_all(bytes),
    }
}
