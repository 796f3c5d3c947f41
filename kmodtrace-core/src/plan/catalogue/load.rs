//! The way of a load: from the system call to the end of the module.

use kmodtrace_common::functions;

use super::{NOTIFY_LIST, function, probe, wanted};
use crate::plan::existence::{Existence, Sign, Trace};
use crate::plan::spec::{Attach, AttachStage, Candidate, Family, Hook, Mechanism, ProbeSpec, Want};

/// Tasks that load one inode share one load: since "modules: catch concurrent module loads, treat them as idempotent" (6.5).
const IDEMPOTENT: Existence = &[
    Sign::With(Trace::Type("idempotent")),
    Sign::If(Trace::Function("init_module_from_file")),
    // It went in 6.4.
    Sign::Unless(Trace::Data("kmod_wq")),
];

const INIT_MODULE: Hook = Hook::Syscall("init_module");
const FINIT_MODULE: Hook = Hook::Syscall("finit_module");
const DELETE_MODULE: Hook = Hook::Syscall("delete_module");
const IA32_INIT_MODULE: Hook = Hook::Ia32Syscall("ia32_init_module");
const IA32_FINIT_MODULE: Hook = Hook::Ia32Syscall("ia32_finit_module");
const IA32_DELETE_MODULE: Hook = Hook::Ia32Syscall("ia32_delete_module");
const LOAD_MODULE: Hook = function(functions::LOAD_MODULE);
const KERNEL_READ_FILE: Hook = function(functions::KERNEL_READ_FILE);
const IDEMPOTENT_INIT_MODULE: Hook = function(functions::IDEMPOTENT_INIT_MODULE);
const INIT_MODULE_FROM_FILE: Hook = function(functions::INIT_MODULE_FROM_FILE);
const MODULE_FROB_ARCH_SECTIONS: Hook = function(functions::MODULE_FROB_ARCH_SECTIONS);
const FIND_MODULE_ALL: Hook = function(functions::FIND_MODULE_ALL);
const FINISHED_LOADING: Hook = function(functions::FINISHED_LOADING);
const ADD_UNFORMED_MODULE: Hook = function(functions::ADD_UNFORMED_MODULE);
const DO_INIT_MODULE: Hook = function(functions::DO_INIT_MODULE);
const DO_ONE_INITCALL: Hook = function(functions::DO_ONE_INITCALL);
const ASYNC_SYNCHRONIZE_FULL: Hook = function(functions::ASYNC_SYNCHRONIZE_FULL);
const KLP_MODULE_COMING: Hook = function(functions::KLP_MODULE_COMING);
const KLP_MODULE_GOING: Hook = function(functions::KLP_MODULE_GOING);
const NOTIFIER_CHAIN: Hook = function(functions::BLOCKING_NOTIFIER_CALL_CHAIN);
const MOD_SYSFS_TEARDOWN: Hook = function(functions::MOD_SYSFS_TEARDOWN);
const SKB_RECV_DATAGRAM: Hook = function(functions::SKB_RECV_DATAGRAM);
const DO_SEND_SIG_INFO: Hook = function(functions::DO_SEND_SIG_INFO);
const FREE_MODULE: Hook = function(functions::FREE_MODULE);

/// Elsewhere 32-bit programs enter through the wrappers of all others (arch/arm64/kernel/sys32.c).
const IA32: Existence = &[
    Sign::Only(Trace::Arch("x86_64")),
    Sign::With(Trace::Function("__ia32_sys_finit_module")),
];

const IA32_INITS: &str = "calls of init_module by 32-bit programs";
const IA32_FINITS: &str = "calls of finit_module by 32-bit programs";
const IA32_DELETES: &str = "calls of delete_module by 32-bit programs";
const ATTEMPTS: &str = "attempts: who called, with what, and the errno that the caller got";
const LOADS: &str = "load_module itself: how long it ran and the errno that it gave";
const READS: &str = "reading of files: time and bytes";
const SHARED: &str = "waits of tasks that load an inode which another task loads already";
const WAITS: &str =
    "exact begin and end of same-name waits, and wake-ups in vain: waits are measured between look-ups instead";
const DO_INIT: &str = "time in do_init_module: init function, notifiers and clean-up together";
const INITS: &str = "init functions: their time and their own errno";
const ASYNC: &str = "waits for asynchronous work after init";
const DEVICES: &str = "devices that udev loads modules for";
const SIGNALS: &str = "signals sent to tasks inside a load or an unload: who killed them, and when";
const FREES: &str = "time in free_module";
const LISTED: &str = "the exact instant at which a module enters the list";

/// The way of a load.
pub(super) const PROBES: &[ProbeSpec] = &[
    probe(
        "init_module.enter",
        AttachStage::Attempt,
        Want::Required,
        syscall_enter!(INIT_MODULE),
        ATTEMPTS,
    ),
    probe(
        "init_module.exit",
        AttachStage::Attempt,
        Want::Required,
        syscall_exit!(INIT_MODULE),
        ATTEMPTS,
    ),
    probe(
        "finit_module.enter",
        AttachStage::Attempt,
        Want::Required,
        syscall_enter!(FINIT_MODULE),
        ATTEMPTS,
    ),
    probe(
        "finit_module.exit",
        AttachStage::Attempt,
        Want::Required,
        syscall_exit!(FINIT_MODULE),
        ATTEMPTS,
    ),
    probe(
        "delete_module.enter",
        AttachStage::Attempt,
        Want::Required,
        syscall_enter!(DELETE_MODULE),
        ATTEMPTS,
    ),
    probe(
        "delete_module.exit",
        AttachStage::Attempt,
        Want::Required,
        syscall_exit!(DELETE_MODULE),
        ATTEMPTS,
    ),
    wanted(
        "ia32_init_module.enter",
        AttachStage::Attempt,
        enter!(IA32_INIT_MODULE),
        IA32_INITS,
    )
    .exists_if(IA32),
    wanted(
        "ia32_init_module.exit",
        AttachStage::Attempt,
        exit!(IA32_INIT_MODULE),
        IA32_INITS,
    )
    .exists_if(IA32),
    wanted(
        "ia32_finit_module.enter",
        AttachStage::Attempt,
        enter!(IA32_FINIT_MODULE),
        IA32_FINITS,
    )
    .exists_if(IA32),
    wanted(
        "ia32_finit_module.exit",
        AttachStage::Attempt,
        exit!(IA32_FINIT_MODULE),
        IA32_FINITS,
    )
    .exists_if(IA32),
    wanted(
        "ia32_delete_module.enter",
        AttachStage::Attempt,
        enter!(IA32_DELETE_MODULE),
        IA32_DELETES,
    )
    .exists_if(IA32),
    wanted(
        "ia32_delete_module.exit",
        AttachStage::Attempt,
        exit!(IA32_DELETE_MODULE),
        IA32_DELETES,
    )
    .exists_if(IA32),
    wanted(
        "skb_recv_datagram.exit",
        AttachStage::Attempt,
        candidates!([KretprobeMulti SKB_RECV_DATAGRAM] [Kretprobe SKB_RECV_DATAGRAM]),
        DEVICES,
    )
    .of(Family::Devices),
    wanted(
        "do_send_sig_info.enter",
        AttachStage::Attempt,
        enter!(DO_SEND_SIG_INFO),
        SIGNALS,
    ),
    wanted(
        "idempotent_init_module.enter",
        AttachStage::SharedLoad,
        enter!(IDEMPOTENT_INIT_MODULE),
        SHARED,
    )
    .exists_if(IDEMPOTENT),
    wanted(
        "idempotent_init_module.exit",
        AttachStage::SharedLoad,
        exit!(IDEMPOTENT_INIT_MODULE),
        SHARED,
    )
    .exists_if(IDEMPOTENT),
    wanted(
        "init_module_from_file.enter",
        AttachStage::SharedLoad,
        enter!(INIT_MODULE_FROM_FILE),
        "tasks that lead a shared load and fail before they read: they count as waiters",
    )
    .exists_if(IDEMPOTENT),
    wanted(
        "kernel_read_file.enter",
        AttachStage::Read,
        enter!(KERNEL_READ_FILE),
        READS,
    ),
    wanted(
        "kernel_read_file.exit",
        AttachStage::Read,
        exit!(KERNEL_READ_FILE),
        READS,
    ),
    probe(
        "load_module.enter",
        AttachStage::Load,
        Want::Required,
        enter!(LOAD_MODULE),
        LOADS,
    ),
    probe(
        "load_module.exit",
        AttachStage::Load,
        Want::Required,
        exit!(LOAD_MODULE),
        LOADS,
    ),
    wanted(
        "module_frob_arch_sections.enter",
        AttachStage::Load,
        enter!(MODULE_FROB_ARCH_SECTIONS),
        "names of modules before the duplicate check: the file's name serves until then, and init_module has none",
    ),
    wanted(
        "find_module_all.exit",
        AttachStage::Duplicate,
        // The return value says what was found, the arguments whether unformed modules count: a return probe has no arguments.
        exit_with_arguments!(FIND_MODULE_ALL),
        "collisions: the old module of the name and the state that it was in",
    ),
    wanted(
        "finished_loading.enter",
        AttachStage::Duplicate,
        enter!(FINISHED_LOADING),
        WAITS,
    ),
    wanted(
        "finished_loading.exit",
        AttachStage::Duplicate,
        exit!(FINISHED_LOADING),
        WAITS,
    ),
    // Most compilers inline it into load_module; its own look-up shows the same instant nearly as well.
    probe(
        "add_unformed_module.enter",
        AttachStage::Duplicate,
        Want::Extra,
        enter!(ADD_UNFORMED_MODULE),
        LISTED,
    )
    .replaced_by("find_module_all.exit"),
    probe(
        "add_unformed_module.exit",
        AttachStage::Duplicate,
        Want::Extra,
        exit!(ADD_UNFORMED_MODULE),
        LISTED,
    )
    .replaced_by("find_module_all.exit"),
    wanted(
        "klp_module_coming.enter",
        AttachStage::State,
        enter!(KLP_MODULE_COMING),
        "the instant at which a module becomes COMING",
    )
    .replaced_by("blocking_notifier_call_chain_robust.enter"),
    wanted(
        "do_init_module.enter",
        AttachStage::Init,
        enter!(DO_INIT_MODULE),
        DO_INIT,
    ),
    wanted(
        "do_one_initcall.enter",
        AttachStage::Init,
        enter!(DO_ONE_INITCALL),
        INITS,
    ),
    wanted("do_one_initcall.exit", AttachStage::Init, exit!(DO_ONE_INITCALL), INITS),
    wanted(
        "blocking_notifier_call_chain.enter",
        AttachStage::State,
        enter!(NOTIFIER_CHAIN; NOTIFY_LIST),
        "the instant at which a module becomes LIVE, before asynchronous work is waited for",
    ),
    wanted(
        "async_synchronize_full.enter",
        AttachStage::Init,
        enter!(ASYNC_SYNCHRONIZE_FULL),
        ASYNC,
    ),
    wanted(
        "async_synchronize_full.exit",
        AttachStage::Init,
        exit!(ASYNC_SYNCHRONIZE_FULL),
        ASYNC,
    ),
    wanted("do_init_module.exit", AttachStage::Init, exit!(DO_INIT_MODULE), DO_INIT),
    // Each more function costs time to attach, and the chain is told right before.
    wanted(
        "klp_module_going.enter",
        AttachStage::State,
        enter!(KLP_MODULE_GOING),
        "GOING of loads that fail before their init function runs",
    )
    .spare_for("blocking_notifier_call_chain.enter"),
    wanted("free_module.enter", AttachStage::State, enter!(FREE_MODULE), FREES),
    wanted(
        "mod_sysfs_teardown.exit",
        AttachStage::State,
        exit!(MOD_SYSFS_TEARDOWN),
        "the end of GOING: the module becomes UNFORMED again",
    ),
    wanted("free_module.exit", AttachStage::State, exit!(FREE_MODULE), FREES),
];
