//! Functions: where they are, and the lines of their calls.

use std::collections::BTreeMap;

use gimli::constants;

use super::inlined::Inlined;
use super::lines::Rows;
use super::{About, Debug, DebugError, Die, Place, sections};

impl Debug<'_> {
    /// Finds what is wanted in a unit.
    pub(super) fn unit(
        &self,
        index: usize,
        wanted: &BTreeMap<Place, Vec<u32>>,
        found: &mut BTreeMap<Place, About>,
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
                        None => &*rows.insert(Rows::read(unit, &self.room)?),
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
            let name = self.units.get(unit).and_then(|unit| self.file_name(unit, file));
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
}
