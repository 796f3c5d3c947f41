//! The functions of a module, out of its file: which of them a probe can be put on, and why not on the others.
//!
//! A kprobe event on a module that is not loaded goes by names, and the kernel looks at it when the module comes: whatever it
//! refuses then is missing from the trace. So what it will refuse is told here, from what the file holds of its reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::elf::{Module, Place, Symbol, is_plain};
use super::error::ImageError;

/// How far behind its beginning a function has its call site: in front of it is one instruction that marks the target of a
/// jump, of 4 bytes (`endbr64`), and what else the compiler puts there is short.
const SITE_WITHIN: u64 = 16;

/// What a module has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Functions {
    /// The module's name, with underscores.
    pub name: String,
    /// Whether the file tells ftrace its call sites. Without, `found` has every function with a name: either the kernel has no
    /// ftrace, or, as for some of lib/, nothing of the module is traced, and the kernel refuses all of it. The file looks the
    /// same in both cases.
    pub call_sites: bool,
    /// The functions that can be probed, in the order in which they lie in the file.
    pub found: Vec<ProbeableFunction>,
    /// The others, in the same order. Several of one name are here several times.
    pub left_out: Vec<LeftOut>,
}

/// A function that can be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeableFunction {
    /// Its name, which no other symbol of the module has.
    pub name: String,
    /// Whether its code is freed when the module has been loaded.
    pub init: bool,
}

/// A function that cannot be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// The reason.
    pub why: Obstacle,
}

/// Why a function cannot be probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// ftrace has no call site in it, so the kernel takes it for one that must not be traced.
    NoTrace,
    /// Its authors marked it.
    NoProbe,
    /// Several symbols have this name.
    Ambiguous,
    /// A part that the compiler split off, or a trampoline.
    Part,
    /// It runs when the module is unloaded.
    Exit,
    /// A name that a line of `kprobe_events` cannot hold.
    OddName,
}

impl Obstacle {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 6] = [
        Self::NoTrace,
        Self::NoProbe,
        Self::Ambiguous,
        Self::Part,
        Self::Exit,
        Self::OddName,
    ];
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTrace => "not traceable: it has no call site for ftrace",
            Self::NoProbe => "marked as not to be probed",
            Self::Ambiguous => "several symbols of the module have this name",
            Self::Part => "no function of its own: a part that the compiler split off, or a trampoline",
            Self::Exit => "runs only when the module is unloaded",
            Self::OddName => "its name has characters that a probe event cannot hold",
        })
    }
}

/// Reads a module's file, unpacked.
pub fn functions(elf: &[u8]) -> Result<Functions, ImageError> {
    let module = Module::read(elf)?;
    let mut functions = Functions {
        name: module.name.clone(),
        call_sites: module.sites.is_some(),
        found: Vec::new(),
        left_out: Vec::new(),
    };
    for aliases in by_place(&module).values() {
        let Some(symbol) = preferred(&module, aliases) else {
            continue;
        };
        let name = symbol.name.clone().into_owned();
        if let Some(why) = refusal(&module, symbol) {
            functions.left_out.push(LeftOut { name, why });
        } else {
            // As module_init_section() in the kernel has it.
            let init = module.section(symbol.place).starts_with(".init");
            functions.found.push(ProbeableFunction { name, init });
        }
    }
    Ok(functions)
}

/// The symbol by which each place goes.
pub(super) fn symbols<'a, 'elf>(module: &'a Module<'elf>) -> BTreeMap<Place, &'a Symbol<'elf>> {
    by_place(module)
        .into_iter()
        .filter_map(|(place, aliases)| Some((place, preferred(module, &aliases)?)))
        .collect()
}

/// The symbols of each place, without those of the padding in front of functions, which objtool (`__pfx_NAME`) and the
/// compiler (`__cfi_NAME`) give names of their own.
fn by_place<'a, 'elf>(module: &'a Module<'elf>) -> BTreeMap<Place, Vec<&'a Symbol<'elf>>> {
    let functions = module.functions.iter().map(|symbol| (&*symbol.name, symbol.place));
    let known: BTreeSet<(&str, Place)> = functions.collect();
    let is_padding = |symbol: &Symbol| {
        let prefixes = ["__pfx_", "__cfi_"].into_iter();
        let names = prefixes.filter_map(|prefix| symbol.name.strip_prefix(prefix));
        let behind = Place {
            offset: symbol.place.offset.wrapping_add(symbol.size),
            ..symbol.place
        };
        names.into_iter().any(|name| known.contains(&(name, behind)))
    };
    let mut places: BTreeMap<Place, Vec<&Symbol>> = BTreeMap::new();
    for symbol in module.functions.iter().filter(|symbol| !is_padding(symbol)) {
        places.entry(symbol.place).or_default().push(symbol);
    }
    places
}

fn preferred<'a, 'elf>(module: &Module<'elf>, aliases: &[&'a Symbol<'elf>]) -> Option<&'a Symbol<'elf>> {
    aliases.iter().min_by_key(|symbol| preference(module, symbol)).copied()
}

/// By which of several names of one place it goes: the least.
fn preference(module: &Module<'_>, symbol: &Symbol<'_>) -> (bool, bool, bool) {
    // Macros make these two for the functions that module_init() and module_exit() name.
    let made = matches!(&*symbol.name, "init_module" | "cleanup_module");
    (is_part(module, symbol), is_ambiguous(module, symbol), made)
}

/// Why a function cannot be probed; none where it can.
pub(super) fn refusal(module: &Module<'_>, symbol: &Symbol<'_>) -> Option<Obstacle> {
    let section = module.section(symbol.place);
    if is_part(module, symbol) {
        Some(Obstacle::Part)
    // As module_exit_section() in the kernel has it.
    } else if section.starts_with(".exit") {
        Some(Obstacle::Exit)
    } else if [".kprobes.text", ".noinstr.text"].contains(&section) || module.blacklist.contains(&symbol.place) {
        Some(Obstacle::NoProbe)
    } else if !is_traceable(module, symbol) {
        Some(Obstacle::NoTrace)
    } else if is_ambiguous(module, symbol) {
        Some(Obstacle::Ambiguous)
    } else if !is_plain(&symbol.name) {
        Some(Obstacle::OddName)
    } else {
        None
    }
}

/// `.isra`, `.constprop` and `.part` are functions that are called; a `.cold` is jumped to from the middle of one.
fn is_part(module: &Module<'_>, symbol: &Symbol<'_>) -> bool {
    symbol.name.split('.').skip(1).any(|suffix| suffix == "cold") || module.section(symbol.place) == ".static_call.text"
}

fn is_ambiguous(module: &Module<'_>, symbol: &Symbol<'_>) -> bool {
    module.names.get(&symbol.name).is_some_and(|&count| count > 1)
}

fn is_traceable(module: &Module<'_>, symbol: &Symbol<'_>) -> bool {
    let Some(sites) = &module.sites else {
        return true;
    };
    let within = match symbol.size {
        0 => SITE_WITHIN,
        size => size.min(SITE_WITHIN),
    };
    let end = Place {
        offset: symbol.place.offset.saturating_add(within),
        ..symbol.place
    };
    sites.range(symbol.place..end).next().is_some()
}
