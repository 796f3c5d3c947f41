//! Lines of the kernel log.

use super::units::Ktime;

/// A line of the kernel log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub time: Ktime,
    /// What it says, without level and line feed.
    pub text: String,
}
