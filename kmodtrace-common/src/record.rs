//! The structs. Little-endian as the machine writes them; strings end at the first NUL or at their array's end.

use crate::{COMM_LEN, FILE_NAME_LEN, MODULE_NAME_LEN, SYMBOL_LEN};

macro_rules! records {
    ($($(#[doc = $doc:literal])+ $name:ident ($size:literal) { $($(#[doc = $fdoc:literal])+ $field:ident : $ty:ty,)+ })+) => {
        $(
            $(#[doc = $doc])+
            #[repr(C)]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[cfg_attr(
                feature = "user",
                derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
            )]
            pub struct $name { $($(#[doc = $fdoc])+ pub $field: $ty,)+ }
            // No padding: the fields fill the struct. Both builds refuse to compile otherwise.
            const _: () = assert!(size_of::<$name>() == $size && $size == 0 $(+ size_of::<$ty>())+ && $size % 8 == 0);
            impl $name {
                /// Name, offset and size of each field, for the header of a recording.
                pub const FIELDS: &[(&str, usize, usize)] =
                    &[$((stringify!($field), core::mem::offset_of!($name, $field), size_of::<$ty>()),)+];
            }
        )+
    };
}

records! {
    /// Begins every record.
    Header (32) {
        /// A number of [`crate::kind`].
        kind: u16,
        /// Bytes of the whole record.
        size: u16,
        /// The CPU that wrote it.
        cpu: u32,
        /// How many records this CPU had begun, this one included: from 1, taken before the reserve, so a record that found no room leaves a gap.
        seq: u64,
        /// `CLOCK_MONOTONIC`, nanoseconds.
        time_ns: u64,
        /// The task (what `gettid` returns).
        tid: u32,
        /// Its thread group (what `getpid` returns).
        tgid: u32,
    }

    /// A system call's entry.
    AttemptEnter (160) {
        /// Common part.
        header: Header,
        /// `bpf_get_current_cgroup_id`.
        cgroup_id: u64,
        /// `len` of `init_module`; 0 for the others.
        image_bytes: u64,
        /// A number of [`crate::syscall`].
        syscall: u32,
        /// `flags` of `finit_module` or `delete_module`.
        flags: u32,
        /// `fd` of `finit_module`; -1 for the others.
        fd: i32,
        /// Length of the module's argument string without its NUL; [`crate::UNREAD`] when it could not be read. Capped at 4,095.
        args_len: u32,
        /// Thread group of the real parent; [`crate::UNREAD`] when not read.
        parent_tgid: u32,
        /// Written out padding.
        reserved: u32,
        /// The task's name.
        comm: [u8; COMM_LEN],
        /// The real parent's name.
        parent_comm: [u8; COMM_LEN],
        /// The name given to `delete_module`; empty for the others.
        module: [u8; MODULE_NAME_LEN],
    }

    /// A return value.
    Ret (40) {
        /// Common part.
        header: Header,
        /// As the kernel function returned it.
        ret: i64,
    }

    /// Nothing but the moment.
    Plain (32) {
        /// Common part.
        header: Header,
    }

    /// A file that a module is loaded from.
    File (112) {
        /// Common part.
        header: Header,
        /// Inode number; 0 when the kernel gave no offsets.
        inode: u64,
        /// Device of the file system, as the kernel's `dev_t`.
        dev: u32,
        /// Written out padding.
        reserved: u32,
        /// Last component of the path.
        name: [u8; FILE_NAME_LEN],
    }

    /// A module, by its address in the kernel.
    Module (104) {
        /// Common part.
        header: Header,
        /// `struct module *`; 0 for none. Addresses are used again after a free.
        module: u64,
        /// A state, or [`crate::STATE_NONE`].
        state: u32,
        /// `WAIT_END`: calls of `finished_loading`. Otherwise 0.
        checks: u32,
        /// The module's name.
        name: [u8; MODULE_NAME_LEN],
    }

    /// An init function.
    InitFn (112) {
        /// Common part.
        header: Header,
        /// Its address.
        func: u64,
        /// `INIT_END`: what it returned. Otherwise 0.
        ret: i64,
        /// `INIT_START`: its symbol, resolved while it exists; empty when the kernel has no `bpf_snprintf` (before 5.13).
        symbol: [u8; SYMBOL_LEN],
    }

    /// The counters as user space read them.
    Tick (64) {
        /// Common part; `tid` and `tgid` are the tracer's, `cpu` and `seq` are 0.
        header: Header,
        /// Records dropped by the ring so far, from [`crate::counter::DROPPED`].
        dropped: u64,
        /// Probe hits that the kernel skipped so far (recursion, no free return instance).
        missed: u64,
        /// Attempts clipped so far, from [`crate::counter::CLIPPED`].
        clipped: u64,
        /// Written out padding.
        reserved: u64,
    }
}
