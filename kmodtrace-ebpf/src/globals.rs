//! What user space tells the programs before they load. Read-only to them, so the verifier knows the values and cuts
//! what an absent offset makes unreachable.
//!
//! rustc emits no CO-RE relocations, so member offsets come from the running kernel's BTF this way.

use aya_ebpf::Global;

/// The running kernel does not have the member, or has no BTF that says where it is.
pub const ABSENT: u32 = u32::MAX;

macro_rules! offsets {
    ($($name:ident)+) => { $(#[unsafe(no_mangle)] pub static $name: Global<u32> = Global::new(ABSENT);)+ };
}

offsets! {
    OFF_MODULE_STATE
    OFF_MODULE_NAME
    OFF_FILE_INODE
    OFF_FILE_DENTRY
    OFF_DENTRY_NAME
    OFF_INODE_INO
    OFF_INODE_SB
    OFF_SB_DEV
    OFF_TASK_PARENT
    OFF_TASK_TGID
    OFF_TASK_COMM
    OFF_TASK_FILES
    OFF_FILES_FDT
    OFF_FDT_MAX_FDS
    OFF_FDT_FD
}

/// Address of `module_notify_list`; 0 when it is not known.
#[unsafe(no_mangle)]
pub static MODULE_NOTIFY_LIST: Global<u64> = Global::new(0);

/// 1 when the kernel has `bpf_snprintf` (5.13 and later).
#[unsafe(no_mangle)]
pub static HAVE_SNPRINTF: Global<u32> = Global::new(0);
