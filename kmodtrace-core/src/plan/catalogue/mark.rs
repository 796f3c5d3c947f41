//! Marks on the way of a load: how far it came, which function gave the errno, and what else it waited for.
//!
//! The last mark before a load fails tells where it failed, also where the compiler inlined the function that failed: so a mark
//! that some kernels do not have only makes that place wider.

use kmodtrace_common::{functions, loader_functions};

use super::{NOTIFY_LIST, function, probe, wanted};
use crate::plan::existence::{Existence, Sign, Trace};
use crate::plan::spec::{Attach, AttachStage, Candidate, Family, Hook, Mechanism, ProbeSpec, Want};

/// Module memory is had from one place since "mm: introduce `execmem_alloc()` and `execmem_free()`" (6.10).
const EXECMEM: Existence = &[
    Sign::With(Trace::Type("execmem_info")),
    Sign::With(Trace::Function("execmem_alloc")),
];
const NO_EXECMEM: Existence = &[
    Sign::Without(Trace::Type("execmem_info")),
    Sign::Without(Trace::Function("execmem_alloc")),
];
/// With `CONFIG_MODULE_DECOMPRESS` (5.17).
const DECOMPRESSES: Existence = &[Sign::With(Trace::Function("module_decompress"))];
/// With `CONFIG_MODULE_SIG`. Before the loader was split, `module_sig_check` was inlined.
const SIGNATURES: Existence = &[Sign::With(Trace::Function("mod_verify_sig"))];
/// With `CONFIG_MODVERSIONS`. Before the loader was split, nothing tells of it where it is inlined.
const VERSIONS: Existence = &[
    Sign::If(Trace::Function("check_modstruct_version")),
    Sign::Unless(SPLIT),
];
/// With `CONFIG_STRICT_MODULE_RWX`.
const STRICT: Existence = &[Sign::If(SPLIT)];
const LIVEPATCH: Existence = &[Sign::With(Trace::Function("klp_module_coming"))];
/// `blocking_notifier_call_chain` told of COMING before "notifier: Fix broken error handling pattern" (5.10).
const ROBUST: Existence = &[Sign::With(Trace::Function("blocking_notifier_call_chain_robust"))];
/// The mutex that guards the list of modules.
const MUTEX: &str = "module_mutex";
/// The static buffer of `vprintk_store` up to 5.10.
const TEXT: &str = "textbuf";
/// Since 5.19 consoles count what they drop, and the tracepoint is where a line is stored: both are of "printk: refactor and rework
/// printing logic" and "printk, tracing: fix console tracepoint".
const DROPPED: Trace = Trace::Member("console", "dropped");
/// The loader was split into files in the same version, and this has been called from another file since. Before, it was inlined.
const SPLIT: Trace = Trace::Function("module_enforce_rwx_sections");
const TRACEPOINT_WHERE_STORED: Existence = &[Sign::With(DROPPED), Sign::With(SPLIT)];
const STATIC_TEXT: Existence = &[
    Sign::With(Trace::Data(TEXT)),
    Sign::Unless(DROPPED),
    Sign::Unless(SPLIT),
];
const NEITHER: Existence = &[
    Sign::Unless(Trace::Data(TEXT)),
    Sign::Without(DROPPED),
    Sign::Without(SPLIT),
];

const CHECK_MODSTRUCT_VERSION: Hook = function(functions::CHECK_MODSTRUCT_VERSION);
const MODULE_ALLOC: Hook = function(functions::MODULE_ALLOC);
const EXECMEM_ALLOC: Hook = function(functions::EXECMEM_ALLOC);
const RESOLVE_SYMBOL: Hook = function(functions::RESOLVE_SYMBOL);
const NOTIFIER_CHAIN_ROBUST: Hook = function(functions::BLOCKING_NOTIFIER_CALL_CHAIN_ROBUST);
const NOTIFIER_CHAIN: Hook = function(functions::BLOCKING_NOTIFIER_CALL_CHAIN);
const SYNCHRONIZE_RCU: Hook = function(functions::SYNCHRONIZE_RCU);
const MUTEX_SLOWPATH: Hook = function(functions::MUTEX_LOCK_SLOWPATH);
const MUTEX_INTERRUPTIBLE_SLOWPATH: Hook = function(functions::MUTEX_LOCK_INTERRUPTIBLE_SLOWPATH);
const CONSOLE: Hook = tracepoint!("printk", "console", "msg" at 8);
const INITCALL_START: Hook = tracepoint!("initcall", "initcall_start");
const INITCALL_BLACKLISTED: Hook = function(functions::INITCALL_BLACKLISTED);
const VPRINTK_STORE: Hook = function(functions::VPRINTK_STORE);
const PRINTK_SPRINT: Hook = function(functions::PRINTK_SPRINT);

const NOTIFIERS: &str = "time in the notifiers of COMING, and their errno";
const ALLOCATIONS: &str = "which loads found no memory for the module itself";
const RCU: &str = "grace periods of RCU inside attempts";
const MUTEXES: &str = "waits for module_mutex, and who held it";
const LOG: &str = "the kernel log of attempts and requests";

const fn extra(
    id: &'static str,
    stage: AttachStage,
    candidates: &'static [Candidate],
    loses: &'static str,
) -> ProbeSpec {
    probe(id, stage, Want::Extra, candidates, loses)
}

const fn module_mutex(id: &'static str, candidates: &'static [Candidate]) -> ProbeSpec {
    wanted(id, AttachStage::State, candidates, MUTEXES).of(Family::Mutex)
}

/// Its candidates. Of one that is passed an entry is all that is told.
macro_rules! edge {
    (exit $hook:expr) => {
        exit!($hook)
    };
    ($entry:ident $hook:expr) => {
        enter!($hook)
    };
}

macro_rules! id {
    (exit $name:literal) => {
        concat!($name, ".exit")
    };
    ($entry:ident $name:literal) => {
        concat!($name, ".enter")
    };
}

macro_rules! edges {
    ($($(#[$doc:meta])+ $id:ident $variant:ident $name:literal $args:literal $how:ident, $stage:ident $way:ident
        $(, $(#[$edge_doc:meta])+ $edge:ident $kind:ident $number:literal $group:ident $want:ident $(if $exists:ident)? $loses:literal)*;)+
    ) => {
        /// Plain edges of functions. Where the compiler inlined one that is extra, the stages beside it are wider.
        pub(super) const EDGES: &[ProbeSpec] = &[$($(
            $want(id!($edge $name), AttachStage::$group, edge!($edge function(functions::$id)), $loses)$(.exists_if($exists))?,
        )*)+];
    };
}

loader_functions!(edges);

/// Marks that say more, or of which a condition is more.
pub(super) const PROBES: &[ProbeSpec] = &[
    extra(
        "check_modstruct_version.exit",
        AttachStage::Load,
        exit!(CHECK_MODSTRUCT_VERSION),
        "whether the version of module_layout was the reason for ENOEXEC",
    )
    .exists_if(VERSIONS),
    wanted("module_alloc.exit", AttachStage::Load, exit!(MODULE_ALLOC), ALLOCATIONS).exists_if(NO_EXECMEM),
    wanted(
        "execmem_alloc.exit",
        AttachStage::Load,
        exit!(EXECMEM_ALLOC),
        ALLOCATIONS,
    )
    .exists_if(EXECMEM),
    wanted(
        "resolve_symbol.exit",
        AttachStage::Load,
        exit_with_arguments!(RESOLVE_SYMBOL),
        "symbols that were not found, and waits for the modules that export them",
    ),
    wanted(
        "blocking_notifier_call_chain_robust.enter",
        AttachStage::State,
        enter!(NOTIFIER_CHAIN_ROBUST; NOTIFY_LIST),
        NOTIFIERS,
    )
    .exists_if(ROBUST),
    wanted(
        "blocking_notifier_call_chain_robust.exit",
        AttachStage::State,
        exit!(NOTIFIER_CHAIN_ROBUST; NOTIFY_LIST),
        NOTIFIERS,
    )
    .exists_if(ROBUST),
    wanted(
        "blocking_notifier_call_chain.exit",
        AttachStage::State,
        exit!(NOTIFIER_CHAIN; NOTIFY_LIST),
        "time in the notifiers of LIVE and GOING",
    ),
    wanted(
        "synchronize_rcu.enter",
        AttachStage::State,
        enter!(SYNCHRONIZE_RCU),
        RCU,
    )
    .of(Family::Rcu),
    wanted("synchronize_rcu.exit", AttachStage::State, exit!(SYNCHRONIZE_RCU), RCU).of(Family::Rcu),
    module_mutex("__mutex_lock_slowpath.enter", enter!(MUTEX_SLOWPATH; MUTEX)),
    module_mutex("__mutex_lock_slowpath.exit", exit!(MUTEX_SLOWPATH; MUTEX)),
    module_mutex(
        "__mutex_lock_interruptible_slowpath.enter",
        enter!(MUTEX_INTERRUPTIBLE_SLOWPATH; MUTEX),
    ),
    module_mutex(
        "__mutex_lock_interruptible_slowpath.exit",
        exit!(MUTEX_INTERRUPTIBLE_SLOWPATH; MUTEX),
    ),
    // do_one_initcall says -EPERM itself where the command line names the function in initcall_blacklist=.
    extra(
        "initcall_start.hit",
        AttachStage::Init,
        hit!(INITCALL_START or KretprobeMulti INITCALL_BLACKLISTED),
        "whether an init function that gives EPERM was called at all",
    ),
    // The tracepoint is where a line is stored since 5.19. Before, it was where consoles are written to, later and by any task: up to
    // 5.10 the line lies in one static buffer, then in that of a function of its own.
    wanted(
        "console.hit",
        AttachStage::Log,
        hit!(CONSOLE or KprobeMulti PRINTK_SPRINT, KretprobeMulti PRINTK_SPRINT),
        LOG,
    )
    .exists_if(TRACEPOINT_WHERE_STORED)
    .absence("here the tracepoint tells of what consoles write, not of lines as they are made")
    .of(Family::Printk),
    wanted(
        "printk_sprint.exit",
        AttachStage::Log,
        exit_with_arguments!(PRINTK_SPRINT),
        LOG,
    )
    .exists_if(NEITHER)
    .absence("another place tells of the lines of the kernel log")
    .of(Family::Printk),
    wanted("vprintk_store.exit", AttachStage::Log, exit!(VPRINTK_STORE; TEXT), LOG)
        .exists_if(STATIC_TEXT)
        .of(Family::Printk),
];
