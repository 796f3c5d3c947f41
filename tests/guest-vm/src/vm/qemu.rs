//! The virtual machine's command line.

use std::{
    fs::{self, OpenOptions},
    os::{fd::AsRawFd as _, unix::process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Signal, set_parent_process_death_signal},
};

use super::{
    VmSpec,
    channels::{Port, Writers},
};
use crate::paths;

/// The kernel's own parameters. On a busy host an emulated guest's clocks stutter, so its watchdogs get more time than on
/// hardware, and the timer is not checked at boot: that check counts ticks for 40 ms, and panics one boot in ten. The TSC
/// is not doubted either: a kernel that finds it unstable patches its clock's code while it runs, and the emulator can
/// run into that halfway ("Oops: int3" in `sched_clock_cpu`). A kernel that has lost a thread of its own would wait for it
/// until the guest's time is up, so an oops ends it.
pub(crate) const APPEND: &str = "console=ttyS0 panic=-1 oops=panic quiet 8250.nr_uarts=4 no_timer_check tsc=reliable rcupdate.rcu_cpu_stall_timeout=60 \
                      watchdog_thresh=30";

/// Port addresses and interrupts: the PC's own, which a kernel without plug and play takes for granted. Two ports share each
/// interrupt; the 8250 driver goes round its ports until none has anything left, so no edge is lost.
const UARTS: [(&str, &str); 4] = [("0x3f8", "4"), ("0x2f8", "3"), ("0x3e8", "4"), ("0x2e8", "3")];

/// What runs the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accelerator {
    Kvm,
    Tcg,
}

impl Accelerator {
    /// KVM where the processor has what it needs and this user may open it. The device alone proves nothing.
    pub(super) fn best() -> Self {
        let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let virtualises = flags.split_whitespace().any(|flag| flag == "vmx" || flag == "svm");
        let opens = || OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
        if virtualises && opens() { Self::Kvm } else { Self::Tcg }
    }

    pub(crate) fn arguments(self, by_turns: bool) -> [&'static str; 4] {
        match self {
            Self::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Self::Tcg if by_turns => ["-accel", "tcg,thread=single", "-cpu", "max"],
            Self::Tcg => ["-accel", "tcg,thread=multi", "-cpu", "max"],
        }
    }
}

/// QEMU with no device but what is added, which ends where its machine would boot again.
pub(crate) fn bare(accelerator: [&'static str; 4]) -> Result<Command> {
    let program = paths::program("qemu-system-x86_64")
        .context("qemu-system-x86_64 is missing (package qemu-system-x86): cargo xtask setup installs it")?;
    let mut command = Command::new(program);
    command.args(accelerator);
    command.args([
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "none",
        "-vga",
        "none",
    ]);
    Ok(command)
}

/// Starts the machine, which writes its ports to these pipes. Where the user's terminal is the console, what passes over it
/// is kept in `log`.
pub(super) fn start(
    spec: &VmSpec,
    initramfs: &Path,
    accelerator: Accelerator,
    pipes: Writers,
    log: &Path,
) -> Result<Child> {
    let mut command = bare(accelerator.arguments(spec.by_turns))?;
    command.args(["-m", &spec.memory, "-smp", &spec.smp.to_string()]);
    command
        .arg("-kernel")
        .arg(&spec.kernel.image)
        .arg("-initrd")
        .arg(initramfs);
    command
        .arg("-append")
        .arg([APPEND, spec.kernel.append, &spec.append].join(" ").trim_end());
    for (index, (port, (iobase, irq))) in Port::ALL.into_iter().zip(UARTS).enumerate() {
        let chardev = match pipes.iter().find(|(piped, _)| *piped == port) {
            Some((_, pipe)) => format!("file,id=c{index},path=/proc/self/fd/{}", pipe.as_raw_fd()),
            None => format!("stdio,id=c{index},mux=on,signal=off,logfile={}", log.display()),
        };
        let device = format!("isa-serial,chardev=c{index},index={index},iobase={iobase},irq={irq}");
        command.args(["-chardev", &chardev, "-device", &device]);
    }
    if spec.guest.terminal.is_some() {
        // Control-] then x ends the machine: Control-A, the usual one, is wanted by shells.
        command.args(["-echr", "0x1d", "-mon", "chardev=c0"]);
    } else {
        command.stdin(Stdio::null()).stdout(Stdio::null());
    }
    // SAFETY: between fork and exec only system calls are made, prctl and fcntl, which allocate nothing and take no lock.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            pipes
                .iter()
                .try_for_each(|(_, pipe)| Ok(fcntl_setfd(pipe, FdFlags::empty())?))
        });
    }
    // The command is dropped here, and with it this process's ends of the pipes: the machine's are the only ones left.
    command.spawn().context("cannot start qemu-system-x86_64")
}
