//! A reader of raw BTF (`/sys/kernel/btf/vmlinux`) that answers a fixed set of questions in one pass and keeps no types.
//!
//! The format is that of include/uapi/linux/btf.h: a header, types one behind the other, strings. Types are numbered from 1 in
//! the order in which they lie, so only an index of their places is kept. Little-endian only. Every read is checked: no bytes
//! make it panic or run for ever.

mod members;
mod outline;
mod raw;
mod returns;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use members::Walk;
use raw::{Raw, kind};

pub use returns::returns;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub struct BtfQuestions<'a> {
    /// Names of functions, and how many arguments each is expected to have.
    pub functions: &'a [(String, u32)],
    /// Members of structs: the struct's name and a path such as `f_path.dentry`.
    pub members: &'a [(&'a str, &'a str)],
    /// Names of structs, unions, enums and typedefs.
    pub types: &'a [&'a str],
}

/// What a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prototype {
    /// How many arguments, the variable ones not counted.
    pub args: u32,
    /// Whether variable ones follow.
    pub variadic: bool,
}

/// A function that BTF has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BtfFunction {
    /// Number of its type, which the kernel wants when a trampoline is loaded for it (`attach_btf_id`).
    pub id: u32,
    /// What it takes.
    pub prototype: Prototype,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BtfAnswers {
    /// The functions that BTF has.
    pub functions: BTreeMap<String, BtfFunction>,
    /// Byte offsets of the members that exist, as `module.name`. Bit fields have none.
    pub members: BTreeMap<String, u32>,
    /// The types that exist.
    pub types: BTreeSet<String>,
}

impl BtfAnswers {
    /// Static functions of different files may share a name: 6.2 has `load_module(char *)` of device mapper beside the loader's. The first
    /// one whose prototype fits is kept, else the first.
    fn add(&mut self, name: &[u8], args: u32, function: BtfFunction) {
        let fits = |function: &BtfFunction| function.prototype.args == args;
        let kept = self.functions.entry(text(name)).or_insert(function);
        if !fits(kept) && fits(&function) {
            *kept = function;
        }
    }
}

/// Bytes that are no BTF, or none that this build understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BtfError {
    /// The first bytes are others.
    #[error("not BTF: the first bytes are not 0xeb9f")]
    Magic,
    /// Written by a machine of the other byte order.
    #[error("BTF of a big-endian kernel")]
    BigEndian,
    /// A version of the format that does not exist yet.
    #[error("BTF version {0}, expected 1")]
    Version(u8),
    /// It ends, or points, outside itself.
    #[error("BTF is cut short or damaged at byte {0}")]
    Damaged(usize),
    /// A kind of type that this build does not know: its length is unknown, so nothing behind it can be read.
    #[error("BTF type {id} is of kind {kind}, which this version of kmodtrace does not know")]
    Kind {
        /// Number of the type.
        id: u32,
        /// Number of the kind.
        kind: u32,
    },
    /// Types that contain themselves.
    #[error("BTF types nest without end")]
    Endless,
}

/// Answers the questions from the bytes of `/sys/kernel/btf/vmlinux`.
pub fn scan(bytes: &[u8], questions: &BtfQuestions) -> Result<BtfAnswers, BtfError> {
    let raw = Raw::new(bytes)?;
    let expected: BTreeMap<&[u8], u32> = questions
        .functions
        .iter()
        .map(|(name, args)| (name.as_bytes(), *args))
        .collect();
    let types: BTreeSet<&[u8]> = questions.types.iter().map(|name| name.as_bytes()).collect();
    let mut owners: BTreeMap<&[u8], Vec<u32>> = questions
        .members
        .iter()
        .map(|(structure, _)| (structure.as_bytes(), Vec::new()))
        .collect();
    let mut functions = Vec::new();
    let mut answers = BtfAnswers::default();

    for (id, ty) in raw.types() {
        match ty.kind {
            kind::FUNC => {
                let name = raw.string(ty.name)?;
                if let Some(&args) = expected.get(name) {
                    functions.push((name, args, id, ty.target));
                }
            }
            kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 | kind::TYPEDEF => {
                let name = raw.string(ty.name)?;
                if let Some(ids) = owners.get_mut(name) {
                    ids.push(id);
                }
                if types.contains(name) {
                    answers.types.insert(text(name));
                }
            }
            _ => {}
        }
    }
    for (name, args, id, prototype) in functions {
        if let Some(prototype) = raw.prototype(prototype)? {
            answers.add(name, args, BtfFunction { id, prototype });
        }
    }
    let mut walk = Walk::new(&raw);
    for (structure, path) in questions.members {
        for &id in owners.get(structure.as_bytes()).into_iter().flatten() {
            if let Some(offset) = walk.offset(id, path)? {
                answers.members.entry(format!("{structure}.{path}")).or_insert(offset);
            }
        }
    }
    Ok(answers)
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
