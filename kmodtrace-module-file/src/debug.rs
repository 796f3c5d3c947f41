//! What debugging information (DWARF) tells of functions: what they return, their lines, what the compiler put into them.

mod lines;
mod room;
mod sections;
mod types;

use std::collections::BTreeMap;

use gimli::{
    AttributeValue, DebuggingInformationEntry, Dwarf, EndianSlice, LittleEndian, Range, Unit, UnitOffset, constants,
};

use self::lines::{Rows, file_name};
use self::room::Room;
use super::elf::{File, Place};
use kmodtrace_core::model::{Returns, SourceLine};

/// How many of the functions in a function are told.
const INLINED: usize = 8;
/// Stretches of code that one entry of debugging information is of: a function has two, and what is inlined has some.
const RANGES: usize = 64;
/// Stretches of a function that are of others, as far as is looked.
const STRETCHES: usize = 1 << 14;
/// How long a chain of entries that stand for each other may be: two is usual.
const CHAIN: u32 = 8;

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
    let mut room = Room::new();
    let (units, damage) = room.units(&dwarf);
    found.damage = damage;
    let debug = Debug { dwarf, units };
    for unit in 0..debug.units.len() {
        if let Err(error) = debug.unit(unit, wanted, &mut found.functions, &mut room) {
            found.damage = Some(error);
        }
    }
    Ok(found)
}

/// All units.
struct Debug<'a> {
    dwarf: Dwarf<Reader<'a>>,
    units: Vec<Unit<Reader<'a>>>,
}

/// A function that the compiler put into another.
struct Inlined {
    range: Range,
    /// Of the call in the function itself, however many there are between.
    line: Option<u32>,
}

impl<'a> Debug<'a> {
    fn unit(
        &self,
        index: usize,
        wanted: &BTreeMap<Place, Vec<u32>>,
        found: &mut BTreeMap<Place, About>,
        room: &mut Room,
    ) -> Result<(), DebugError> {
        let Some(unit) = self.units.get(index) else {
            return Ok(());
        };
        let mut rows = None;
        let mut cursor = unit.entries();
        cursor.next_dfs()?;
        while let Some(entry) = cursor.current() {
            if entry.tag() == constants::DW_TAG_subprogram {
                let begins = self.ranges(unit, entry)?.into_iter();
                let mut places = begins.filter_map(|range| sections::place(range.begin));
                let known = places.find_map(|place| wanted.get_key_value(&place));
                if let Some((&place, returns_to)) = known.filter(|(place, _)| !found.contains_key(place)) {
                    let rows = match &rows {
                        Some(rows) => rows,
                        None => &*rows.insert(Rows::read(unit, room)?),
                    };
                    let about = self.function((index, entry.offset()), place, returns_to, rows)?;
                    found.insert(place, about);
                }
            }
            // Functions are in units, and, of Rust, in namespaces. What is in others is skipped, which most can be at once.
            let inside = [constants::DW_TAG_compile_unit, constants::DW_TAG_namespace].contains(&entry.tag());
            if inside || cursor.next_sibling()?.is_none() {
                cursor.next_dfs()?;
            }
        }
        Ok(())
    }

    fn function(&self, die: Die, place: Place, returns_to: &[u32], rows: &Rows) -> gimli::Result<About> {
        let mut about = About {
            returns: self.returns(die).unwrap_or_default(),
            source: self.declared(die),
            ..About::default()
        };
        let inlined = self.inlined(die, &mut about.inlined)?;
        let (unit, _) = die;
        let is_own = |file: u64| {
            let name = self.units.get(unit).and_then(|unit| file_name(&self.dwarf, unit, file));
            about
                .source
                .as_ref()
                .is_none_or(|source| Some(&source.file) == name.as_ref())
        };
        let lines = returns_to.iter().map(|&at| {
            // The call is in front of where it returns to.
            let address = sections::address(place).wrapping_add(u64::from(at)).wrapping_sub(1);
            let within = |inlined: &&Inlined| (inlined.range.begin..inlined.range.end).contains(&address);
            match inlined.iter().find(within) {
                Some(inlined) => inlined.line,
                None => rows
                    .find(address)
                    .filter(|&(file, _)| is_own(file))
                    .map(|(_, line)| line),
            }
        });
        about.lines = lines.collect();
        Ok(about)
    }

    /// The stretches of a function that are of others, and the names of those.
    fn inlined(&self, (index, offset): Die, names: &mut Vec<String>) -> gimli::Result<Vec<Inlined>> {
        let mut found = Vec::new();
        let Some(unit) = self.units.get(index) else {
            return Ok(found);
        };
        let mut cursor = unit.entries_at_offset(offset)?;
        cursor.next_dfs()?;
        // The outermost of those that the entry is in: how deep it is, and where the function calls it.
        let mut outer: Option<(isize, Option<u32>)> = None;
        while let Some(entry) = cursor.next_dfs()?.filter(|entry| entry.depth() > 0) {
            outer = outer.filter(|&(depth, _)| entry.depth() > depth);
            if entry.tag() != constants::DW_TAG_inlined_subroutine {
                continue;
            }
            let (_, line) = *outer.get_or_insert_with(|| (entry.depth(), number(entry, constants::DW_AT_call_line)));
            let ranges = self.ranges(unit, entry)?.into_iter();
            found.extend(ranges.map(|range| Inlined { range, line }));
            if found.len() > STRETCHES {
                break;
            }
            if names.len() < INLINED
                && let Some(name) = self.name((index, entry.offset()))
                && !names.contains(&name)
                && !self.is_of_a_header((index, entry.offset()))
            {
                names.push(name);
            }
        }
        Ok(found)
    }

    fn is_of_a_header(&self, die: Die) -> bool {
        let source = self.declared(die);
        source.is_none_or(|source| {
            source.file.rsplit('.').next() == Some("h") || source.file.split('/').any(|part| part == "include")
        })
    }

    fn name(&self, die: Die) -> Option<String> {
        self.first(die, |unit, entry| {
            let name = entry.attr_value(constants::DW_AT_name)?;
            let name = self.dwarf.attr_string(unit, name).ok()?;
            Some(String::from_utf8_lossy(name.slice()).into_owned())
        })
    }

    fn declared(&self, die: Die) -> Option<SourceLine> {
        self.first(die, |unit, entry| {
            let file = number(entry, constants::DW_AT_decl_file)?;
            Some(SourceLine {
                file: file_name(&self.dwarf, unit, u64::from(file))?,
                line: number(entry, constants::DW_AT_decl_line)?,
            })
        })
    }

    /// The first answer of an entry or of those that it stands for.
    fn first<T>(&self, mut die: Die, answer: impl Fn(&Unit<Reader<'a>>, &Entry<'a>) -> Option<T>) -> Option<T> {
        for _ in 0..CHAIN {
            let unit = self.units.get(die.0)?;
            let entry = unit.entry(die.1).ok()?;
            if let Some(answer) = answer(unit, &entry) {
                return Some(answer);
            }
            die = self.stands_for(die.0, &entry)?;
        }
        None
    }

    /// What an entry has the rest of its attributes from.
    fn stands_for(&self, unit: usize, entry: &Entry<'a>) -> Option<Die> {
        let of = [constants::DW_AT_abstract_origin, constants::DW_AT_specification];
        let value = of.into_iter().find_map(|name| entry.attr_value(name))?;
        self.target(unit, &value)
    }

    /// The entry that an attribute of one in a unit refers to.
    fn target(&self, unit: usize, value: &AttributeValue<Reader<'a>>) -> Option<Die> {
        match *value {
            AttributeValue::UnitRef(offset) => Some((unit, offset)),
            AttributeValue::DebugInfoRef(offset) => {
                let begin = |unit: &Unit<Reader<'a>>| unit.header.debug_info_offset();
                let behind = self
                    .units
                    .partition_point(|unit| begin(unit).is_some_and(|begin| begin <= offset));
                let index = behind.checked_sub(1)?;
                let begin = self.units.get(index).and_then(begin)?;
                Some((index, UnitOffset(offset.0.checked_sub(begin.0)?)))
            }
            _ => None,
        }
    }

    /// The addresses of an entry. (`die_ranges` of gimli adds what it reads unchecked.)
    fn ranges(&self, unit: &Unit<Reader<'a>>, entry: &Entry<'a>) -> gimli::Result<Vec<Range>> {
        if let Some(ranges) = entry.attr_value(constants::DW_AT_ranges) {
            return match self.dwarf.attr_ranges(unit, ranges)? {
                Some(ranges) => ranges.take(RANGES).collect(),
                None => Ok(Vec::new()),
            };
        }
        let address = |value| self.dwarf.attr_address(unit, value).ok().flatten();
        let begin = entry.attr_value(constants::DW_AT_low_pc).and_then(address);
        let end = entry.attr_value(constants::DW_AT_high_pc);
        let (Some(begin), Some(end)) = (begin, end) else {
            return Ok(Vec::new());
        };
        let end = end
            .udata_value()
            .map(|size| begin.wrapping_add(size))
            .or_else(|| address(end));
        Ok(end.map(|end| Range { begin, end }).into_iter().collect())
    }
}

fn number(entry: &Entry<'_>, name: constants::DwAt) -> Option<u32> {
    match entry.attr_value(name)? {
        AttributeValue::FileIndex(file) => u32::try_from(file).ok(),
        value => u32::try_from(value.udata_value()?).ok(),
    }
}
