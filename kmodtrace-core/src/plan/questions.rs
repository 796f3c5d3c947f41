//! What the catalogue wants to know of a kernel.

use std::collections::BTreeMap;

use super::{CATALOGUE, GLOBALS, GlobalSource, Hook, Trace};
use crate::kernel::facts::Questions;

/// Everything that the plan may have to know of a kernel of this architecture (`uname -m`).
pub fn questions(arch: &str) -> Questions {
    let mut questions = Questions::default();
    let mut functions = BTreeMap::new();
    for hook in hooks() {
        if let Some(symbol) = hook.symbol(arch) {
            functions.insert(symbol, hook.args());
        }
        if let Hook::Tracepoint {
            group,
            name,
            symbol,
            typedef,
            ..
        } = hook
        {
            questions.tracepoints.push((group, name));
            questions.data_symbols.insert(symbol);
            questions.types.insert(typedef);
        }
    }
    questions.functions = functions.into_iter().collect();
    for global in GLOBALS {
        match global.source {
            GlobalSource::Member(structure, path) => {
                questions.members.insert((structure, path));
            }
            GlobalSource::Address(symbol) => {
                questions.data_symbols.insert(symbol);
            }
            GlobalSource::Helper(helper) => questions.helpers.push(helper),
            GlobalSource::Asked(_) => {}
        }
    }
    for sign in CATALOGUE.iter().filter_map(|spec| spec.exists_if).flatten() {
        match sign.trace() {
            Trace::Type(name) => {
                questions.types.insert(name);
            }
            Trace::Member(structure, path) => {
                questions.members.insert((structure, path));
            }
            Trace::Data(name) => {
                questions.data_symbols.insert(name);
            }
            // A function is in the catalogue, the architecture in the facts.
            Trace::Function(_) | Trace::Arch(_) => {}
        }
    }
    questions
}

fn hooks() -> impl Iterator<Item = Hook> {
    CATALOGUE
        .iter()
        .flat_map(|spec| spec.candidates)
        .flat_map(|candidate| candidate.attach)
        .map(|attach| attach.hook)
}
