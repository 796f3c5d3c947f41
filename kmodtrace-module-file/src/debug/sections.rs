//! The sections of DWARF, unpacked and relocated.
//!
//! A file that is not linked has no addresses: each section begins at 0, and relocations say of which one a place is. Here each
//! section of code gets an address of its own, so that an address names the section and the place in it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;

use gimli::{DwarfSections, SectionId};
use object::elf::{R_X86_64_32, R_X86_64_32S, R_X86_64_64, SHF_EXECINSTR};
use object::read::elf::Rela as _;
use object::{
    CompressedData, CompressionFormat, LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _, SectionFlags,
};

use super::{DebugError, Place};
use crate::elf::File;

/// How far the sections are from each other: none is larger.
const SHIFT: u32 = 32;
/// What those that are read may hold unpacked, all together: twice as much as the largest file of a module.
const LARGEST: u64 = 512 << 20;
/// Those that are read here.
const READ: [SectionId; 9] = [
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
];

/// The address of a place.
pub(super) fn address(place: Place) -> u64 {
    ((place.section as u64) << SHIFT).wrapping_add(place.offset)
}

/// The place that an address names.
pub(super) fn place(address: u64) -> Option<Place> {
    Some(Place {
        section: usize::try_from(address >> SHIFT).ok()?,
        offset: address & ((1 << SHIFT) - 1),
    })
}

/// Reads what `file` has of DWARF. Its addresses name sections by the numbers that they have in `module`.
pub(super) fn load<'a>(file: &File<'a>, module: &File<'_>) -> Result<DwarfSections<Cow<'a, [u8]>>, DebugError> {
    let bases = bases(file, module);
    let mut room = LARGEST;
    DwarfSections::load(|id| {
        if READ.contains(&id) {
            section(file, id.name(), &bases, &mut room)
        } else {
            Ok(Cow::Borrowed(&[][..]))
        }
    })
}

/// The addresses of the sections of code, by their numbers in `file`. A separate file may number them otherwise, but has them by
/// the same names in the same order.
fn bases(file: &File<'_>, module: &File<'_>) -> HashMap<usize, u64> {
    let ours: BTreeMap<_, _> = code(module).collect();
    code(file)
        .filter_map(|(name, section)| {
            let &section_of_module = ours.get(&name)?;
            let base = Place {
                section: section_of_module,
                offset: 0,
            };
            Some((section, address(base)))
        })
        .collect()
}

/// The sections of code with their numbers: by the name, and how many of it came before.
fn code<'a>(file: &File<'a>) -> impl Iterator<Item = ((&'a [u8], u32), usize)> {
    let mut counts: HashMap<&[u8], u32> = HashMap::new();
    file.sections().filter_map(move |section| {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
            return None;
        };
        let name = section.name_bytes().ok()?;
        if sh_flags & u64::from(SHF_EXECINSTR) == 0 {
            return None;
        }
        let count = counts.entry(name).or_default();
        *count += 1;
        Some(((name, *count), section.index().0))
    })
}

fn section<'a>(
    file: &File<'a>,
    name: &str,
    bases: &HashMap<usize, u64>,
    room: &mut u64,
) -> Result<Cow<'a, [u8]>, DebugError> {
    let Some(section) = file.section_by_name(name) else {
        return Ok(Cow::Borrowed(&[]));
    };
    let packed = section.compressed_data()?;
    *room = room.checked_sub(packed.uncompressed_size).ok_or(DebugError::TooLarge)?;
    let mut data = unpacked(&packed)?;
    for entry in section.elf_linked_rela()? {
        let width = match entry.r_type(LittleEndian, false) {
            R_X86_64_64 => 8,
            R_X86_64_32 | R_X86_64_32S => 4,
            _ => continue,
        };
        let Some(symbol) = entry.symbol(LittleEndian, false) else {
            continue;
        };
        let symbol = file.symbol_by_index(symbol)?;
        let section = symbol.section_index();
        let base = section
            .and_then(|section| bases.get(&section.0))
            .copied()
            .unwrap_or_default();
        let value = base
            .wrapping_add(symbol.address())
            .wrapping_add_signed(entry.r_addend.get(LittleEndian));
        let at = usize::try_from(entry.r_offset.get(LittleEndian)).unwrap_or(usize::MAX);
        // What points outside is no part of what is read.
        if at.checked_add(width).is_some_and(|end| end <= data.len()) {
            data.to_mut()[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
        }
    }
    Ok(data)
}

/// As much as the section says that it holds.
fn unpacked<'a>(packed: &CompressedData<'a>) -> Result<Cow<'a, [u8]>, DebugError> {
    let mut data = Vec::new();
    let size = packed.uncompressed_size;
    match packed.format {
        CompressionFormat::None => return Ok(Cow::Borrowed(packed.data)),
        CompressionFormat::Zlib => flate2::read::ZlibDecoder::new(packed.data)
            .take(size)
            .read_to_end(&mut data)?,
        CompressionFormat::Zstandard => zstd::Decoder::with_buffer(packed.data)?
            .take(size)
            .read_to_end(&mut data)?,
        _ => return Err(DebugError::Packed),
    };
    Ok(Cow::Owned(data))
}
