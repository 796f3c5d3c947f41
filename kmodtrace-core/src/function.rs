//! The functions of the loader whose entry or return a record tells.

use serde::{Deserialize, Serialize};

use crate::stage::Stage;

macro_rules! functions {
    ($($variant:ident = $name:literal in $stage:ident;)+) => {
        /// A function that a load, or an unload, passes through (kernel/module/main.c where nothing else is said).
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
        )]
        pub enum Function {
            $(#[doc = concat!("`", $name, "`")] #[serde(rename = $name)] $variant,)+
        }

        impl Function {
            /// All of them, roughly in the order in which a load passes them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As the kernel calls it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The stage that its time belongs to.
            pub fn stage(self) -> Stage {
                match self { $(Self::$variant => Stage::$stage,)+ }
            }
        }
    };
}

functions! {
    KernelReadFile = "kernel_read_file" in Read;
    IdempotentInitModule = "idempotent_init_module" in SharedLoad;
    InitModuleFromFile = "init_module_from_file" in Entry;
    ModuleDecompress = "module_decompress" in Decompress;
    LoadModule = "load_module" in Checks;
    ModuleSigCheck = "module_sig_check" in Signature;
    ModVerifySig = "mod_verify_sig" in Signature;
    CheckModstructVersion = "check_modstruct_version" in Checks;
    ModuleFrobArchSections = "module_frob_arch_sections" in Layout;
    ModuleEnforceRwxSections = "module_enforce_rwx_sections" in Layout;
    ModuleAlloc = "module_alloc" in Layout;
    FindModuleAll = "find_module_all" in DuplicateCheck;
    FinishedLoading = "finished_loading" in DuplicateCheck;
    AddUnformedModule = "add_unformed_module" in DuplicateCheck;
    ResolveSymbol = "resolve_symbol" in Symbols;
    ApplyRelocateAdd = "apply_relocate_add" in Relocation;
    ModuleFinalize = "module_finalize" in Relocation;
    StrndupUser = "strndup_user" in Arguments;
    KlpModuleComing = "klp_module_coming" in Notifiers;
    NotifierChainRobust = "blocking_notifier_call_chain_robust" in Notifiers;
    ParseArgs = "parse_args" in Parameters;
    ModSysfsSetup = "mod_sysfs_setup" in Sysfs;
    DoInitModule = "do_init_module" in Init;
    DoOneInitcall = "do_one_initcall" in Init;
    InitcallStart = "initcall_start" in Init;
    NotifierChain = "blocking_notifier_call_chain" in Notifiers;
    AsyncSynchronizeFull = "async_synchronize_full" in Async;
    SynchronizeRcu = "synchronize_rcu" in CleanUp;
    ModuleMutex = "__mutex_lock_slowpath" in CleanUp;
    KlpModuleGoing = "klp_module_going" in CleanUp;
    FreeModule = "free_module" in CleanUp;
    ModSysfsTeardown = "mod_sysfs_teardown" in CleanUp;
}
