//! A rule says what makes a run bad, in numbers of its report: `errno(EINVAL)>0`, `total_wait>1.5x good`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::field::{Field, UnknownField};
use super::read::Reading;
use super::sample::{Recorded, Sample, Unread};
use crate::compare::diff::{median, value_text};
use crate::measures::Unit;

/// A rule, as its user wrote it, with one space for each run of blanks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Rule {
    text: String,
    condition: Condition,
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    /// `command fails`
    CommandFails,
    /// `no recording`: a kernel that did not come up, or nobody could trace.
    NoRecording,
    Compare {
        field: Field,
        op: Op,
        bound: Bound,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    More,
    AtLeast,
    Less,
    AtMost,
    Equal,
    Other,
}

/// Those of two characters come first: one begins like the other.
const OPS: [(&str, Op); 6] = [
    (">=", Op::AtLeast),
    ("<=", Op::AtMost),
    ("==", Op::Equal),
    ("!=", Op::Other),
    (">", Op::More),
    ("<", Op::Less),
];

/// What a field is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    /// In the field's unit.
    Value(f64),
    /// So many times the median of the runs that are known to be good.
    TimesGood(f64),
}

/// Not a rule, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {why}")]
pub struct BadRule {
    /// As it was written.
    pub rule: String,
    /// What is wrong.
    pub why: String,
    /// Whether a list of the fields would help.
    pub wants_fields: bool,
}

/// What a run is by one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Whether the rule holds; none where that cannot be told.
    pub holds: Option<bool>,
    /// What was seen, in words: `init.count = 8`, or why it cannot be told.
    pub seen: String,
    /// The field's value.
    pub value: Option<f64>,
    /// Whether other runs of the same kernel would tell no more: nobody watches there, or nobody did what is asked about.
    pub lasting: bool,
}

impl FromStr for Rule {
    type Err = BadRule;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let bad = |why: String, wants_fields| BadRule {
            rule: written.to_owned(),
            why,
            wants_fields,
        };
        let words: Vec<&str> = written.split_whitespace().collect();
        // What is read is what is shown, so that it reads back as the same: names may have blanks in them.
        let text = words.join(" ");
        let condition = match words.as_slice() {
            ["command", "fails"] => Condition::CommandFails,
            ["no", "recording"] => Condition::NoRecording,
            _ => {
                let Some((at, sign, op)) = comparison(&text) else {
                    let why =
                        "expected FIELD, one of > >= < <= == !=, and a value; or `command fails`; or `no recording`";
                    return Err(bad(why.to_owned(), true));
                };
                let field: Field = text[..at]
                    .trim()
                    .parse()
                    .map_err(|error: UnknownField| bad(error.to_string(), true))?;
                let bound = bound(text[at + sign.len()..].trim(), field.unit()).map_err(|why| bad(why, false))?;
                Condition::Compare { field, op, bound }
            }
        };
        Ok(Self { text, condition })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The first sign of comparison.
fn comparison(text: &str) -> Option<(usize, &'static str, Op)> {
    let at = text.find(['>', '<', '=', '!'])?;
    let (sign, op) = OPS.iter().find(|(sign, _)| text[at..].starts_with(sign))?;
    Some((at, sign, *op))
}

fn bound(text: &str, unit: Unit) -> Result<Bound, String> {
    if let Some(factor) = text.strip_suffix("good").map(str::trim_end) {
        let factor = factor.strip_suffix(['x', '*']).map(str::trim_end);
        let factor = factor.and_then(|factor| factor.parse::<f64>().ok());
        return match factor {
            Some(factor) if factor.is_finite() && factor > 0.0 => Ok(Bound::TimesGood(factor)),
            _ => Err(format!("`{text}`: expected a number, x and good, such as 1.5x good")),
        };
    }
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let units: &[(&str, f64)] = match unit {
        Unit::Count => &[("", 1.0)],
        Unit::Nanoseconds => &[
            ("ns", 1.0),
            ("us", 1e3),
            ("ms", 1e6),
            ("s", 1e9),
            ("m", 6e10),
            ("h", 3.6e12),
        ],
        Unit::Bytes => &[
            ("", 1.0),
            ("B", 1.0),
            ("KiB", 1024.0),
            ("MiB", 1_048_576.0),
            ("GiB", 1_073_741_824.0),
        ],
    };
    let expected = || {
        let example = match unit {
            Unit::Count => "a number, such as 0",
            Unit::Nanoseconds => "a time with its unit (ns, us, ms, s, m, h), such as 2s",
            Unit::Bytes => "a number of bytes, such as 64MiB",
        };
        format!("`{text}`: expected {example}, or 1.5x good")
    };
    let scale = units
        .iter()
        .find(|(name, _)| *name == suffix.trim())
        .map(|(_, scale)| *scale);
    match (number.parse::<f64>(), scale) {
        (Ok(number), Some(scale)) if number.is_finite() && number >= 0.0 => Ok(Bound::Value(number * scale)),
        _ => Err(expected()),
    }
}

impl Rule {
    /// Whether it compares with runs that are known to be good.
    pub fn is_relative(&self) -> bool {
        matches!(
            self.condition,
            Condition::Compare {
                bound: Bound::TimesGood(_),
                ..
            }
        )
    }

    /// The number that it is about.
    pub fn field(&self) -> Option<&Field> {
        match &self.condition {
            Condition::Compare { field, .. } => Some(field),
            Condition::CommandFails | Condition::NoRecording => None,
        }
    }

    /// What a run is by this rule, `good` being the runs that are known to be good.
    ///
    /// What is missing in a recording can make numbers smaller only, so a count that is too high is too high; everything else
    /// cannot be told then.
    pub fn ask(&self, sample: &Sample, good: &[&Sample]) -> Answer {
        match &self.condition {
            Condition::CommandFails => {
                let status = sample.command.status;
                Answer::known(status != 0, f64::from(status), format!("command.status = {status}"))
            }
            Condition::NoRecording => {
                let none = matches!(sample.recorded, Err(Unread::Absent));
                let seen = if none { "no recording" } else { "a recording" };
                Answer::known(none, f64::from(u8::from(none)), seen.to_owned())
            }
            Condition::Compare { field, op, bound } => compare(field, *op, *bound, sample, good),
        }
    }
}

impl Answer {
    fn known(holds: bool, value: f64, seen: String) -> Self {
        Self {
            holds: Some(holds),
            seen,
            value: Some(value),
            lasting: false,
        }
    }

    fn untold(seen: String, value: Option<f64>) -> Self {
        Self {
            holds: None,
            seen,
            value,
            lasting: false,
        }
    }
}

fn compare(field: &Field, op: Op, bound: Bound, sample: &Sample, good: &[&Sample]) -> Answer {
    let value = match field.read(sample) {
        Reading::Known(value) => value,
        Reading::Unknown(why) => {
            let mut answer = Answer::untold(format!("{field}: {why}"), None);
            answer.lasting = sample.recorded.is_ok();
            return answer;
        }
    };
    let limit = match bound {
        Bound::Value(value) => value,
        Bound::TimesGood(factor) => match median_of(field, good) {
            Ok(median) => factor * median,
            Err(why) => return Answer::untold(why, value),
        },
    };
    let Some(value) = value else {
        // Nothing was there to be too long, or too short.
        let seen = format!("{field}: there was none");
        return match lossy(field, sample) {
            Some(why) => Answer::untold(format!("{seen}, but the recording is not whole: {why}"), None),
            None => Answer {
                holds: Some(false),
                seen,
                value: None,
                lasting: false,
            },
        };
    };
    let holds = op.holds(value, limit);
    let mut seen = format!("{field} = {}", value_text(value, field.unit()));
    if let Bound::TimesGood(factor) = bound {
        let limit = value_text(limit, field.unit());
        seen = format!("{seen}, where {factor}x good is {limit}");
    }
    let sure = holds && field.only_grows() && matches!(op, Op::More | Op::AtLeast);
    match lossy(field, sample).filter(|_| !sure) {
        Some(why) => Answer::untold(format!("{seen}, but the recording is not whole: {why}"), Some(value)),
        None => Answer::known(holds, value, seen),
    }
}

/// Why a value may be wrong; none where the recording is whole, or has nothing to do with it.
fn lossy(field: &Field, sample: &Sample) -> Option<String> {
    if !field.is_recorded() || field.is_about_loss() {
        return None;
    }
    sample.recorded.as_ref().ok().and_then(Recorded::lossy)
}

fn median_of(field: &Field, good: &[&Sample]) -> Result<f64, String> {
    let values: Vec<f64> = good
        .iter()
        .filter_map(|sample| match field.read(sample) {
            Reading::Known(value) => value,
            Reading::Unknown(_) => None,
        })
        .collect();
    median(&values).ok_or_else(|| format!("{field}: no run that is marked good has a value"))
}

impl Op {
    fn holds(self, value: f64, bound: f64) -> bool {
        // Counts are whole, and what is written is what is meant: nothing here is the sum of fractions.
        #[expect(clippy::float_cmp, reason = "both are whole numbers of counts, nanoseconds or bytes")]
        match self {
            Self::More => value > bound,
            Self::AtLeast => value >= bound,
            Self::Less => value < bound,
            Self::AtMost => value <= bound,
            Self::Equal => value == bound,
            Self::Other => value != bound,
        }
    }
}
