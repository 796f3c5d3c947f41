//! Numbers of this kernel that the BPF programs read as globals, since rustc emits no CO-RE relocations.

use std::collections::BTreeSet;

use super::spec::Family;
use crate::kernel::facts::{Addresses, KernelFacts};

/// A global of the BPF object and where its value comes from.
#[derive(Debug)]
pub struct GlobalSpec {
    /// Its name in the object.
    pub name: &'static str,
    /// Where the value comes from.
    pub source: GlobalSource,
    /// What is not observed when the kernel does not have it.
    pub loses: &'static str,
}

/// Where the value of a global comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobalSource {
    /// The byte offset of a member: struct, path. A `u32`; `u32::MAX` when absent.
    Member(&'static str, &'static str),
    /// The address of a data symbol. A `u64`; 0 when unknown.
    Address(&'static str),
    /// Whether the kernel has a BPF helper. A `u32`: 0 or 1.
    Helper(&'static str),
    /// Whether a family was asked for. A `u32`: 0 or 1.
    Asked(Family),
}

impl GlobalSource {
    /// How facts name it, as `module.name`.
    pub fn key(&self) -> String {
        match self {
            Self::Member(structure, path) => format!("{structure}.{path}"),
            Self::Address(name) | Self::Helper(name) => (*name).to_owned(),
            Self::Asked(family) => family.name().to_owned(),
        }
    }

    /// How messages call it when the kernel does not have it.
    pub(super) const fn lacking(&self) -> &'static str {
        match self {
            Self::Member(..) => "not in BTF",
            Self::Address(_) => "no address",
            Self::Helper(_) => "no BPF helper",
            Self::Asked(_) => "not asked for",
        }
    }

    /// Whether the kernel has it. Facts of before a member was asked for do not say that it lacks it.
    pub fn is_known(&self, facts: &KernelFacts) -> bool {
        match self {
            Self::Member(..) => facts.offsets.get(&self.key()) != Some(&None),
            Self::Address(symbol) => facts.addresses && facts.data_symbols.get(*symbol) == Some(&true),
            Self::Helper(helper) => facts.environment.helpers.get(*helper) == Some(&true),
            // It is the user's to say, not the kernel's.
            Self::Asked(_) => true,
        }
    }
}

/// The value of a global, in its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobalValue {
    /// A `u32`.
    U32(u32),
    /// A `u64`.
    U64(u64),
}

const fn global(name: &'static str, source: GlobalSource, loses: &'static str) -> GlobalSpec {
    GlobalSpec { name, source, loses }
}

const FILE: &str = "which tasks load one file: its inode";
const FILE_NAME: &str = "file names, and with them the names of modules that fail before their image is read";
const DEVICES: &str = "devices that udev loads modules for";
const PATH: &str = "where files of modules lie: their paths";
const EARLY_FILE: &str = "files of loads that fail before they read them";
const DEVICE: &str = "devices of files: equal inode numbers of two file systems cannot be told apart";
const TASKS: &str = "parents of tasks, and tasks that helpers start or that hold module_mutex";
const WORK: &str = "functions that kworkers run as they request a module";
const CALLER: &str = "users that load modules, and whether they may";
const HELPERS: &str = "programs that helpers run, and what they end with";

/// Those that are drawn anew each time: what hides the addresses of functions, modules and helpers from a recording.
pub const KEYS: [&str; 3] = ["CALL_KEY", "MODULE_KEY", "HELPER_KEY"];

/// Every other one. `module.state` and `module.name` are at 0 and 24 in every kernel seen so far, which is no reason to assume it.
pub const GLOBALS: &[GlobalSpec] = &[
    global(
        "OFF_MODULE_STATE",
        GlobalSource::Member("module", "state"),
        "states of modules that loads collided with",
    ),
    global(
        "OFF_MODULE_NAME",
        GlobalSource::Member("module", "name"),
        "names of modules where the kernel hands over a struct module",
    ),
    global(
        "OFF_MODULE_EXIT",
        GlobalSource::Member("module", "exit"),
        "names of exit functions",
    ),
    global("OFF_FILE_INODE", GlobalSource::Member("file", "f_inode"), FILE),
    global(
        "OFF_FILE_DENTRY",
        GlobalSource::Member("file", "f_path.dentry"),
        FILE_NAME,
    ),
    global(
        "OFF_DENTRY_NAME",
        GlobalSource::Member("dentry", "d_name.name"),
        FILE_NAME,
    ),
    global("OFF_INODE_INO", GlobalSource::Member("inode", "i_ino"), FILE),
    global("OFF_INODE_SB", GlobalSource::Member("inode", "i_sb"), DEVICE),
    global("OFF_SB_DEV", GlobalSource::Member("super_block", "s_dev"), DEVICE),
    global(
        "OFF_TASK_PARENT",
        GlobalSource::Member("task_struct", "real_parent"),
        TASKS,
    ),
    global("OFF_TASK_TGID", GlobalSource::Member("task_struct", "tgid"), TASKS),
    global("OFF_TASK_COMM", GlobalSource::Member("task_struct", "comm"), TASKS),
    global(
        "OFF_TASK_FILES",
        GlobalSource::Member("task_struct", "files"),
        EARLY_FILE,
    ),
    global("OFF_FILES_FDT", GlobalSource::Member("files_struct", "fdt"), EARLY_FILE),
    global(
        "OFF_FDT_MAX_FDS",
        GlobalSource::Member("fdtable", "max_fds"),
        EARLY_FILE,
    ),
    global("OFF_FDT_FD", GlobalSource::Member("fdtable", "fd"), EARLY_FILE),
    global("OFF_TASK_PID", GlobalSource::Member("task_struct", "pid"), TASKS),
    global("OFF_TASK_FLAGS", GlobalSource::Member("task_struct", "flags"), WORK),
    global(
        "OFF_TASK_EXIT_CODE",
        GlobalSource::Member("task_struct", "exit_code"),
        HELPERS,
    ),
    // The place of the struct kthread since 5.17; before, set_child_tid is.
    global(
        "OFF_TASK_WORKER_PRIVATE",
        GlobalSource::Member("task_struct", "worker_private"),
        "",
    ),
    global(
        "OFF_TASK_SET_CHILD_TID",
        GlobalSource::Member("task_struct", "set_child_tid"),
        WORK,
    ),
    global("OFF_KTHREAD_DATA", GlobalSource::Member("kthread", "data"), WORK),
    global(
        "OFF_WORKER_CURRENT_FUNC",
        GlobalSource::Member("worker", "current_func"),
        WORK,
    ),
    global(
        "OFF_SUBPROCESS_WORK",
        GlobalSource::Member("subprocess_info", "work"),
        HELPERS,
    ),
    global(
        "OFF_SUBPROCESS_PATH",
        GlobalSource::Member("subprocess_info", "path"),
        HELPERS,
    ),
    global(
        "OFF_BPRM_FILENAME",
        GlobalSource::Member("linux_binprm", "filename"),
        HELPERS,
    ),
    global(
        "OFF_MUTEX_OWNER",
        GlobalSource::Member("mutex", "owner"),
        "who holds module_mutex",
    ),
    global("OFF_TASK_CRED", GlobalSource::Member("task_struct", "cred"), CALLER),
    global("OFF_CRED_EUID", GlobalSource::Member("cred", "euid"), CALLER),
    global(
        "OFF_CRED_CAPABILITIES",
        GlobalSource::Member("cred", "cap_effective"),
        CALLER,
    ),
    global("OFF_CRED_USER_NS", GlobalSource::Member("cred", "user_ns"), CALLER),
    global(
        "OFF_USER_NS_LEVEL",
        GlobalSource::Member("user_namespace", "level"),
        CALLER,
    ),
    global("OFF_SKB_SK", GlobalSource::Member("sk_buff", "sk"), DEVICES),
    global("OFF_SKB_DATA", GlobalSource::Member("sk_buff", "data"), DEVICES),
    global(
        "OFF_SOCK_PROTOCOL",
        GlobalSource::Member("sock", "sk_protocol"),
        DEVICES,
    ),
    // Without it a removed file's path may be taken for a new one's within the minute.
    global(
        "OFF_INODE_GENERATION",
        GlobalSource::Member("inode", "i_generation"),
        PATH,
    ),
    global("OFF_FILE_MOUNT", GlobalSource::Member("file", "f_path.mnt"), PATH),
    global("OFF_DENTRY_PARENT", GlobalSource::Member("dentry", "d_parent"), PATH),
    global("OFF_VFSMOUNT_ROOT", GlobalSource::Member("vfsmount", "mnt_root"), PATH),
    global("OFF_MOUNT_VFSMOUNT", GlobalSource::Member("mount", "mnt"), PATH),
    global("OFF_MOUNT_PARENT", GlobalSource::Member("mount", "mnt_parent"), PATH),
    global(
        "OFF_MOUNT_MOUNTPOINT",
        GlobalSource::Member("mount", "mnt_mountpoint"),
        PATH,
    ),
    // What is lost without them is told by the probes that need them.
    global("MODULE_NOTIFY_LIST", GlobalSource::Address("module_notify_list"), ""),
    global("MODULE_MUTEX", GlobalSource::Address("module_mutex"), ""),
    global("KMOD_QUEUE", GlobalSource::Address("kmod_wq"), ""),
    global("KMOD_SLOTS", GlobalSource::Address("kmod_concurrent_max"), ""),
    global("PRINTK_TEXT", GlobalSource::Address("textbuf"), ""),
    global(
        "WITH_STACKS",
        GlobalSource::Asked(Family::Stacks),
        "kernel stacks of requests",
    ),
    global(
        "HAVE_SNPRINTF",
        GlobalSource::Helper("bpf_snprintf"),
        "symbols: of init functions only their addresses are known, of callers, work and stacks nothing; paths of files",
    ),
];

/// Every global with its value for this kernel and these families.
pub fn values(
    facts: &KernelFacts,
    addresses: &Addresses,
    families: &BTreeSet<Family>,
) -> Vec<(&'static str, GlobalValue)> {
    let value = |source: &GlobalSource| match source {
        GlobalSource::Member(..) => {
            GlobalValue::U32(facts.offsets.get(&source.key()).copied().flatten().unwrap_or(u32::MAX))
        }
        GlobalSource::Address(symbol) => GlobalValue::U64(addresses.get(symbol).unwrap_or(0)),
        GlobalSource::Helper(_) => GlobalValue::U32(u32::from(source.is_known(facts))),
        GlobalSource::Asked(family) => GlobalValue::U32(u32::from(families.contains(family))),
    };
    GLOBALS
        .iter()
        .map(|global| (global.name, value(&global.source)))
        .collect()
}
