//! Spans of time counted in buckets whose bounds grow by the sixteenth root of two.
//!
//! The buckets are those of Prometheus native histograms and OTLP exponential histograms at schema (scale) 4:
//! with `base = 2^(1/16)`, bucket `i` of Prometheus holds `(base^(i-1), base^i]`, upper bound included, and 0 has a
//! bucket of its own (OTLP numbers the same bucket `i-1`). Equal bounds everywhere make merging across runs and
//! machines an exact addition, and an export lossless.
//!
//! Only integers decide where a value goes: a logarithm in `f64` puts values next to a bound on the wrong side.

use std::collections::BTreeMap;

/// Buckets in one doubling.
const PER_OCTAVE: u16 = 16;

/// `floor(2^(63 + k/16))` for k from 0 to 15. The powers between two powers of two are irrational, so comparing a value
/// shifted to 64 bits with the floor is comparing it with the exact bound.
const THRESHOLDS: [u64; PER_OCTAVE as usize] = [
    0x8000_0000_0000_0000,
    0x85aa_c367_cc48_7b14,
    0x8b95_c1e3_ea8b_d6e6,
    0x91c3_d373_ab11_c336,
    0x9837_f051_8db8_a96f,
    0x9ef5_3260_91a1_11ad,
    0xa5fe_d6a9_b151_38ea,
    0xad58_3eea_42a1_4ac6,
    0xb504_f333_f9de_6484,
    0xbd08_a39f_580c_36be,
    0xc567_2a11_5506_dadd,
    0xce24_8c15_1f84_80e3,
    0xd744_fcca_d69d_6af4,
    0xe0cc_deec_2a94_e111,
    0xeac0_c6e7_dd24_392e,
    0xf525_7d15_2486_cc2c,
];

/// The bucket of a value: the smallest `i` with `value <= base^i`, from 0 for 1 to 1,024 for `u64::MAX`; none for 0.
fn index(value: u64) -> Option<u16> {
    let octave = value.checked_ilog2()?;
    let scaled = value << (u64::BITS - 1 - octave);
    let bounds_below = THRESHOLDS.partition_point(|bound| *bound < scaled);
    #[expect(clippy::cast_possible_truncation, reason = "at most 16 * 63 + 16")]
    Some(PER_OCTAVE * octave as u16 + bounds_below as u16)
}

/// The largest integer that is not above `base^index`.
fn upper(index: u16) -> u64 {
    let threshold = THRESHOLDS[usize::from(index % PER_OCTAVE)];
    // 2^64 itself, the bound of the last bucket, is one above the largest value there is.
    63_u16
        .checked_sub(index / PER_OCTAVE)
        .map_or(u64::MAX, |shift| threshold >> shift)
}

/// One bucket or row: how many values were in `(lower, upper]`. The zero bucket has both bounds 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Values in here are above this.
    pub lower: u64,
    /// And not above this.
    pub upper: u64,
    /// How many.
    pub count: u64,
}

/// A histogram of nanoseconds (or of any other `u64`). Its memory depends on how widely the values are spread, not on how
/// many there are: 16 entries for each power of two that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Occupied buckets by [`index`].
    buckets: BTreeMap<u16, u64>,
    zeros: u64,
    count: u64,
    sum: u64,
    /// Smallest and largest value; none before the first.
    range: Option<(u64, u64)>,
}

impl Histogram {
    /// Counts one value.
    pub fn record(&mut self, value: u64) {
        match index(value) {
            Some(index) => *self.buckets.entry(index).or_default() += 1,
            None => self.zeros += 1,
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        self.widen(value, value);
    }

    /// Counts so many zeros.
    pub(crate) fn record_zeros(&mut self, count: u64) {
        if count > 0 {
            self.zeros += count;
            self.count += count;
            self.widen(0, 0);
        }
    }

    /// Adds all values of `other`; the same as having recorded them here.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            buckets,
            zeros,
            count,
            sum,
            range,
        } = other;
        for (index, count) in buckets {
            *self.buckets.entry(*index).or_default() += count;
        }
        self.zeros += zeros;
        self.count += count;
        self.sum = self.sum.saturating_add(*sum);
        if let Some((min, max)) = *range {
            self.widen(min, max);
        }
    }

    /// The values without those of `other`, which are all among them. The smallest and the largest are those of their buckets.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        for (index, count) in &other.buckets {
            if let Some(mine) = rest.buckets.get_mut(index) {
                *mine = mine.saturating_sub(*count);
            }
        }
        rest.buckets.retain(|_, count| *count > 0);
        rest.zeros = rest.zeros.saturating_sub(other.zeros);
        rest.count = rest.count.saturating_sub(other.count);
        rest.sum = rest.sum.saturating_sub(other.sum);
        let ends = (rest.buckets().next(), rest.buckets().last());
        rest.range = match (ends, self.range) {
            ((Some(first), Some(last)), Some((min, max))) => {
                let smallest = first.upper.min(first.lower.saturating_add(1));
                Some((smallest.max(min), last.upper.min(max)))
            }
            _ => None,
        };
        rest
    }

    fn widen(&mut self, min: u64, max: u64) {
        let (old_min, old_max) = self.range.unwrap_or((min, max));
        self.range = Some((old_min.min(min), old_max.max(max)));
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum; stays at `u64::MAX` (584 years of nanoseconds) rather than wrap.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The smallest value, exactly.
    pub fn min(&self) -> Option<u64> {
        self.range.map(|(min, _)| min)
    }

    /// The largest value, exactly.
    pub fn max(&self) -> Option<u64> {
        self.range.map(|(_, max)| max)
    }

    /// The value that a share `q` of the values (0.0 to 1.0; what is outside counts as the nearer end) does not exceed:
    /// the one of rank `ceil(q * count)`. None when nothing was recorded.
    ///
    /// The answer is the middle of that value's bucket, never outside the smallest and the largest value, and so within
    /// 2.3 % and 1 of the value itself: half a bucket, and what rounding to a whole number adds. The first and the last
    /// rank are exact.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let (min, max) = self.range?;
        #[expect(clippy::cast_precision_loss, reason = "a rank is off by one from 2^53 values on")]
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float's cast saturates"
        )]
        let rank = ((q * self.count as f64).ceil() as u64).clamp(1, self.count);
        if rank == 1 {
            return Some(min);
        }
        let mut seen = 0;
        for bucket in self.buckets() {
            seen += bucket.count;
            if seen >= rank && rank < self.count {
                let first = bucket.upper.min(bucket.lower.saturating_add(1));
                return Some((first + (bucket.upper - first) / 2).clamp(min, max));
            }
        }
        Some(max)
    }

    /// The occupied buckets, smallest values first.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        let zeros = (self.zeros > 0).then_some(Bucket {
            lower: 0,
            upper: 0,
            count: self.zeros,
        });
        zeros
            .into_iter()
            .chain(self.buckets.iter().map(|(&index, &count)| Bucket {
                lower: index.checked_sub(1).map_or(0, upper),
                upper: upper(index),
                count,
            }))
    }

    /// The occupied buckets at scale 4 by their numbers, smallest values first: number `i` holds `(base^(i-1), base^i]` with
    /// `base = 2^(1/16)`. Zeros are in none of them.
    pub fn exponential(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.buckets.iter().map(|(&index, &count)| (index, count))
    }

    /// How many values were 0.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// The values by powers of two, for bars such as bcc's: the zero bucket if it is occupied, then every row from the
    /// first to the last occupied one, empty rows between them included. A power of two is the *last* value of its row;
    /// in bcc's rows it is the first.
    pub fn octaves(&self) -> Vec<Bucket> {
        let mut counts = BTreeMap::<u16, u64>::new();
        for (index, count) in &self.buckets {
            *counts.entry(index.div_ceil(PER_OCTAVE)).or_default() += count;
        }
        let zeros = (self.zeros > 0).then_some(Bucket {
            lower: 0,
            upper: 0,
            count: self.zeros,
        });
        let (Some((&first, _)), Some((&last, _))) = (counts.first_key_value(), counts.last_key_value()) else {
            return zeros.into_iter().collect();
        };
        let rows = (first..=last).map(|octave| Bucket {
            lower: octave.checked_sub(1).map_or(0, |below| upper(below * PER_OCTAVE)),
            upper: upper(octave * PER_OCTAVE),
            count: counts.get(&octave).copied().unwrap_or_default(),
        });
        zeros.into_iter().chain(rows).collect()
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "the oracles compute in f64")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record(*value);
        }
        histogram
    }

    /// A product of 64-bit limbs, lowest first.
    fn times(limbs: &[u64], factor: u64) -> Vec<u64> {
        let mut carry = 0;
        let mut product: Vec<u64> = Vec::new();
        for limb in limbs {
            let wide = u128::from(*limb) * u128::from(factor) + carry;
            product.push(u64::try_from(wide & u128::from(u64::MAX)).unwrap_or_default());
            carry = wide >> 64;
        }
        product.push(u64::try_from(carry).unwrap_or_default());
        product
    }

    /// Whether `value^16 <= 2^(63 * 16 + k)`.
    fn sixteenth_power_within(value: u64, k: usize) -> bool {
        let power = (0..16).fold(vec![1], |limbs, _| times(&limbs, value));
        let mut bound = vec![0_u64; power.len()];
        bound[(63 * 16 + k) / 64] = 1 << ((63 * 16 + k) % 64);
        power.iter().rev().le(bound.iter().rev())
    }

    #[test]
    fn thresholds_are_the_floors_of_the_powers() {
        for (k, threshold) in THRESHOLDS.iter().enumerate() {
            assert!(sixteenth_power_within(*threshold, k), "{k}");
            assert!(!sixteenth_power_within(*threshold + 1, k), "{k}");
        }
    }

    #[test]
    fn bounds_are_part_of_the_lower_bucket() {
        assert_eq!(
            [1, 2, 3, 4, 5, u64::MAX].map(index),
            [0, 16, 26, 32, 38, 1024].map(Some)
        );
        assert_eq!(index(0), None);
        for i in 0..=1024 {
            let bound = upper(i);
            assert!(index(bound).is_some_and(|of_bound| of_bound <= i), "{i}");
            assert!(
                bound == u64::MAX || index(bound + 1).is_some_and(|above| above > i),
                "{i}"
            );
        }
    }

    #[test]
    fn nothing_recorded_is_not_zero() {
        let empty = Histogram::default();
        assert_eq!((empty.min(), empty.max(), empty.quantile(0.5)), (None, None, None));
        assert_eq!(of(&[0]).quantile(0.5), Some(0));
        assert!(empty.octaves().is_empty());
    }

    #[test]
    fn octaves_have_no_holes_and_end_at_powers_of_two() {
        let rows = of(&[0, 1, 4, 5, 8, 64]).octaves();
        let rows: Vec<_> = rows.iter().map(|row| (row.lower, row.upper, row.count)).collect();
        assert_eq!(
            rows,
            [
                (0, 0, 1),
                (0, 1, 1),
                (1, 2, 0),
                (2, 4, 1),
                (4, 8, 2),
                (8, 16, 0),
                (16, 32, 0),
                (32, 64, 1)
            ]
        );
        assert_eq!(
            of(&[u64::MAX]).octaves(),
            [Bucket {
                lower: 1 << 63,
                upper: u64::MAX,
                count: 1
            }]
        );
    }

    /// Values as wide as times are: every magnitude alike.
    fn value() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
    }

    proptest! {
        #[test]
        fn the_index_is_the_logarithm(value in value().prop_filter("zero has no logarithm", |value| *value > 0)) {
            let exact = (value as f64).log2() * f64::from(PER_OCTAVE);
            let index = f64::from(index(value).unwrap_or_default());
            // f64 is wrong next to a bound, nowhere else.
            prop_assert!((exact.ceil() - index).abs() < 0.5 || (exact - exact.round()).abs() < 1e-9);
        }

        #[test]
        fn a_value_lies_in_its_bucket(value in value()) {
            let bucket = of(&[value]).buckets().next();
            prop_assert!(bucket.is_some_and(|b| (b.lower < value || value == 0) && value <= b.upper && b.count == 1));
        }

        #[test]
        fn merging_is_recording_all(parts in prop::collection::vec(prop::collection::vec(value(), 0..50), 0..5)) {
            let mut merged = Histogram::default();
            for part in &parts {
                merged.merge(&of(part));
            }
            prop_assert_eq!(merged, of(&parts.concat()));
        }

        #[test]
        fn what_is_taken_away_leaves_the_rest(
            rest in prop::collection::vec(value(), 0..50),
            part in prop::collection::vec(value(), 0..50),
        ) {
            let (rest, part) = (of(&rest), of(&part));
            let mut all = rest.clone();
            all.merge(&part);
            let left = all.without(&part);
            prop_assert_eq!(left.buckets().collect::<Vec<_>>(), rest.buckets().collect::<Vec<_>>());
            prop_assert_eq!(left.count(), rest.count());
            prop_assert_eq!(left.max().is_none(), rest.max().is_none());
            let within = |one: Option<u64>, other: Option<u64>| {
                one.zip(other).is_none_or(|(one, other)| index(one) == index(other))
            };
            prop_assert!(within(left.max(), rest.max()) && within(left.min(), rest.min()));
        }

        #[test]
        fn octaves_lose_nothing(values in prop::collection::vec(value(), 0..200)) {
            let rows = of(&values).octaves();
            for row in &rows {
                let inside = |v: &&u64| (row.lower < **v && **v <= row.upper) || (row.upper == 0 && **v == 0);
                prop_assert_eq!(row.count, values.iter().filter(inside).count() as u64);
            }
            prop_assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), values.len() as u64);
        }

        #[test]
        fn quantiles_agree_with_hdrhistogram(
            values in prop::collection::vec((1..1_u64 << 40, 0..40_u32).prop_map(|(v, shift)| (v >> shift).max(1)), 1..400),
            q in 0.0..=1.0_f64,
        ) {
            let mut oracle = hdrhistogram::Histogram::<u64>::new(4)?;
            for value in &values {
                oracle.record(*value)?;
            }
            // Both take the rank ceil(q * count); the oracle keeps four digits.
            let (expected, got) = (oracle.value_at_quantile(q) as f64, of(&values).quantile(q).unwrap_or_default() as f64);
            prop_assert!((expected - got).abs() <= expected * 0.0231 + 1.0, "{expected} {got}");
        }
    }
}
