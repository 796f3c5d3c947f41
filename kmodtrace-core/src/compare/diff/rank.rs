//! Is it noise? Rank tests over runs, exact as long as that can be worked out.
//!
//! One run is one sample, whatever it holds: events of one boot depend on each other, and pooling them would find a
//! difference between any two boots. Ranks, because times of loads have no shape that could be assumed.

use std::collections::BTreeMap;

use crate::analysis::histogram::Histogram;

/// Ways to divide runs into two sets that are all looked at; of more, so many at random. Eight against eight have 12,870.
const WAYS: u64 = 20_000;
/// Values that are looked at in all of them: some seconds. There are fewer ways where there is more to look at in each.
const WORK: u64 = 4_000_000_000;
/// Ways that are looked at in any case: a p-value cannot be less than two of them.
const LEAST_WAYS: u64 = 1_000;

/// How many ways are looked at, where so many measures have been compared over so many runs.
pub(super) fn most(measures: usize, runs: usize) -> u64 {
    let each = (measures as u64).saturating_mul(runs as u64).max(1);
    (WORK / each).clamp(LEAST_WAYS, WAYS)
}

/// The middle ranks of values, doubled, so that ties stay whole numbers: equal values share the mean of their ranks.
fn doubled_ranks(values: &[f64]) -> Vec<i64> {
    let below = |value: f64| values.iter().filter(|other| other.total_cmp(&value).is_lt()).count();
    let equal = |value: f64| values.iter().filter(|other| other.total_cmp(&value).is_eq()).count();
    let rank = |value: &f64| 2 * below(*value) + equal(*value) + 1;
    values
        .iter()
        .map(|value| i64::try_from(rank(value)).unwrap_or(i64::MAX))
        .collect()
}

/// Values of one measure, a place for each run of the first set and behind them those of the second; none where a run has no
/// such value.
pub(super) type Values = Vec<Option<f64>>;

/// How often two sets without any difference would look at least as different as these, for each measure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chance {
    /// In this measure: the two-sided p-value of the exact rank-sum test. None where one of the sets has no value.
    pub(super) alone: Option<f64>,
    /// In any of the measures: adjusted for having looked at all of them (Westfall and Young's maximum of the statistics).
    pub(super) among_all: Option<f64>,
}

/// For each measure of `first` runs against the others, by so many ways at the most.
pub(super) fn chances(measures: &[Values], first: usize, runs: usize, most: u64) -> Vec<Chance> {
    let ranked: Vec<Ranked> = measures.iter().map(|values| Ranked::new(values)).collect();
    let mut observed: Vec<bool> = vec![false; runs];
    observed.iter_mut().take(first).for_each(|mine| *mine = true);
    let seen: Vec<Option<f64>> = ranked.iter().map(|ranked| ranked.distance(&observed)).collect();
    let mut alone = vec![0_u64; measures.len()];
    let mut among_all = vec![0_u64; measures.len()];
    let mut ways = 0_u64;
    each_way(runs, first, most, |way| {
        ways += 1;
        let mut farthest = 0.0_f64;
        for (at, ranked) in ranked.iter().enumerate() {
            let distance = ranked.distance(way).unwrap_or_default();
            farthest = farthest.max(distance);
            // What differs by rounding only is the same.
            alone[at] += u64::from(seen[at].is_some_and(|seen| distance >= seen - 1e-9));
        }
        for (count, seen) in among_all.iter_mut().zip(&seen) {
            *count += u64::from(seen.is_some_and(|seen| farthest >= seen - 1e-9));
        }
    });
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand ways")]
    let share = |count: u64| count as f64 / ways.max(1) as f64;
    let chances = seen.iter().zip(alone.iter().zip(&among_all));
    chances
        .map(|(seen, (alone, all))| Chance {
            alone: seen.map(|_| share(*alone)),
            among_all: seen.map(|_| share(*all)),
        })
        .collect()
}

/// The least that a p-value can be with so many runs: one way and its mirror image among all that are looked at.
pub(super) fn least(first: usize, second: usize, most: u64) -> f64 {
    let ways = ways(first + second, first).map_or(most, |ways| ways.min(most));
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand ways")]
    let ways = ways as f64;
    2.0 / ways
}

/// The two-sided p-value of the rank-sum test of two sets of many runs, of which only is known how many values lie in which bucket:
/// those in one bucket are equal. By the normal approximation, which calls less different than the exact test where one set is small.
/// None where one of the sets has no value.
pub(super) fn chance_of_many(first: &Histogram, second: &Histogram) -> Option<f64> {
    let mut buckets: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for bucket in first.buckets() {
        buckets.entry(bucket.upper).or_default().0 += bucket.count;
    }
    for bucket in second.buckets() {
        buckets.entry(bucket.upper).or_default().1 += bucket.count;
    }
    #[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
    let float = |count: u64| count as f64;
    let (n, all) = (float(first.count()), float(first.count() + second.count()));
    if first.count() == 0 || second.count() == 0 {
        return None;
    }
    let (mut below, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (mine, others) in buckets.into_values() {
        let equal = float(mine + others);
        // Doubled and less its mean, as in `Ranked`.
        let rank = 2.0 * below + equal - all;
        sum += float(mine) * rank;
        squares += equal * rank * rank;
        below += equal;
    }
    Some(chance_of_distance(deviations(sum, [n, all], squares)))
}

/// The least that it can be: of sets that do not overlap.
pub(super) fn least_of_many(first: u64, second: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
    let (n, m) = (first as f64, second as f64);
    chance_of_distance((3.0 * n * m / (n + m + 1.0)).sqrt())
}

/// How far the sum of `n` of `all` ranks is from what is to be expected, 0, in standard deviations; `squares` is the sum of the squares of all.
fn deviations(sum: f64, [n, all]: [f64; 2], squares: f64) -> f64 {
    let variance = n * (all - n) * squares / (all * (all - 1.0));
    if variance > 0.0 {
        sum.abs() / variance.sqrt()
    } else {
        0.0
    }
}

/// How often a normal distribution is as far from its mean, in standard deviations.
fn chance_of_distance(distance: f64) -> f64 {
    libm::erfc(distance / std::f64::consts::SQRT_2)
}

/// One measure, ranked over the runs that have it.
struct Ranked {
    /// Each rank, doubled, less its mean, and 1; both 0 where a run has no value.
    ranks: Vec<(i64, usize)>,
    present: usize,
    /// The sum of their squares.
    squares: i64,
}

impl Ranked {
    fn new(values: &[Option<f64>]) -> Self {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        let mut ranks = doubled_ranks(&known).into_iter();
        let mean = i64::try_from(known.len()).unwrap_or(i64::MAX) + 1;
        let ranks: Vec<(i64, usize)> = values
            .iter()
            .map(|value| value.and_then(|_| ranks.next()).map_or((0, 0), |rank| (rank - mean, 1)))
            .collect();
        Self {
            present: known.len(),
            squares: ranks.iter().map(|(rank, _)| rank * rank).sum(),
            ranks,
        }
    }

    /// How far the sum of the ranks of one set is from what is to be expected, in standard deviations of all ways to divide
    /// the runs that have a value. None where one set has none.
    fn distance(&self, mine: &[bool]) -> Option<f64> {
        let own = self.ranks.iter().zip(mine);
        let (sum, n) = own.fold((0, 0), |(sum, n), ((rank, present), mine)| {
            (sum + rank * i64::from(*mine), n + present * usize::from(*mine))
        });
        let all = self.present;
        if n == 0 || n == all {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "ranks of some dozen runs")]
        let far = deviations(sum as f64, [n as f64, all as f64], self.squares as f64);
        Some(far)
    }
}

fn ways(runs: usize, first: usize) -> Option<u64> {
    let (mut ways, first) = (1_u64, first.min(runs - first));
    for step in 0..first {
        ways = ways.checked_mul((runs - step) as u64)? / (step as u64 + 1);
    }
    Some(ways)
}

/// All ways to choose so many runs, or, where there are more than `most`, so many at random, the same each time, the first one among them.
fn each_way(runs: usize, first: usize, most: u64, mut look: impl FnMut(&[bool])) {
    let mut way: Vec<bool> = (0..runs).map(|run| run < first).collect();
    if ways(runs, first).is_some_and(|ways| ways <= most) {
        loop {
            look(&way);
            if !advance(&mut way) {
                return;
            }
        }
    }
    look(&way);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 1..most {
        for at in (1..runs).rev() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            way.swap(at, usize::try_from(random % (at as u64 + 1)).unwrap_or_default());
        }
        look(&way);
    }
}

/// The next way in order: the last chosen run that has a place behind it moves there, and those behind it follow.
fn advance(way: &mut [bool]) -> bool {
    let Some(at) = way.windows(2).rposition(|pair| pair == [true, false]) else {
        return false;
    };
    way.swap(at, at + 1);
    let chosen = way.iter().skip(at + 2).filter(|run| **run).count();
    way.iter_mut()
        .skip(at + 2)
        .enumerate()
        .for_each(|(place, run)| *run = place < chosen);
    true
}

/// The middle one; of two the mean.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some(f64::midpoint(*sorted.get(last / 2)?, *sorted.get(last.div_ceil(2))?))
}

/// By how much the second set is more than the first: the median of all differences (Hodges and Lehmann).
pub(super) fn shift(first: &[f64], second: &[f64]) -> Option<f64> {
    let differences: Vec<f64> = second.iter().flat_map(|b| first.iter().map(move |a| b - a)).collect();
    median(&differences)
}

/// The same of sets of many runs: of so many quantiles of each.
pub(super) fn shift_of_many(first: &Histogram, second: &Histogram) -> Option<f64> {
    const POINTS: u32 = 64;
    let points = |values: &Histogram| -> Vec<f64> {
        let shares = (0..POINTS).map(|point| (f64::from(point) + 0.5) / f64::from(POINTS));
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let values = shares.filter_map(|share| values.quantile(share).map(|value| value as f64));
        values.collect()
    };
    shift(&points(first), &points(second))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn p(first: &[f64], second: &[f64]) -> f64 {
        let values: Values = first.iter().chain(second).copied().map(Some).collect();
        chances(&[values], first.len(), first.len() + second.len(), WAYS)[0]
            .alone
            .unwrap()
    }

    #[test]
    fn p_values_are_those_of_published_tables() {
        // Critical values of U for a two-sided test at 5 % (Mann and Whitney 1947; any table): for 5 against 5 it is 2, whose
        // exact probability is 8/252, for 4 against 4 it is 0, 2/70; a U of 3 of 5 against 5 has 14/252.
        assert!((p(&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]) - 2.0 / 70.0).abs() < 1e-12);
        assert!((p(&[1.0, 2.0, 3.0, 4.0, 7.0], &[5.0, 6.0, 8.0, 9.0, 10.0]) - 8.0 / 252.0).abs() < 1e-12);
        assert!((p(&[1.0, 2.0, 3.0, 4.0, 8.0], &[5.0, 6.0, 7.0, 9.0, 10.0]) - 14.0 / 252.0).abs() < 1e-12);
        assert!((p(&[1.0], &[2.0]) - 1.0).abs() < 1e-12);
        assert!((p(&[3.0, 3.0], &[3.0, 3.0]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn p_values_are_those_of_scipy() {
        // scipy 1.17.1, permutation_test of the distance of the rank sum from its mean, all permutations; where there are no
        // ties, mannwhitneyu(method='exact') gives the same.
        let cases: [(&[f64], &[f64], f64); 7] = [
            (&[670.0, 805.0, 22.0], &[1007.0, 668.0, 715.0, 830.0], 0.4),
            (&[1.0, 5.0, 0.0, 1.0], &[3.0, 4.0, 3.0, 1.0, 1.0], 0.5),
            (
                &[1.0, 48.0, 148.0, 999.0, 190.0, 652.0],
                &[950.0, 434.0, 482.0, 634.0, 463.0, 1174.0],
                0.179_653_679_654,
            ),
            (
                &[0.0, 3.0, 3.0, 3.0, 0.0],
                &[1.0, 2.0, 1.0, 2.0, 2.0, 2.0, 0.0],
                0.469_696_969_697,
            ),
            (
                &[959.0, 555.0, 903.0, 271.0, 361.0, 879.0, 186.0, 64.0],
                &[573.0, 879.0, 322.0, 1070.0, 541.0, 427.0, 744.0, 1095.0],
                0.291_219_891_220,
            ),
            (
                &[4.0, 4.0],
                &[2.0, 1.0, 4.0, 4.0, 4.0, 1.0, 1.0, 3.0, 2.0],
                0.236_363_636_364,
            ),
            (
                &[1.0, 2.0, 0.0, 1.0, 0.0, 0.0, 2.0],
                &[0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 1.0],
                0.494_172_494_172,
            ),
        ];
        for (first, second, expected) in cases {
            let got = p(first, second);
            assert!((got - expected).abs() < 1e-10, "{first:?} {second:?}: {got}");
        }
    }

    #[test]
    fn p_values_of_many_are_those_of_scipy() {
        // scipy 1.17.1, mannwhitneyu(method='asymptotic', use_continuity=False). Whole numbers to 22 have a bucket each.
        let of = |values: &mut dyn Iterator<Item = u64>| {
            let mut histogram = Histogram::default();
            values.for_each(|value| histogram.record(value));
            histogram
        };
        let cases = [
            (
                of(&mut (0..60).map(|at| at * 7 % 11)),
                of(&mut (0..80).map(|at| at * 5 % 9 + at % 3)),
                0.921_625_500_963,
            ),
            (
                of(&mut [0; 197].into_iter().chain([1, 2, 3])),
                of(&mut [0; 90].into_iter().chain([1; 5]).chain([4; 5])),
                0.000_644_816_603,
            ),
            (of(&mut (3..6)), of(&mut (0..300).map(|at| at % 20)), 0.100_765_022_181),
        ];
        for (first, second, expected) in cases {
            let got = chance_of_many(&first, &second).unwrap();
            assert!((got - expected).abs() < 1e-10, "{got} {expected}");
            assert!((chance_of_many(&second, &first).unwrap() - got).abs() < 1e-12);
        }
        let same = of(&mut [5; 10].into_iter());
        assert_eq!(chance_of_many(&same, &same), Some(1.0));
        assert_eq!(chance_of_many(&same, &Histogram::default()), None);
        let apart = chance_of_many(&of(&mut (1..6)), &of(&mut (6..16))).unwrap();
        assert!((apart - 0.002_199_647_061).abs() < 1e-10 && (apart - least_of_many(5, 10)).abs() < 1e-12);
    }

    #[test]
    fn the_least_p_value_is_reached_by_sets_that_do_not_overlap() {
        for (n, m) in [(1, 1), (2, 3), (4, 4), (3, 6), (5, 5)] {
            let first: Vec<f64> = (0..n).map(f64::from).collect();
            let second: Vec<f64> = (100..100 + m).map(f64::from).collect();
            let least = least(first.len(), second.len(), WAYS);
            assert!((p(&first, &second) - least).abs() < 1e-12);
        }
    }

    /// 0.7 % is the standard error of such a p-value by 1,000 ways.
    #[test]
    fn fewer_ways_are_looked_at_where_there_is_much_to_look_at() {
        assert_eq!(
            (most(100, 16), most(65_536, 16), most(1 << 20, 1 << 10)),
            (WAYS, 3_814, LEAST_WAYS)
        );
        let values: Values = [1.0, 2.0, 3.0, 4.0, 8.0, 5.0, 6.0, 7.0, 9.0, 10.0].map(Some).into();
        let p = chances(&[values], 5, 10, LEAST_WAYS)[0].alone.unwrap();
        assert!((p - 14.0 / 252.0).abs() < 0.007 * 3.0, "{p}");
        let mut ways = 0;
        each_way(10, 5, 100, |_| ways += 1);
        assert_eq!(ways, 100);
        assert!((least(5, 5, 100) - 0.02).abs() < 1e-12);
    }

    #[test]
    fn every_way_comes_once() {
        let mut seen = std::collections::BTreeSet::new();
        each_way(7, 3, WAYS, |way| {
            assert_eq!(way.iter().filter(|run| **run).count(), 3);
            assert!(seen.insert(way.to_vec()));
        });
        assert_eq!(seen.len(), 35);
    }

    #[test]
    fn looking_at_many_measures_is_paid_for() {
        let quiet = |seed: u64| -> Values { (0..8).map(|run| Some(((run * 7 + seed * 13) % 8) as f64)).collect() };
        let loud: Values = (0..8).map(|run| Some(f64::from(run))).collect();
        let mut measures: Vec<Values> = (0..20).map(quiet).collect();
        measures.push(loud);
        let all = chances(&measures, 4, 8, WAYS);
        let last = all.last().unwrap();
        assert!((last.alone.unwrap() - 2.0 / 70.0).abs() < 1e-12);
        assert!(last.among_all.unwrap() > last.alone.unwrap());
        for chance in &all {
            assert!(chance.among_all.unwrap() >= chance.alone.unwrap() - 1e-12);
        }
    }

    #[test]
    fn runs_without_a_value_are_left_out() {
        let values = vec![Some(1.0), None, Some(2.0), Some(8.0), Some(9.0), None];
        assert!(chances(&[values], 3, 6, WAYS)[0].alone.is_some());
        let only = vec![None, None, Some(1.0), Some(2.0)];
        assert_eq!(chances(&[only], 2, 4, WAYS)[0].alone, None);
    }

    proptest! {
        #[test]
        fn without_a_difference_one_in_twenty_is_called_one_at_most(seed in any::<u64>()) {
            // Every division of the same values is as likely as any other: the share of those with p at most 5 % is at most 5 %.
            let mut random = seed | 1;
            let values: Values = (0..8).map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                Some((random % 6) as f64)
            }).collect();
            let mut found = 0;
            let mut ways = 0;
            each_way(8, 4, WAYS, |way| {
                let first = values.iter().zip(way).filter(|(_, mine)| **mine).map(|(value, _)| *value);
                let second = values.iter().zip(way).filter(|(_, mine)| !**mine).map(|(value, _)| *value);
                let divided: Values = first.chain(second).collect();
                found += u64::from(chances(&[divided], 4, 8, WAYS)[0].alone.unwrap() <= 0.05);
                ways += 1;
            });
            prop_assert!(found * 20 <= ways, "{found} of {ways}");
        }

        #[test]
        fn the_shift_turns_with_the_sets(first in prop::collection::vec(0.0..100.0_f64, 1..8), second in prop::collection::vec(0.0..100.0_f64, 1..8)) {
            let there = shift(&first, &second).unwrap();
            let back = shift(&second, &first).unwrap();
            prop_assert!((there + back).abs() < 1e-9);
        }
    }
}
