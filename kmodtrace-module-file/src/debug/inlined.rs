//! What the compiler put into a function.

use gimli::{Range, constants};

use super::entries::number;
use super::{Debug, Die};

/// How many of the functions in a function are told.
const INLINED: usize = 8;
/// Stretches of a function that are of others, as far as is looked.
const STRETCHES: usize = 1 << 14;

/// A function that the compiler put into another.
pub(super) struct Inlined {
    pub(super) range: Range,
    /// The line of the call in the function itself, however many there are between.
    pub(super) line: Option<u32>,
}

impl Debug<'_> {
    /// The stretches of a function that are of others, and the names of those.
    pub(super) fn inlined(&self, (index, offset): Die, names: &mut Vec<String>) -> gimli::Result<Vec<Inlined>> {
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
            Some(self.string(unit, name)?.into_owned())
        })
    }
}
