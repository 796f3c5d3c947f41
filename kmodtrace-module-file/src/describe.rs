//! What a module's file, the kernel's BTF and debugging information tell of functions before they run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use object::{Architecture, Object as _};

use super::debug::{self, About};
use super::elf::{self, File, Module, Place, Symbol};
use super::error::ImageError;
use super::image::{self};
use super::sites::{MOST, sites};
use kmodtrace_core::kernel::btf;
use kmodtrace_core::model::{ProbedFunction, Returns};

/// What is known of the functions of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// The functions that were asked for, in the order in which they lie in the file.
    pub known: Vec<ProbedFunction>,
    /// What could not be read, in words.
    pub notes: Vec<String>,
    /// Whether debugging information tells lines of any.
    pub lines: bool,
    /// Whether BTF or debugging information tells what any of them returns.
    pub types: bool,
}

/// Describes functions of a module by its file, unpacked: those of the names that [`super::functions`] found. `vmlinux_btf` is
/// the BTF of the kernel that the module is for, `debug` a file with its debugging information, where it is not in the module's.
/// What is damaged but the module itself is told in a note.
pub fn describe(
    elf: &[u8],
    names: &BTreeSet<&str>,
    vmlinux_btf: Option<&[u8]>,
    debug: Option<&[u8]>,
) -> Result<Described, ImageError> {
    let file = elf::open(elf)?;
    let module = Module::of(&file)?;
    let functions = image::symbols(&module);
    let wanted: Vec<&Symbol> = functions
        .values()
        .filter(|symbol| names.contains(&*symbol.name) && image::refusal(&module, symbol).is_none())
        .copied()
        .collect();
    let mut described = Described::default();
    let mut calls = BTreeMap::new();
    let mut about = BTreeMap::new();
    if file.architecture() == Architecture::X86_64 {
        calls = sites(&file, &functions, &wanted);
        if calls.len() < wanted.len() {
            described.notes.push(format!(
                "the calls of {} of its functions are not known: the code is damaged, or has more than {MOST} calls",
                wanted.len() - calls.len()
            ));
        }
        let ends = |symbol: &&Symbol| {
            calls
                .get(&symbol.place)
                .into_iter()
                .flatten()
                .map(|site| site.at)
                .collect()
        };
        let places = wanted.iter().map(|symbol| (symbol.place, ends(symbol))).collect();
        about = debugging(&file, elf, debug, &places, &mut described.notes);
    } else {
        let note = "the code is for another machine than x86-64: neither its calls nor its lines are known";
        described.notes.push(note.to_owned());
    }
    let returns = types(&file, &wanted, vmlinux_btf, &mut described.notes);
    for symbol in wanted {
        let name = symbol.name.clone().into_owned();
        let mut known = ProbedFunction {
            module: Some(module.name.clone()),
            returns: returns.get(&name).copied().unwrap_or_default(),
            name,
            size: u32::try_from(symbol.size).unwrap_or_default(),
            sites: calls.remove(&symbol.place).unwrap_or_default(),
            ..ProbedFunction::default()
        };
        if let Some(about) = about.remove(&symbol.place) {
            add(&mut known, about);
        }
        described.types |= !known.returns.is_unknown();
        described.lines |= known.source.is_some() || known.sites.iter().any(|site| site.line.is_some());
        described.known.push(known);
    }
    Ok(described)
}

fn add(known: &mut ProbedFunction, about: About) {
    // The compiler drops what a function returns where no caller looks at it, and says so in the name only.
    let changed = known.name.split('.').skip(1).any(|suffix| suffix == "isra");
    if !about.returns.is_unknown() && !changed {
        known.returns = about.returns;
    }
    known.source = about.source;
    known.inlined = about.inlined;
    for (site, line) in known.sites.iter_mut().zip(about.lines) {
        // A jump lies somewhere, but where is not told.
        site.line = line.filter(|_| site.at > 0);
    }
}

/// What BTF tells of functions, by their names.
fn types(
    file: &File<'_>,
    wanted: &[&Symbol<'_>],
    vmlinux: Option<&[u8]>,
    notes: &mut Vec<String>,
) -> BTreeMap<String, Returns> {
    let names = wanted.iter().map(|symbol| &*symbol.name).collect();
    let read = || -> Result<Option<_>, String> {
        let section = |name| elf::data(file, name).map_err(|error| error.to_string());
        let split = section(".BTF")?;
        // What a module needs of the kernel's, of which the kernel then may have another: since 6.11.
        let distilled = section(".BTF.base")?;
        let base = Some(distilled).filter(|base| !base.is_empty()).or(vmlinux);
        let Some(base) = base.filter(|_| !split.is_empty()) else {
            return Ok(None);
        };
        btf::returns(base, Some(split), &names)
            .map(Some)
            .map_err(|error| error.to_string())
    };
    match read() {
        Ok(returns) => returns.unwrap_or_default(),
        Err(error) => {
            notes.push(format!("the types of the module cannot be read: {error}"));
            BTreeMap::new()
        }
    }
}

/// What debugging information tells of functions, by their places: that of the separate file where it has any, else the module's.
fn debugging(
    module: &File<'_>,
    elf: &[u8],
    separate: Option<&[u8]>,
    places: &BTreeMap<Place, Vec<u32>>,
    notes: &mut Vec<String>,
) -> BTreeMap<Place, About> {
    let mut found = None;
    if let Some(bytes) = separate {
        match elf::open(bytes) {
            Ok(_) if build_id(bytes) != build_id(elf) => {
                notes.push("the file with debugging information is of another build of the module".to_owned());
            }
            Ok(file) if debug::is_in(&file) => found = Some(debug::read(&file, module, places)),
            Ok(_) => notes.push("the file that should have debugging information has none".to_owned()),
            Err(error) => notes.push(format!("the file with debugging information cannot be read: {error}")),
        }
    }
    if found.is_none() && debug::is_in(module) {
        found = Some(debug::read(module, module, places));
    }
    let (functions, damage) = match found {
        Some(Ok(found)) => (found.functions, found.damage),
        Some(Err(error)) => (BTreeMap::new(), Some(error)),
        None => return BTreeMap::new(),
    };
    if let Some(error) = damage {
        notes.push(format!("not all of the debugging information was read: {error}"));
    }
    functions
}

/// What names a build of a module, in hexadecimal digits: a file with its debugging information has the same.
pub fn build_id(elf: &[u8]) -> Option<String> {
    let file = elf::open(elf).ok()?;
    let id = file.build_id().ok().flatten()?;
    Some(id.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
