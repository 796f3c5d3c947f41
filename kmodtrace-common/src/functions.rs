//! The functions of the kernel that are probed: the one table of them, which the BPF programs and the plan both read.
//!
//! The return value of a trampoline lies behind the arguments, so their number is part of what a program reads. User space compares
//! it with the BTF of the running kernel, and a test with that of the kernels whose facts are kept.

/// A function of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name in the kernel's source.
    pub name: &'static str,
    /// How many arguments it has. Another number means another function.
    pub args: u32,
    /// Whether the programs on its entry read arguments. Those on its return have none to read.
    pub reads: bool,
}

/// `NAME "name" ARGUMENTS read|passed;`: whether its arguments are read, or only the moment counts at which it is passed.
macro_rules! functions {
    (@reads read) => { true };
    (@reads passed) => { false };
    ($($(#[$doc:meta])+ $id:ident $name:literal $args:literal $how:ident;)+) => {
        $(
            $(#[$doc])+
            pub const $id: Function = Function { name: $name, args: $args, reads: functions!(@reads $how) };
        )+

        /// All of them.
        pub const ALL: &[Function] = &[$($id),+];
    };
}

functions! {
    /// `static int load_module(struct load_info *info, const char __user *uargs, int flags)`
    LOAD_MODULE "load_module" 3 passed;
    /// `ssize_t kernel_read_file(struct file *file, loff_t offset, void **buf, size_t buf_size, size_t *file_size, enum kernel_read_file_id id)`
    KERNEL_READ_FILE "kernel_read_file" 6 read;
    /// `static int idempotent_init_module(struct file *f, const char __user *uargs, int flags)`
    IDEMPOTENT_INIT_MODULE "idempotent_init_module" 3 read;
    /// `static int init_module_from_file(struct file *f, const char __user *uargs, int flags)`
    INIT_MODULE_FROM_FILE "init_module_from_file" 3 passed;
    /// `int module_frob_arch_sections(Elf_Ehdr *hdr, Elf_Shdr *sechdrs, char *secstrings, struct module *mod)`
    MODULE_FROB_ARCH_SECTIONS "module_frob_arch_sections" 4 read;
    /// `struct module *find_module_all(const char *name, size_t len, bool even_unformed)`
    FIND_MODULE_ALL "find_module_all" 3 read;
    /// `static bool finished_loading(const char *name)`
    FINISHED_LOADING "finished_loading" 1 read;
    /// `static int add_unformed_module(struct module *mod)`
    ADD_UNFORMED_MODULE "add_unformed_module" 1 read;
    /// `static noinline int do_init_module(struct module *mod)`
    DO_INIT_MODULE "do_init_module" 1 read;
    /// `int do_one_initcall(initcall_t fn)`
    DO_ONE_INITCALL "do_one_initcall" 1 read;
    /// `void async_synchronize_full(void)`
    ASYNC_SYNCHRONIZE_FULL "async_synchronize_full" 0 passed;
    /// `int klp_module_coming(struct module *mod)`
    KLP_MODULE_COMING "klp_module_coming" 1 read;
    /// `void klp_module_going(struct module *mod)`
    KLP_MODULE_GOING "klp_module_going" 1 read;
    /// `int blocking_notifier_call_chain(struct blocking_notifier_head *nh, unsigned long val, void *v)`
    BLOCKING_NOTIFIER_CALL_CHAIN "blocking_notifier_call_chain" 3 read;
    /// `void mod_sysfs_teardown(struct module *mod)`
    MOD_SYSFS_TEARDOWN "mod_sysfs_teardown" 1 passed;
    /// `static void free_module(struct module *mod)`
    FREE_MODULE "free_module" 1 read;
    /// `int module_decompress(struct load_info *info, const void *buf, size_t size)`
    MODULE_DECOMPRESS "module_decompress" 3 passed;
    /// `int module_sig_check(struct load_info *info, int flags)`
    MODULE_SIG_CHECK "module_sig_check" 2 passed;
    /// `int mod_verify_sig(const void *mod, struct load_info *info)`
    MOD_VERIFY_SIG "mod_verify_sig" 2 passed;
    /// `int check_modstruct_version(const struct load_info *info, struct module *mod)`
    CHECK_MODSTRUCT_VERSION "check_modstruct_version" 2 passed;
    /// `int module_enforce_rwx_sections(const Elf_Ehdr *hdr, const Elf_Shdr *sechdrs, const char *secstrings, const struct module *mod)`
    MODULE_ENFORCE_RWX_SECTIONS "module_enforce_rwx_sections" 4 passed;
    /// `void *module_alloc(unsigned long size)`
    MODULE_ALLOC "module_alloc" 1 passed;
    /// `void *execmem_alloc(enum execmem_type type, size_t size)`
    EXECMEM_ALLOC "execmem_alloc" 2 passed;
    /// `static const struct kernel_symbol *resolve_symbol(struct module *mod, const struct load_info *info, const char *name, char ownername[])`
    RESOLVE_SYMBOL "resolve_symbol" 4 read;
    /// `int apply_relocate_add(Elf64_Shdr *sechdrs, const char *strtab, unsigned int symindex, unsigned int relsec, struct module *me)`
    APPLY_RELOCATE_ADD "apply_relocate_add" 5 passed;
    /// `int module_finalize(const Elf_Ehdr *hdr, const Elf_Shdr *sechdrs, struct module *me)`
    MODULE_FINALIZE "module_finalize" 3 passed;
    /// `char *strndup_user(const char __user *s, long n)`
    STRNDUP_USER "strndup_user" 2 passed;
    /// `int blocking_notifier_call_chain_robust(struct blocking_notifier_head *nh, unsigned long val_up, unsigned long val_down, void *v)`
    BLOCKING_NOTIFIER_CALL_CHAIN_ROBUST "blocking_notifier_call_chain_robust" 4 read;
    /// `char *parse_args(const char *doing, char *args, const struct kernel_param *params, unsigned int num, s16 min_level, s16 max_level,
    /// void *arg, parse_unknown_fn unknown)`
    PARSE_ARGS "parse_args" 8 passed;
    /// `int mod_sysfs_setup(struct module *mod, const struct load_info *info, struct kernel_param *kparam, unsigned int num_params)`
    MOD_SYSFS_SETUP "mod_sysfs_setup" 4 passed;
    /// `void synchronize_rcu(void)`
    SYNCHRONIZE_RCU "synchronize_rcu" 0 passed;
    /// `static noinline void __sched __mutex_lock_slowpath(struct mutex *lock)`
    MUTEX_LOCK_SLOWPATH "__mutex_lock_slowpath" 1 read;
    /// `static noinline int __sched __mutex_lock_interruptible_slowpath(struct mutex *lock)`
    MUTEX_LOCK_INTERRUPTIBLE_SLOWPATH "__mutex_lock_interruptible_slowpath" 1 read;
    /// `int vprintk_store(int facility, int level, const struct dev_printk_info *dev_info, const char *fmt, va_list args)`
    VPRINTK_STORE "vprintk_store" 5 passed;
    /// `static u16 printk_sprint(char *text, u16 size, int facility, enum printk_info_flags *flags, const char *fmt, va_list args)`
    PRINTK_SPRINT "printk_sprint" 6 read;
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
    /// `struct file_system_type *get_fs_type(const char *name)`
    GET_FS_TYPE "get_fs_type" 1 passed;
}
