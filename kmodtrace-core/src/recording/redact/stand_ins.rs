//! What stands for what.

use std::collections::BTreeMap;

use crate::model::entry_or;

/// Texts of a sort that are told apart; the rest is one. A recording of a machine has some hundred.
const KEPT: usize = 1 << 16;

/// The stand-ins that were given. They are numbered as they appear, and no hash: a short text could be found by its hash.
#[derive(Clone, Debug, Default)]
pub(super) struct StandIns(BTreeMap<&'static str, BTreeMap<String, usize>>);

impl StandIns {
    /// What stands for a text of this sort: the same for the same one.
    pub(super) fn of(&mut self, sort: &'static str, text: &str) -> String {
        format!("{sort}{}", self.number(sort, text))
    }

    /// Its number among the texts of this sort.
    pub(super) fn number(&mut self, sort: &'static str, text: &str) -> usize {
        let given = self.0.entry(sort).or_default();
        let next = given.len() + 1;
        *entry_or(given, KEPT, text.to_owned(), |_| String::new()).or_insert(next)
    }
}
