//! Time in which something lasted, however many lasted at once.

use crate::model::Ktime;

/// Spans apart from each other that are kept; what ended before them is only a sum.
const KEPT: usize = 256;

/// Spans that may overlap, which come in the order of their ends, or nearly so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Union {
    spans: Vec<(Ktime, Ktime)>,
    /// Of spans that are not kept any more, and where the last of them ended.
    settled: u64,
    until: Ktime,
}

impl Union {
    pub(crate) fn add(&mut self, start: Ktime, end: Ktime) {
        let (mut start, mut end) = (start.max(self.until), end.max(self.until));
        while let Some(&(from, to)) = self.spans.last() {
            if to < start {
                break;
            }
            start = start.min(from);
            end = end.max(to);
            self.spans.pop();
        }
        self.spans.push((start, end));
        if self.spans.len() > 2 * KEPT {
            for (from, to) in self.spans.drain(..KEPT) {
                self.settled += to.since(from).0;
                self.until = to;
            }
        }
    }

    /// Nanoseconds.
    pub(crate) fn total(&self) -> u64 {
        let kept = self.spans.iter().map(|(from, to)| to.since(*from).0);
        kept.fold(self.settled, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn total(spans: &[(u64, u64)]) -> u64 {
        let mut union = Union::default();
        for (start, end) in spans {
            union.add(Ktime(*start), Ktime(*end));
        }
        union.total()
    }

    #[test]
    fn what_overlaps_counts_once() {
        assert_eq!(total(&[(0, 10), (5, 12), (20, 30)]), 22);
        assert_eq!(total(&[(0, 10), (20, 30), (5, 40)]), 40);
        assert_eq!(total(&[]), 0);
    }

    proptest! {
        #[test]
        fn it_is_the_number_of_instants(mut spans in proptest::collection::vec((0_u64..200, 0_u64..50), 0..60)) {
            spans.sort_by_key(|(start, long)| start + long);
            let spans: Vec<(u64, u64)> = spans.iter().map(|(start, long)| (*start, start + long)).collect();
            let instants = (0..300).filter(|at| spans.iter().any(|(start, end)| start <= at && at < end)).count();
            prop_assert_eq!(total(&spans), instants as u64);
        }
    }
}
