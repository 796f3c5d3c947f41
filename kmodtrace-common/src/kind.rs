//! The kinds of records: numbers that never change their meaning, each with the layout that it uses.

use crate::record::{
    Ancestors, ArgumentString, AttemptEnter, CallEnter, CallExit, Caller, Cgroup, File, Helper, InitFn, Layout, Module,
    Owner, Path, Plain, Refused, Request, Ret, Signal, Site, Stack, Switch, Symbol, Text, Tick, Uevent,
};

macro_rules! kinds {
    ($list:ident; $($(#[doc = $doc:literal])+ $name:ident = $number:literal as $layout:ident;)+) => {
        $($(#[doc = $doc])+ pub const $name: u16 = $number;)+
        const $list: &[Kind] = &[$(($number, stringify!($name), $layout::LAYOUT),)+];
    };
}

/// A kind: its number, its name as a recording's header spells it, its layout.
type Kind = (u16, &'static str, Layout);

/// How a plain edge of a function is carried.
macro_rules! edge {
    (enter) => {
        Plain::LAYOUT
    };
    (passed) => {
        Plain::LAYOUT
    };
    (exit) => {
        Ret::LAYOUT
    };
}

macro_rules! edges {
    ($($(#[$doc:meta])+ $id:ident $variant:ident $name:literal $args:literal $how:ident, $stage:ident $way:ident
        $(, $(#[$edge_doc:meta])+ $edge:ident $kind:ident $number:literal $group:ident $want:ident $(if $exists:ident)? $loses:literal)*;)+
    ) => {
        $($($(#[$edge_doc])+ pub const $kind: u16 = $number;)*)+
        const EDGES: &[Kind] = &[$($(($number, stringify!($kind), edge!($edge)),)*)+];
    };
}

crate::loader_functions!(edges);

/// Every kind.
pub const ALL: &[Kind] = &{
    let mut all = [OWN[0]; OWN.len() + EDGES.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < OWN.len() { OWN[at] } else { EDGES[at - OWN.len()] };
        at += 1;
    }
    all
};

kinds! { OWN;
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
    /// `module_frob_arch_sections` entered: the name as the image has it. `module` is 0: the address is that of a temporary copy.
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
    /// `add_unformed_module(mod)` entered, where the compiler left it a symbol: the module at its final address.
    ADD_UNFORMED_ENTER = 24 as Module;
    /// `add_unformed_module` returned: 0 when the module went on the list, else the errno of the duplicate check.
    ADD_UNFORMED_EXIT = 25 as Ret;
    /// Just before the return of a `finit_module` that never came to read its file: the file behind its descriptor.
    FILE = 26 as File;
    /// Just before the return of a system call whose arguments could not be read at its entry, because the page was not
    /// in memory yet: their length.
    ARGUMENTS = 27 as Ret;
    /// The loader's ancestors from its grandparent on, right behind the entry of a load.
    ANCESTORS = 28 as Ancestors;
    /// `check_modstruct_version` returned: 0 when the CRC of `module_layout` differs.
    MODSTRUCT_EXIT = 34 as Ret;
    /// `module_alloc`, or one of its successors, gave no memory: -ENOMEM.
    ALLOC_FAILED = 36 as Ret;
    /// `resolve_symbol` gave an error or nothing, or succeeded after an error with the same symbol.
    SYMBOL = 37 as Symbol;
    /// `blocking_notifier_call_chain_robust` entered for the module notifiers: COMING is announced.
    NOTIFY_ENTER = 43 as Plain;
    /// `blocking_notifier_call_chain_robust` returned: the notifiers' verdict as an errno.
    NOTIFY_EXIT = 44 as Ret;
    /// `blocking_notifier_call_chain` returned for the module notifiers: LIVE or GOING was announced.
    ANNOUNCE_EXIT = 45 as Plain;
    /// `synchronize_rcu` entered inside an attempt.
    RCU_ENTER = 50 as Plain;
    /// `synchronize_rcu` returned.
    RCU_EXIT = 51 as Plain;
    /// The slow path of `module_mutex` entered inside an attempt; who holds it.
    MUTEX_ENTER = 52 as Owner;
    /// The slow path of `module_mutex` returned.
    MUTEX_EXIT = 53 as Ret;
    /// A line of the kernel log, as the task wrote it inside an attempt or a request.
    PRINTK = 54 as Text;
    /// `security_kernel_module_request` entered: a task requests a module.
    REQUEST_BEGIN = 55 as Request;
    /// `security_kernel_module_request` returned.
    REQUEST_SECURITY = 56 as Ret;
    /// No slot was free, or (6.4 and later) `down_timeout` was entered to get one.
    SLOT_ENTER = 57 as Plain;
    /// `down_timeout` returned: 0 for a slot, or -errno.
    SLOT_EXIT = 58 as Ret;
    /// Up to 6.3: the task gave up waiting for a slot, after its time or for a signal.
    SLOT_GIVEN_UP = 59 as Plain;
    /// The tracepoint `module_request`: the task has a slot. `value` is `wait`, `symbol` the caller of `__request_module`.
    REQUEST_GRANTED = 60 as Site;
    /// `call_usermodehelper_exec` entered by the requester: `path` is what is to run.
    HELPER_ENTER = 61 as Helper;
    /// `call_usermodehelper_exec` returned: 0, -errno, or (positive) the wait status of the helper.
    HELPER_EXIT = 62 as Ret;
    /// `call_usermodehelper_exec_work` entered: a kworker took up the request.
    HELPER_WORK = 63 as Helper;
    /// `call_usermodehelper_exec_async` entered: this task is the helper.
    HELPER_TASK = 64 as Helper;
    /// A helper, or what descends from one, made a task.
    HELPER_FORK = 65 as Owner;
    /// A helper, or what descends from one, began to run a program: `symbol` is its path.
    HELPER_RUNS = 66 as Site;
    /// A helper, or what descends from one, ended: `ret` is the wait status.
    HELPER_END = 67 as Ret;
    /// `get_fs_type` returned after it had requested a module: `value` is 1 when it found the file system, 0 for NULL;
    /// `symbol` is its caller.
    FS_TYPE_EXIT = 68 as Site;
    /// The kernel stack of a task that requests a module.
    STACK = 69 as Stack;
    /// `kmod_dup_request_exists_wait` entered (`CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS`).
    DUP_REQUEST_ENTER = 70 as Plain;
    /// `kmod_dup_request_exists_wait` returned: 1 when another task's request stood for this one.
    DUP_REQUEST_EXIT = 71 as Ret;
    /// The tracepoint `initcall_start` inside an attempt: the init function is really called, and not blacklisted.
    INITCALL_CALLED = 72 as Plain;
    /// A function that was asked for was entered, in whatever task.
    CALL_ENTER = 73 as CallEnter;
    /// It returned.
    CALL_EXIT = 74 as CallExit;
    /// The tracepoint `sched_switch`: the task inside an attempt that leaves the processor.
    SWITCH_OUT = 75 as Switch;
    /// The same: the one that gets it.
    SWITCH_IN = 76 as Switch;
    /// Who makes the module system call, right behind its `ATTEMPT_ENTER`.
    CALLER = 77 as Caller;
    /// Where the file lies that the attempt loads, before it is read: once a minute for each file, since it costs more than all
    /// else of a record.
    PATH = 78 as Path;
    /// The argument string of the load, where it is not empty.
    ARGUMENT_STRING = 79 as ArgumentString;
    /// `do_send_sig_info` entered for a task inside an attempt.
    SIGNAL = 80 as Signal;
    /// The device that a worker of udev handles, with its first attempt for it.
    UEVENT = 81 as Uevent;
    /// In `delete_module`, right behind its `FIND_MODULE`: the exit function of the module that was found, where it has one.
    EXIT_FUNCTION = 82 as Site;
    /// How many calls of a user and program, that lack the capability they need, were only counted so far.
    REFUSED = 83 as Refused;
    /// Made by user space after it drained the ring: the counters so far. Moves time forward.
    TICK = 0xff00 as Tick;
    /// Made by user space: the last record of a recording that was ended properly.
    TRAILER = 0xff01 as Tick;
    /// Made by user space: the command that is run under the tracer ended, with this wait status. Before the trailer.
    COMMAND_END = 0xff02 as Ret;
    /// Made by user space: a cgroup that a task in a load is or was in. After the first record that has its id.
    CGROUP = 0xff03 as Cgroup;
}

/// The layout of a kind, or none for a number this build does not know.
pub fn layout(kind: u16) -> Option<Layout> {
    ALL.iter()
        .find(|(number, ..)| *number == kind)
        .map(|&(.., layout)| layout)
}
