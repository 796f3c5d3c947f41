//! Errnos of symbols that could not be resolved.

use super::{Certainty, Origin, trail};
use crate::analysis::causes::{Cause, link};
use crate::model::{Attempt, Errno, Function, Stage};
use crate::plan::{Coverage, Observed};

const ENOENT: Errno = Errno(2);
const EINVAL: Errno = Errno(22);
const EPERM: Errno = Errno(1);

/// The last symbol that was looked for in vain ended it: a load goes on after a weak one.
pub(super) fn of(attempt: &Attempt, errno: Errno, coverage: &Coverage) -> Option<Origin> {
    let symbol = attempt.symbols.last().filter(|symbol| symbol.errno == errno)?;
    let later = |function| trail::place(function) > trail::place(Function::ResolveSymbol);
    if attempt.init.is_some() || attempt.trail.iter().any(|mark| later(mark.function)) {
        return None;
    }
    let causes: &[&Cause] = match (errno, &symbol.owner) {
        (ENOENT, None) => &[&link::UNKNOWN_SYMBOL],
        (ENOENT, Some(_)) => &[&link::DEPENDENCY_GOING],
        (Errno::EBUSY, _) => &[&link::DEPENDENCY_COMING],
        (EINVAL, _) => &[&link::SYMBOL_VERSION, &link::NAMESPACE],
        (EPERM, _) => &[&link::NAMESPACE],
        _ => &[],
    };
    let mut origin = Origin::exact(errno, "resolve_symbol", causes.to_vec(), Stage::Symbols);
    origin.through = vec!["load_module"];
    // It may have been a weak one, and its init function have failed with the same errno.
    if !coverage.observed(Observed::InitTimes) {
        origin.certainty = Certainty::Gap {
            after: "resolve_symbol",
            before: "its return",
        };
    }
    // The loader names the symbol itself ("Unknown symbol x (err -2)"), whatever the reason.
    let own = |line: &&str| line.contains(symbol.name.as_str());
    origin.evidence = attempt
        .log
        .iter()
        .map(|line| line.text.as_str())
        .filter(own)
        .map(str::to_owned)
        .collect();
    Some(origin)
}
