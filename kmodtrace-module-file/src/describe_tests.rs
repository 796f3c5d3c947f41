use std::collections::BTreeSet;

use proptest::prelude::*;

use super::describe::{Described, build_id, describe};
use super::error::ImageError;
use super::image::functions;
use kmodtrace_core::model::{ProbedFunction, Returns, SourceLine};

/// BTF without types or strings: what goes on behind it stands alone.
const NOTHING: [u8; 24] = [
    0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

fn unpacked(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let bytes = digits.chunks(2).map(|two| std::str::from_utf8(two).unwrap());
    let bytes: Vec<u8> = bytes.map(|two| u8::from_str_radix(two, 16).unwrap()).collect();
    zstd::decode_all(&*bytes).unwrap()
}

/// A module with BTF and debugging information, of testdata/sample.c.
fn sample() -> Vec<u8> {
    unpacked(include_str!("testdata/sample.ko.hex"))
}

/// The debugging information in a file of its own, packed.
fn separate() -> Vec<u8> {
    unpacked(include_str!("testdata/sample.debug.hex"))
}

/// Takes a section out by giving it another name.
fn without(mut elf: Vec<u8>, name: &str) -> Vec<u8> {
    let name = format!("{name}\0");
    let at = elf
        .windows(name.len())
        .position(|bytes| bytes == name.as_bytes())
        .unwrap();
    elf[at + 1] = b'X';
    elf
}

fn ask(elf: &[u8], btf: Option<&[u8]>, debug: Option<&[u8]>) -> Described {
    let names = ["leaf", "outer", "plain", "truth", "sign", "nothing", "start", "gone"];
    describe(elf, &names.into_iter().collect(), btf, debug).unwrap()
}

fn returns(described: &Described) -> Vec<(&str, Returns)> {
    let known = described.known.iter();
    known.map(|known| (&*known.name, known.returns)).collect()
}

fn lines(known: &ProbedFunction) -> Vec<(u32, Option<&str>, Option<u32>)> {
    let sites = known.sites.iter();
    sites.map(|site| (site.at, site.target.as_deref(), site.line)).collect()
}

const RETURNS: [(&str, Returns); 7] = [
    ("leaf", Returns::Int),
    ("outer", Returns::Long),
    ("plain", Returns::Other),
    ("truth", Returns::Bool),
    ("sign", Returns::Int),
    ("nothing", Returns::Void),
    ("start", Returns::Pointer),
];

#[test]
fn debugging_information_tells_lines_and_types() {
    let described = ask(&sample(), None, None);
    assert_eq!(described.notes, [""; 0]);
    assert!(described.lines && described.types);
    assert_eq!(returns(&described), RETURNS);
    let outer = &described.known[1];
    assert_eq!(outer.module.as_deref(), Some("sample"));
    let source = |line| {
        Some(SourceLine {
            file: "sample.c".to_owned(),
            line,
        })
    };
    assert_eq!(outer.source, source(30));
    assert_eq!(outer.inlined, ["middle"]);
    // The three in the middle are of a function that was put in, and of one of a header in that.
    let expected = [
        (Some("leaf"), Some(32)),
        (Some("external"), Some(32)),
        (Some("external"), Some(32)),
        (None, Some(34)),
        (Some("leaf"), Some(35)),
    ];
    let found: Vec<_> = lines(outer)
        .into_iter()
        .map(|(_, target, line)| (target, line))
        .collect();
    assert_eq!(found, expected);
    // In another section, which begins at 0 too.
    let start = &described.known[6];
    assert_eq!(start.source, source(38));
    let expected = [
        (8, Some("external"), Some(40)),
        (17, Some("outer"), Some(41)),
        (27, Some("external"), Some(42)),
    ];
    assert_eq!(lines(start), expected);
}

#[test]
fn a_separate_file_tells_the_same() {
    let whole = ask(&sample(), None, None);
    let module = without(sample(), ".debug_info");
    assert_eq!(ask(&module, None, Some(&separate())), whole);
    assert!(build_id(&module).is_some_and(|id| id.len() == 40));
    assert_eq!(build_id(&separate()), build_id(&module));
    assert_eq!(build_id(b"no file"), None);
}

#[test]
fn btf_tells_types_only() {
    let module = without(sample(), ".debug_info");
    let described = ask(&module, Some(&NOTHING), None);
    assert_eq!(described.notes, [""; 0]);
    assert!(described.types && !described.lines);
    assert_eq!(returns(&described), RETURNS);
    assert_eq!(lines(&described.known[6])[1], (17, Some("outer"), None));
    let described = ask(&module, None, None);
    assert!(!described.types && described.notes.is_empty());
}

#[test]
fn what_cannot_be_read_is_told() {
    let module = without(sample(), ".debug_info");
    let told = |btf, debug| ask(&module, btf, debug).notes.join(";");
    assert!(told(Some(b"junk"), None).contains("not BTF"));
    assert!(told(None, Some(b"junk")).contains("does not begin as ELF files do"));
    assert!(told(None, Some(&module)).contains("has none"));
    let mut other = separate();
    let id = build_id(&other).unwrap();
    let id: Vec<u8> = (0..4)
        .map(|at| u8::from_str_radix(&id[at * 2..][..2], 16).unwrap())
        .collect();
    let at = other.windows(4).position(|bytes| bytes == id).unwrap();
    other[at] ^= 1;
    assert!(told(None, Some(&other)).contains("another build"));
    // Then the module's own is taken.
    assert!(ask(&sample(), None, Some(&other)).lines);
    assert_eq!(describe(b"junk", &BTreeSet::new(), None, None), Err(ImageError::NotElf));
}

/// Makes a packed section say that it holds so many bytes: `ch_size`, behind its type.
fn claiming(mut elf: Vec<u8>, name: &str, size: u64) -> Vec<u8> {
    let at = section(&elf, name).start + 8;
    elf[at..at + 8].copy_from_slice(&size.to_le_bytes());
    elf
}

#[test]
fn sections_that_hold_too_much_together_are_not_read() {
    let module = without(sample(), ".debug_info");
    let told = |debug: &[u8]| ask(&module, None, Some(debug)).notes.join(";");
    assert_eq!(told(&separate()), "");
    let one = claiming(separate(), ".debug_info", 300 << 20);
    assert!(!told(&one).contains("more of it"), "{}", told(&one));
    let both = claiming(one, ".debug_line", 300 << 20);
    assert!(told(&both).contains("more of it"), "{}", told(&both));
}

#[test]
fn only_what_was_asked_for_is_described() {
    let sample = sample();
    let found = functions(&sample).unwrap().found;
    let all = found.iter().map(|function| &*function.name).collect();
    assert_eq!(describe(&sample, &all, None, None).unwrap().known.len(), 7);
    let one = BTreeSet::from(["sign"]);
    assert_eq!(describe(&sample, &one, None, None).unwrap().known.len(), 1);
}

type Damage = Vec<(prop::sample::Index, u8)>;

fn damage(at_most: usize) -> impl Strategy<Value = Damage> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..at_most)
}

fn damaged(mut bytes: Vec<u8>, damage: &Damage) -> Vec<u8> {
    for (at, value) in damage {
        let at = at.index(bytes.len());
        bytes[at] = *value;
    }
    bytes
}

/// What a section holds, by its name: where it lies in a file that is whole.
fn section(elf: &[u8], name: &str) -> std::ops::Range<usize> {
    use object::{Object as _, ObjectSection as _};
    let file = super::elf::open(elf).unwrap();
    let (at, length) = file.section_by_name(name).unwrap().file_range().unwrap();
    let at = usize::try_from(at).unwrap();
    at..at + usize::try_from(length).unwrap()
}

fn try_all(elf: &[u8], btf: &[u8], debug: Option<&[u8]>) {
    let names = RETURNS.iter().map(|(name, _)| *name).collect();
    let _ = describe(elf, &names, Some(btf), debug);
    let _ = build_id(elf);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(
        elf in prop::collection::vec(any::<u8>(), 0..512),
        btf in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        try_all(&elf, &btf, Some(&elf));
        try_all(&sample(), &btf, Some(&elf));
    }

    #[test]
    fn damage_never_panics(damage in damage(32)) {
        try_all(&damaged(sample(), &damage), &NOTHING, None);
        try_all(&sample(), &NOTHING, Some(&damaged(separate(), &damage)));
    }

    #[test]
    fn truncation_never_panics(end in any::<prop::sample::Index>()) {
        let (sample, separate) = (sample(), separate());
        try_all(&sample[..end.index(sample.len())], &NOTHING, None);
        try_all(&sample, &NOTHING, Some(&separate[..end.index(separate.len())]));
    }

    /// In what is read, and in the relocations of it.
    #[test]
    fn damaged_sections_never_panic(
        damage in damage(8),
        name in prop::sample::select(vec![
            ".text", ".BTF", ".debug_info", ".debug_abbrev", ".debug_line", ".debug_rnglists", ".rela.text",
            ".rela.debug_info", ".rela.debug_line", ".rela.debug_rnglists", ".symtab",
        ]),
    ) {
        let mut elf = sample();
        let range = section(&elf, name);
        let bytes = damaged(elf[range.clone()].to_vec(), &damage);
        elf[range].copy_from_slice(&bytes);
        try_all(&elf, &NOTHING, None);
    }
}
