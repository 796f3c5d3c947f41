//! The functions of the kernel that are probed: the one table of them, which the BPF programs and the plan both read.
//!
//! The return value of a trampoline lies behind the arguments, so their number is part of what a program reads. User space compares
//! it with the BTF of the running kernel, and a test with that of the kernels whose facts are kept.

/// A function of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderFunction {
    /// Its name in the kernel's source.
    pub name: &'static str,
    /// How many arguments it has. Another number means another function.
    pub args: u32,
    /// Whether the programs on its entry read arguments. Those on its return have none to read.
    pub reads: bool,
}

/// Gives the functions that loads and unloads pass to a macro, in the order in which a load does:
///
/// `NAME Variant "name" ARGUMENTS read|passed, STAGE always|perhaps|beside`
///
/// - whether its arguments are read, or only the moment counts at which it is passed;
/// - the stage that its time belongs to, of `kmodtrace_core::model::Stage`;
/// - whether every load that gets so far passes it on each kernel, or perhaps, or whether it lies beside that way.
///
/// Behind a comma each come its plain edges, whose records say nothing but that it was entered, or what it returned. Such a probe is
/// this line, and one that makes its programs:
///
/// `enter|passed|exit KIND NUMBER GROUP extra|wanted [if EXISTENCE] "what is not known without it"`
///
/// - whether both edges are told, or only that it was passed, or its return;
/// - the kind of the record, as `kmodtrace_common::kind` says it, which never changes its meaning;
/// - the group in which the plan shows it, of `kmodtrace_core::plan::AttachStage`; whether it is missed where it is not there; and what
///   kernels have it, by a name of the plan's catalogue.
#[macro_export]
macro_rules! loader_functions {
    ($then:ident) => {
        $then! {
            /// `ssize_t kernel_read_file(struct file *file, loff_t offset, void **buf, size_t buf_size, size_t *file_size, enum kernel_read_file_id id)`
            KERNEL_READ_FILE KernelReadFile "kernel_read_file" 6 read, Read perhaps;
            /// `static int idempotent_init_module(struct file *f, const char __user *uargs, int flags)`
            IDEMPOTENT_INIT_MODULE IdempotentInitModule "idempotent_init_module" 3 read, SharedLoad beside;
            /// `static int init_module_from_file(struct file *f, const char __user *uargs, int flags)`
            INIT_MODULE_FROM_FILE InitModuleFromFile "init_module_from_file" 3 passed, Entry beside;
            /// `int module_decompress(struct load_info *info, const void *buf, size_t size)`
            MODULE_DECOMPRESS ModuleDecompress "module_decompress" 3 passed, Decompress perhaps,
                /// `module_decompress` (5.17 and later) entered.
                enter DECOMPRESS_ENTER 29 Read extra if DECOMPRESSES "time in module_decompress",
                /// `module_decompress` returned.
                exit DECOMPRESS_EXIT 30 Read extra if DECOMPRESSES "time in module_decompress";
            /// `static int load_module(struct load_info *info, const char __user *uargs, int flags)`
            LOAD_MODULE LoadModule "load_module" 3 passed, Checks always;
            /// `int mod_verify_sig(const void *mod, struct load_info *info)`
            MOD_VERIFY_SIG ModVerifySig "mod_verify_sig" 2 passed, Signature perhaps,
                /// `mod_verify_sig` returned: what came of the signature itself, before the policy.
                exit VERIFY_SIG_EXIT 33 Load extra if SIGNATURES "what became of signatures";
            /// `int module_sig_check(struct load_info *info, int flags)`
            MODULE_SIG_CHECK ModuleSigCheck "module_sig_check" 2 passed, Signature perhaps,
                /// `module_sig_check` entered.
                enter SIG_CHECK_ENTER 31 Load extra if SIGNATURES "time in module_sig_check, and its errno",
                /// `module_sig_check` returned.
                exit SIG_CHECK_EXIT 32 Load extra if SIGNATURES "time in module_sig_check, and its errno";
            /// `int check_modstruct_version(const struct load_info *info, struct module *mod)`
            CHECK_MODSTRUCT_VERSION CheckModstructVersion "check_modstruct_version" 2 passed, Checks perhaps;
            /// `int module_frob_arch_sections(Elf_Ehdr *hdr, Elf_Shdr *sechdrs, char *secstrings, struct module *mod)`
            MODULE_FROB_ARCH_SECTIONS ModuleFrobArchSections "module_frob_arch_sections" 4 read, Layout always;
            /// `int module_enforce_rwx_sections(const Elf_Ehdr *hdr, const Elf_Shdr *sechdrs, const char *secstrings, const struct module *mod)`
            MODULE_ENFORCE_RWX_SECTIONS ModuleEnforceRwxSections "module_enforce_rwx_sections" 4 passed, Layout perhaps,
                /// `module_enforce_rwx_sections` returned.
                exit RWX_EXIT 35 Load extra if STRICT "whether a section that is both writable and executable was the reason for ENOEXEC";
            /// `void *module_alloc(unsigned long size)`
            MODULE_ALLOC ModuleAlloc "module_alloc" 1 passed, Layout perhaps;
            /// `struct module *find_module_all(const char *name, size_t len, bool even_unformed)`
            FIND_MODULE_ALL FindModuleAll "find_module_all" 3 read, DuplicateCheck always;
            /// `static bool finished_loading(const char *name)`
            FINISHED_LOADING FinishedLoading "finished_loading" 1 read, DuplicateCheck perhaps;
            /// `static int add_unformed_module(struct module *mod)`
            ADD_UNFORMED_MODULE AddUnformedModule "add_unformed_module" 1 read, DuplicateCheck perhaps;
            /// `static const struct kernel_symbol *resolve_symbol(struct module *mod, const struct load_info *info, const char *name, char ownername[])`
            RESOLVE_SYMBOL ResolveSymbol "resolve_symbol" 4 read, Symbols perhaps;
            /// `int apply_relocate_add(Elf64_Shdr *sechdrs, const char *strtab, unsigned int symindex, unsigned int relsec, struct module *me)`
            APPLY_RELOCATE_ADD ApplyRelocateAdd "apply_relocate_add" 5 passed, Relocation always,
                /// The first `apply_relocate_add` of the load entered.
                passed RELOCATE_ENTER 38 Load wanted "where relocation begins, and its errno",
                /// `apply_relocate_add` failed.
                exit RELOCATE_FAILED 39 Load wanted "where relocation begins, and its errno";
            /// `int module_finalize(const Elf_Ehdr *hdr, const Elf_Shdr *sechdrs, struct module *me)`
            MODULE_FINALIZE ModuleFinalize "module_finalize" 3 passed, Relocation always,
                /// `module_finalize` entered: relocation is over.
                passed FINALIZE_ENTER 40 Load wanted "where relocation ends";
            /// `char *strndup_user(const char __user *s, long n)`
            STRNDUP_USER StrndupUser "strndup_user" 2 passed, Arguments always,
                /// `strndup_user` returned: 0, or -errno, for the argument string.
                exit STRNDUP_EXIT 41 Load wanted "whether the argument string could be copied";
            /// `int klp_module_coming(struct module *mod)`
            KLP_MODULE_COMING KlpModuleComing "klp_module_coming" 1 read, Notifiers always,
                /// `klp_module_coming` returned.
                exit KLP_EXIT 42 State extra if LIVEPATCH "the errno of live patches";
            /// `int blocking_notifier_call_chain_robust(struct blocking_notifier_head *nh, unsigned long val_up, unsigned long val_down, void *v)`
            BLOCKING_NOTIFIER_CALL_CHAIN_ROBUST NotifierChainRobust "blocking_notifier_call_chain_robust" 4 read, Notifiers always;
            /// `char *parse_args(const char *doing, char *args, const struct kernel_param *params, unsigned int num, s16 min_level, s16 max_level,
            /// void *arg, parse_unknown_fn unknown)`
            PARSE_ARGS ParseArgs "parse_args" 8 passed, Parameters always,
                /// `parse_args` entered.
                enter PARSE_ARGS_ENTER 46 Init wanted "time in which parameters are set, and their errno",
                /// `parse_args` returned: 0, -errno, or (positive) a pointer to what follows `--`.
                exit PARSE_ARGS_EXIT 47 Init wanted "time in which parameters are set, and their errno";
            /// `int mod_sysfs_setup(struct module *mod, const struct load_info *info, struct kernel_param *kparam, unsigned int num_params)`
            MOD_SYSFS_SETUP ModSysfsSetup "mod_sysfs_setup" 4 passed, Sysfs always,
                /// `mod_sysfs_setup` entered.
                enter SYSFS_ENTER 48 Init wanted "time in mod_sysfs_setup, and its errno",
                /// `mod_sysfs_setup` returned.
                exit SYSFS_EXIT 49 Init wanted "time in mod_sysfs_setup, and its errno";
            /// `static noinline int do_init_module(struct module *mod)`
            DO_INIT_MODULE DoInitModule "do_init_module" 1 read, Init always;
            /// `int do_one_initcall(initcall_t fn)`
            DO_ONE_INITCALL DoOneInitcall "do_one_initcall" 1 read, Init perhaps;
            /// `int blocking_notifier_call_chain(struct blocking_notifier_head *nh, unsigned long val, void *v)`
            BLOCKING_NOTIFIER_CALL_CHAIN NotifierChain "blocking_notifier_call_chain" 3 read, Notifiers beside;
            /// `void async_synchronize_full(void)`
            ASYNC_SYNCHRONIZE_FULL AsyncSynchronizeFull "async_synchronize_full" 0 passed, Async beside;
            /// `void synchronize_rcu(void)`
            SYNCHRONIZE_RCU SynchronizeRcu "synchronize_rcu" 0 passed, CleanUp beside;
            /// `static noinline void __sched __mutex_lock_slowpath(struct mutex *lock)`
            MUTEX_LOCK_SLOWPATH ModuleMutex "__mutex_lock_slowpath" 1 read, CleanUp beside;
            /// `void klp_module_going(struct module *mod)`
            KLP_MODULE_GOING KlpModuleGoing "klp_module_going" 1 read, CleanUp beside;
            /// `static void free_module(struct module *mod)`
            FREE_MODULE FreeModule "free_module" 1 read, CleanUp beside;
            /// `void mod_sysfs_teardown(struct module *mod)`
            MOD_SYSFS_TEARDOWN ModSysfsTeardown "mod_sysfs_teardown" 1 passed, CleanUp beside;
        }
    };
}

/// Whether arguments are read.
macro_rules! reads {
    (read) => {
        true
    };
    (passed) => {
        false
    };
}

/// A constant for each, and a list of them.
macro_rules! constants {
    ($list:ident; $($(#[$doc:meta])+ $id:ident $name:literal $args:literal $how:ident;)+) => {
        $(
            $(#[$doc])+
            pub const $id: LoaderFunction = LoaderFunction { name: $name, args: $args, reads: reads!($how) };
        )+

        const $list: &[LoaderFunction] = &[$($id),+];
    };
}

macro_rules! of_the_loader {
    ($($(#[$doc:meta])+ $id:ident $variant:ident $name:literal $args:literal $how:ident, $stage:ident $way:ident
        $(, $(#[$edge_doc:meta])+ $edge:ident $kind:ident $number:literal $group:ident $want:ident $(if $exists:ident)? $loses:literal)*;)+
    ) => {
        constants! { LOADER; $($(#[$doc])+ $id $name $args $how;)+ }
    };
}

loader_functions!(of_the_loader);

constants! { OTHERS;
    /// `void *execmem_alloc(enum execmem_type type, size_t size)`
    EXECMEM_ALLOC "execmem_alloc" 2 passed;
    /// `static noinline int __sched __mutex_lock_interruptible_slowpath(struct mutex *lock)`
    MUTEX_LOCK_INTERRUPTIBLE_SLOWPATH "__mutex_lock_interruptible_slowpath" 1 read;
    /// `int vprintk_store(int facility, int level, const struct dev_printk_info *dev_info, const char *fmt, va_list args)`
    VPRINTK_STORE "vprintk_store" 5 passed;
    /// `static u16 printk_sprint(char *text, u16 size, int facility, enum printk_info_flags *flags, const char *fmt, va_list args)`
    PRINTK_SPRINT "printk_sprint" 6 read;
    /// `int __request_module(bool wait, const char *fmt, ...)`, whose variable arguments do not count.
    REQUEST_MODULE "__request_module" 2 read;
    /// `int security_kernel_module_request(char *kmod_name)`
    SECURITY_KERNEL_MODULE_REQUEST "security_kernel_module_request" 1 read;
    /// `int down_timeout(struct semaphore *sem, long timeout)`
    DOWN_TIMEOUT "down_timeout" 2 passed;
    /// `long prepare_to_wait_event(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry, int state)`
    PREPARE_TO_WAIT_EVENT "prepare_to_wait_event" 3 passed;
    /// `bool kmod_dup_request_exists_wait(char *module_name, bool wait, int *dup_ret)`
    KMOD_DUP_REQUEST_EXISTS_WAIT "kmod_dup_request_exists_wait" 3 passed;
    /// `int call_usermodehelper_exec(struct subprocess_info *sub_info, int wait)`
    CALL_USERMODEHELPER_EXEC "call_usermodehelper_exec" 2 read;
    /// `static void call_usermodehelper_exec_work(struct work_struct *work)`
    CALL_USERMODEHELPER_EXEC_WORK "call_usermodehelper_exec_work" 1 read;
    /// `static int call_usermodehelper_exec_async(void *data)`
    CALL_USERMODEHELPER_EXEC_ASYNC "call_usermodehelper_exec_async" 1 read;
    /// `void wake_up_new_task(struct task_struct *p)`: the next thing that whoever forked does. The format of the tracepoint has no
    /// thread group.
    WAKE_UP_NEW_TASK "wake_up_new_task" 1 read;
    /// `void finalize_exec(struct linux_binprm *bprm)`: the last thing before the new program runs.
    FINALIZE_EXEC "finalize_exec" 1 read;
    /// `void __noreturn do_exit(long code)`
    DO_EXIT "do_exit" 1 read;
    /// `static bool initcall_blacklisted(initcall_t fn)`
    INITCALL_BLACKLISTED "initcall_blacklisted" 1 passed;
    /// `struct sk_buff *skb_recv_datagram(struct sock *sk, unsigned int flags, int *err)`; before 5.19 with `int noblock` in it.
    SKB_RECV_DATAGRAM "skb_recv_datagram" 3 passed;
    /// `int do_send_sig_info(int sig, struct kernel_siginfo *info, struct task_struct *p, enum pid_type type)`: what `kill`, timers and
    /// the killer of the out-of-memory all call.
    DO_SEND_SIG_INFO "do_send_sig_info" 4 read;
    /// `struct file_system_type *get_fs_type(const char *name)`
    GET_FS_TYPE "get_fs_type" 1 passed;
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static LoaderFunction> {
    LOADER.iter().chain(OTHERS)
}
