//! Numbers that look random and are the same each time.

use std::time::Duration;

/// A generator by George Marsaglia (xorshift64).
pub(crate) struct Random(u64);

impl Random {
    /// The one that all cases begin with.
    pub(crate) const SEED: u64 = 20_261_130;

    pub(crate) fn new() -> Self {
        Self(Self::SEED)
    }

    /// A time that is shorter than this.
    pub(crate) fn below(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros(self.0 % u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1))
    }
}
