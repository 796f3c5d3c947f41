//! `kmodtrace bisect start`.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum as _;
use kmodtrace_core::compare::bisect::{BadRule, Criteria, Rule, fields};

use crate::bisect::session;
use crate::cli::{BisectStart, With};
use crate::failure::{BISECT_USAGE, failure, say};

/// Writes down what the session goes by.
pub(crate) fn run(args: &BisectStart, quiet: bool) -> Result<ExitCode> {
    let with = args.with.iter().filter_map(With::to_possible_value);
    let terms = Criteria {
        bad_when: rules(&args.bad_when)?,
        skip_when: rules(&args.skip_when)?,
        runs: args.runs,
        most_runs: args.most_runs,
        confidence: args.confidence,
        rate: args.rate,
        noise: args.noise,
        with: with.map(|value| value.get_name().to_owned()).collect(),
    };
    session::create(&args.session.session, terms.clone())?;
    if !quiet {
        let first = if terms.needs_good() {
            "record runs of a good kernel next: kmodtrace bisect good -- COMMAND"
        } else {
            "next: kmodtrace bisect step -- COMMAND"
        };
        say(format_args!("session in {}; {first}", args.session.session.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn rules(texts: &[String]) -> Result<Vec<Rule>> {
    texts
        .iter()
        .map(|text| text.parse().map_err(|error| refusal(&error)))
        .collect()
}

/// One line that says what is wrong; and the fields, where one was looked for.
fn refusal(error: &BadRule) -> anyhow::Error {
    let mut text = error.to_string();
    if error.wants_fields {
        text.push_str("; the fields are, with STAT one of count, total, p50, p90, p99, max:");
        for (name, meaning) in fields() {
            let _ = write!(text, "\n{name:<32}{meaning}");
        }
    }
    failure(BISECT_USAGE, text)
}
