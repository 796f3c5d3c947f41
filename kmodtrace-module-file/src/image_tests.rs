use std::collections::HashMap;

use object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationEncoding, RelocationFlags, RelocationKind, SectionKind,
    SymbolFlags, SymbolKind, SymbolScope,
};
use proptest::prelude::*;

use super::error::ImageError;
use super::image::{Functions, Obstacle, functions};

/// A module in the making.
struct Maker {
    object: Object<'static>,
    sections: HashMap<String, SectionId>,
}

impl Maker {
    fn new() -> Self {
        Self {
            object: Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little),
            sections: HashMap::new(),
        }
    }

    fn named(name: &str) -> Self {
        Self::new().holding(".modinfo", format!("license=GPL\0name={name}\0").as_bytes())
    }

    fn section(&mut self, name: &str) -> SectionId {
        let kind = if name.contains("text") {
            SectionKind::Text
        } else {
            SectionKind::Data
        };
        let object = &mut self.object;
        *self
            .sections
            .entry(name.to_owned())
            .or_insert_with(|| object.add_section(Vec::new(), name.as_bytes().to_vec(), kind))
    }

    fn holding(mut self, section: &str, data: &[u8]) -> Self {
        let section = self.section(section);
        self.object.append_section_data(section, data, 1);
        self
    }

    fn symbol(&mut self, name: &str, section: &str, value: u64, size: u64, kind: SymbolKind) -> SymbolId {
        let section = self.section(section);
        self.object.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value,
            size,
            kind,
            scope: SymbolScope::Compilation,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::None,
        })
    }

    /// A function of 32 bytes.
    fn function(mut self, name: &str, section: &str, at: u64) -> Self {
        self.symbol(name, section, at, 32, SymbolKind::Text);
        self
    }

    /// An entry of a table of addresses.
    fn entry(mut self, table: &str, section: &str, at: i64) -> Self {
        let (table, section) = (self.section(table), self.section(section));
        let symbol = self.object.section_symbol(section);
        let offset = self.object.append_section_data(table, &[0; 8], 8);
        let relocation = Relocation {
            offset,
            symbol,
            addend: at,
            flags: RelocationFlags::Generic {
                kind: RelocationKind::Absolute,
                encoding: RelocationEncoding::Generic,
                size: 64,
            },
        };
        self.object.add_relocation(table, relocation).unwrap();
        self
    }

    /// A function with a call site.
    fn traced(self, name: &str, section: &str, at: u64) -> Self {
        self.function(name, section, at)
            .entry("__mcount_loc", section, at.cast_signed())
    }

    fn elf(self) -> Vec<u8> {
        self.object.write().unwrap()
    }

    fn functions(self) -> Functions {
        functions(&self.elf()).unwrap()
    }
}

fn found(functions: &Functions) -> Vec<&str> {
    functions.found.iter().map(|function| &*function.name).collect()
}

fn left_out(functions: &Functions) -> Vec<(&str, Obstacle)> {
    let left_out = functions.left_out.iter();
    left_out.map(|left| (&*left.name, left.why)).collect()
}

/// Something of everything.
fn sample() -> Maker {
    Maker::named("a_module")
        .traced("probe", ".text", 0)
        .function("behind_endbr", ".text", 0x20)
        .entry("__mcount_loc", ".text", 0x24)
        .function("notrace", ".text", 0x40)
        .traced("probe.isra.0", ".text", 0x60)
        .traced("twice", ".text", 0x80)
        .traced("twice", ".text", 0xa0)
        .traced("blacklisted", ".text", 0xc0)
        .entry("_kprobe_blacklist", ".text", 0xc0)
        .function("probe.cold", ".text.unlikely", 0)
        .traced("fragile", ".noinstr.text", 0)
        .traced("init_module", ".init.text", 0x10)
        .traced("a_init", ".init.text", 0x10)
        .traced("a_exit", ".exit.text", 0)
        .function("cleanup_module", ".exit.text", 0)
        .function("__SCT__call", ".static_call.text", 0)
        .traced("a\nb", ".text", 0xe0)
}

#[test]
fn tells_what_can_be_probed_and_why_not_the_rest() {
    let functions = sample().functions();
    assert_eq!(functions.name, "a_module");
    assert!(functions.call_sites);
    assert_eq!(found(&functions), ["probe", "behind_endbr", "probe.isra.0", "a_init"]);
    let init: Vec<bool> = functions.found.iter().map(|function| function.init).collect();
    assert_eq!(init, [false, false, false, true]);
    let expected = [
        ("notrace", Obstacle::NoTrace),
        ("twice", Obstacle::Ambiguous),
        ("twice", Obstacle::Ambiguous),
        ("blacklisted", Obstacle::NoProbe),
        ("a\nb", Obstacle::OddName),
        ("probe.cold", Obstacle::Part),
        ("fragile", Obstacle::NoProbe),
        ("a_exit", Obstacle::Exit),
        ("__SCT__call", Obstacle::Part),
    ];
    assert_eq!(left_out(&functions), expected);
}

#[test]
fn a_kernel_without_ftrace_has_no_call_sites() {
    let maker = Maker::named("plain")
        .function("one", ".text", 0)
        .function("one.cold", ".text", 32);
    let functions = maker.functions();
    assert_eq!(found(&functions), ["one"]);
    assert_eq!(left_out(&functions), [("one.cold", Obstacle::Part)]);
    assert!(!functions.call_sites);
}

#[test]
fn a_call_site_is_its_own_functions() {
    let mut maker = Maker::named("short");
    maker.symbol("short", ".text", 0, 6, SymbolKind::Text);
    maker.symbol("no_size", ".text", 0x20, 0, SymbolKind::Text);
    let maker = maker
        .entry("__mcount_loc", ".text", 6)
        .entry("__mcount_loc", ".text", 0x24)
        .traced("far", ".text", 0x40)
        .function("elsewhere", ".init.text", 0x40);
    let functions = maker.functions();
    assert_eq!(found(&functions), ["no_size", "far"]);
    assert_eq!(
        left_out(&functions),
        [("short", Obstacle::NoTrace), ("elsewhere", Obstacle::NoTrace)]
    );
}

#[test]
fn data_of_the_same_name_make_a_name_ambiguous() {
    let mut maker = Maker::named("data").traced("state", ".text", 0);
    maker.symbol("state", ".data", 0, 8, SymbolKind::Data);
    assert_eq!(left_out(&maker.functions()), [("state", Obstacle::Ambiguous)]);
}

#[test]
fn an_ambiguous_init_function_goes_by_its_other_name() {
    let functions = Maker::named("init")
        .traced("start", ".init.text", 0)
        .function("init_module", ".init.text", 0)
        .traced("start", ".init.text", 32)
        .functions();
    assert_eq!(found(&functions), ["init_module"]);
    assert_eq!(left_out(&functions), [("start", Obstacle::Ambiguous)]);
}

#[test]
fn padding_is_no_function() {
    let functions = Maker::named("padded")
        .function("__pfx_one", ".text", 0)
        .traced("one", ".text", 32)
        // In front of nothing of its name.
        .traced("__pfx_two", ".text", 64)
        .functions();
    assert_eq!(found(&functions), ["one", "__pfx_two"]);
    assert_eq!(left_out(&functions), []);
}

#[test]
fn old_modules_have_their_name_in_the_struct() {
    let mut structure = [0; 128];
    structure[24..35].copy_from_slice(b"pcc-cpufreq");
    let maker = Maker::new()
        .holding(".gnu.linkonce.this_module", &structure)
        .traced("one", ".text", 0);
    assert_eq!(maker.functions().name, "pcc_cpufreq");
}

#[test]
fn says_what_a_file_is_not() {
    let error = |elf: &[u8]| functions(elf).unwrap_err();
    assert_eq!(error(b"\x1f\x8b\x08"), ImageError::NotElf);
    assert_eq!(error(b""), ImageError::NotElf);
    let elf = sample().elf();
    assert!(
        matches!(error(&elf[..9]), ImageError::Damaged(_)),
        "{}",
        error(&elf[..9])
    );
    assert!(matches!(error(&elf[..elf.len() - 1]), ImageError::Damaged(_)));
    let changed = |at: usize, value: u8| {
        let mut elf = elf.clone();
        elf[at] = value;
        functions(&elf).unwrap_err()
    };
    assert_eq!(changed(4, 1), ImageError::OtherMachine);
    assert_eq!(changed(5, 2), ImageError::OtherMachine);
    assert_eq!(changed(16, 3), ImageError::NotRelocatable(3));
    assert_eq!(error(&Maker::new().traced("one", ".text", 0).elf()), ImageError::NoName);
    assert_eq!(
        error(&Maker::named("a b").traced("one", ".text", 0).elf()),
        ImageError::NoName
    );
    let mut stripped = Maker::named("stripped").elf();
    hide_symbols(&mut stripped);
    assert_eq!(error(&stripped), ImageError::NoSymbols);
}

#[test]
fn names_that_the_kernel_does_not_take_are_not_read() {
    let named = |length| {
        let name = "n".repeat(length);
        functions(&Maker::named("long").traced(&name, ".text", 0).elf())
    };
    assert_eq!(named(511).unwrap().found.len(), 1);
    assert!(matches!(named(512), Err(ImageError::Damaged(_))));
}

/// Makes a section of no type of the symbol table.
fn hide_symbols(elf: &mut [u8]) {
    let headers = usize::try_from(u64::from_le_bytes(elf[40..48].try_into().unwrap())).unwrap();
    for header in (headers..elf.len()).step_by(64) {
        // SHT_SYMTAB and SHT_NULL.
        if elf[header + 4] == 2 {
            elf[header + 4] = 0;
        }
    }
}

#[test]
fn bytes_may_lie_anywhere() {
    let elf = sample().elf();
    let shifted: Vec<u8> = std::iter::once(0).chain(elf.iter().copied()).collect();
    assert_eq!(functions(&shifted[1..]), functions(&elf));
}

#[test]
fn no_truncation_panics() {
    let elf = sample().elf();
    for length in 0..elf.len() {
        assert!(functions(&elf[..length]).is_err(), "{length} of {} bytes", elf.len());
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(functions(&bytes).is_err());
    }

    #[test]
    fn random_bytes_behind_a_header_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let mut elf = sample().elf();
        elf.truncate(64);
        elf.extend(bytes);
        let _ = functions(&elf);
    }

    #[test]
    fn random_damage_never_panics(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..16)) {
        let mut elf = sample().elf();
        for (at, value) in damage {
            let at = at.index(elf.len());
            elf[at] = value;
        }
        let _ = functions(&elf);
    }

    /// What leads through the file is in the headers of its sections.
    #[test]
    fn damaged_section_headers_never_panic(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut elf = sample().elf();
        let headers = usize::try_from(u64::from_le_bytes(elf[40..48].try_into().unwrap())).unwrap();
        for (at, value) in damage {
            let at = headers + at.index(elf.len() - headers);
            elf[at] = value;
        }
        let _ = functions(&elf);
    }
}
