//! The records that cross the ring buffer, one definition for the BPF programs and for user space.
//!
//! Only fixed-width integers and byte arrays, padding written out, sizes and offsets asserted in both builds.
//! `kind` is a number, not an enum: user space keeps and counts one it does not know. A record says what was
//! seen and nothing else; what it means is worked out in `kmodtrace-core`.

#![no_std]

pub mod functions;
pub mod kind;
pub mod record;

/// Raised whenever a record's shape or meaning changes; a recording names the version of its records.
pub const ABI_VERSION: u32 = 1;

/// `MODULE_NAME_LEN` of include/linux/module.h on 64-bit: 64 minus one long.
pub const MODULE_NAME_LEN: usize = 56;
/// Bytes kept of a path: those of Debian's modules have up to 110.
pub const PATH_LEN: usize = 256;
/// Bytes kept of the path of a cgroup, its NUL included: those of containers have up to 200.
pub const CGROUP_LEN: usize = 256;
/// Bytes kept of an argument string, its NUL included.
pub const ARGUMENT_STRING_LEN: usize = 128;
/// Bytes kept of the properties of a device: those of most devices have some hundred.
pub const UEVENT_LEN: usize = 1016;
/// `TASK_COMM_LEN` of include/linux/sched.h.
pub const COMM_LEN: usize = 16;
/// Bytes kept of a file's last path component.
pub const FILE_NAME_LEN: usize = 64;
/// Bytes kept of a symbol such as `acpi_cpufreq_init [acpi_cpufreq]`.
pub const SYMBOL_LEN: usize = 64;
/// Ancestors kept of a loader.
pub const ANCESTORS_LEN: usize = 6;
/// Bytes kept of a line of the kernel log.
pub const TEXT_LEN: usize = 192;
/// Bytes kept of a symbolised stack.
pub const STACK_LEN: usize = 1024;

/// Calls without `CAP_SYS_MODULE` that are recorded in a second: the kernel refuses each at once, and anybody can make any number. More
/// are counted by user and program.
pub const REFUSED_A_SECOND: u64 = 64;

/// Bytes of the ring that records cross.
pub const RING_BYTES: u32 = 2 << 20;

/// Functions behind one link of kprobe.multi.
pub const MULTI_FUNCTIONS: u32 = 64;

/// `MODULE_STATE_LIVE` of `enum module_state` (include/linux/module.h; the same in 5.10 to 7.2).
pub const STATE_LIVE: u32 = 0;
/// `MODULE_STATE_COMING`: full formed, running `module_init`.
pub const STATE_COMING: u32 = 1;
/// `MODULE_STATE_GOING`: going away.
pub const STATE_GOING: u32 = 2;
/// `MODULE_STATE_UNFORMED`: still being set up, or already being freed.
pub const STATE_UNFORMED: u32 = 3;
/// No state was read: there was no module, or the kernel gave no offset for it.
pub const STATE_NONE: u32 = u32::MAX;

/// A `u32` count that could not be read (a fault on user memory, an offset that this kernel does not have).
pub const UNREAD: u32 = u32::MAX;

/// `CallExit::ret` of what is neither an errno nor a number of 32 bits: it may be an address.
pub const NOT_KEPT: i64 = i64::MIN;

/// Counters that the BPF programs keep, by index into the map `COUNTERS`.
pub mod counter {
    /// Records that found no room in the ring buffer.
    pub const DROPPED: u32 = 0;
    /// Attempts without a slot in the map of tasks: their inner records are missing.
    pub const CLIPPED: u32 = 1;
    /// How many there are.
    pub const COUNT: u32 = 2;
}

/// `AttemptEnter::syscall`.
pub mod syscall {
    /// `init_module(umod, len, uargs)`.
    pub const INIT_MODULE: u32 = 1;
    /// `finit_module(fd, uargs, flags)`.
    pub const FINIT_MODULE: u32 = 2;
    /// `delete_module(name_user, flags)`.
    pub const DELETE_MODULE: u32 = 3;
}
