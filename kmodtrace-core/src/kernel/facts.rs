//! What a running kernel offers and what this process may do there: the only input of the plan.
//!
//! Facts are gathered once at start by the Linux driver and kept in every recording, so a plan can be worked out again
//! elsewhere. They never hold an address of the kernel: those are in [`Addresses`], which is not written anywhere.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{btf, kallsyms};

/// Name and version of the JSON form of [`KernelFacts`].
pub const SCHEMA: &str = "kmodtrace.facts/1";
/// A text symbol that is there exactly when trampolines can be attached to functions (`CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS`,
/// kernel/trace/ftrace.c): without it the kernel refuses fentry on anything but another BPF program.
const FTRACE_SYMBOL: &str = "register_ftrace_direct";

/// A text symbol of x86 kernels that put more than six arguments into a trampoline's frame ("bpf, x86: allow function arguments up
/// to 12 for TRACING", 6.6; before, a function of another name did it).
const WIDE_SYMBOL: &str = "save_args";

/// A text symbol that is there exactly when one link can carry probes on many functions (`CONFIG_FPROBE`, kernel/trace/fprobe.c,
/// 5.18 and later).
const FPROBE_SYMBOL: &str = "register_fprobe_ips";

/// A text symbol that is there exactly when the BPF ring buffer is (kernel/bpf/ringbuf.c, 5.8 and later).
const RING_BUFFER_SYMBOL: &str = "bpf_ringbuf_output";

/// A data symbol of every kernel (`init/init_task.c`): where kallsyms does not have it, it has no data.
const ALWAYS_THERE: &str = "init_task";

/// While `struct fprobe` has this member, returns take an instance of a pool (`fprobe_init_rethook`); later kernels keep them on a
/// shadow stack of each task ("fprobe: Rewrite fprobe on function-graph tracer", 6.14).
const RETURN_POOL: (&str, &str) = ("fprobe", "rethook");

/// Where the kernel tells how many entries and returns a link of many functions missed ("bpf: Add missed value to `kprobe_multi` link
/// info", 6.7).
const LINK_MISSED: (&str, &str) = ("bpf_link_info", "kprobe_multi.missed");

/// What is looked for in a kernel.
#[derive(Clone, Debug)]
pub struct Questions {
    /// Functions, and how many arguments each is taken to have.
    pub functions: Vec<(String, u32)>,
    /// Text symbols beside those of the functions.
    pub symbols: Vec<&'static str>,
    /// Data symbols.
    pub data_symbols: BTreeSet<&'static str>,
    /// Members of structs, as (struct, path).
    pub members: BTreeSet<(&'static str, &'static str)>,
    /// Structs and typedefs.
    pub types: BTreeSet<&'static str>,
    /// BPF helpers.
    pub helpers: Vec<&'static str>,
    /// Tracepoints, as (group, name).
    pub tracepoints: Vec<(&'static str, &'static str)>,
}

impl Default for Questions {
    /// What facts are made of whatever is to be traced.
    fn default() -> Self {
        Self {
            functions: Vec::new(),
            symbols: vec![FTRACE_SYMBOL, FPROBE_SYMBOL, RING_BUFFER_SYMBOL, WIDE_SYMBOL],
            data_symbols: BTreeSet::from([ALWAYS_THERE]),
            members: BTreeSet::from([RETURN_POOL, LINK_MISSED]),
            types: BTreeSet::new(),
            helpers: Vec::new(),
            tracepoints: Vec::new(),
        }
    }
}

impl Questions {
    /// All text symbols, functions among them.
    pub fn text_symbols(&self) -> Vec<&str> {
        let functions = self.functions.iter().map(|(name, _)| name.as_str());
        functions.chain(self.symbols.iter().copied()).collect()
    }
}

/// When the kernel takes the processor from a task that runs the kernel's own code (kernel/Kconfig.preempt).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preemption {
    /// Nowhere, or only where the code offers it (`PREEMPT_NONE`, `PREEMPT_VOLUNTARY`).
    None,
    /// Anywhere (`PREEMPT`).
    Full,
    /// Anywhere, for most tasks not before the next tick (`PREEMPT_LAZY`).
    Lazy,
    /// Anywhere, most locks held or not (`PREEMPT_RT`).
    Rt,
}

impl Preemption {
    /// The one that the kernel calls so on its command line (`preempt=`) and in `/sys/kernel/debug/sched/preempt`.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "none" | "voluntary" => Some(Self::None),
            "full" => Some(Self::Full),
            "lazy" => Some(Self::Lazy),
            _ => None,
        }
    }

    /// How messages call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Full => "full",
            Self::Lazy => "lazy",
            Self::Rt => "RT",
        }
    }
}

/// What the driver reads outside BTF and kallsyms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// `uname -r`.
    pub release: String,
    /// `uname -m`.
    pub arch: String,
    /// CPUs that are online.
    pub cpus: u32,
    /// CPUs that there may ever be (`/sys/devices/system/cpu/possible`); 0 where facts do not say.
    #[serde(default)]
    pub possible_cpus: u32,
    /// Bytes of a page.
    pub page_size: u32,
    /// When the kernel preempts its own code; none when it could not be told.
    #[serde(default)]
    pub preemption: Option<Preemption>,
    /// Whether the kernel has modules (`CONFIG_MODULES`: `/proc/modules` exists); none when it could not be told.
    pub modules: Option<bool>,
    /// Whether kprobes can be made (`CONFIG_KPROBE_EVENTS`: `/sys/bus/event_source/devices/kprobe` exists).
    pub kprobes: bool,
    /// Whether tracefs can be read.
    pub tracefs: bool,
    /// Whether tracefs has the tracepoints of single system calls (`CONFIG_FTRACE_SYSCALLS`).
    pub tracepoints: bool,
    /// Whether tracefs has the tracepoints that were asked for, by name; empty where it cannot be read.
    #[serde(default)]
    pub events: BTreeMap<String, bool>,
    /// BPF helpers that the driver tried, and whether the kernel has them.
    pub helpers: BTreeMap<String, bool>,
    /// Effective capabilities, as `CAP_BPF`; only those in [`CAPABILITIES`].
    pub capabilities: BTreeSet<String>,
    /// Effective user id.
    pub uid: u32,
    /// The lockdown in force (`none`, `integrity`, `confidentiality`); none when the kernel has no lockdown.
    pub lockdown: Option<String>,
    /// `kernel.modules_disabled`: nobody can load or unload a module until the next boot.
    #[serde(default)]
    pub modules_disabled: Option<bool>,
    /// `module.sig_enforce`: only modules that a key of the kernel signed are loaded. None when the kernel checks no signatures, too.
    #[serde(default)]
    pub sig_enforce: Option<bool>,
    /// Whether `/lib/modules/RELEASE` has the list that modprobe looks modules up in (`modules.dep` or `modules.dep.bin`).
    #[serde(default)]
    pub modules_dep: Option<bool>,
    /// `kernel.unprivileged_bpf_disabled`.
    pub unprivileged_bpf_disabled: Option<i32>,
    /// `kernel.perf_event_paranoid`.
    pub perf_event_paranoid: Option<i32>,
}

/// Capabilities that decide whether tracing works, in the order in which messages name them.
pub const CAPABILITIES: &[&str] = &[
    "CAP_BPF",
    "CAP_PERFMON",
    "CAP_SYSLOG",
    "CAP_SYS_ADMIN",
    "CAP_DAC_READ_SEARCH",
];

/// One function of the kernel, as BTF and kallsyms have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionFacts {
    /// How many arguments BTF gives it; none when BTF has no function of that name.
    pub btf_args: Option<u32>,
    /// Whether it takes variable arguments: fentry is refused on such.
    pub variadic: bool,
    /// Text symbols of exactly that name. More than one is ambiguous: the kernel would attach to the first.
    pub symbols: u32,
    /// Symbols that the compiler made of it, such as `find_module_all.isra.0`.
    pub variants: Vec<String>,
}

/// What a kernel offers and what this process may do there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KernelFacts {
    /// [`SCHEMA`].
    pub schema: String,
    /// What is known outside BTF and kallsyms.
    #[serde(flatten)]
    pub environment: Environment,
    /// Whether the kernel describes its types (`CONFIG_DEBUG_INFO_BTF`) in a way that could be read.
    pub btf: bool,
    /// Whether trampolines (fentry, fexit) can be attached to functions.
    pub ftrace: bool,
    /// Whether one link can carry probes on many functions (`CONFIG_FPROBE`); none where that could not be told.
    #[serde(default)]
    pub fprobe: Option<bool>,
    /// Whether the kernel has the BPF ring buffer that records cross; none where that could not be told.
    #[serde(default)]
    pub ring_buffer: Option<bool>,
    /// How many arguments a function may have that a trampoline is attached to.
    #[serde(default = "narrow_trampolines")]
    pub trampoline_args: u32,
    /// Whether kallsyms shows addresses to this process.
    pub addresses: bool,
    /// The functions that were asked for, by their name in the kernel.
    pub functions: BTreeMap<String, FunctionFacts>,
    /// Byte offsets of struct members, as `module.name`; none where BTF does not have the member.
    pub offsets: BTreeMap<String, Option<u32>>,
    /// The data symbols that were asked for, and whether kallsyms has them: see [`Self::data_symbol`].
    pub data_symbols: BTreeMap<String, bool>,
    /// Types and typedefs that were asked for, and whether BTF has them. Empty without BTF: then nobody knows.
    pub types: BTreeMap<String, bool>,
}

/// What every trampoline takes; also what is taken for granted where facts do not say.
const fn narrow_trampolines() -> u32 {
    6
}

/// Addresses of the functions and data symbols that were asked for. Kept apart from [`KernelFacts`] so that none gets into a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(BTreeMap<String, u64>);

impl Addresses {
    /// The address of a symbol, if kallsyms showed it.
    pub fn get(&self, symbol: &str) -> Option<u64> {
        self.0.get(symbol).copied()
    }
}

/// Facts that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// Not JSON, or not of the shape.
    #[error("not facts of kmodtrace")]
    Shape(#[from] serde_json::Error),
    /// JSON of something else, or of a version that this build does not know.
    #[error("expected \"{SCHEMA}\" or the output of \"kmodtrace check --json\", found schema \"{0}\"")]
    Schema(String),
}

impl KernelFacts {
    /// Puts together what was gathered. Also gives the addresses, for the moment of attaching only.
    pub fn new(
        environment: Environment,
        questions: &Questions,
        btf: Option<&btf::BtfAnswers>,
        symbols: &kallsyms::SymbolAnswers,
    ) -> (Self, Addresses) {
        let mut functions = BTreeMap::new();
        for (name, _) in &questions.functions {
            let prototype = btf
                .and_then(|btf| btf.functions.get(name))
                .map(|function| function.prototype);
            let symbol = symbols.functions.get(name);
            let facts = FunctionFacts {
                btf_args: prototype.map(|prototype| prototype.args),
                variadic: prototype.is_some_and(|prototype| prototype.variadic),
                symbols: symbol.map_or(0, |symbol| symbol.count),
                variants: symbol.map_or_else(Vec::new, |symbol| {
                    symbol.variants.iter().map(|(name, _)| name.clone()).collect()
                }),
            };
            functions.insert(name.clone(), facts);
        }
        let offsets = questions
            .members
            .iter()
            .map(|(structure, path)| format!("{structure}.{path}"))
            .map(|member| (btf.and_then(|btf| btf.members.get(&member).copied()), member))
            .map(|(offset, member)| (member, offset))
            .collect();
        let data = |name: &str| symbols.data.get(name).copied();
        let functions_at = symbols.functions.iter().flat_map(|(name, symbol)| {
            let variants = symbol.variants.iter().cloned();
            let all = variants.chain([(name.clone(), symbol.address)]);
            all.filter_map(|(name, address)| Some((name, address?)))
        });
        let addresses = questions
            .data_symbols
            .iter()
            .filter_map(|name| data(name).flatten().map(|address| ((*name).to_owned(), address)))
            .chain(functions_at)
            .collect();
        let has = |name: &str| symbols.functions.get(name).is_some_and(|symbol| symbol.count > 0);
        let facts = Self {
            schema: SCHEMA.to_owned(),
            btf: btf.is_some(),
            ftrace: has(FTRACE_SYMBOL),
            fprobe: (!symbols.functions.is_empty()).then(|| has(FPROBE_SYMBOL)),
            ring_buffer: (!symbols.functions.is_empty()).then(|| has(RING_BUFFER_SYMBOL)),
            trampoline_args: match environment.arch.as_str() {
                "x86_64" if !has(WIDE_SYMBOL) => narrow_trampolines(),
                "x86_64" => 12,
                // Those of arm64 have as many as there are registers for since they exist.
                _ => 8,
            },
            environment,
            addresses: symbols.addresses,
            functions,
            offsets,
            data_symbols: questions
                .data_symbols
                .iter()
                .map(|name| ((*name).to_owned(), data(name).is_some()))
                .collect(),
            types: btf.map_or_else(BTreeMap::new, |btf| {
                let types = questions.types.iter();
                types
                    .map(|name| ((*name).to_owned(), btf.types.contains(*name)))
                    .collect()
            }),
        };
        (facts, Addresses(addresses))
    }

    /// Reads facts back from their own JSON, or from the output of `kmodtrace check --json`, which holds them.
    pub fn from_json(text: &str) -> Result<Self, FactsError> {
        let mut value: serde_json::Value = serde_json::from_str(text)?;
        if let Some(inner) = value.get_mut("facts") {
            value = inner.take();
        }
        match value.get("schema").and_then(serde_json::Value::as_str) {
            Some(SCHEMA) => Ok(serde_json::from_value(value)?),
            other => Err(FactsError::Schema(other.unwrap_or("none").to_owned())),
        }
    }

    /// Whether the kernel preempts its own code; none when that could not be told.
    pub fn preempts(&self) -> Option<bool> {
        self.environment
            .preemption
            .map(|preemption| preemption != Preemption::None)
    }

    /// Whether returns of kprobe.multi take an instance of a pool; where BTF does not say, they may.
    pub fn has_return_pool(&self) -> bool {
        !self.btf || self.offset(RETURN_POOL) != Some(None)
    }

    /// Whether the kernel tells what kprobe.multi has missed.
    pub fn counts_missed_links(&self) -> bool {
        self.offset(LINK_MISSED).flatten().is_some()
    }

    /// Where a member is: none when nobody asked, none within when BTF does not have it.
    #[expect(clippy::option_option, reason = "not asked for and not there are two answers")]
    fn offset(&self, (structure, path): (&str, &str)) -> Option<Option<u32>> {
        self.offsets.get(&format!("{structure}.{path}")).copied()
    }

    /// Whether kallsyms has any function.
    pub fn lists_functions(&self) -> bool {
        self.functions.values().any(|function| function.symbols > 0)
    }

    /// Whether kallsyms has data at all (`CONFIG_KALLSYMS_ALL`). Facts of before that was asked tell by what every kernel with modules has
    /// too.
    fn lists_data(&self) -> bool {
        let listed = |name: &str| self.data_symbols.get(name) == Some(&true);
        [ALWAYS_THERE, "module_notify_list", "__tracepoint_sched_process_exit"]
            .into_iter()
            .any(listed)
    }

    /// Whether the kernel has a data symbol; none where kallsyms would not say so.
    pub fn data_symbol(&self, name: &str) -> Option<bool> {
        let listed = self.data_symbols.get(name).copied();
        listed.filter(|listed| *listed || self.lists_data())
    }

    /// Whether the kernel has a tracepoint: one place where it shows is enough. None where nobody knows.
    pub fn tracepoint(&self, name: &str, symbol: &str, typedef: &str) -> Option<bool> {
        let told = [
            self.data_symbol(symbol),
            self.types.get(typedef).copied(),
            self.environment.events.get(name).copied(),
        ];
        told.into_iter().flatten().max()
    }

    /// Whether the kernel has the ring buffer that records cross (`BPF_MAP_TYPE_RINGBUF`, 5.8). Where facts do not say, no more than the
    /// release is left to go by: distributions do not take the map back to kernels that are older.
    pub fn has_ring_buffer(&self) -> bool {
        let mut numbers = self.environment.release.split(['.', '-']).map(str::parse::<u32>);
        self.ring_buffer
            .unwrap_or_else(|| match (numbers.next(), numbers.next()) {
                (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (5, 8),
                _ => true,
            })
    }

    /// Whether this process holds a capability.
    pub fn capable(&self, capability: &str) -> bool {
        self.environment.capabilities.contains(capability)
    }
}
