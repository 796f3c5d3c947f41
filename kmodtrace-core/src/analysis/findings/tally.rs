//! What findings are made of: counts for each module, with a few examples.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::evidence::Evidence;
use super::finding::Name;
use crate::model::{Inode, entry_within};

/// Who and what is told by name.
pub(super) const NAMED: usize = 8;
/// Things counted at most. There are some hundred modules on a machine, but names of requests come from users.
const KEPT: usize = 8_192;

macro_rules! sums {
    ($($variant:ident = $name:literal,)+) => {
        /// What is summed up.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Sum {
            $($variant,)+
        }

        impl Sum {
            /// As the numbers of a finding call it.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

sums! {
    Attempts = "attempts",
    Depth = "depth",
    Files = "files",
    Followers = "followers",
    Helpers = "helpers",
    InitTime = "init_ns",
    LoadTime = "load_ns",
    Loads = "loads",
    RcuTime = "rcu_ns",
    Refused = "refused",
    Requesters = "requesters",
    Requests = "requests",
    Times = "times",
    Waited = "waited_ns",
    Waits = "waits",
    Wasted = "wasted_bytes",
}

/// Counts of one thing for one module.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) sums: BTreeMap<Sum, u64>,
    /// Who, or what, how often; the first few.
    pub(super) by: BTreeMap<String, u64>,
    pub(super) attempts: Evidence,
    pub(super) requests: Evidence,
    /// The name, inode and device of the file that was told last.
    file: Option<(String, Inode, u32)>,
}

impl Tally {
    pub(super) fn add(&mut self, what: Sum, number: u64) {
        let sum = self.sums.entry(what).or_default();
        *sum = sum.saturating_add(number);
    }

    /// Raises a number to this one.
    pub(super) fn most(&mut self, what: Sum, number: u64) {
        let sum = self.sums.entry(what).or_default();
        *sum = (*sum).max(number);
    }

    pub(super) fn sum(&self, what: Sum) -> u64 {
        self.sums.get(&what).copied().unwrap_or_default()
    }

    pub(super) fn by(&mut self, who: &str) {
        if let Some(count) = self.by.get_mut(who) {
            *count += 1;
        } else if self.by.len() < NAMED {
            self.by.insert(who.to_owned(), 1);
        }
    }

    /// A file, if it is not the one that was told last: nearly all loads of a module are of one.
    pub(super) fn by_file(&mut self, name: &str, inode: Inode, dev: u32) {
        let is_last =
            |(last, of_inode, of_dev): &(String, Inode, u32)| (last.as_str(), *of_inode, *of_dev) == (name, inode, dev);
        if !self.file.as_ref().is_some_and(is_last) {
            self.by(&format!("{name} (inode {} of device {dev})", inode.0));
            self.file = Some((name.to_owned(), inode, dev));
        }
    }

    /// `modprobe 40, systemd-udevd 9`: most first.
    pub(super) fn by_text(&self) -> String {
        self.most_first(|who, count| format!("{who} {count}"))
    }

    /// What came back: `exit 1`, or `9 x exit 1, 3 x ETIME`.
    pub(super) fn answers_text(&self) -> String {
        let one = self.by.len() == 1;
        self.most_first(|what, count| {
            if one {
                what.to_owned()
            } else {
                format!("{count} x {what}")
            }
        })
    }

    fn most_first(&self, text: impl Fn(&str, u64) -> String) -> String {
        let mut by: Vec<_> = self.by.iter().collect();
        by.sort_by_key(|(who, count)| (std::cmp::Reverse(**count), *who));
        let by = by.iter().map(|(who, count)| text(who, **count));
        by.collect::<Vec<_>>().join(", ")
    }
}

/// What is counted: which finding, for which module, in which case of it.
pub(super) type Key = (Name, Option<String>, String);

/// All counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Tallies(BTreeMap<Key, Tally>);

impl Tallies {
    /// The counts of this; none when there are too many different ones.
    pub(super) fn of(&mut self, name: Name, module: Option<&str>, case: &str) -> Option<&mut Tally> {
        let key = (name, module.map(str::to_owned), case.to_owned());
        entry_within(&mut self.0, KEPT, key).map(Entry::or_default)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Tally)> {
        self.0.iter()
    }
}
