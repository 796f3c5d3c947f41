//! What debugging information (DWARF) tells of functions: what they return, their lines, what the compiler put into them.

mod entries;
mod functions;
mod inlined;
mod lines;
mod room;
mod sections;
mod types;

use std::collections::BTreeMap;

use gimli::{DebuggingInformationEntry, Dwarf, EndianSlice, LittleEndian, Unit, UnitOffset};

use self::room::Room;
use super::elf::{File, Place};
use kmodtrace_core::model::{Returns, SourceLine};

type Reader<'a> = EndianSlice<'a, LittleEndian>;
type Entry<'a> = DebuggingInformationEntry<Reader<'a>>;
/// An entry: the index of its unit, and its place in that.
type Die = (usize, UnitOffset);

/// Debugging information that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum DebugError {
    /// The file around it is damaged.
    #[error(transparent)]
    File(#[from] object::Error),
    /// It is damaged itself.
    #[error(transparent)]
    Dwarf(#[from] gimli::Error),
    /// A section does not unpack.
    #[error("a section does not unpack: {0}")]
    Unpack(#[from] std::io::Error),
    /// There is more of it than is read.
    #[error("there is more of it than is read of a module")]
    TooLarge,
    /// A section is packed in a way that does not exist yet.
    #[error("a section is packed in an unknown way")]
    Packed,
}

/// What is told of a function.
#[derive(Debug, Default)]
pub(super) struct About {
    /// What it returns.
    pub(super) returns: Returns,
    /// Where it is declared.
    pub(super) source: Option<SourceLine>,
    /// What the compiler put into it, what headers have left out.
    pub(super) inlined: Vec<String>,
    /// The lines of its calls, in the order in which they were asked for.
    pub(super) lines: Vec<Option<u32>>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The functions, by their place in the module.
    pub(super) functions: BTreeMap<Place, About>,
    /// What stopped it, where something did.
    pub(super) damage: Option<DebugError>,
}

/// Whether a file has debugging information.
pub(super) fn is_in(file: &File<'_>) -> bool {
    use object::{Object as _, ObjectSection as _};
    let section = file.section_by_name(".debug_info");
    section.is_some_and(|section| section.compressed_data().is_ok_and(|packed| !packed.data.is_empty()))
}

/// Reads what `file` tells of functions of `module`, which may be the same: those at the places that are wanted, with how far
/// from their beginning their calls return to.
pub(super) fn read(
    file: &File<'_>,
    module: &File<'_>,
    wanted: &BTreeMap<Place, Vec<u32>>,
) -> Result<Found, DebugError> {
    let sections = sections::load(file, module)?;
    let dwarf = sections.borrow(|section| EndianSlice::new(section, LittleEndian));
    let mut found = Found::default();
    let room = Room::new();
    let (units, damage) = room.units(&dwarf);
    found.damage = damage;
    let debug = Debug { dwarf, units, room };
    for unit in 0..debug.units.len() {
        if let Err(error) = debug.unit(unit, wanted, &mut found.functions) {
            found.damage = Some(error);
        }
    }
    if !debug.room.refer(0) {
        found.damage = Some(DebugError::TooLarge);
    }
    Ok(found)
}

/// All units.
struct Debug<'a> {
    dwarf: Dwarf<Reader<'a>>,
    units: Vec<Unit<Reader<'a>>>,
    room: Room,
}
