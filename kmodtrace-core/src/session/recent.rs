//! What was told last of each of some things: a bounded number of them, of which the one that was told first goes first.

use std::collections::VecDeque;
use std::hash::Hash;

use crate::model::ByNumber;

/// By key, up to `KEPT` of them.
#[derive(Debug)]
pub(super) struct Recent<Key, Value, const KEPT: usize> {
    known: ByNumber<Key, Value>,
    order: VecDeque<Key>,
}

impl<Key: Copy + Eq + Hash, Value, const KEPT: usize> Recent<Key, Value, KEPT> {
    /// It is this from now on. What is told again keeps its place.
    pub(super) fn tell(&mut self, key: Key, value: Value) {
        if self.known.insert(key, value).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// What was told of it.
    pub(super) fn get(&self, key: Key) -> Option<&Value> {
        self.known.get(&key)
    }
}

impl<Key, Value, const KEPT: usize> Default for Recent<Key, Value, KEPT> {
    fn default() -> Self {
        Self {
            known: ByNumber::default(),
            order: VecDeque::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_goes_when_there_are_too_many() {
        let mut recent = Recent::<u32, &str, 2>::default();
        for (key, value) in [(1, "a"), (2, "b"), (1, "c")] {
            recent.tell(key, value);
        }
        assert_eq!((recent.get(1), recent.get(2)), (Some(&"c"), Some(&"b")));
        recent.tell(3, "d");
        assert_eq!(
            (recent.get(1), recent.get(2), recent.get(3)),
            (None, Some(&"b"), Some(&"d"))
        );
    }
}
