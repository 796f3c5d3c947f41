//! The kinds of records: numbers that never change their meaning, each with the layout that it uses.

use crate::record::{AttemptEnter, File, InitFn, Module, Plain, Ret, Tick};

/// Which struct of [`crate::record`] a kind is carried in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// [`AttemptEnter`]
    AttemptEnter,
    /// [`Ret`]
    Ret,
    /// [`Plain`]
    Plain,
    /// [`File`]
    File,
    /// [`Module`]
    Module,
    /// [`InitFn`]
    InitFn,
    /// [`Tick`]
    Tick,
}

impl Layout {
    /// Bytes of a record of this layout, its header included.
    pub const fn size(self) -> usize {
        match self {
            Self::AttemptEnter => size_of::<AttemptEnter>(),
            Self::Ret => size_of::<Ret>(),
            Self::Plain => size_of::<Plain>(),
            Self::File => size_of::<File>(),
            Self::Module => size_of::<Module>(),
            Self::InitFn => size_of::<InitFn>(),
            Self::Tick => size_of::<Tick>(),
        }
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal as $layout:ident;)+) => {
        $($(#[doc = $doc])+ pub const $name: u16 = $number;)+
        /// Every kind: its number, its name as a recording's header spells it, its layout.
        pub const ALL: &[(u16, &str, Layout)] = &[$(($number, stringify!($name), Layout::$layout),)+];
    };
}

kinds! {
    /// A task entered `init_module`, `finit_module` or `delete_module`.
    ATTEMPT_ENTER = 1 as AttemptEnter;
    /// The system call returned; `ret` is what the caller gets (-512 is `ERESTARTSYS`: a signal came).
    ATTEMPT_EXIT = 2 as Ret;
    /// `kernel_read_file` began to read this file.
    READ_ENTER = 3 as File;
    /// `kernel_read_file` returned: bytes read, or -errno.
    READ_EXIT = 4 as Ret;
    /// `idempotent_init_module` entered (6.5 and later) with this file.
    IDEMPOTENT_ENTER = 5 as File;
    /// `idempotent_init_module` returned.
    IDEMPOTENT_EXIT = 6 as Ret;
    /// `init_module_from_file` entered: this task leads the load of its inode.
    LEADER_ENTER = 7 as Plain;
    /// `load_module` entered.
    LOAD_ENTER = 8 as Plain;
    /// `load_module` returned.
    LOAD_EXIT = 9 as Ret;
    /// `module_frob_arch_sections` entered: the name as the image has it; `module` is the temporary copy, not the final address.
    MODULE_NAME = 10 as Module;
    /// `find_module_all(name, len, even_unformed)` returned inside an attempt: the old module (0 for none) and its state.
    /// In `delete_module` the look-up asks for formed modules only, just before the module becomes GOING.
    FIND_MODULE = 11 as Module;
    /// The first `finished_loading(name)` of a same-name wait was entered.
    WAIT_BEGIN = 12 as Module;
    /// `finished_loading` returned true: the wait is over. `checks` counts its calls; `module` and `state` are what the last one found.
    WAIT_END = 13 as Module;
    /// `do_init_module(mod)` entered.
    DO_INIT_ENTER = 14 as Module;
    /// `do_init_module` returned.
    DO_INIT_EXIT = 15 as Ret;
    /// `do_one_initcall(fn)` entered inside an attempt: the module's init function starts.
    INIT_START = 16 as InitFn;
    /// `do_one_initcall` returned: the init function's own errno.
    INIT_END = 17 as InitFn;
    /// `async_synchronize_full` entered inside an attempt.
    ASYNC_ENTER = 18 as Plain;
    /// `async_synchronize_full` returned.
    ASYNC_EXIT = 19 as Plain;
    /// The module notifiers are about to be told this state (COMING, LIVE or GOING).
    MODULE_STATE = 20 as Module;
    /// `mod_sysfs_teardown` returned in `free_module`: GOING ends, the module becomes UNFORMED.
    TEARDOWN = 21 as Module;
    /// `free_module(mod)` entered.
    FREE_ENTER = 22 as Module;
    /// `free_module` returned: the module is gone. Only `module` is set.
    FREE_EXIT = 23 as Module;
    /// `add_unformed_module(mod)` entered, where the compiler left it a symbol: the module's final address.
    ADD_UNFORMED_ENTER = 24 as Module;
    /// `add_unformed_module` returned: 0 when the module went on the list, else the errno of the duplicate check.
    ADD_UNFORMED_EXIT = 25 as Ret;
    /// Just before the return of a `finit_module` that never came to read its file: the file behind its descriptor.
    FILE = 26 as File;
    /// Just before the return of a system call whose arguments could not be read at its entry, because the page was not
    /// in memory yet: their length.
    ARGUMENTS = 27 as Ret;
    /// Made by user space after it drained the ring: the counters so far. Moves time forward.
    TICK = 0xff00 as Tick;
    /// Made by user space: the last record of a recording that was ended properly.
    TRAILER = 0xff01 as Tick;
}

/// The layout of a kind, or none for a number this build does not know.
pub fn layout(kind: u16) -> Option<Layout> {
    ALL.iter()
        .find(|(number, ..)| *number == kind)
        .map(|&(.., layout)| layout)
}
