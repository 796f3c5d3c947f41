//! The file of a module: packed, as ELF, and its debugging information.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use kmodtrace_module_file::{build_id, describe, functions, unpack};
use object::{Object as _, ObjectSection as _};

/// BTF without types or strings: what goes on behind it stands alone.
pub(crate) const NO_BTF: [u8; 24] = [
    0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// A module with BTF and debugging information.
static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    unpacked_hex(include_str!(
        "../../../kmodtrace-module-file/src/testdata/sample.ko.hex"
    ))
});

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn unpacked_hex(hex: &str) -> Vec<u8> {
    zstd::decode_all(&*bytes_of(hex)).unwrap()
}

/// What the module has in a section.
pub(crate) fn section(name: &str) -> Vec<u8> {
    let file = object::File::parse(&**SAMPLE).unwrap();
    let section = file.section_by_name(name).unwrap();
    section.data().unwrap().to_vec()
}

/// A whole file, which is asked about itself as the kernel's BTF and as a file with debugging information too.
pub(crate) fn elf(bytes: &[u8]) {
    let _ = build_id(bytes);
    let Ok(found) = functions(bytes) else { return };
    let names: BTreeSet<&str> = found.found.iter().map(|function| &*function.name).collect();
    for other in [None, Some(bytes)] {
        let described = describe(bytes, &names, Some(other.unwrap_or(&NO_BTF)), other).unwrap();
        assert!(described.known.iter().all(|known| names.contains(&*known.name)));
    }
}

/// A module, and a file with debugging information.
pub(crate) fn elf_seeds() -> Vec<Vec<u8>> {
    let debug = unpacked_hex(include_str!(
        "../../../kmodtrace-module-file/src/testdata/sample.debug.hex"
    ));
    vec![SAMPLE.clone(), debug]
}

/// Where the module has its debugging information, by sections in the order of the file.
fn debug_ranges() -> Vec<Range<usize>> {
    let file = object::File::parse(&**SAMPLE).unwrap();
    let sections = file
        .sections()
        .filter(|section| section.name().is_ok_and(|name| name.starts_with(".debug_")));
    let range = |(begin, size)| {
        let [begin, end] = [begin, begin + size].map(|at| usize::try_from(at).unwrap());
        begin..end
    };
    let places = sections.filter_map(|section| section.file_range());
    places.map(range).collect()
}

/// The debugging information of a module that is whole otherwise.
pub(crate) fn dwarf(mut bytes: &[u8]) {
    static RANGES: LazyLock<Vec<Range<usize>>> = LazyLock::new(debug_ranges);
    let mut module = SAMPLE.clone();
    for range in RANGES.iter() {
        let room = &mut module[range.clone()];
        let (data, rest) = bytes.split_at(bytes.len().min(room.len()));
        room[..data.len()].copy_from_slice(data);
        bytes = rest;
    }
    let found = functions(&module).unwrap();
    let names: BTreeSet<&str> = found.found.iter().map(|function| &*function.name).collect();
    let described = describe(&module, &names, None, None).unwrap();
    assert_eq!(described.known.len(), names.len());
}

/// That of the module.
pub(crate) fn dwarf_seeds() -> Vec<Vec<u8>> {
    let ranges = debug_ranges();
    vec![ranges.into_iter().flat_map(|range| SAMPLE[range].to_vec()).collect()]
}

/// A packed file. More than 1 MiB is too much.
pub(crate) fn unpacked(bytes: &[u8]) {
    const BOUND: u64 = 1 << 20;
    if let Ok(unpacked) = unpack(bytes, BOUND) {
        assert!(unpacked.len() as u64 <= BOUND);
    }
}

/// A line, as each packer packs it.
pub(crate) fn packed_seeds() -> Vec<Vec<u8>> {
    let packed = [
        "fd377a585a0000016922de360200210110000000a8708e8601000a6f6e65206d6f64756c650a00005d14051200011f0b3d620e7a9042990d\
         010000000001595a",
        "fd377a585a0000016922de3602010400210110008b216f4901000a6f6e65206d6f64756c650a00005d14051200011f0b3d620e7a9042990d\
         010000000001595a",
        "1f8b0800000000000003cbcf4b55c8cd4f29cd49e502005d1405120b000000",
        "28b52ffd240b5900006f6e65206d6f64756c650a451bed1d",
    ];
    packed.map(bytes_of).to_vec()
}
