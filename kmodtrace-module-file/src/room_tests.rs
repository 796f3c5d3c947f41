//! Debugging information that takes more room than its file says.

use object::write::{Object, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope};

use super::describe::describe;

/// A unit with lines; functions whose code lies at an address and is a byte long, without children and with; one that was put into
/// another, and one with a name.
const ABBREVIATIONS: [&[u8]; 6] = [
    &[1, 0x11, 1, 0x10, 0x17, 0, 0],
    &[2, 0x2e, 0, 0x11, 1, 0x12, 0x0b, 0, 0],
    &[3, 0x2e, 1, 0x11, 1, 0x12, 0x0b, 0, 0],
    &[4, 0x1d, 0, 0x31, 0x13, 0, 0],
    &[5, 0x2e, 0, 0x03, 0x08, 0, 0],
    &[0],
];
/// The number of the section of code, behind those of debugging information.
const TEXT: u64 = 5;

/// A length in four bytes, and what has it.
fn counted(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_le_bytes()[..], bytes].concat()
}

/// A unit of DWARF 4 whose lines begin at 0, with these entries.
fn unit(entries: &[u8]) -> Vec<u8> {
    let head = [4, 0, 0, 0, 0, 0, 8];
    counted(&[&head[..], &[1, 0, 0, 0, 0], entries, &[0]].concat())
}

/// The function, by this abbreviation.
fn function(abbreviation: u8) -> Vec<u8> {
    [&[abbreviation][..], &(TEXT << 32).to_le_bytes(), &[1]].concat()
}

/// Lines of DWARF 4: the length that their header claims to have, and a program.
fn lines(claimed: u32, program: &[u8]) -> Vec<u8> {
    let opcodes = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
    let header = [&[1, 1, 1, 0xfb, 14, 13][..], &opcodes, &[0, 0]].concat();
    counted(&[&[4, 0][..], &claimed.to_le_bytes(), &header, program].concat())
}

/// Of a module with so many small units and these lines, what is told of it, and whether a function of it has lines.
fn told(units: usize, lines: &[u8]) -> (String, bool) {
    told_of(&unit(&function(2)).repeat(units), lines)
}

/// Of a module with these units and lines, what is told of it, and whether a function of it has lines.
fn told_of(units: &[u8], lines: &[u8]) -> (String, bool) {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let mut add = |name: &str, kind, data: &[u8]| {
        let section = object.add_section(Vec::new(), name.as_bytes().to_vec(), kind);
        object.append_section_data(section, data, 1);
        section
    };
    add(".modinfo", SectionKind::Data, b"name=large\0");
    add(".debug_abbrev", SectionKind::Debug, &ABBREVIATIONS.concat());
    add(".debug_info", SectionKind::Debug, units);
    add(".debug_line", SectionKind::Debug, lines);
    let text = add(".text", SectionKind::Text, &[0x90]);
    object.add_symbol(Symbol {
        name: b"function".to_vec(),
        value: 0,
        size: 1,
        kind: SymbolKind::Text,
        scope: SymbolScope::Compilation,
        weak: false,
        section: SymbolSection::Section(text),
        flags: SymbolFlags::None,
    });
    let described = describe(&object.write().unwrap(), &["function"].into(), None, None).unwrap();
    (described.notes.join(";"), described.types)
}

/// Bytes of a header of lines as short as those here.
const SHORT: u32 = 20;

#[test]
fn what_is_small_is_read() {
    assert_eq!(told(1, &lines(SHORT, &[])), (String::new(), true));
}

#[test]
fn units_that_are_too_many_are_not_kept() {
    let (note, known) = told(1 << 17, &lines(SHORT, &[]));
    assert!(note.contains("more of it") && known, "{note}");
}

#[test]
fn lists_of_files_that_are_too_long_are_not_read() {
    let (note, known) = told(1, &lines(9 << 20, &[]));
    assert!(note.contains("more of it") && !known, "{note}");
}

#[test]
fn lines_that_are_too_many_are_not_kept() {
    /// Four bytes of code further, a line.
    const FURTHER: u8 = 0x4b;
    let (note, known) = told(1, &lines(SHORT, &vec![FURTHER; 9 << 20]));
    assert!(note.contains("more of it") && !known, "{note}");
}

#[test]
fn a_long_name_that_many_refer_to_is_not_read_for_each() {
    let named = [&[5][..], &vec![b'a'; 1 << 20], &[0]].concat();
    // The name is the first entry behind the unit's own.
    let inlined = [4, 16, 0, 0, 0].repeat(300);
    let unit = unit(&[named, function(3), inlined, vec![0]].concat());
    let (note, known) = told_of(&unit, &lines(SHORT, &[]));
    assert!(note.contains("more of it") && known, "{note}");
}
