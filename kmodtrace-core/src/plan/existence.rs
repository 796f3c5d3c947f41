//! Whether a kernel has a mechanism at all: what it does not have is not lost.

use crate::kernel::facts::KernelFacts;

/// What tells that a kernel has a mechanism: the first sign that says anything decides. Where none does, nobody knows.
pub type Existence = &'static [Sign];

/// Something of the kernel that comes or goes with a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The mechanism is there exactly where this is.
    With(Trace),
    /// The mechanism is there exactly where this is not.
    Without(Trace),
    /// Where this is, the mechanism is too; where it is not, nothing follows.
    If(Trace),
    /// Where this is not, the mechanism is not either; where it is, nothing follows.
    Only(Trace),
    /// Where this is, the mechanism is not; where it is not, nothing follows.
    Unless(Trace),
}

/// What can be looked for in a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A struct.
    Type(&'static str),
    /// A member of a struct: struct, path.
    Member(&'static str, &'static str),
    /// A data symbol.
    Data(&'static str),
    /// A function that other files call, so that it has a symbol wherever it exists.
    Function(&'static str),
    /// The architecture.
    Arch(&'static str),
}

impl Trace {
    fn is_there(self, facts: &KernelFacts) -> Option<bool> {
        match self {
            Self::Type(name) => facts.types.get(name).copied(),
            // Without BTF the offsets are all unknown.
            Self::Member(structure, path) => {
                let offset = facts.offsets.get(&format!("{structure}.{path}"));
                offset.filter(|_| facts.btf).map(Option::is_some)
            }
            Self::Data(name) => facts.data_symbol(name),
            Self::Function(name) => {
                let function = facts.functions.get(name).filter(|_| facts.lists_functions());
                function.map(|function| {
                    function.symbols > 0 || function.btf_args.is_some() || !function.variants.is_empty()
                })
            }
            Self::Arch(name) => Some(facts.environment.arch == name),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Type(name) => format!("struct {name}"),
            Self::Member(structure, path) => format!("struct {structure} with {path}"),
            Self::Data(name) | Self::Function(name) => name.to_owned(),
            Self::Arch(name) => format!("{name} processor"),
        }
    }
}

impl Sign {
    /// What it looks for.
    pub const fn trace(self) -> Trace {
        match self {
            Self::With(trace) | Self::Without(trace) | Self::If(trace) | Self::Only(trace) | Self::Unless(trace) => {
                trace
            }
        }
    }

    /// Whether the mechanism exists, as far as this tells.
    fn tells(self, facts: &KernelFacts) -> Option<bool> {
        let there = self.trace().is_there(facts)?;
        match self {
            Self::With(_) => Some(there),
            Self::Without(_) => Some(!there),
            Self::If(_) => there.then_some(true),
            Self::Only(_) => (!there).then_some(false),
            Self::Unless(_) => there.then_some(false),
        }
    }
}

/// Whether a kernel has a mechanism.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Exists,
    /// Not, and why.
    Absent(String),
    /// Nothing of these facts tells.
    Unknown,
}

/// What the signs say.
pub(super) fn ask(existence: Existence, facts: &KernelFacts) -> Answer {
    let answer = existence.iter().find_map(|sign| Some((sign, sign.tells(facts)?)));
    match answer {
        Some((_, true)) => Answer::Exists,
        Some((sign, false)) => {
            let verb = match sign {
                Sign::With(_) | Sign::If(_) | Sign::Only(_) => "no",
                Sign::Without(_) | Sign::Unless(_) => "it has",
            };
            Answer::Absent(format!("not in this kernel: {verb} {}", sign.trace().words()))
        }
        None => Answer::Unknown,
    }
}
