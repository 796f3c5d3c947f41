//! A small BTF made by hand, and what random bytes do.

use proptest::prelude::*;

use super::raw::kind;
use super::*;
use crate::model::Returns;

/// Builds BTF type by type. Types are numbered from 1, as in the format.
#[derive(Clone, Default)]
struct Builder {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Builder {
    fn new() -> Self {
        Self {
            strings: vec![0],
            ..Self::default()
        }
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = u32::try_from(self.strings.len()).unwrap();
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        at
    }

    fn add(&mut self, name: &str, kind: u32, flag: bool, count: usize, target: u32, body: &[u32]) -> u32 {
        let info = (u32::from(flag) << 31) | (kind << 24) | u32::try_from(count).unwrap();
        let name = self.string(name);
        for word in [&[name, info, target], body].concat() {
            self.types.extend_from_slice(&word.to_le_bytes());
        }
        self.count += 1;
        self.count
    }

    fn structure(&mut self, name: &str, kind: u32, flag: bool, members: &[(&str, u32, u32)]) -> u32 {
        let body: Vec<u32> = members
            .iter()
            .flat_map(|&(name, ty, offset)| [self.string(name), ty, offset])
            .collect();
        self.add(name, kind, flag, members.len(), 8, &body)
    }

    fn function(&mut self, name: &str, parameters: &[(&str, u32)]) {
        let body: Vec<u32> = parameters
            .iter()
            .flat_map(|&(name, ty)| [self.string(name), ty])
            .collect();
        let prototype = self.add("", kind::FUNC_PROTO, false, parameters.len(), 0, &body);
        self.add(name, kind::FUNC, false, 0, prototype, &[]);
    }

    fn bytes(&self) -> Vec<u8> {
        let types = u32::try_from(self.types.len()).unwrap();
        let strings = u32::try_from(self.strings.len()).unwrap();
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, types, types, strings] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        [bytes, self.types.clone(), self.strings.clone()].concat()
    }
}

/// Every kind once, a `file` and a `dentry` as the kernel nests them, and bit fields.
fn small() -> Builder {
    let mut b = Builder::new();
    let int = b.add("int", kind::INT, false, 0, 4, &[32]);
    let pointer = b.add("", kind::PTR, false, 0, 0, &[]);
    b.add("", kind::ARRAY, false, 0, 0, &[int, int, 56]);
    let path = b.structure(
        "path",
        kind::STRUCT,
        false,
        &[("mnt", pointer, 0), ("dentry", pointer, 64)],
    );
    let typedef = b.add("path_t", kind::TYPEDEF, false, 0, path, &[]);
    let volatile = b.add("", kind::VOLATILE, false, 0, typedef, &[]);
    let constant = b.add("", kind::CONST, false, 0, volatile, &[]);
    let restrict = b.add("", kind::RESTRICT, false, 0, constant, &[]);
    let tag = b.add("rcu", kind::TYPE_TAG, false, 0, restrict, &[]);
    let inner = b.structure("", kind::STRUCT, false, &[("f_llist", int, 0), ("f_path", tag, 64)]);
    let union = b.structure("", kind::UNION, false, &[("f_lock", int, 0), ("", inner, 64)]);
    b.add("file", kind::FWD, false, 0, 0, &[]);
    // A bit field has its width in the upper byte of the offset.
    let wide = |width: u32, bits: u32| (width << 24) | bits;
    b.structure(
        "file",
        kind::STRUCT,
        true,
        &[
            ("f_mode", int, wide(0, 0)),
            ("f_flag", int, wide(3, 32)),
            ("", union, wide(0, 128)),
        ],
    );
    let state = b.add("module_state", kind::ENUM, false, 1, 4, &[0, 0]);
    b.add("big", kind::ENUM64, false, 1, 8, &[0, 0, 0]);
    b.add("x", kind::VAR, false, 0, int, &[1]);
    b.add(".data", kind::DATASEC, false, 1, 8, &[state, 0, 8]);
    b.add("double", kind::FLOAT, false, 0, 8, &[]);
    b.add("note", kind::DECL_TAG, false, 0, state, &[0]);
    b.function("load_module", &[("info", pointer), ("uargs", pointer), ("flags", int)]);
    b.function("__request_module", &[("wait", int), ("fmt", pointer), ("", 0)]);
    b.function("async_synchronize_full", &[]);
    b
}

fn ask(bytes: &[u8]) -> Result<BtfAnswers, BtfError> {
    let functions = [
        ("load_module", 3),
        ("__request_module", 2),
        ("async_synchronize_full", 0),
        ("gone", 1),
    ]
    .map(|(name, args)| (name.to_owned(), args));
    let members = [
        ("file", "f_path.dentry"),
        ("file", "f_flag"),
        ("file", "f_path.gone"),
        ("file", "f_mode.x"),
        ("gone", "x"),
    ];
    scan(
        bytes,
        &BtfQuestions {
            functions: &functions,
            members: &members,
            types: &["file", "module_state", "btf_trace_console", "gone"],
        },
    )
}

#[test]
fn counts_arguments_and_tells_variable_ones() {
    let answers = ask(&small().bytes()).unwrap();
    let prototype = |args, variadic| Prototype { args, variadic };
    assert_eq!(answers.functions["load_module"].prototype, prototype(3, false));
    assert_eq!(answers.functions["__request_module"].prototype, prototype(2, true));
    assert_eq!(
        answers.functions["async_synchronize_full"].prototype,
        prototype(0, false)
    );
    assert_eq!(answers.functions.len(), 3);
}

/// As in 6.2, where device mapper has a `load_module` too: whichever comes first, the loader's is meant.
#[test]
fn of_two_functions_of_one_name_the_one_that_fits_is_kept() {
    let others: &[(&str, u32)] = &[("name", 2)];
    let loaders: &[(&str, u32)] = &[("info", 2), ("uargs", 2), ("flags", 1)];
    let kept = |prototypes: &[&[(&str, u32)]]| {
        let mut b = Builder::new();
        b.add("int", kind::INT, false, 0, 4, &[32]);
        b.add("", kind::PTR, false, 0, 0, &[]);
        for parameters in prototypes {
            b.function("load_module", parameters);
        }
        ask(&b.bytes()).unwrap()
    };
    // A prototype and its function are two types, behind the two that are there already.
    for (prototypes, args, id) in [
        ([others, loaders], 3, 6),
        ([loaders, others], 3, 4),
        ([loaders, loaders], 3, 4),
        ([others, others], 1, 4),
    ] {
        let answers = kept(&prototypes);
        let function = answers.functions["load_module"];
        assert_eq!((function.prototype.args, function.id), (args, id));
        // A trampoline goes where the outline says: the other one is not in it.
        let outline = answers.outline();
        let raw = Raw::new(&outline).unwrap();
        let named: Vec<u32> = raw.types().filter(|(_, ty)| ty.name != 0).map(|(id, _)| id).collect();
        assert_eq!(named, [id]);
    }
}

#[test]
fn finds_members_through_anonymous_parts_and_qualifiers() {
    let answers = ask(&small().bytes()).unwrap();
    // 16 to the union, 8 to the anonymous struct, 8 to the path, 8 to the dentry.
    assert_eq!(answers.members, BTreeMap::from([("file.f_path.dentry".to_owned(), 40)]));
}

#[test]
fn knows_which_types_exist() {
    let mut b = small();
    b.add("btf_trace_console", kind::TYPEDEF, false, 0, 2, &[]);
    let types: Vec<String> = ask(&b.bytes()).unwrap().types.into_iter().collect();
    assert_eq!(types, ["btf_trace_console", "file", "module_state"]);
}

#[test]
fn a_declaration_is_no_type() {
    let mut b = Builder::new();
    b.add("file", kind::FWD, false, 0, 0, &[]);
    assert_eq!(ask(&b.bytes()).unwrap(), BtfAnswers::default());
}

#[test]
fn says_what_it_cannot_read() {
    let bytes = small().bytes();
    assert_eq!(ask(b""), Err(BtfError::Magic));
    assert_eq!(ask(b"ELF, not BTF"), Err(BtfError::Magic));
    assert_eq!(ask(&[0xeb, 0x9f, 1, 0]), Err(BtfError::BigEndian));
    assert_eq!(
        ask(&[&[0x9f, 0xeb, 2], &bytes[3..]].concat()),
        Err(BtfError::Version(2))
    );
    assert!(matches!(ask(&bytes[..bytes.len() - 1]), Err(BtfError::Damaged(_))));
}

#[test]
fn an_unknown_kind_stops_it() {
    let mut b = small();
    let id = b.add("new", 20, false, 0, 0, &[]);
    assert_eq!(ask(&b.bytes()), Err(BtfError::Kind { id, kind: 20 }));
}

#[test]
fn types_that_contain_themselves_end() {
    let mut b = Builder::new();
    b.structure("file", kind::STRUCT, false, &[("", 1, 0), ("", 1, 0), ("", 1, 0)]);
    assert_eq!(ask(&b.bytes()), Err(BtfError::Endless));
    let mut b = Builder::new();
    b.add("", kind::CONST, false, 0, 1, &[]);
    b.structure("file", kind::STRUCT, false, &[("", 1, 0)]);
    assert_eq!(ask(&b.bytes()), Err(BtfError::Endless));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), magic in any::<bool>()) {
        if magic && bytes.len() > 3 {
            bytes[..3].copy_from_slice(&[0x9f, 0xeb, 1]);
        }
        let _ = ask(&bytes);
    }

    #[test]
    fn damage_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let mut bytes = small().bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let end = if whole { bytes.len() } else { cut.index(bytes.len()) };
        let _ = ask(&bytes[..end]);
    }
}

/// Types with what a function returns of each, and functions that return them, by names.
fn of_returns() -> Builder {
    let mut b = Builder::new();
    let int = b.add("int", kind::INT, false, 0, 4, &[1 << 24 | 32]);
    let long = b.add("long", kind::INT, false, 0, 8, &[1 << 24 | 64]);
    let unsigned = b.add("unsigned int", kind::INT, false, 0, 4, &[32]);
    let boolean = b.add("_Bool", kind::INT, false, 0, 1, &[4 << 24 | 8]);
    let byte = b.add("u8", kind::TYPEDEF, false, 0, unsigned, &[]);
    let bool_of_byte = b.add("bool", kind::TYPEDEF, false, 0, byte, &[]);
    let pointer = b.add("", kind::PTR, false, 0, 0, &[]);
    let constant = b.add("", kind::CONST, false, 0, int, &[]);
    let errno = b.add("errno_t", kind::TYPEDEF, false, 0, constant, &[]);
    let signed = b.add("signed", kind::ENUM, true, 1, 4, &[0, 0]);
    let old = b.add("old", kind::ENUM, false, 1, 4, &[0, 0]);
    let wide = b.add("wide", kind::ENUM64, true, 1, 8, &[0, 0, 0]);
    let structure = b.structure("pair", kind::STRUCT, false, &[("a", int, 0)]);
    for (name, ty) in [
        ("void", 0),
        ("int", int),
        ("long", long),
        ("unsigned", unsigned),
        ("boolean", boolean),
        ("bool_of_byte", bool_of_byte),
        ("pointer", pointer),
        ("errno", errno),
        ("signed", signed),
        ("old", old),
        ("wide", wide),
        ("structure", structure),
        ("twice", int),
        ("twice", errno),
        ("disputed", int),
        ("disputed", long),
    ] {
        b.returning(name, ty);
    }
    b
}

impl Builder {
    fn returning(&mut self, name: &str, ty: u32) {
        let prototype = self.add("", kind::FUNC_PROTO, false, 0, ty, &[]);
        self.add(name, kind::FUNC, false, 0, prototype, &[]);
    }

    /// One that goes on behind another.
    fn behind(base: &Self) -> Self {
        Self {
            types: Vec::new(),
            strings: Vec::new(),
            count: base.count,
        }
    }
}

const ASKED: [&str; 15] = [
    "void",
    "int",
    "long",
    "unsigned",
    "boolean",
    "bool_of_byte",
    "pointer",
    "errno",
    "signed",
    "old",
    "wide",
    "structure",
    "twice",
    "disputed",
    "gone",
];

#[test]
fn tells_what_functions_return() {
    let found = returns(&of_returns().bytes(), None, &BTreeSet::from(ASKED)).unwrap();
    let expected = [
        ("bool_of_byte", Returns::Bool),
        ("boolean", Returns::Bool),
        ("errno", Returns::Int),
        ("int", Returns::Int),
        ("long", Returns::Long),
        ("old", Returns::Other),
        ("pointer", Returns::Pointer),
        ("signed", Returns::Int),
        ("structure", Returns::Other),
        ("twice", Returns::Int),
        ("unsigned", Returns::Other),
        ("void", Returns::Void),
        ("wide", Returns::Long),
    ];
    let found: Vec<_> = found.iter().map(|(name, returns)| (&**name, *returns)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_modules_types_go_on_behind_the_kernels() {
    let base = of_returns();
    let mut split = Builder::behind(&base);
    // A string of its own counts from behind the base's.
    let shift = u32::try_from(base.strings.len()).unwrap();
    let prototype = split.add("", kind::FUNC_PROTO, false, 0, 2, &[]);
    split.strings = b"probe\0".to_vec();
    let word = |value: u32| value.to_le_bytes();
    let info = kind::FUNC << 24;
    split.types.extend([word(shift), word(info), word(prototype)].concat());
    let (base, split) = (base.bytes(), split.bytes());
    let wanted = BTreeSet::from(["probe", "int"]);
    let found = returns(&base, Some(&split), &wanted).unwrap();
    assert_eq!(found, BTreeMap::from([("probe".to_owned(), Returns::Long)]));
    // On another base its names and types are others: at worst an error.
    assert!(returns(&small().bytes(), Some(&split), &wanted).is_ok_and(|found| found.is_empty()));
    assert_eq!(returns(&base, Some(b"junk"), &wanted), Err(BtfError::Magic));
}

#[test]
fn a_type_of_itself_is_no_answer() {
    let mut b = Builder::new();
    b.add("loop", kind::TYPEDEF, false, 0, 1, &[]);
    b.returning("f", 1);
    assert_eq!(
        returns(&b.bytes(), None, &BTreeSet::from(["f"])),
        Err(BtfError::Endless)
    );
}

proptest! {
    #[test]
    fn damage_to_a_split_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..8),
    ) {
        let base = of_returns();
        let mut split = Builder::behind(&base);
        split.returning("int", 1);
        let (mut base, mut split) = (base.bytes(), split.bytes());
        for (at, byte, in_base) in changes {
            let bytes = if in_base { &mut base } else { &mut split };
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = returns(&base, Some(&split), &BTreeSet::from(ASKED));
    }
}
