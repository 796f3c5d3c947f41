//! Our buckets as those of Prometheus' histograms.

use kmodtrace_core::analysis::histogram::Histogram;

use super::messages::BucketSpan;

/// The powers of two of nanoseconds that bound the classic buckets: 131 us to 137 s. Smaller ones would have an exponent in their labels.
const BOUNDS: std::ops::RangeInclusive<u16> = 17..=37;
/// Our buckets in a power of two.
const PER_OCTAVE: u16 = 16;
/// As native histograms call the resolution of our buckets.
pub(super) const SCHEMA: i32 = 4;
/// By how many buckets a second is larger than a nanosecond, of 478.36 the whole ones.
const SHIFT: i32 = 478;
/// Below that a value is 0 to Prometheus: 2^-128, which is what its own libraries have.
pub(super) const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

/// The upper bounds of classic buckets in nanoseconds, and how many values are not above each.
pub(super) fn classic(times: &Histogram) -> impl Iterator<Item = (u64, u64)> + '_ {
    let mut buckets = times.exponential().peekable();
    let mut below = times.zeros();
    BOUNDS.map(move |power| {
        while let Some((_, count)) = buckets.next_if(|(number, _)| *number <= power * PER_OCTAVE) {
            below += count;
        }
        (1 << power, below)
    })
}

/// The occupied buckets in seconds: runs of them, and each count as the difference to the one before.
pub(super) fn spans(times: &Histogram) -> (Vec<BucketSpan>, Vec<i64>) {
    let (mut spans, mut deltas) = (Vec::<BucketSpan>::new(), Vec::new());
    let (mut next, mut before) = (0, 0_u64);
    for (number, count) in times.exponential() {
        let number = i32::from(number) - SHIFT;
        match spans.last_mut() {
            Some(span) if number == next => span.length += 1,
            _ => spans.push(BucketSpan {
                offset: number - next,
                length: 1,
            }),
        }
        next = number + 1;
        deltas.push(count.cast_signed().wrapping_sub(before.cast_signed()));
        before = count;
    }
    (spans, deltas)
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "the oracle computes in f64")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_and_bounds_are_those_of_the_values(values in prop::collection::vec(0..1_u64 << 42, 0..200)) {
            let mut times = Histogram::default();
            for value in &values {
                times.record(*value);
            }
            for (upper, count) in classic(&times) {
                prop_assert_eq!(count, values.iter().filter(|value| **value <= upper).count() as u64);
            }
            let (spans, deltas) = spans(&times);
            let (mut at, mut count, mut deltas) = (0, 0_i64, deltas.into_iter());
            let mut seen = times.zeros();
            for span in spans {
                at += span.offset;
                for _ in 0..span.length {
                    count += deltas.next().unwrap_or_default();
                    // What Prometheus takes for the bounds is 1.6 % above where the values are, and no bucket is split.
                    let above = 1e9 / 2_f64.powf(478.0 / 16.0);
                    prop_assert!((1.0156..1.0157).contains(&above));
                    let bound = |number: i32| 2_f64.powf(f64::from(number) / 16.0) * 1e9 / above * (1.0 + 1e-12);
                    let inside = |value: &&u64| bound(at - 1) < **value as f64 && **value as f64 <= bound(at);
                    prop_assert_eq!(values.iter().filter(inside).count() as u64, count.unsigned_abs(), "{}", at);
                    seen += count.unsigned_abs();
                    at += 1;
                }
            }
            prop_assert_eq!((seen, deltas.next()), (values.len() as u64, None));
        }
    }
}
