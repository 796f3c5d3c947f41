//! What a session goes by, stated before its first step and never changed.

use serde::{Deserialize, Serialize};

use super::rule::{BadRule, Rule};

/// Runs of a step at most, where the user says nothing.
pub const MOST_RUNS: u32 = 30;

/// How sure a verdict has to be, where the user says nothing.
pub const CONFIDENCE: f64 = 0.99;

/// The terms of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Criteria {
    /// A run is bad where one of these holds.
    pub bad_when: Vec<Rule>,
    /// A run says nothing where one of these holds.
    pub skip_when: Vec<Rule>,
    /// So many runs at each step; none for as many as it takes.
    pub runs: Option<u32>,
    /// As many at most.
    pub most_runs: u32,
    /// A verdict is wrong less often than in 1 - this.
    pub confidence: f64,
    /// A bad commit is bad in this share of its runs at least; none where runs marked bad show it.
    pub rate: Option<f64>,
    /// A good commit is bad in this share of its runs at most; none where runs marked good show it.
    pub noise: Option<f64>,
    /// What is traced on demand, as `--with` has it.
    pub with: Vec<String>,
}

impl Criteria {
    /// Its rules, a line for each.
    pub fn rules(&self) -> impl Iterator<Item = String> {
        let bad = self.bad_when.iter().map(|rule| format!("bad when {rule}"));
        bad.chain(self.skip_when.iter().map(|rule| format!("skip when {rule}")))
    }

    /// Whether runs marked good have to be there before a step can be judged.
    pub fn needs_good(&self) -> bool {
        self.bad_when.iter().chain(&self.skip_when).any(Rule::is_relative)
    }
}

impl TryFrom<String> for Rule {
    type Error = BadRule;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}
