//! What `/proc/kallsyms` says of a fixed set of names. It is fed line by line: the whole text is several megabytes.
//!
//! Lines are `address type name`, with `[module]` behind the symbols of modules, which are skipped. All addresses read 0 for a
//! process that may not see them (`kallsyms_show_value` in the kernel).

use std::collections::{BTreeMap, BTreeSet};

/// What the compiler puts behind the name of a function whose code it changed, so that arguments and return may differ.
const SUFFIXES: &[&str] = &[".isra", ".constprop", ".part", ".cold", ".llvm"];

/// The text symbols of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// How many have exactly this name.
    pub count: u32,
    /// Where the last of them is, if that is shown.
    pub address: Option<u64>,
    /// What the compiler made of it, such as `find_module_all.isra.0`, and where, if that is shown.
    pub variants: Vec<(String, Option<u64>)>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SymbolAnswers {
    /// The wanted text symbols that exist under their name or under one the compiler made of it.
    pub functions: BTreeMap<String, Symbol>,
    /// The wanted data symbols that exist, with their address if it is shown.
    pub data: BTreeMap<String, Option<u64>>,
    /// Whether any address is shown.
    pub addresses: bool,
}

/// Where the type and the name of a symbol lie in a line of a 64-bit kernel: `%016lx %c %s` (`s_show`, kernel/kallsyms.c).
const TYPE: usize = 17;
const NAME: usize = 19;

/// Reads kallsyms.
#[derive(Debug)]
pub struct Scanner<'a> {
    functions: BTreeSet<&'a str>,
    data: BTreeSet<&'a str>,
    /// By the first byte of a name, a bit for each length of a wanted one: hundreds of thousands of lines are told by it to be of
    /// others, which would take as long as the kernel takes to make them.
    lengths: [u64; 256],
    answers: SymbolAnswers,
}

impl<'a> Scanner<'a> {
    /// A reader that looks for these text and data symbols.
    pub fn new(functions: impl IntoIterator<Item = &'a str>, data: impl IntoIterator<Item = &'a str>) -> Self {
        let functions: BTreeSet<&str> = functions.into_iter().collect();
        let data: BTreeSet<&str> = data.into_iter().collect();
        let mut lengths = [0; 256];
        for name in functions.iter().chain(&data) {
            if let Some(first) = name.bytes().next() {
                lengths[usize::from(first)] |= length_bit(name.len());
            }
        }
        Self {
            functions,
            data,
            lengths,
            answers: SymbolAnswers::default(),
        }
    }

    /// Whether a line may be of a wanted symbol. One that has another shape than usual may.
    fn may_be_wanted(&self, line: &[u8]) -> bool {
        let (Some(b' '), Some(b' '), Some(name)) = (line.get(TYPE - 1), line.get(TYPE + 1), line.get(NAME..)) else {
            return true;
        };
        let Some(&first) = name.first() else { return true };
        let lengths = self.lengths.get(usize::from(first)).copied().unwrap_or(0);
        let is_over = |byte: &u8| matches!(byte, b'.' | b'\n' | b'\t' | b' ');
        lengths != 0 && lengths & length_bit(name.iter().position(is_over).unwrap_or(name.len())) != 0
    }

    /// Takes one line, with or without its newline. What is no line of kallsyms is skipped.
    pub fn line(&mut self, line: &[u8]) {
        if self.answers.addresses && !self.may_be_wanted(line) {
            return;
        }
        let Some((address, kind, name)) = std::str::from_utf8(line).ok().and_then(parse) else {
            return;
        };
        self.answers.addresses |= address != 0;
        let base = name.split('.').next().unwrap_or(name);
        // Of any type: 7.x keeps some data in a section that is told as text.
        if self.data.contains(base) {
            self.data(base, (address != 0).then_some(address));
        // Weak symbols count as what they are: module_frob_arch_sections is a weak function on x86.
        } else if matches!(kind, b't' | b'T' | b'w' | b'W') {
            self.function(name, base, (address != 0).then_some(address));
        }
    }

    /// The compiler numbers what is static inside a function (`textbuf.0`); of several of one name nobody knows which is meant.
    fn data(&mut self, name: &str, address: Option<u64>) {
        let known = self.answers.data.get(name).copied();
        let address = if known.is_some() { None } else { address };
        self.answers.data.insert(name.to_owned(), address);
    }

    /// What was found.
    pub fn finish(self) -> SymbolAnswers {
        self.answers
    }

    fn function(&mut self, name: &str, base: &str, address: Option<u64>) {
        if !self.functions.contains(base) {
            return;
        }
        let suffix = &name[base.len()..];
        if suffix.is_empty() {
            let symbol = self.answers.functions.entry(base.to_owned()).or_default();
            symbol.count += 1;
            symbol.address = address;
        } else if SUFFIXES.iter().any(|known| suffix.starts_with(known)) {
            self.answers
                .functions
                .entry(base.to_owned())
                .or_default()
                .variants
                .push((name.to_owned(), address));
        }
    }
}

/// A bit for a length; names of 63 bytes and more share one.
fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

/// Address, type and name of a symbol of the kernel itself.
fn parse(line: &str) -> Option<(u64, u8, &str)> {
    let mut fields = line.split_ascii_whitespace();
    let address = u64::from_str_radix(fields.next()?, 16).ok()?;
    let kind = fields.next()?;
    let name = fields.next()?;
    (kind.len() == 1 && fields.next().is_none()).then_some((address, kind.as_bytes()[0], name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(text: &str) -> SymbolAnswers {
        let functions = ["load_module", "find_module_all", "finished_loading"];
        let mut scanner = Scanner::new(functions, ["module_notify_list"]);
        text.as_bytes()
            .split_inclusive(|&byte| byte == b'\n')
            .for_each(|line| scanner.line(line));
        scanner.finish()
    }

    #[test]
    fn finds_functions_data_and_what_the_compiler_renamed() {
        let answers = scan(
            "ffffffff81100000 t load_module\n\
             ffffffff81100100 t load_module.cold\n\
             ffffffff81100200 t __pfx_load_module\n\
             ffffffff81100300 T load_module_more\n\
             ffffffff81100400 t find_module_all.isra.0\n\
             ffffffffc0000000 t finished_loading\t[kmodtest]\n\
             ffffffff82100000 d module_notify_list\n",
        );
        let symbol = |count, address, variant: &str, at| Symbol {
            count,
            address,
            variants: vec![(variant.to_owned(), Some(at))],
        };
        assert!(answers.addresses);
        assert_eq!(
            answers.functions["load_module"],
            symbol(
                1,
                Some(0xffff_ffff_8110_0000),
                "load_module.cold",
                0xffff_ffff_8110_0100
            )
        );
        assert_eq!(
            answers.functions["find_module_all"],
            symbol(0, None, "find_module_all.isra.0", 0xffff_ffff_8110_0400)
        );
        assert_eq!(answers.functions.get("finished_loading"), None);
        assert_eq!(answers.data["module_notify_list"], Some(0xffff_ffff_8210_0000));
    }

    #[test]
    fn hidden_addresses_are_unknown_not_zero() {
        let answers = scan("0000000000000000 W load_module\n0000000000000000 D module_notify_list\n");
        assert!(!answers.addresses);
        assert_eq!(answers.functions["load_module"].count, 1);
        assert_eq!(answers.functions["load_module"].address, None);
        assert_eq!(answers.data["module_notify_list"], None);
    }

    #[test]
    fn data_is_found_under_its_number_and_in_any_section() {
        let found = |text| scan(text).data.get("module_notify_list").copied();
        assert_eq!(found("10 t module_notify_list.3\n"), Some(Some(0x10)));
        assert_eq!(
            found("10 b module_notify_list.0\n20 b module_notify_list.1\n"),
            Some(None)
        );
        assert_eq!(found("10 b module_notify_lists\n"), None);
    }

    #[test]
    fn counts_symbols_that_share_a_name() {
        assert_eq!(
            scan("1 t load_module\n2 t load_module\n").functions["load_module"].count,
            2
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-f tTdD.\\[\\]\n\tlaodm_ué]{0,200}") {
            scan(&text);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            Scanner::new([], []).line(&bytes);
        }
    }
}
