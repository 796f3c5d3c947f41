//! Maps that do not grow with the names that whoever makes events can think of.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The entry of a key; none where there are `most` others.
pub(crate) fn entry_within<K: Ord, V>(map: &mut BTreeMap<K, V>, most: usize, key: K) -> Option<Entry<'_, K, V>> {
    has_room(map, most, &key).then(|| map.entry(key))
}

/// The entry of a key; where there are `most` others, the one of what stands for all that are too many.
pub(crate) fn entry_or<K: Ord, V>(
    map: &mut BTreeMap<K, V>,
    most: usize,
    key: K,
    others: impl FnOnce(K) -> K,
) -> Entry<'_, K, V> {
    let key = if has_room(map, most, &key) { key } else { others(key) };
    map.entry(key)
}

fn has_room<K: Ord, V>(map: &BTreeMap<K, V>, most: usize, key: &K) -> bool {
    map.len() < most || map.contains_key(key)
}
