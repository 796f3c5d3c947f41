//! Redacting.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use kmodtrace_core::recording::Private;

use super::Recorded;

/// Redacting.
#[derive(Args, Debug)]
pub(crate) struct Redact {
    #[command(flatten)]
    pub(crate) recorded: Recorded,
    /// File to write, for its owner alone. An existing one is refused
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// What to leave as it is
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = private())]
    pub(crate) keep: Vec<Private>,
}

/// One of the classes, which `--help` lists.
fn private() -> impl TypedValueParser<Value = Private> {
    let values = Private::ALL.map(|class| PossibleValue::new(class.name()).help(class.text()));
    let class = |name: String| Private::ALL.into_iter().find(|class| class.name() == name);
    PossibleValuesParser::new(values).try_map(move |name| class(name).ok_or("not one of the classes"))
}
