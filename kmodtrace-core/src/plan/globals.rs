//! Numbers of this kernel that the BPF programs read as globals, since rustc emits no CO-RE relocations.

use crate::facts::{Addresses, KernelFacts};

/// A global of the BPF object and where its value comes from.
#[derive(Debug)]
pub struct GlobalSpec {
    /// Its name in the object.
    pub name: &'static str,
    /// Where the value comes from.
    pub source: Source,
    /// What is not observed when the kernel does not have it.
    pub loses: &'static str,
}

/// Where the value of a global comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The byte offset of a member: struct, path. A `u32`; `u32::MAX` when absent.
    Member(&'static str, &'static str),
    /// The address of a data symbol. A `u64`; 0 when unknown.
    Address(&'static str),
    /// Whether the kernel has a BPF helper. A `u32`: 0 or 1.
    Helper(&'static str),
}

impl Source {
    /// How facts name it, as `module.name`.
    pub fn key(&self) -> String {
        match self {
            Self::Member(structure, path) => format!("{structure}.{path}"),
            Self::Address(name) | Self::Helper(name) => (*name).to_owned(),
        }
    }

    /// How messages call it when the kernel does not have it.
    pub(super) const fn lacking(&self) -> &'static str {
        match self {
            Self::Member(..) => "not in BTF",
            Self::Address(_) => "no address",
            Self::Helper(_) => "no BPF helper",
        }
    }

    /// Whether the kernel has it.
    pub fn is_known(&self, facts: &KernelFacts) -> bool {
        match self {
            Self::Member(..) => facts.offsets.get(&self.key()).is_some_and(Option::is_some),
            Self::Address(symbol) => facts.addresses && facts.data_symbols.get(*symbol) == Some(&true),
            Self::Helper(helper) => facts.environment.helpers.get(*helper) == Some(&true),
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

const fn global(name: &'static str, source: Source, loses: &'static str) -> GlobalSpec {
    GlobalSpec { name, source, loses }
}

const FILE: &str = "which tasks load one file: its inode";
const FILE_NAME: &str = "file names, and with them the names of modules that fail before their image is read";
const EARLY_FILE: &str = "files of loads that fail before they read them";
const DEVICE: &str = "devices of files: equal inode numbers of two file systems cannot be told apart";
const PARENT: &str = "parents of the loading tasks";

/// Every global. `module.state` and `module.name` are at 0 and 24 in every kernel seen so far, which is no reason to assume it.
pub const GLOBALS: &[GlobalSpec] = &[
    global(
        "OFF_MODULE_STATE",
        Source::Member("module", "state"),
        "states of modules that loads collided with",
    ),
    global(
        "OFF_MODULE_NAME",
        Source::Member("module", "name"),
        "names of modules where the kernel hands over a struct module",
    ),
    global("OFF_FILE_INODE", Source::Member("file", "f_inode"), FILE),
    global("OFF_FILE_DENTRY", Source::Member("file", "f_path.dentry"), FILE_NAME),
    global("OFF_DENTRY_NAME", Source::Member("dentry", "d_name.name"), FILE_NAME),
    global("OFF_INODE_INO", Source::Member("inode", "i_ino"), FILE),
    global("OFF_INODE_SB", Source::Member("inode", "i_sb"), DEVICE),
    global("OFF_SB_DEV", Source::Member("super_block", "s_dev"), DEVICE),
    global("OFF_TASK_PARENT", Source::Member("task_struct", "real_parent"), PARENT),
    global("OFF_TASK_TGID", Source::Member("task_struct", "tgid"), PARENT),
    global("OFF_TASK_COMM", Source::Member("task_struct", "comm"), PARENT),
    global("OFF_TASK_FILES", Source::Member("task_struct", "files"), EARLY_FILE),
    global("OFF_FILES_FDT", Source::Member("files_struct", "fdt"), EARLY_FILE),
    global("OFF_FDT_MAX_FDS", Source::Member("fdtable", "max_fds"), EARLY_FILE),
    global("OFF_FDT_FD", Source::Member("fdtable", "fd"), EARLY_FILE),
    // What is lost without it is told by the probes that need it.
    global("MODULE_NOTIFY_LIST", Source::Address("module_notify_list"), ""),
    global(
        "HAVE_SNPRINTF",
        Source::Helper("bpf_snprintf"),
        "symbols of init functions: only their addresses are known",
    ),
];

/// Every global with its value for this kernel.
pub fn values(facts: &KernelFacts, addresses: &Addresses) -> Vec<(&'static str, GlobalValue)> {
    let value = |source: &Source| match source {
        Source::Member(..) => GlobalValue::U32(facts.offsets.get(&source.key()).copied().flatten().unwrap_or(u32::MAX)),
        Source::Address(symbol) => GlobalValue::U64(addresses.get(symbol).unwrap_or(0)),
        Source::Helper(_) => GlobalValue::U32(u32::from(source.is_known(facts))),
    };
    GLOBALS
        .iter()
        .map(|global| (global.name, value(&global.source)))
        .collect()
}
