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
    OFF_MODULE_EXIT
    OFF_FILE_INODE
    OFF_FILE_DENTRY
    OFF_DENTRY_NAME
    OFF_INODE_INO
    OFF_INODE_GENERATION
    OFF_INODE_SB
    OFF_SB_DEV
    OFF_TASK_PARENT
    OFF_TASK_TGID
    OFF_TASK_COMM
    OFF_TASK_FILES
    OFF_FILES_FDT
    OFF_FDT_MAX_FDS
    OFF_FDT_FD
    OFF_TASK_PID
    OFF_TASK_FLAGS
    OFF_TASK_EXIT_CODE
    OFF_TASK_WORKER_PRIVATE
    OFF_TASK_SET_CHILD_TID
    OFF_KTHREAD_DATA
    OFF_WORKER_CURRENT_FUNC
    OFF_SUBPROCESS_WORK
    OFF_SUBPROCESS_PATH
    OFF_BPRM_FILENAME
    OFF_MUTEX_OWNER
    OFF_TASK_CRED
    OFF_CRED_EUID
    OFF_CRED_CAPABILITIES
    OFF_CRED_USER_NS
    OFF_USER_NS_LEVEL
    OFF_SKB_SK
    OFF_SKB_DATA
    OFF_SOCK_PROTOCOL
    OFF_FILE_MOUNT
    OFF_DENTRY_PARENT
    OFF_VFSMOUNT_ROOT
    OFF_MOUNT_VFSMOUNT
    OFF_MOUNT_PARENT
    OFF_MOUNT_MOUNTPOINT
}

/// Address of `module_notify_list`; 0 when it is not known.
#[unsafe(no_mangle)]
pub static MODULE_NOTIFY_LIST: Global<u64> = Global::new(0);

/// Address of `module_mutex`; 0 when it is not known.
#[unsafe(no_mangle)]
pub static MODULE_MUTEX: Global<u64> = Global::new(0);

/// Address of `kmod_wq`, on which requests wait for a slot up to 6.3; 0 for later kernels.
#[unsafe(no_mangle)]
pub static KMOD_QUEUE: Global<u64> = Global::new(0);

/// Address of `kmod_concurrent_max`: how many slots are free, up to 6.3.
#[unsafe(no_mangle)]
pub static KMOD_SLOTS: Global<u64> = Global::new(0);

/// Address of the buffer in which `vprintk_store` of 5.10 and before writes a line; 0 for later kernels, which have none.
#[unsafe(no_mangle)]
pub static PRINTK_TEXT: Global<u64> = Global::new(0);

// Numbers that no recording holds: added to addresses, they hide where the kernel and its objects lie. One for each kind of object, since
// the distance of two areas of the kernel's memory would tell of either.

/// For functions.
#[unsafe(no_mangle)]
pub static CALL_KEY: Global<u64> = Global::new(0);

/// For `struct module`.
#[unsafe(no_mangle)]
pub static MODULE_KEY: Global<u64> = Global::new(0);

/// For `struct subprocess_info`.
#[unsafe(no_mangle)]
pub static HELPER_KEY: Global<u64> = Global::new(0);

/// 1 when stacks of requesters were asked for.
#[unsafe(no_mangle)]
pub static WITH_STACKS: Global<u32> = Global::new(0);

/// 1 when the kernel has `bpf_snprintf` (5.13 and later).
#[unsafe(no_mangle)]
pub static HAVE_SNPRINTF: Global<u32> = Global::new(0);
