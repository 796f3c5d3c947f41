//! The functions that a load passes: that it came there, and what they returned.

use kmodtrace_common::kind;

use crate::arguments::Arguments;
use crate::emit::{emit_plain, emit_ret, tid};
use crate::maps::{current_task, progress};
use crate::probes::{entry, exit, int, pointer_error, void_exit};

/// Tells the moment of an entry inside an attempt.
#[inline(always)]
pub fn entered<const KIND: u16>(_ctx: &impl Arguments) {
    left::<KIND>();
}

/// Tells the moment of a return inside an attempt.
#[inline(always)]
pub fn left<const KIND: u16>() {
    if current_task(tid()).is_some() {
        emit_plain(KIND);
    }
}

/// Tells an `int` that was returned inside an attempt.
#[inline(always)]
pub fn returned<const KIND: u16>(ret: u64) {
    if current_task(tid()).is_some() {
        emit_ret(KIND, int(ret));
    }
}

// module_decompress(info, buf, size), kernel/module/decompress.c since 5.17
entry!(
    fentry_module_decompress,
    kprobe_module_decompress,
    entered::<{ kind::DECOMPRESS_ENTER }>
);
exit!(
    fexit_module_decompress,
    kretprobe_module_decompress,
    MODULE_DECOMPRESS,
    returned::<{ kind::DECOMPRESS_EXIT }>
);

// module_sig_check(info, flags), kernel/module/signing.c
entry!(
    fentry_module_sig_check,
    kprobe_module_sig_check,
    entered::<{ kind::SIG_CHECK_ENTER }>
);
exit!(
    fexit_module_sig_check,
    kretprobe_module_sig_check,
    MODULE_SIG_CHECK,
    returned::<{ kind::SIG_CHECK_EXIT }>
);

// mod_verify_sig(mod, info), kernel/module/signing.c
exit!(
    fexit_mod_verify_sig,
    kretprobe_mod_verify_sig,
    MOD_VERIFY_SIG,
    returned::<{ kind::VERIFY_SIG_EXIT }>
);

// check_modstruct_version(info, mod), kernel/module/version.c
exit!(
    fexit_check_modstruct_version,
    kretprobe_check_modstruct_version,
    CHECK_MODSTRUCT_VERSION,
    returned::<{ kind::MODSTRUCT_EXIT }>
);

// module_enforce_rwx_sections(hdr, sechdrs, secstrings, mod), kernel/module/strict_rwx.c
exit!(
    fexit_module_enforce_rwx_sections,
    kretprobe_module_enforce_rwx_sections,
    MODULE_ENFORCE_RWX_SECTIONS,
    returned::<{ kind::RWX_EXIT }>
);

#[inline(always)]
fn allocated(memory: u64) {
    const ENOMEM: i64 = 12;
    if memory == 0 && current_task(tid()).is_some() {
        emit_ret(kind::ALLOC_FAILED, -ENOMEM);
    }
}

// module_alloc(size), arch/x86/kernel/module.c up to 6.9; execmem_alloc(type, size), mm/execmem.c since 6.10
exit!(fexit_module_alloc, kretprobe_module_alloc, MODULE_ALLOC, allocated);
exit!(fexit_execmem_alloc, kretprobe_execmem_alloc, EXECMEM_ALLOC, allocated);

#[inline(always)]
fn relocate_enter(_ctx: &impl Arguments) {
    if let Some(task) = current_task(tid())
        && task.progress & progress::RELOCATED == 0
    {
        task.progress |= progress::RELOCATED;
        emit_plain(kind::RELOCATE_ENTER);
    }
}

#[inline(always)]
fn relocate_exit(ret: u64) {
    if int(ret) != 0 && current_task(tid()).is_some() {
        emit_ret(kind::RELOCATE_FAILED, int(ret));
    }
}

// apply_relocate_add(sechdrs, strtab, symindex, relsec, mod), arch/x86/kernel/module.c: for each section of relocations
entry!(fentry_apply_relocate_add, kprobe_apply_relocate_add, relocate_enter);
exit!(
    fexit_apply_relocate_add,
    kretprobe_apply_relocate_add,
    APPLY_RELOCATE_ADD,
    relocate_exit
);

// module_finalize(hdr, sechdrs, mod), arch/x86/kernel/module.c
entry!(
    fentry_module_finalize,
    kprobe_module_finalize,
    entered::<{ kind::FINALIZE_ENTER }>
);

#[inline(always)]
fn strndup_exit(ret: u64) {
    if let Some(task) = current_task(tid())
        && task.progress & progress::LOAD != 0
    {
        emit_ret(kind::STRNDUP_EXIT, pointer_error(ret));
    }
}

// strndup_user(s, n), mm/util.c
exit!(fexit_strndup_user, kretprobe_strndup_user, STRNDUP_USER, strndup_exit);

#[inline(always)]
fn parsed(ret: u64) {
    if current_task(tid()).is_some() {
        let error = pointer_error(ret);
        // A pointer of the kernel is negative as a number; that there is one is all that is told.
        emit_ret(
            kind::PARSE_ARGS_EXIT,
            if error == 0 { i64::from(ret != 0) } else { error },
        );
    }
}

// parse_args(doing, args, params, num, min_level, max_level, arg, unknown), kernel/params.c
entry!(
    fentry_parse_args,
    kprobe_parse_args,
    entered::<{ kind::PARSE_ARGS_ENTER }>
);
exit!(fexit_parse_args, kretprobe_parse_args, PARSE_ARGS, parsed);

// mod_sysfs_setup(mod, info, kparam, num_params), kernel/module/sysfs.c
entry!(
    fentry_mod_sysfs_setup,
    kprobe_mod_sysfs_setup,
    entered::<{ kind::SYSFS_ENTER }>
);
exit!(
    fexit_mod_sysfs_setup,
    kretprobe_mod_sysfs_setup,
    MOD_SYSFS_SETUP,
    returned::<{ kind::SYSFS_EXIT }>
);

// synchronize_rcu(void), kernel/rcu/tree.c
entry!(
    fentry_synchronize_rcu,
    kprobe_synchronize_rcu,
    entered::<{ kind::RCU_ENTER }>
);
void_exit!(
    fexit_synchronize_rcu,
    kretprobe_synchronize_rcu,
    left::<{ kind::RCU_EXIT }>
);
