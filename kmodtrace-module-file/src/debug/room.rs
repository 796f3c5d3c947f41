//! How much of debugging information is read: hundreds of megabytes of it can be packed into hundreds of bytes, and a byte of a
//! unit's tables can take a hundred in memory.

use std::cell::Cell;

use gimli::{AttributeValue, Dwarf, Reader as _, Section as _, Unit, UnitHeader, constants};

use super::{DebugError, Reader};

/// Bytes of the tables of all units together: their abbreviations, and the files that their lines are of.
const TABLES: usize = 8 << 20;
/// What a unit without any is reckoned as.
const UNIT: usize = 64;
/// Lines of all units together that functions are looked for in.
const LINES: usize = 1 << 23;
/// Bytes of what entries refer to, each time that one does: any number can refer to the same.
const REFERRED: usize = 1 << 28;

/// What there is room for.
pub(super) struct Room {
    tables: Cell<usize>,
    lines: Cell<usize>,
    referred: Cell<usize>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            tables: Cell::new(TABLES),
            lines: Cell::new(LINES),
            referred: Cell::new(REFERRED),
        }
    }

    /// The units as far as there is room, and what stopped that or was damaged. What is behind a damaged header cannot be found; a
    /// damaged unit hides nothing but itself.
    pub(super) fn units<'a>(&self, dwarf: &Dwarf<Reader<'a>>) -> (Vec<Unit<Reader<'a>>>, Option<DebugError>) {
        let (mut units, mut damage) = (Vec::new(), None);
        let mut headers = dwarf.units();
        while let Some(header) = headers.next().transpose() {
            let unit = header.map_err(DebugError::from).and_then(|header| {
                self.unit(dwarf, &header)?;
                Ok(dwarf.unit(header)?)
            });
            match unit {
                Ok(unit) => units.push(unit),
                Err(DebugError::TooLarge) => return (units, Some(DebugError::TooLarge)),
                Err(error) => damage = Some(error),
            }
        }
        (units, damage)
    }

    /// Makes room for what is kept of a unit.
    fn unit(&self, dwarf: &Dwarf<Reader<'_>>, header: &UnitHeader<Reader<'_>>) -> Result<(), DebugError> {
        self.tables(UNIT)?;
        let mut table = *dwarf.debug_abbrev.reader();
        table.skip(header.debug_abbrev_offset().0)?;
        let before = table.len();
        let skipped = skip_abbreviations(&mut table);
        self.tables(before - table.len())?;
        skipped?;
        self.tables(line_header(dwarf, header)?)
    }

    fn tables(&self, bytes: usize) -> Result<(), DebugError> {
        take(&self.tables, bytes)
    }

    /// Makes room for a line.
    pub(super) fn line(&self) -> Result<(), DebugError> {
        take(&self.lines, 1)
    }

    /// Counts bytes that something refers to, and says whether there is room for more.
    pub(super) fn refer(&self, bytes: usize) -> bool {
        let left = self.referred.get().saturating_sub(bytes);
        self.referred.set(left);
        left > 0
    }
}

fn take(left: &Cell<usize>, wanted: usize) -> Result<(), DebugError> {
    left.set(left.get().checked_sub(wanted).ok_or(DebugError::TooLarge)?);
    Ok(())
}

/// Goes to the end of a table of abbreviations.
fn skip_abbreviations(table: &mut Reader<'_>) -> gimli::Result<()> {
    while table.read_uleb128()? != 0 {
        let _tag = table.read_uleb128()?;
        let _has_children = table.read_u8()?;
        loop {
            let (name, form) = (table.read_uleb128()?, table.read_uleb128()?);
            if (name, form) == (0, 0) {
                break;
            }
            if form == u64::from(constants::DW_FORM_implicit_const.0) {
                table.read_sleb128()?;
            }
        }
    }
    Ok(())
}

/// What the header of a unit's lines says of its own length.
fn line_header(dwarf: &Dwarf<Reader<'_>>, header: &UnitHeader<Reader<'_>>) -> gimli::Result<usize> {
    let abbreviations = dwarf.abbreviations(header)?;
    let mut entries = header.entries(&abbreviations);
    let root = entries.next_dfs()?;
    let lines = root.and_then(|root| root.attr_value(constants::DW_AT_stmt_list));
    let Some(AttributeValue::DebugLineRef(offset)) = lines else {
        return Ok(0);
    };
    let mut lines = *dwarf.debug_line.reader();
    lines.skip(offset.0)?;
    let (_, format) = lines.read_initial_length()?;
    if lines.read_u16()? >= 5 {
        // The sizes of an address and of a segment's number.
        lines.skip(2)?;
    }
    lines.read_length(format)
}
