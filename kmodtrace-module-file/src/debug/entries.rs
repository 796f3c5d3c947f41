//! Entries, what they refer to, and what is read of that: any number of entries can refer to one string, list or entry.

use std::borrow::Cow;

use gimli::{AttributeValue, Range, Unit, UnitOffset, constants};

use super::{Debug, Die, Entry, Reader};
use kmodtrace_core::model::SourceLine;

/// Stretches of code that one entry of debugging information is of: a function has two, and what is inlined has some.
const RANGES: usize = 64;
/// Bytes that one of them takes.
const RANGE: usize = 16;
/// How long a chain of entries that stand for each other may be: two is usual.
const CHAIN: u32 = 8;
/// The longest string that is told: no path of a kernel is longer.
const LONGEST: usize = 4_096;

impl<'a> Debug<'a> {
    /// The string of an attribute.
    pub(super) fn string(&self, unit: &Unit<Reader<'a>>, value: AttributeValue<Reader<'a>>) -> Option<Cow<'a, str>> {
        let string = self.room.refer(0).then(|| self.dwarf.attr_string(unit, value));
        self.text(string?.ok()?)
    }

    /// A string as text.
    pub(super) fn text(&self, string: Reader<'a>) -> Option<Cow<'a, str>> {
        let told = self.room.refer(string.len()) && string.len() <= LONGEST;
        told.then(|| String::from_utf8_lossy(string.slice()))
    }

    /// An entry that another refers to, and its unit.
    pub(super) fn entry(&self, die: Die) -> Option<(&Unit<Reader<'a>>, Entry<'a>)> {
        let unit = self.units.get(die.0).filter(|_| self.room.refer(1))?;
        let entry = unit.entry(die.1).ok()?;
        let strings = entry.attrs().iter().map(|attribute| match attribute.value() {
            AttributeValue::String(string) => string.len(),
            _ => 0,
        });
        self.room.refer(strings.sum()).then_some((unit, entry))
    }

    /// Where an entry is declared.
    pub(super) fn declared(&self, die: Die) -> Option<SourceLine> {
        self.first(die, |unit, entry| {
            let file = number(entry, constants::DW_AT_decl_file)?;
            Some(SourceLine {
                file: self.file_name(unit, u64::from(file))?,
                line: number(entry, constants::DW_AT_decl_line)?,
            })
        })
    }

    /// The first answer of an entry or of those that it stands for.
    pub(super) fn first<T>(
        &self,
        mut die: Die,
        answer: impl Fn(&Unit<Reader<'a>>, &Entry<'a>) -> Option<T>,
    ) -> Option<T> {
        for _ in 0..CHAIN {
            let (unit, entry) = self.entry(die)?;
            if let Some(answer) = answer(unit, &entry) {
                return Some(answer);
            }
            die = self.stands_for(die.0, &entry)?;
        }
        None
    }

    /// What an entry has the rest of its attributes from.
    pub(super) fn stands_for(&self, unit: usize, entry: &Entry<'a>) -> Option<Die> {
        let of = [constants::DW_AT_abstract_origin, constants::DW_AT_specification];
        let value = of.into_iter().find_map(|name| entry.attr_value(name))?;
        self.target(unit, &value)
    }

    /// The entry that an attribute of one in a unit refers to.
    pub(super) fn target(&self, unit: usize, value: &AttributeValue<Reader<'a>>) -> Option<Die> {
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
    pub(super) fn ranges(&self, unit: &Unit<Reader<'a>>, entry: &Entry<'a>) -> gimli::Result<Vec<Range>> {
        if let Some(ranges) = entry.attr_value(constants::DW_AT_ranges) {
            let mut found = Vec::new();
            if let Some(mut list) = self.dwarf.attr_ranges(unit, ranges)? {
                // What is no stretch of code, of which there may be any number, counts as well.
                while found.len() < RANGES
                    && self.room.refer(RANGE)
                    && let Some(raw) = list.next_raw()?
                {
                    found.extend(list.convert_raw(raw)?);
                }
            }
            return Ok(found);
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

/// A number that an attribute is.
pub(super) fn number(entry: &Entry<'_>, name: constants::DwAt) -> Option<u32> {
    match entry.attr_value(name)? {
        AttributeValue::FileIndex(file) => u32::try_from(file).ok(),
        value => u32::try_from(value.udata_value()?).ok(),
    }
}
