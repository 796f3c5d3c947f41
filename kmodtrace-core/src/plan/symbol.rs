//! Under which name a function can be probed. Compilers rename what they change, and link-time optimisation what it moves.

use super::spec::Hook;
use crate::kernel::facts::{FunctionFacts, KernelFacts};

/// A text symbol that stands for a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Symbol<'f> {
    /// The symbol, with whatever the compiler put behind the name.
    pub(super) name: &'f str,
    /// How it differs from the function of the source.
    pub(super) form: Form,
    /// What BTF says of the function.
    pub(super) function: &'f FunctionFacts,
}

/// How code differs from the function of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Not at all.
    Plain,
    /// `.llvm.N`: clang's `ThinLTO` made a static function global. Arguments and return are the same.
    Promoted,
    /// `.isra.N`, `.constprop.N`: gcc removed or replaced arguments. The return is the same.
    Altered,
}

/// The one symbol of a hook's function, or why there is none.
pub(super) fn symbol<'f>(hook: &Hook, facts: &'f KernelFacts) -> Result<Symbol<'f>, String> {
    let arch = &facts.environment.arch;
    let name = hook
        .symbol(arch)
        .ok_or_else(|| format!("the name of the wrapper on {arch} is not known"))?;
    let (name, function) = facts
        .functions
        .get_key_value(&name)
        .ok_or("these facts do not say whether it has a symbol")?;
    let whole: Vec<(&str, Form)> = function
        .variants
        .iter()
        .filter_map(|variant| Some((variant.as_str(), form(variant)?)))
        .collect();
    match (function.symbols, whole.as_slice()) {
        (1, _) => Ok(Symbol {
            name,
            form: Form::Plain,
            function,
        }),
        (0, &[(name, form)]) => Ok(Symbol { name, form, function }),
        (0, []) => Err(missing(function)),
        (0, several) => {
            let names: Vec<_> = several.iter().map(|(name, _)| *name).collect();
            Err(format!("renamed to {} by the compiler", names.join(", ")))
        }
        (count, _) => Err(format!("{count} symbols of that name")),
    }
}

/// None for what is not the whole function: `.cold` and `.part` are pieces of it.
fn form(variant: &str) -> Option<Form> {
    let has = |suffix| variant.contains(suffix);
    if has(".cold") || has(".part") {
        None
    } else if has(".isra") || has(".constprop") {
        Some(Form::Altered)
    } else {
        has(".llvm.").then_some(Form::Promoted)
    }
}

fn missing(function: &FunctionFacts) -> String {
    match function.variants.iter().find(|variant| variant.contains(".part")) {
        Some(part) => format!("inlined but for {part}"),
        None => "no symbol (inlined, or not there)".to_owned(),
    }
}
