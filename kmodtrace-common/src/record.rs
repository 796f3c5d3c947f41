//! The structs. Little-endian as the machine writes them; strings end at the first NUL or at their array's end.

use crate::{
    ANCESTORS_LEN, ARGUMENT_STRING_LEN, CGROUP_LEN, COMM_LEN, FILE_NAME_LEN, MODULE_NAME_LEN, PATH_LEN, STACK_LEN,
    SYMBOL_LEN, TEXT_LEN, UEVENT_LEN,
};

/// How a record lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of the whole record.
    pub size: usize,
    /// Name, offset and size in bytes of each field, for the header of a recording.
    pub fields: &'static [(&'static str, usize, usize)],
}

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
                /// Where its fields lie.
                pub const LAYOUT: Layout = Layout {
                    size: size_of::<Self>(),
                    fields: &[$((stringify!($field), core::mem::offset_of!($name, $field), size_of::<$ty>()),)+],
                };
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

    /// The entry of a function that was asked for by name.
    CallEnter (56) {
        /// Common part.
        header: Header,
        /// Which one: its place in the list of functions of the recording's header.
        function: u64,
        /// Where it lies, behind a number that is drawn for each recording: only how far two of these are apart means something.
        at: u64,
        /// Where it will return to, behind the same number. Other tracers may have put a place of theirs there.
        from: u64,
    }

    /// The return of a function that was asked for by name.
    CallExit (48) {
        /// Common part.
        header: Header,
        /// Which one, as in `CallEnter`.
        function: u64,
        /// What it returned: an errno whole, of other numbers the lower 32 bits where the rest is 0, else [`crate::NOT_KEPT`].
        ret: i64,
    }

    /// A task inside an attempt was given the processor, or lost it.
    Switch (40) {
        /// Common part; task and thread group are those that it is about.
        header: Header,
        /// 1 when it was taken away, 0 when the task went to sleep; 0 where it was given.
        preempted: u64,
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

    /// A module, by a number that stands for its address in the kernel.
    Module (104) {
        /// Common part.
        header: Header,
        /// Stands for its `struct module *`, and means nothing outside of the recording; 0 for none. Addresses are used again after a free,
        /// and so are these.
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
        /// Written out padding.
        reserved: u64,
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
        /// `TRAILER`: 1 where tracing ended because the recording has reached the size that it may have; else 0.
        full: u64,
    }

    /// Where a cgroup is in the hierarchy of cgroup v2.
    Cgroup (296) {
        /// Common part, as that of a tick.
        header: Header,
        /// Its id, as the records of entries have it.
        id: u64,
        /// Its path from the root on, `/system.slice/systemd-udevd.service`; a longer one begins with `...`, and has its end.
        path: [u8; CGROUP_LEN],
    }

    /// Ancestors of a task.
    Ancestors (152) {
        /// Common part.
        header: Header,
        /// Thread groups, the nearest first; 0 from where there is none.
        tgid: [u32; ANCESTORS_LEN],
        /// Their names.
        comm: [[u8; COMM_LEN]; ANCESTORS_LEN],
    }

    /// Who makes a system call.
    Caller (40) {
        /// Common part.
        header: Header,
        /// Effective user, as the initial namespace numbers it; [`crate::UNREAD`] when not read.
        uid: u32,
        /// 1 when the task has `CAP_SYS_MODULE` in the initial namespace, which the call needs, else 0; [`crate::UNREAD`] when not read.
        capable: u32,
    }

    /// Calls without `CAP_SYS_MODULE` that have no records of their own, since there were more than [`crate::REFUSED_A_SECOND`].
    Refused (64) {
        /// Common part: of the last of them, or as that of a tick.
        header: Header,
        /// Effective user, as the initial namespace numbers it; [`crate::UNREAD`] when not read, or when there were too many users
        /// and programs to tell them apart.
        uid: u32,
        /// Written out padding.
        reserved: u32,
        /// How many since tracing began.
        calls: u64,
        /// The task's name; empty when there were too many to tell them apart.
        comm: [u8; COMM_LEN],
    }

    /// Where the file of a load lies.
    Path (296) {
        /// Common part.
        header: Header,
        /// 1 when the walk came to the root of all mounts; else something is missing in front.
        whole: u32,
        /// Bytes of the whole text with its NUL; more than `text` holds when it was cut.
        len: u32,
        /// The components, the last of the path first, a slash behind each; empty ones mean nothing.
        text: [u8; PATH_LEN],
    }

    /// The argument string of a load.
    ArgumentString (160) {
        /// Common part.
        header: Header,
        /// The string, or its beginning where it is longer.
        text: [u8; ARGUMENT_STRING_LEN],
    }

    /// A signal that is sent to a task inside an attempt.
    Signal (56) {
        /// Common part; task and thread group are those that it is sent to.
        header: Header,
        /// Its number.
        signal: u32,
        /// Thread group of the task that runs as it is sent: the sender, or whom the kernel's own signal interrupts.
        sender_tgid: u32,
        /// That task's name.
        sender_comm: [u8; COMM_LEN],
    }

    /// What udevd told a worker of the device that it is to handle.
    Uevent (1056) {
        /// Common part.
        header: Header,
        /// Bytes of the whole message; more than `text` holds when it was cut.
        len: u32,
        /// Written out padding.
        reserved: u32,
        /// `KEY=VALUE`, a NUL behind each. What lies behind `len` means nothing.
        text: [u8; UEVENT_LEN],
    }

    /// A line of the kernel log.
    Text (232) {
        /// Common part.
        header: Header,
        /// Bytes of the whole line; more than `text` holds when it was cut.
        len: u64,
        /// The line without its level, perhaps with a line feed.
        text: [u8; TEXT_LEN],
    }

    /// A symbol that a module needs.
    Symbol (160) {
        /// Common part.
        header: Header,
        /// -errno; -ENOENT also for nothing found; 0 when it was found at last.
        ret: i64,
        /// Its name.
        name: [u8; SYMBOL_LEN],
        /// The module that exports it; `kernel` or empty for the kernel itself, empty when it was not found.
        owner: [u8; MODULE_NAME_LEN],
    }

    /// Another task.
    Owner (56) {
        /// Common part.
        header: Header,
        /// The task; 0 for none.
        tid: u32,
        /// Its thread group.
        tgid: u32,
        /// Its name.
        comm: [u8; COMM_LEN],
    }

    /// A request for a module.
    Request (200) {
        /// Common part.
        header: Header,
        /// `task_struct.flags`: `PF_KTHREAD` is 0x200000; [`crate::UNREAD`] when not read.
        flags: u32,
        /// Thread group of the real parent; [`crate::UNREAD`] when not read.
        parent_tgid: u32,
        /// 1 when it is made inside a module system call of this task.
        in_attempt: u32,
        /// 1 when `get_fs_type` makes it, so that a `FS_TYPE_EXIT` follows.
        in_fs_type: u32,
        /// The task's name.
        comm: [u8; COMM_LEN],
        /// The real parent's name.
        parent_comm: [u8; COMM_LEN],
        /// What is requested.
        name: [u8; MODULE_NAME_LEN],
        /// The function that a kworker runs; empty for other tasks.
        work: [u8; SYMBOL_LEN],
    }

    /// A number, and a symbol or a path.
    Site (104) {
        /// Common part.
        header: Header,
        /// As the kind says.
        value: i64,
        /// As the kind says.
        symbol: [u8; SYMBOL_LEN],
    }

    /// A user-mode helper.
    Helper (112) {
        /// Common part.
        header: Header,
        /// Stands for its `struct subprocess_info *`, and means nothing outside of the recording: the same in the requester, the kworker and
        /// the helper.
        sub_info: u64,
        /// `HELPER_ENTER`: `wait` (`UMH_*`). Otherwise 0.
        wait: i64,
        /// `HELPER_ENTER`: its path. Otherwise empty.
        path: [u8; FILE_NAME_LEN],
    }

    /// A kernel stack, symbolised where it stood.
    Stack (1064) {
        /// Common part.
        header: Header,
        /// Frames in `text`.
        frames: u64,
        /// Symbols, the innermost first, a line feed behind each.
        text: [u8; STACK_LEN],
    }
}
