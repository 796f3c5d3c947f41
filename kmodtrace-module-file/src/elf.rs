//! A module's ELF file, reduced to what decides about probes: its symbols, and the places that its tables name.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use object::elf::{ELFCLASS64, ELFDATA2LSB, ELFMAG, ET_REL, SHF_ALLOC, SHF_EXECINSTR};
use object::read::elf::{ElfFile64, Rela as _};
use object::{
    LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _, ObjectSymbolTable as _, SectionFlags, SymbolKind,
};

use super::error::ImageError;

/// Where `struct module` has the name, behind the state and a list head: the beginning of it has not changed since 2.6.
const NAME_AT: usize = 24;
/// `MODULE_NAME_LEN` on 64 bits.
const NAME_LEN: usize = 56;

/// Symbols that are read; `amdgpu`, which has most, has a tenth of that.
const SYMBOLS: usize = 1 << 19;
/// Longest name of a symbol, with its end: `KSYM_NAME_LEN` of include/linux/kallsyms.h since 6.1, before 128.
const NAME_OF_SYMBOL: usize = 512;

/// A place in a file that has no addresses yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Number of the section.
    pub(super) section: usize,
    /// How far from its beginning.
    pub(super) offset: u64,
}

/// The symbol of a function.
#[derive(Clone, Debug)]
pub(super) struct Symbol<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) place: Place,
    pub(super) size: u64,
}

/// What was read.
pub(super) struct Module<'a> {
    /// The module's name, as the kernel tells it.
    pub(super) name: String,
    /// The symbols of functions, in the order of the file.
    pub(super) functions: Vec<Symbol<'a>>,
    /// How many symbols of each name the loaded module will have, functions or not: the kernel looks up among them all.
    pub(super) names: BTreeMap<Cow<'a, str>, u32>,
    /// Where ftrace finds its call sites; none for a kernel without.
    pub(super) sites: Option<BTreeSet<Place>>,
    /// Functions that the module's authors do not want to be probed.
    pub(super) blacklist: BTreeSet<Place>,
    sections: BTreeMap<usize, Section<'a>>,
}

struct Section<'a> {
    name: Cow<'a, str>,
    flags: u64,
}

/// A file whose tables were found.
pub(super) type File<'a> = ElfFile64<'a, LittleEndian>;

/// Finds the tables of a relocatable file of 64 bits, little-endian.
pub(super) fn open(elf: &[u8]) -> Result<File<'_>, ImageError> {
    check_kind(elf)?;
    Ok(File::parse(elf)?)
}

impl<'a> Module<'a> {
    pub(super) fn read(elf: &'a [u8]) -> Result<Self, ImageError> {
        Self::of(&open(elf)?)
    }

    pub(super) fn of(file: &File<'a>) -> Result<Self, ImageError> {
        let mut module = Self {
            name: name(file)?.ok_or(ImageError::NoName)?,
            functions: Vec::new(),
            names: BTreeMap::new(),
            sites: targets(file, "__mcount_loc")?,
            blacklist: targets(file, "_kprobe_blacklist")?.unwrap_or_default(),
            sections: BTreeMap::new(),
        };
        for section in file.sections() {
            let name = String::from_utf8_lossy(section.name_bytes()?);
            let flags = match section.flags() {
                SectionFlags::Elf { sh_flags, .. } => sh_flags,
                _ => 0,
            };
            module.sections.insert(section.index().0, Section { name, flags });
        }
        module.symbols(file)?;
        Ok(module)
    }

    fn symbols(&mut self, file: &File<'a>) -> Result<(), ImageError> {
        if file.symbol_table().is_none_or(|table| table.symbols().next().is_none()) {
            return Err(ImageError::NoSymbols);
        }
        for (number, symbol) in file.symbols().enumerate() {
            let name = symbol.name_bytes()?;
            if number >= SYMBOLS || name.len() >= NAME_OF_SYMBOL {
                let text = format!("more than {SYMBOLS} symbols, or a name of more than {NAME_OF_SYMBOL} bytes");
                return Err(ImageError::Damaged(text));
            }
            let Some(index) = symbol.section_index() else {
                continue;
            };
            let flags = self.sections.get(&index.0).map_or(0, |section| section.flags);
            let kind = symbol.kind();
            if flags & u64::from(SHF_ALLOC) == 0 || matches!(kind, SymbolKind::Section | SymbolKind::File) {
                continue;
            }
            let name = String::from_utf8_lossy(name);
            if kind == SymbolKind::Text && flags & u64::from(SHF_EXECINSTR) != 0 {
                self.functions.push(Symbol {
                    name: name.clone(),
                    place: Place {
                        section: index.0,
                        offset: symbol.address(),
                    },
                    size: symbol.size(),
                });
            }
            *self.names.entry(name).or_default() += 1;
        }
        Ok(())
    }

    /// The name of the section that a place is in.
    pub(super) fn section(&self, place: Place) -> &str {
        self.sections.get(&place.section).map_or("", |section| &section.name)
    }
}

fn check_kind(elf: &[u8]) -> Result<(), ImageError> {
    /// `EI_CLASS` and `EI_DATA`.
    const CLASS: usize = 4;
    const DATA: usize = 5;
    if !elf.starts_with(&ELFMAG) {
        return Err(ImageError::NotElf);
    }
    let byte = |at: usize| elf.get(at).copied().ok_or_else(|| ImageError::Damaged(CUT.to_owned()));
    if (byte(CLASS)?, byte(DATA)?) != (ELFCLASS64, ELFDATA2LSB) {
        return Err(ImageError::OtherMachine);
    }
    match u16::from_le_bytes([byte(16)?, byte(17)?]) {
        ET_REL => Ok(()),
        kind => Err(ImageError::NotRelocatable(kind)),
    }
}

const CUT: &str = "its header is incomplete";

/// The kernel replaces dashes where it makes the name, but a file may have been made otherwise.
fn name(file: &File<'_>) -> Result<Option<String>, ImageError> {
    let modinfo = data(file, ".modinfo")?;
    // Since 4.13; a file of an older kernel has the name in the struct only.
    let stated = modinfo
        .split(|&byte| byte == 0)
        .find_map(|entry| entry.strip_prefix(b"name="));
    let structure = data(file, ".gnu.linkonce.this_module")?;
    let field = structure.get(NAME_AT..).unwrap_or_default();
    let held = field.iter().take(NAME_LEN).position(|&byte| byte == 0);
    let name = stated.or(held.map(|end| &field[..end]));
    Ok(name
        .and_then(|name| std::str::from_utf8(name).ok())
        .map(|name| name.replace('-', "_"))
        .filter(|name| is_plain(name)))
}

/// What a section holds; nothing where the file has none of this name.
pub(super) fn data<'a>(file: &File<'a>, name: &str) -> Result<&'a [u8], ImageError> {
    file.section_by_name(name)
        .map_or(Ok(&[][..]), |section| Ok(section.data()?))
}

/// The places that a table of addresses will point at; none where the file has no such table.
fn targets(file: &File<'_>, table: &str) -> Result<Option<BTreeSet<Place>>, ImageError> {
    let Some(section) = file.section_by_name(table) else {
        return Ok(None);
    };
    let mut places = BTreeSet::new();
    for entry in section.elf_linked_rela()? {
        let Some(symbol) = entry.symbol(LittleEndian, false) else {
            continue;
        };
        let symbol = file.symbol_by_index(symbol)?;
        if let Some(section) = symbol.section_index() {
            places.insert(Place {
                section: section.0,
                offset: symbol.address().wrapping_add_signed(entry.r_addend.get(LittleEndian)),
            });
        }
    }
    Ok(Some(places))
}

/// Whether a name can stand in a line of `kprobe_events`, where blanks, slashes, colons and plus signs mean something.
pub(super) fn is_plain(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$');
    !name.is_empty() && name.bytes().all(allowed)
}
