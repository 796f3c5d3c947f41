//! No circles between the files of a folder, nor between its folders: whoever reads one room needs those below it and no more.
//!
//! Within a folder a file, or a folder with all that is in it, uses another one when one of its paths leads there: `crate::...`,
//! `super::...` and `self::...`, in imports, in code and in what macros are given. A name that a folder only passes on counts for
//! where it comes from. What a folder's own `mod.rs` defines may be used by its files: both are one room. Tests are left out: they
//! may use whatever they like.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Item, UseTree};

/// A module by its path: `kmodtrace_core::report::csv` is `["report", "csv"]`.
type Module = Vec<String>;

/// The crates of the product and of its tests, with the file at the root of each.
const CRATES: [(&str, &str); 14] = [
    ("kmodtrace-common", "lib.rs"),
    ("kmodtrace-core", "lib.rs"),
    ("kmodtrace-metrics", "lib.rs"),
    ("kmodtrace-otlp", "lib.rs"),
    ("kmodtrace-module-file", "lib.rs"),
    ("kmodtrace-parquet", "lib.rs"),
    ("kmodtrace-bpf-toolchain", "lib.rs"),
    ("kmodtrace-ebpf", "main.rs"),
    ("kmodtrace", "main.rs"),
    ("xtask", "main.rs"),
    ("tests/driver", "main.rs"),
    ("tests/fuzz", "lib.rs"),
    ("tests/guest", "lib.rs"),
    ("tests/guest-vm", "lib.rs"),
];

#[test]
fn no_room_leads_back_to_itself() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for (member, root) in CRATES {
        let source = workspace.join(member).join("src");
        let mut tree = Tree::default();
        tree.read(&source.join(root), &source, &[])?;
        assert!(!tree.files.is_empty(), "{member} has no files");
        found.extend(tree.circles().into_iter().map(|circle| format!("{member}: {circle}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

#[test]
fn a_circle_is_told_with_the_paths_that_make_it() -> Result<(), Box<dyn Error>> {
    let tree = Tree::of(&[
        ("", "mod a; mod b; mod c;"),
        (
            "a",
            "use crate::b::{self, B}; fn f() { println!(\"{}\", crate::c::one()); }",
        ),
        ("b", "mod inner; pub use inner::B;"),
        ("b::inner", "pub struct B(super::super::a::A);"),
        ("c", "pub fn one() {} #[cfg(test)] mod tests { use crate::a::A; }"),
    ])?;
    assert_eq!(tree.circles(), ["a -> b (a), b -> a (b::inner)"]);
    Ok(())
}

#[test]
fn a_name_that_is_passed_on_counts_for_where_it_comes_from() -> Result<(), Box<dyn Error>> {
    let tree = Tree::of(&[
        ("", "mod folder;"),
        (
            "folder",
            "mod a; mod b; pub use a::A; pub use b::make as b; const BOTH: u8 = 0;",
        ),
        ("folder::a", "use super::{BOTH, b};"),
        ("folder::b", "use super::{A, BOTH};"),
    ])?;
    assert_eq!(
        tree.circles(),
        ["folder::a -> folder::b (folder::a), folder::b -> folder::a (folder::b)"]
    );
    Ok(())
}

/// A crate's files.
#[derive(Default)]
struct Tree {
    files: BTreeMap<Module, File>,
}

/// A file.
#[derive(Default)]
struct File {
    /// Paths in it that begin with `crate`, `super` or `self`, word by word.
    paths: BTreeSet<Vec<String>>,
    /// Names that it imports, and from where.
    imported: BTreeMap<String, Vec<String>>,
}

impl Tree {
    /// Made of texts, each with its module's path.
    fn of(texts: &[(&str, &str)]) -> Result<Self, syn::Error> {
        let mut tree = Self::default();
        for (module, text) in texts {
            let module = module.split("::").filter(|word| !word.is_empty()).map(str::to_owned);
            tree.add(module.collect(), text)?;
        }
        Ok(tree)
    }

    /// Reads a file, and those of the modules that it declares in this folder.
    fn read(&mut self, path: &Path, folder: &Path, module: &[String]) -> Result<(), Box<dyn Error>> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        for child in self.add(module.to_vec(), &text)? {
            let inner = folder.join(&child);
            let beside = folder.join(format!("{child}.rs"));
            let file = if beside.exists() { beside } else { inner.join("mod.rs") };
            self.read(&file, &inner, &[module, &[child]].concat())?;
        }
        Ok(())
    }

    /// Adds a file; gives the modules that it declares.
    fn add(&mut self, module: Module, text: &str) -> Result<Vec<String>, syn::Error> {
        let mut file = File::default();
        let mut declared = Vec::new();
        for item in syn::parse_file(text)?.items {
            if attributes(&item).iter().any(is_for_tests) {
                continue;
            }
            if let Item::Use(used) = &item {
                import(&used.tree, &mut Vec::new(), &mut file.imported);
            }
            match item {
                Item::Mod(inner) if inner.content.is_none() => declared.push(inner.ident.to_string()),
                item => paths(item.to_token_stream(), &mut file.paths),
            }
        }
        self.files.insert(module, file);
        Ok(declared)
    }

    /// Where a path leads that stands in this module: the module that defines what it names. None for one of another crate.
    fn target(&self, from: &[String], path: &[String], depth: usize) -> Option<Module> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Module::new(),
            "self" => from.to_vec(),
            "super" => from.split_last()?.1.to_vec(),
            // A name of this place.
            name if self.is_module(from, name) => [from, &[name.to_owned()]].concat(),
            name => {
                let imported = self.files.get(from)?.imported.get(name).filter(|_| depth > 0)?;
                self.target(from, imported, depth - 1)?
            }
        };
        while let Some((next, behind)) = rest.split_first() {
            match next.as_str() {
                "super" => {
                    at.pop();
                }
                "self" => {}
                name if self.is_module(&at, name) => at.push(name.to_owned()),
                name => {
                    let imported = self.files.get(&at).and_then(|file| file.imported.get(name));
                    let passed_on = imported.filter(|path| depth > 0 && **path != [name]);
                    return passed_on
                        .and_then(|path| self.target(&at, path, depth - 1))
                        .or(Some(at));
                }
            }
            rest = behind;
        }
        Some(at)
    }

    fn is_module(&self, at: &[String], name: &str) -> bool {
        self.files.contains_key(&[at, &[name.to_owned()]].concat())
    }

    /// Who uses whom among what lies in one folder, and by which files.
    fn uses(&self) -> BTreeMap<Module, BTreeMap<Module, BTreeSet<Module>>> {
        /// Names may be passed on so often.
        const DEPTH: usize = 8;
        let mut uses: BTreeMap<Module, BTreeMap<Module, BTreeSet<Module>>> = BTreeMap::new();
        for (module, file) in &self.files {
            let targets = file.paths.iter().filter_map(|path| self.target(module, path, DEPTH));
            for target in targets {
                let common = module
                    .iter()
                    .zip(&target)
                    .take_while(|(own, other)| own == other)
                    .count();
                if let (Some(user), Some(used)) = (module.get(..=common), target.get(..=common)) {
                    let by = uses.entry(user.to_vec()).or_default().entry(used.to_vec()).or_default();
                    by.insert(module.clone());
                }
            }
        }
        uses
    }

    /// One for each room that leads back to itself by the shortest way, each way once.
    fn circles(&self) -> Vec<String> {
        let uses = self.uses();
        let mut seen = BTreeSet::new();
        let mut told = Vec::new();
        for start in uses.keys() {
            let Some(way) = shortest(&uses, start) else { continue };
            let rooms: BTreeSet<&Module> = way.iter().collect();
            if !seen.insert(rooms.into_iter().cloned().collect::<Vec<_>>()) {
                continue;
            }
            let steps = way.iter().zip(way.iter().cycle().skip(1)).map(|(user, used)| {
                let by = uses.get(user).and_then(|uses| uses.get(used)).into_iter().flatten();
                let by: Vec<String> = by.map(|module| module.join("::")).collect();
                format!("{} -> {} ({})", user.join("::"), used.join("::"), by.join(", "))
            });
            told.push(steps.collect::<Vec<_>>().join(", "));
        }
        told
    }
}

/// The shortest way from a room back to it: the rooms that it leads through, the first one once.
fn shortest(uses: &BTreeMap<Module, BTreeMap<Module, BTreeSet<Module>>>, start: &Module) -> Option<Vec<Module>> {
    let mut ways = vec![vec![start.clone()]];
    let mut reached = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in uses.get(way.last()?).into_iter().flatten().map(|(next, _)| next) {
                if next == start {
                    return Some(way);
                }
                if reached.insert(next.clone()) {
                    longer.push([way.clone(), vec![next.clone()]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.meta.to_token_stream().to_string() == "cfg (test)"
}

/// The names that an import brings, each with its whole path.
fn import(tree: &UseTree, before: &mut Vec<String>, names: &mut BTreeMap<String, Vec<String>>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            import(&path.tree, before, names);
            before.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            names.extend(before.last().map(|last| (last.clone(), before.clone())));
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            names.insert(name.clone(), [before.clone(), vec![name]].concat());
        }
        UseTree::Rename(rename) => {
            let whole = [before.clone(), vec![rename.ident.to_string()]].concat();
            names.insert(rename.rename.to_string(), whole);
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| import(tree, before, names)),
        UseTree::Glob(_) => {}
    }
}

/// All paths of the tokens that begin in this crate; those of a group in an import one by one.
fn paths(tokens: TokenStream, into: &mut BTreeSet<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Group(group) => paths(group.stream(), into),
            TokenTree::Ident(word) if ["crate", "super", "self"].iter().any(|begin| word == begin) => {
                at = path(&tokens, at, &mut vec![word.to_string()], into);
            }
            _ => {}
        }
    }
}

/// The rest of a path behind its first word. Gives where it ends.
fn path(tokens: &[TokenTree], mut at: usize, words: &mut Vec<String>, into: &mut BTreeSet<Vec<String>>) -> usize {
    let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    while colon(at) && colon(at + 1) {
        match tokens.get(at + 2) {
            Some(TokenTree::Ident(word)) => words.push(word.to_string()),
            Some(TokenTree::Group(group)) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let parts = inner.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','));
                for part in parts {
                    if let Some((TokenTree::Ident(word), _)) = part.split_first() {
                        let mut words = [words.clone(), vec![word.to_string()]].concat();
                        path(part, 1, &mut words, into);
                    }
                }
                return at + 3;
            }
            _ => break,
        }
        at += 3;
    }
    if words.len() > 1 {
        into.insert(words.clone());
    }
    at
}
