//! The words that the catalogue is written in.

use schemars::JsonSchema;
use serde::Serialize;

/// One thing to see, and the ways to see it.
#[derive(Debug)]
pub struct ProbeSpec {
    /// Its name: the function and the edge, as `load_module.exit`.
    pub id: &'static str,
    /// The part of a load that it belongs to.
    pub stage: Stage,
    /// How much depends on it.
    pub want: Want,
    /// A struct of the kernel without which the mechanism does not exist there, so that nothing is lost without the probe.
    pub exists_if: Option<&'static str>,
    /// A probe that shows the same: while that one is attached, nothing is lost without this one.
    pub replaced_by: Option<&'static str>,
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
pub enum Stage {
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
}

/// One way to see it: all of its attachments are made, or it is refused as a whole.
#[derive(Debug)]
pub struct Candidate {
    /// What is attached.
    pub attach: &'static [Attach],
    /// A data symbol whose address the program compares with.
    pub needs: Option<&'static str>,
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
    /// The BPF program's name in the object: derived, so that it is stored nowhere.
    pub fn program(&self) -> String {
        format!("{}_{}", self.mechanism.prefix(), self.hook.name())
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
    /// A breakpoint on a function's entry.
    Kprobe,
    /// A return probe, out of a pool that the kernel sizes by CPUs: see [`Hook::Function`].
    Kretprobe,
}

impl Mechanism {
    /// How messages call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TracepointEnter | Self::TracepointExit => "tracepoint",
            Self::Fentry | Self::Fexit | Self::Kprobe | Self::Kretprobe => self.prefix(),
        }
    }

    /// What the names of its programs begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Fentry => "fentry",
            Self::Fexit => "fexit",
            Self::TracepointEnter => "tp_enter",
            Self::TracepointExit => "tp_exit",
            Self::Kprobe => "kprobe",
            Self::Kretprobe => "kretprobe",
        }
    }
}

/// A place in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// A function.
    Function {
        /// Its name.
        name: &'static str,
        /// How many arguments the programs take it to have. Another number means another function.
        args: u32,
        /// Whether tasks sleep in it. A return probe holds an instance of its pool for as long as the task sleeps, and the pool has
        /// max(10, 2 x CPUs) of them (`register_kretprobe`, kernel/kprobes.c; one a CPU on older kernels), so in a storm most returns of
        /// such a function are missed.
        sleeps: bool,
    },
    /// A system call, by its name: its tracepoints, or the architecture's wrapper, which takes one `struct pt_regs *`.
    Syscall(&'static str),
}

impl Hook {
    /// The name that programs carry.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Function { name, .. } | Self::Syscall(name) => name,
        }
    }

    /// How many arguments the function has.
    pub const fn args(&self) -> u32 {
        match self {
            Self::Function { args, .. } => *args,
            Self::Syscall(_) => 1,
        }
    }

    /// Whether tasks sleep in it.
    pub const fn sleeps(&self) -> bool {
        match self {
            Self::Function { sleeps, .. } => *sleeps,
            Self::Syscall(_) => true,
        }
    }

    /// The kernel's symbol; none where the wrappers of the architecture have no known name.
    pub fn symbol(&self, arch: &str) -> Option<String> {
        match self {
            Self::Function { name, .. } => Some((*name).to_owned()),
            // arch/x86/include/asm/syscall_wrapper.h, arch/arm64/include/asm/syscall_wrapper.h: __SYSCALL_DEFINEx.
            Self::Syscall(name) => match arch {
                "x86_64" => Some(format!("__x64_sys_{name}")),
                "aarch64" => Some(format!("__arm64_sys_{name}")),
                _ => None,
            },
        }
    }
}
