use object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, Object as _, ObjectSection as _, RelocationFlags, SectionKind, SymbolFlags,
    SymbolKind, SymbolScope,
};

use super::describe::describe;
use super::elf::open;
use super::sites::MOST;
use kmodtrace_core::model::{CallSite, ProbedFunction};

/// Code in the making: functions of 32 bytes or more, and what they call.
struct Code {
    object: Object<'static>,
    text: SectionId,
}

/// `call`, with a displacement that a relocation fills in.
const CALL: [u8; 5] = [0xe8, 0, 0, 0, 0];

impl Code {
    fn new(architecture: Architecture) -> Self {
        let mut object = Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
        let modinfo = object.add_section(Vec::new(), b".modinfo".to_vec(), SectionKind::Data);
        object.append_section_data(modinfo, b"name=code\0", 1);
        let text = object.add_section(Vec::new(), b".text".to_vec(), SectionKind::Text);
        Self { object, text }
    }

    fn symbol(&mut self, name: &str, section: SymbolSection, value: u64, size: u64) -> SymbolId {
        let own = section != SymbolSection::Undefined;
        self.object.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value,
            size,
            kind: if own { SymbolKind::Text } else { SymbolKind::Unknown },
            scope: if own {
                SymbolScope::Compilation
            } else {
                SymbolScope::Unknown
            },
            weak: false,
            section,
            flags: SymbolFlags::None,
        })
    }

    /// A function of these bytes, filled up with `nop`.
    fn function(&mut self, name: &str, code: &[u8]) -> SymbolId {
        let mut padded = code.to_vec();
        padded.resize(code.len().max(32), 0x90);
        let at = self.object.append_section_data(self.text, &padded, 1);
        self.symbol(name, SymbolSection::Section(self.text), at, padded.len() as u64)
    }

    fn external(&mut self, name: &str) -> SymbolId {
        self.symbol(name, SymbolSection::Undefined, 0, 0)
    }

    /// Fills in a displacement; one that counts from its end has an addend of -4.
    fn relocation(&mut self, offset: u64, symbol: SymbolId, addend: i64, r_type: u32) {
        let flags = RelocationFlags::Elf { r_type };
        let relocation = Relocation {
            offset,
            symbol,
            addend,
            flags,
        };
        self.object.add_relocation(self.text, relocation).unwrap();
    }

    fn known(&self) -> (Vec<ProbedFunction>, Vec<String>) {
        known(&self.object.write().unwrap())
    }

    fn sites(&self) -> Vec<CallSite> {
        let (known, notes) = self.known();
        assert_eq!(notes, [""; 0]);
        let caller = known.into_iter().find(|known| known.name == "caller");
        caller.unwrap().sites
    }
}

fn known(elf: &[u8]) -> (Vec<ProbedFunction>, Vec<String>) {
    let names = ["caller", "callee"].into_iter().collect();
    let described = describe(elf, &names, None, None).unwrap();
    (described.known, described.notes)
}

/// The number of a section.
fn number(elf: &[u8], name: &str) -> usize {
    open(elf).unwrap().section_by_name(name).unwrap().index().0
}

fn site(at: u32, target: Option<&str>) -> CallSite {
    CallSite {
        at,
        target: target.map(str::to_owned),
        line: None,
    }
}

/// `R_X86_64_PC32` and `R_X86_64_PLT32`.
const PC32: u32 = 2;
const PLT32: u32 = 4;

#[test]
fn relocations_name_what_is_called() {
    let mut code = Code::new(Architecture::X86_64);
    code.function("callee", &[]);
    code.function("caller", &[CALL, CALL, CALL, CALL].concat());
    let section = code.object.section_symbol(code.text);
    let kmalloc = code.external("__kmalloc");
    let callee = code.symbol("callee", SymbolSection::Undefined, 0, 0);
    code.relocation(33, kmalloc, -4, PLT32);
    code.relocation(38, section, -4, PC32);
    // Into the middle of a function, and one of another place that has no name.
    code.relocation(43, section, 3, PC32);
    code.relocation(48, callee, 4, PC32);
    assert_eq!(code.sites(), [site(5, Some("__kmalloc")), site(10, Some("callee"))]);
}

#[test]
fn a_call_within_a_section_needs_no_relocation() {
    let mut code = Code::new(Architecture::X86_64);
    code.function("callee", &[]);
    // To 37 - 37 and to 42 - 38.
    code.function("caller", &[0xe8, 0xdb, 0xff, 0xff, 0xff, 0xe8, 0xda, 0xff, 0xff, 0xff]);
    assert_eq!(code.sites(), [site(5, Some("callee"))]);
}

#[test]
fn a_jump_out_of_the_function_is_a_call_that_does_not_return_to_it() {
    let mut code = Code::new(Architecture::X86_64);
    code.function("callee", &[]);
    code.function("caller", &[0xe8, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0]);
    let (first, last) = (code.external("first"), code.external("last"));
    code.relocation(33, first, -4, PLT32);
    code.relocation(38, last, -4, PLT32);
    assert_eq!(code.sites(), [site(0, Some("last")), site(5, Some("first"))]);
}

#[test]
fn what_a_register_or_memory_holds_has_no_name() {
    let mut code = Code::new(Architecture::X86_64);
    // call *%rax; call *8(%rdi); call __x86_indirect_thunk_rax; jmp *%rax.
    let bytes = [&[0xff, 0xd0, 0xff, 0x57, 8][..], &CALL, &[0xff, 0xe0]].concat();
    code.function("caller", &bytes);
    let thunk = code.external("__x86_indirect_thunk_rax");
    code.relocation(6, thunk, -4, PLT32);
    assert_eq!(code.sites(), [site(2, None), site(5, None), site(10, None)]);
}

#[test]
fn what_the_build_puts_in_is_left_out() {
    let names = [
        "__fentry__",
        "__stack_chk_fail",
        "__x86_return_thunk",
        "__asan_load8",
        "__ubsan_handle_x",
    ];
    let mut code = Code::new(Architecture::X86_64);
    // A return, as the kernel is built against Retbleed.
    code.function("caller", &[&CALL.repeat(names.len())[..], &[0xe9, 0, 0, 0, 0]].concat());
    for (name, at) in names.into_iter().chain(["__x86_return_thunk"]).zip((1..).step_by(5)) {
        let symbol = code.external(name);
        code.relocation(at, symbol, -4, PLT32);
    }
    assert_eq!(code.sites(), []);
}

#[test]
fn a_function_ends_where_the_next_begins() {
    let mut code = Code::new(Architecture::X86_64);
    code.function("caller", &[0xff, 0xd0, 0xff, 0xd0]);
    code.symbol("callee", SymbolSection::Section(code.text), 2, 30);
    let (known, _) = code.known();
    assert_eq!([&known[0].sites, &known[1].sites], [&[site(2, None)], &[site(2, None)]]);
}

#[test]
fn of_more_calls_than_a_recording_holds_those_of_the_first_functions_are_told() {
    let told = |calls: usize| {
        let mut code = Code::new(Architecture::X86_64);
        code.function("callee", &[0xff, 0xd0]);
        code.function("caller", &[0xff, 0xd0].repeat(calls));
        let (known, notes) = code.known();
        (known[0].sites.len(), known[1].sites.len(), notes.join(";"))
    };
    assert_eq!(told(MOST - 1), (1, MOST - 1, String::new()));
    let note = "the calls of 1 of its functions are not known: the code is damaged, or has more than 262144 calls";
    assert_eq!(told(MOST), (1, 0, note.to_owned()));
}

#[test]
fn code_that_is_there_twice_is_read_once() {
    let mut code = Code::new(Architecture::X86_64);
    code.function("caller", &[0xff, 0xd0].repeat(4_096));
    let again = code
        .object
        .add_section(Vec::new(), b".text.again".to_vec(), SectionKind::Text);
    code.object.append_section_data(again, &[0x90; 32], 1);
    code.symbol("callee", SymbolSection::Section(again), 0, 8_192);
    let mut elf = code.object.write().unwrap();
    // Where the one section lies, `sh_offset` and `sh_size`, is where the other does.
    let headers = usize::try_from(u64::from_le_bytes(elf[40..48].try_into().unwrap())).unwrap();
    let lies = |name| headers + 64 * number(&elf, name) + 24;
    let (from, to) = (lies(".text"), lies(".text.again"));
    elf.copy_within(from..from + 16, to);
    let (known, notes) = known(&elf);
    assert_eq!((known[0].sites.len(), known[1].sites.len(), notes.len()), (4_096, 0, 1));
}

#[test]
fn code_of_another_machine_is_not_read() {
    let mut code = Code::new(Architecture::Aarch64);
    code.function("caller", &[0xff, 0xd0]);
    let (known, notes) = code.known();
    assert_eq!((known[0].size, known[0].sites.len(), notes.len()), (32, 0, 1));
}

#[test]
fn a_call_may_have_been_made_shorter() {
    let known = ProbedFunction {
        sites: vec![site(10, None), site(20, None)],
        ..ProbedFunction::default()
    };
    let found = |at| known.site(at).map(|site| site.at);
    assert_eq!(found(10), Some(10));
    assert_eq!(found(17), Some(20));
    assert_eq!(found(11), None);
    assert_eq!(found(21), None);
}
