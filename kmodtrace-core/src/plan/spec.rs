//! The words that the catalogue is written in.

use schemars::JsonSchema;
use serde::Serialize;

use super::existence::Existence;

/// One thing to see, and the ways to see it.
#[derive(Clone, Copy, Debug)]
pub struct ProbeSpec {
    /// Its name: the function and the edge, as `load_module.exit`.
    pub id: &'static str,
    /// The part of a load that it belongs to.
    pub stage: AttachStage,
    /// How much depends on it.
    pub want: Want,
    /// What tells that the mechanism exists in a kernel; where it does not, nothing is lost without the probe.
    pub exists_if: Option<Existence>,
    /// What is said where it does not exist, if the sign that tells is not telling to a reader.
    pub absence: Option<&'static str>,
    /// A probe that shows the same: while that one is attached, nothing is lost without this one.
    pub replaced_by: Option<&'static str>,
    /// Whether it is attached only where the one that replaces it is not.
    pub spare: bool,
    /// Whether a request begins with it: the other probes of requests see nothing before it did.
    pub begins: bool,
    /// The family that it belongs to; without one it is always wanted.
    pub family: Option<Family>,
    /// What is not observed without it.
    pub loses: &'static str,
    /// Ways to attach it, the best first.
    pub candidates: &'static [Candidate],
}

impl ProbeSpec {
    /// Whether it sees the entry of something, rather than its return.
    pub fn enters(&self) -> bool {
        self.id.rsplit_once('.').is_some_and(|(_, edge)| edge == "enter")
    }

    pub(super) const fn replaced_by(mut self, id: &'static str) -> Self {
        self.replaced_by = Some(id);
        self
    }

    pub(super) const fn spare_for(mut self, id: &'static str) -> Self {
        self.spare = true;
        self.replaced_by(id)
    }

    pub(super) const fn begins(mut self) -> Self {
        self.begins = true;
        self
    }

    pub(super) const fn exists_if(mut self, existence: Existence) -> Self {
        self.exists_if = Some(existence);
        self
    }

    pub(super) const fn absence(mut self, words: &'static str) -> Self {
        self.absence = Some(words);
        self
    }

    pub(super) const fn of(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }
}

/// Probes that are attached only when they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Waits for `module_mutex`.
    Mutex,
    /// Grace periods of RCU inside attempts.
    Rcu,
    /// The kernel log.
    Printk,
    /// Kernel stacks of requesters.
    Stacks,
    /// Devices that udev handles.
    Devices,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Mutex, Self::Rcu, Self::Printk, Self::Stacks, Self::Devices];

    /// Those that are asked for when nothing is said.
    pub const DEFAULT: [Self; 3] = [Self::Rcu, Self::Printk, Self::Devices];

    /// As it is asked for.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mutex => "mutex",
            Self::Rcu => "rcu",
            Self::Printk => "printk",
            Self::Stacks => "stacks",
            Self::Devices => "devices",
        }
    }

    /// What is not observed for want of asking: `LOST (not asked for: --with FAMILY)`.
    pub(super) fn unasked(self, loses: &str) -> String {
        format!("{loses} ({})", self.how_to_ask())
    }

    pub(super) fn how_to_ask(self) -> String {
        format!("not asked for: --with {}", self.name())
    }
}

/// How much depends on a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// Without it there is nothing to show.
    Required,
    /// Without it something is not observed, and every report says so.
    Wanted,
    /// Other probes replace it; it makes an instant exact.
    Extra,
}

/// The part of a load that a probe belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttachStage {
    /// The system call.
    Attempt,
    /// Reading of the file.
    Read,
    /// Tasks that load one inode share one load (6.5 and later).
    SharedLoad,
    /// The load proper.
    Load,
    /// The look-up of an old module of the same name, and the wait for it.
    Duplicate,
    /// The init function and what follows it.
    Init,
    /// Changes of the module's state.
    State,
    /// The kernel's own requests, and their helpers.
    Request,
    /// The kernel log.
    Log,
}

/// One way to see it: all of its attachments are made, or it is refused as a whole.
#[derive(Debug)]
pub struct Candidate {
    /// What is attached.
    pub attach: &'static [Attach],
    /// A data symbol whose address the program compares with.
    pub needs: Option<&'static str>,
}

impl Candidate {
    /// Whether it takes links of kprobe.multi.
    pub(super) fn is_multi(&self) -> bool {
        self.attach.iter().any(|attach| attach.mechanism.is_multi())
    }
}

/// One program on one place.
#[derive(Clone, Copy, Debug)]
pub struct Attach {
    /// How.
    pub mechanism: Mechanism,
    /// Where.
    pub hook: Hook,
}

impl Attach {
    /// Whether the program reads what the function was called with, as registers hold it. A return probe comes too late for that.
    pub fn reads_arguments(&self) -> bool {
        match self.mechanism {
            Mechanism::Kretprobe | Mechanism::KretprobeMulti => false,
            _ => self.hook.reads(),
        }
    }

    /// The BPF program's name in the object: derived, so that it is stored nowhere. Without the underscores that some functions begin with.
    ///
    /// A program on a kprobe tells the callers of both wrappers of a system call apart itself, so it is there once; a trampoline's
    /// program has one place only.
    pub fn program(&self) -> String {
        let name = match (self.mechanism, self.hook) {
            (Mechanism::Fentry | Mechanism::Fexit, Hook::Ia32Syscall(name)) => name,
            (_, hook) => hook.name().trim_start_matches(IA32).trim_start_matches('_'),
        };
        format!("{}_{name}", self.mechanism.prefix())
    }
}

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// A trampoline on a function's entry. Needs BTF and ftrace.
    Fentry,
    /// A trampoline on a function's return: the frame lies on the task's own stack, so no return is ever missed for want of room.
    Fexit,
    /// The tracepoint `syscalls:sys_enter_NAME`. Needs tracefs.
    TracepointEnter,
    /// The tracepoint `syscalls:sys_exit_NAME`. Needs tracefs.
    TracepointExit,
    /// A tracepoint with its own arguments, whatever its format. Needs neither BTF nor tracefs.
    RawTracepoint,
    /// A tracepoint by a performance event, with the fields of its format. Needs tracefs.
    Tracepoint,
    /// One link for the entries of all functions (`CONFIG_FPROBE`). No task that is preempted in a program makes it skip another's.
    KprobeMulti,
    /// One link for the returns of all functions. Up to 6.13 the link has one pool of returns, which is made large enough.
    KretprobeMulti,
    /// A kprobe event of tracefs on a function's entry.
    Kprobe,
    /// A return event of tracefs, whose pool of returns has the size that it is made with.
    Kretprobe,
}

impl Mechanism {
    /// How messages call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TracepointEnter | Self::TracepointExit | Self::Tracepoint => "tracepoint",
            Self::RawTracepoint => "raw tracepoint",
            Self::KprobeMulti => "kprobe.multi",
            Self::KretprobeMulti => "kretprobe.multi",
            Self::Fentry | Self::Fexit | Self::Kprobe | Self::Kretprobe => self.prefix(),
        }
    }

    /// Whether one link carries all functions.
    pub const fn is_multi(self) -> bool {
        matches!(self, Self::KprobeMulti | Self::KretprobeMulti)
    }

    /// Whether the kernel skips a program while another task is preempted inside that very program on the same CPU: the guard of
    /// trampolines is a counter for each program and CPU, and preemption stays on (`__bpf_prog_enter_recur`,
    /// kernel/bpf/trampoline.c). Raw tracepoints have the same guard (`__bpf_trace_run`, `kernel/trace/bpf_trace.c`), and preemption
    /// stays on in them since tracepoints are under SRCU (7.x). Programs on kprobes and on performance events run with preemption off
    /// (`trace_call_bpf`, of the same).
    pub const fn is_skipped_when_preempted(self) -> bool {
        matches!(self, Self::Fentry | Self::Fexit | Self::RawTracepoint)
    }

    /// What the names of its programs begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Fentry => "fentry",
            Self::Fexit => "fexit",
            Self::TracepointEnter => "tp_enter",
            Self::TracepointExit => "tp_exit",
            Self::RawTracepoint => "raw_tp",
            Self::Tracepoint => "tp",
            Self::Kprobe | Self::KprobeMulti => "kprobe",
            Self::Kretprobe | Self::KretprobeMulti => "kretprobe",
        }
    }
}

/// Stands before the name of a system call of 32-bit programs.
const IA32: &str = "ia32_";

/// A place in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// A function.
    Function {
        /// Its name.
        name: &'static str,
        /// How many arguments the programs take it to have. Another number means another function.
        args: u32,
        /// Whether the programs for its entry read arguments. Those for its return have none to read.
        reads: bool,
    },
    /// A system call, by its name: its tracepoints, or the architecture's wrapper, which takes one `struct pt_regs *`.
    Syscall(&'static str),
    /// A system call of 32-bit programs on x86-64 (`CONFIG_IA32_EMULATION`), by its name behind `ia32_`. Its wrapper is another one, and the
    /// `syscalls:` tracepoints pass such calls over (`arch_trace_is_compat_syscall`).
    Ia32Syscall(&'static str),
    /// A tracepoint.
    Tracepoint {
        /// Its group in tracefs.
        group: &'static str,
        /// Its name.
        name: &'static str,
        /// The fields of its format that programs read, and the bytes before each.
        fields: &'static [(&'static str, u32)],
        /// The data symbol that is there exactly when the tracepoint is: `__tracepoint_NAME` (include/linux/tracepoint.h).
        symbol: &'static str,
        /// The typedef that BTF then has: `btf_trace_NAME` (`include/trace/bpf_probe.h`).
        typedef: &'static str,
    },
}

impl Hook {
    /// The name that programs carry.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Function { name, .. }
            | Self::Syscall(name)
            | Self::Ia32Syscall(name)
            | Self::Tracepoint { name, .. } => name,
        }
    }

    /// The group of a tracepoint.
    pub const fn group(&self) -> &'static str {
        match self {
            Self::Tracepoint { group, .. } => group,
            Self::Function { .. } | Self::Syscall(_) | Self::Ia32Syscall(_) => "",
        }
    }

    /// The fields of a tracepoint that programs read.
    pub const fn fields(&self) -> &'static [(&'static str, u32)] {
        match self {
            Self::Tracepoint { fields, .. } => fields,
            Self::Function { .. } | Self::Syscall(_) | Self::Ia32Syscall(_) => &[],
        }
    }

    /// How many arguments the function has; 0 for a tracepoint, whose arguments nobody counts.
    pub const fn args(&self) -> u32 {
        match self {
            Self::Function { args, .. } => *args,
            Self::Syscall(_) | Self::Ia32Syscall(_) => 1,
            Self::Tracepoint { .. } => 0,
        }
    }

    /// Whether a program for its entry reads what it was called with.
    pub const fn reads(&self) -> bool {
        match self {
            Self::Function { reads, .. } => *reads,
            Self::Syscall(_) | Self::Ia32Syscall(_) => true,
            Self::Tracepoint { .. } => false,
        }
    }

    /// The function's symbol; none for a tracepoint, and where the wrappers of the architecture have no known name.
    pub fn symbol(&self, arch: &str) -> Option<String> {
        match self {
            Self::Function { name, .. } => Some((*name).to_owned()),
            // arch/x86/include/asm/syscall_wrapper.h, arch/arm64/include/asm/syscall_wrapper.h: __SYSCALL_DEFINEx.
            Self::Syscall(name) => match arch {
                "x86_64" => Some(format!("__x64_sys_{name}")),
                "aarch64" => Some(format!("__arm64_sys_{name}")),
                _ => None,
            },
            Self::Ia32Syscall(name) => {
                let call = name.strip_prefix(IA32).filter(|_| arch == "x86_64")?;
                Some(format!("__ia32_sys_{call}"))
            }
            Self::Tracepoint { .. } => None,
        }
    }
}
