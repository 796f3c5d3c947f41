//! The calls in a function's code, which a file without addresses names by its relocations.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use iced_x86::{Code, Decoder, DecoderOptions};
use object::elf::{R_X86_64_PC32, R_X86_64_PLT32};
use object::read::elf::Rela as _;
use object::{LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _, SectionIndex, SymbolKind};

use super::elf::{File, Place, Symbol};
use kmodtrace_core::model::CallSite;

/// A displacement counts from behind itself, and is the last of its instruction.
const DISPLACEMENT: u64 = 4;
/// What a call of a function by a pointer goes through, where the kernel is built against Spectre.
const THUNKS: &str = "__x86_indirect_";
/// Calls that are told of one module. A recording's header has room for twice as many.
pub(super) const MOST: usize = 1 << 18;
/// Calls that are in no source: the compiler and the kernel's build put them there.
const NOT_OF_THE_SOURCE: [&str; 9] = [
    "__x86_",
    "__cfi_",
    "__sanitizer_",
    "__kasan",
    "__asan",
    "__hwasan",
    "__ubsan",
    "__tsan",
    "__msan",
];

/// What a call goes to.
enum Target<'a> {
    /// A function by its name.
    Named(Cow<'a, str>),
    /// One that a register holds.
    Register,
    /// Nothing that the source calls.
    Not,
}

/// What the displacements in a section will point at, in their order: their place, the number of the symbol and what is added.
type Relocations = Vec<(u64, object::SymbolIndex, i64)>;

/// The calls of functions, as they lie; before them those that are made by a jump at the end, and do not return to the function.
/// Functions behind [`MOST`] calls are left out. So are those of a file whose sections lie over one another, as soon as more was
/// read than the file is long.
pub(super) fn sites<'a>(
    file: &File<'a>,
    functions: &BTreeMap<Place, &Symbol<'a>>,
    wanted: &[&Symbol<'a>],
) -> BTreeMap<Place, Vec<CallSite>> {
    let mut room = MOST;
    let mut unread = file.data().len();
    // Of one section at a time: functions are in the order of their places.
    let mut of_section = None;
    let mut found = BTreeMap::new();
    for symbol in wanted {
        let place = symbol.place;
        let Some(code) = code(file, symbol, functions) else {
            continue;
        };
        let relocations = match of_section.take().filter(|(section, _)| *section == place.section) {
            Some((_, relocations)) => relocations,
            None => displacements(file, place.section, &mut unread),
        };
        let (_, relocations) = of_section.insert((place.section, relocations));
        let calls = Calls {
            file,
            functions,
            relocations,
            begin: place,
        };
        let Some(rest) = unread.checked_sub(code.len()) else {
            break;
        };
        let Some(calls) = calls.of(code, room) else {
            break;
        };
        (unread, room) = (rest, room - calls.len());
        found.insert(place, calls);
    }
    found
}

/// The bytes of a function, up to the next one where they overlap; none where the file does not hold them.
fn code<'a>(file: &File<'a>, symbol: &Symbol<'_>, functions: &BTreeMap<Place, &Symbol<'_>>) -> Option<&'a [u8]> {
    let section = file.section_by_index(SectionIndex(symbol.place.section)).ok()?;
    let data = section.data().ok()?;
    let next = functions.range((Excluded(symbol.place), Unbounded)).next();
    let room = next.filter(|(next, _)| next.section == symbol.place.section);
    let room = room.map_or(u64::MAX, |(next, _)| next.offset - symbol.place.offset);
    let begin = usize::try_from(symbol.place.offset).ok()?;
    let end = begin.checked_add(usize::try_from(symbol.size.min(room)).ok()?)?;
    data.get(begin..end)
}

/// A table that is damaged, or longer than what is `unread` of the file, counts as empty: what it names is left out.
fn displacements(file: &File<'_>, section: usize, unread: &mut usize) -> Relocations {
    let section = file.section_by_index(SectionIndex(section));
    let entries = section
        .and_then(|section| section.elf_linked_rela())
        .unwrap_or_default();
    let Some(rest) = unread.checked_sub(size_of_val(entries)) else {
        return Vec::new();
    };
    *unread = rest;
    let entries = entries.iter().filter(|entry| {
        let kind = entry.r_type(LittleEndian, false);
        [R_X86_64_PLT32, R_X86_64_PC32].contains(&kind)
    });
    let known = entries.filter_map(|entry| {
        let symbol = entry.symbol(LittleEndian, false)?;
        Some((
            entry.r_offset.get(LittleEndian),
            symbol,
            entry.r_addend.get(LittleEndian),
        ))
    });
    let mut known: Relocations = known.collect();
    known.sort_by_key(|(offset, ..)| *offset);
    known
}

/// A function whose calls are looked for.
struct Calls<'c, 'a> {
    file: &'c File<'a>,
    functions: &'c BTreeMap<Place, &'c Symbol<'a>>,
    relocations: &'c Relocations,
    begin: Place,
}

impl<'a> Calls<'_, 'a> {
    /// None where there are more than so many.
    fn of(&self, code: &[u8], most: usize) -> Option<Vec<CallSite>> {
        let mut decoder = Decoder::with_ip(64, code, self.begin.offset, DecoderOptions::NONE);
        let (mut jumps, mut sites) = (Vec::new(), Vec::new());
        while decoder.can_decode() {
            let instruction = decoder.decode();
            let jumps_out = instruction.code() == Code::Jmp_rel32_64;
            let target = match instruction.code() {
                Code::Call_rel32_64 | Code::Jmp_rel32_64 => {
                    self.target(instruction.next_ip(), instruction.near_branch_target())
                }
                Code::Call_rm64 => Target::Register,
                _ => Target::Not,
            };
            let Ok(at) = u32::try_from(instruction.next_ip().wrapping_sub(self.begin.offset)) else {
                break;
            };
            let target = match target {
                // Its own part for what is unlikely, which the compiler has put elsewhere.
                Target::Named(name) if jumps_out && name.contains(".cold") => continue,
                Target::Named(name) => Some(name.into_owned()),
                Target::Register => None,
                Target::Not => continue,
            };
            if jumps.len() + sites.len() == most {
                return None;
            }
            let (at, found) = if jumps_out { (0, &mut jumps) } else { (at, &mut sites) };
            found.push(CallSite { at, target, line: None });
        }
        jumps.append(&mut sites);
        Some(jumps)
    }

    /// What a direct call goes to, by where it ends and where its bytes say that it goes.
    fn target(&self, end: u64, plain: u64) -> Target<'a> {
        let at = end.wrapping_sub(DISPLACEMENT);
        let relocation = self.relocations.binary_search_by_key(&at, |(offset, ..)| *offset);
        let name = match relocation.map(|found| self.relocations[found]) {
            Ok((_, symbol, addend)) => self.named(symbol, addend),
            Err(_) => self.name(Place {
                offset: plain,
                ..self.begin
            }),
        };
        match name {
            Some(name) if name.starts_with(THUNKS) => Target::Register,
            Some(name) if !is_of_the_source(&name) => Target::Not,
            Some(name) => Target::Named(name),
            None => Target::Not,
        }
    }

    fn named(&self, symbol: object::SymbolIndex, addend: i64) -> Option<Cow<'a, str>> {
        let symbol = self.file.symbol_by_index(symbol).ok()?;
        let beyond = addend.wrapping_add(DISPLACEMENT.cast_signed());
        if let Some(section) = symbol.section_index() {
            let place = Place {
                section: section.0,
                offset: symbol.address().wrapping_add_signed(beyond),
            };
            if let Some(name) = self.name(place) {
                return Some(name);
            }
        }
        // One of another module or the kernel; or one whose authors, in assembly, did not say that it is a function.
        let named = beyond == 0 && symbol.kind() != SymbolKind::Section;
        let name = named.then(|| symbol.name_bytes().ok()).flatten()?;
        Some(String::from_utf8_lossy(name)).filter(|name| !name.is_empty())
    }

    fn name(&self, place: Place) -> Option<Cow<'a, str>> {
        self.functions.get(&place).map(|symbol| symbol.name.clone())
    }
}

fn is_of_the_source(name: &str) -> bool {
    !matches!(name, "__fentry__" | "mcount" | "__stack_chk_fail")
        && !NOT_OF_THE_SOURCE.iter().any(|prefix| name.starts_with(prefix))
}
