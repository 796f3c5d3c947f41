//! How many runs does a verdict take? Wald's sequential test of two shares, with bounds that hold exactly.
//!
//! A run is bad or good; a bad commit is bad in at least `rate` of its runs, a good one in at most `noise` of them. After
//! each run the likelihood of both is compared. By Ville's inequality (Etude critique de la notion de collectif, 1939) a
//! ratio of 1/a in favour of the wrong one ever comes up with a chance of a at most, however often one looks, so stopping as
//! soon as it is reached costs nothing.

/// Runs that were told to be one or the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bad ones.
    pub bad: u32,
    /// Good ones.
    pub good: u32,
}

impl Tally {
    /// All of them.
    pub fn sum(self) -> u32 {
        self.bad + self.good
    }
}

/// What is known of commits before a test.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Shares {
    /// The share of its runs in which a bad commit is bad, at least.
    pub rate: f64,
    /// The share of its runs in which a good commit is bad all the same, at most.
    pub noise: f64,
}

/// What a test has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Bad,
    Good,
    Undecided,
}

impl Shares {
    /// Looks at the runs so far. A wrong decision has a chance of less than 1 - `confidence`.
    pub(super) fn decide(self, tally: Tally, confidence: f64) -> Decision {
        let ratio = self.ratio(tally);
        let wrong = 1.0 - confidence;
        if ratio >= -wrong.ln() {
            Decision::Bad
        } else if ratio <= wrong.ln() {
            Decision::Good
        } else {
            Decision::Undecided
        }
    }

    /// How many runs without a bad one make a commit good; none where no number does.
    pub fn good_runs(self, confidence: f64) -> Option<u32> {
        (1..=10_000).find(|&good| self.decide(Tally { bad: 0, good }, confidence) == Decision::Good)
    }

    /// The logarithm of how much likelier these runs are of a bad commit.
    fn ratio(self, tally: Tally) -> f64 {
        // What was never seen has no part in it: 0 * ln(0) is no number.
        let part = |count: u32, bad: f64, good: f64| {
            if count == 0 {
                0.0
            } else {
                f64::from(count) * (bad.ln() - good.ln())
            }
        };
        part(tally.bad, self.rate, self.noise) + part(tally.good, 1.0 - self.rate, 1.0 - self.noise)
    }
}

/// The least share of bad runs that such a tally is compatible with (Clopper and Pearson, one-sided).
pub(super) fn at_least(tally: Tally, confidence: f64) -> f64 {
    share_where(|share| upper_tail(tally, share) >= 1.0 - confidence)
}

/// The largest one.
pub(super) fn at_most(tally: Tally, confidence: f64) -> f64 {
    let turned = Tally {
        bad: tally.good,
        good: tally.bad,
    };
    1.0 - at_least(turned, confidence)
}

/// The chance of so many bad runs or more.
fn upper_tail(tally: Tally, share: f64) -> f64 {
    let (n, share) = (tally.sum(), share.clamp(0.0, 1.0));
    let mut ways = 1.0_f64;
    let mut sum = 0.0;
    for bad in 0..=n {
        if bad >= tally.bad {
            sum += ways * share.powf(f64::from(bad)) * (1.0 - share).powf(f64::from(n - bad));
        }
        ways *= f64::from(n - bad) / f64::from(bad + 1);
    }
    sum
}

/// The least share from which on this holds.
fn share_where(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    if holds(low) {
        return low;
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_scipy() {
        // scipy 1.17.1: beta.ppf(1-c, k, n-k+1) and beta.ppf(c, k+1, n-k).
        for (bad, runs, confidence, least, most) in [
            (0, 10, 0.95, 0.0, 0.258_865_550_893),
            (1, 3, 0.95, 0.016_952_427_508, 0.864_649_637_828),
            (7, 20, 0.99, 0.129_178_784_297, 0.630_939_155_825),
            (20, 20, 0.99, 0.794_328_234_724, 1.0),
            (5, 5, 0.95, 0.549_280_271_653, 1.0),
            (2, 6, 0.99, 0.026_763_191_143, 0.826_930_049_409),
            (13, 40, 0.9, 0.226_500_416_691, 0.437_549_996_902),
        ] {
            let tally = Tally { bad, good: runs - bad };
            assert!((at_least(tally, confidence) - least).abs() < 1e-9, "{tally:?}");
            assert!((at_most(tally, confidence) - most).abs() < 1e-9, "{tally:?}");
        }
    }

    #[test]
    fn runs_that_it_takes() {
        let shares = |rate, noise| Shares { rate, noise };
        // 0.5^7 is the first power of a half below 1 in 100; (2/3)^12 the first of two thirds.
        assert_eq!(shares(0.5, 0.0).good_runs(0.99), Some(7));
        assert_eq!(shares(1.0 / 3.0, 0.0).good_runs(0.99), Some(12));
        assert_eq!(shares(1.0, 0.001).good_runs(0.99), Some(1));
        assert_eq!(shares(0.2, 0.2).good_runs(0.99), None);
        let one = Tally { bad: 1, good: 0 };
        assert_eq!(shares(0.5, 0.001).decide(one, 0.99), Decision::Bad);
        assert_eq!(shares(0.5, 0.05).decide(one, 0.99), Decision::Undecided);
        assert_eq!(shares(0.5, 0.0).decide(Tally { bad: 1, good: 6 }, 0.99), Decision::Bad);
        assert_eq!(shares(0.5, 0.1).decide(Tally::default(), 0.99), Decision::Undecided);
    }

    /// Walks through runs of commits whose shares are as stated, ten thousand times each.
    #[test]
    fn wrong_decisions_are_rarer_than_stated() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut chance = move || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            #[expect(clippy::cast_precision_loss, reason = "53 of its bits")]
            let share = (random >> 11) as f64 / (1_u64 << 53) as f64;
            share
        };
        for (rate, noise, confidence) in [(0.5, 0.001, 0.99), (1.0 / 3.0, 0.05, 0.95), (0.6, 0.3, 0.9)] {
            let shares = Shares { rate, noise };
            for (truth, wrong) in [(rate, Decision::Good), (noise, Decision::Bad)] {
                let mut mistakes = 0_u32;
                for _ in 0..10_000 {
                    let mut tally = Tally::default();
                    let decision = loop {
                        if chance() < truth {
                            tally.bad += 1;
                        } else {
                            tally.good += 1;
                        }
                        match shares.decide(tally, confidence) {
                            Decision::Undecided => {}
                            decision => break decision,
                        }
                    };
                    mistakes += u32::from(decision == wrong);
                }
                assert!(
                    f64::from(mistakes) <= (1.0 - confidence) * 10_000.0,
                    "{shares:?} {truth}: {mistakes}"
                );
            }
        }
    }
}
