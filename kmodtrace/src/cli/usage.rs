//! Reading the command line, and saying what is wrong with it.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _};

use super::Cli;
use crate::failure;
use crate::output::{raw_stdout, written};

/// How much a word must be like a command to be taken for it: as much as clap asks of options.
const ALIKE: f64 = 0.7;

/// Reads the command line. What stands before a command and means nothing to it is refused: it would be ignored.
pub(crate) fn parse() -> Result<Cli, clap::Error> {
    let mut cli = Cli::command();
    let matches = cli.try_get_matches_from_mut(std::env::args_os())?;
    let given = |id: &clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    if let Some((command, _)) = matches.subcommand() {
        let stray = cli
            .get_arguments()
            .find(|arg| !arg.is_global_set() && given(arg.get_id()));
        if let Some(stray) = stray.map(ToString::to_string) {
            let message = format!("{stray} stands before {command}: options of a command come behind it");
            return Err(cli.error(ErrorKind::ArgumentConflict, message));
        }
    }
    Cli::from_arg_matches(&matches)
}

/// Help and version as clap prints them; what is wrong with the usage as one line.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let printed = written(raw_stdout().and_then(|_out| error.print()));
        return printed.map_or_else(|error| failure::report(&error), |()| ExitCode::SUCCESS);
    }
    let text = error.render().to_string();
    let lines = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    let words: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
    // What a line announces is on the next one.
    let text = words.join("; ").replace(":; ", ": ");
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let text = unknown_command(error).unwrap_or_else(|| text.to_owned());
    failure::say(format_args!("{text}; see --help"));
    ExitCode::from(if is_of_bisect() {
        failure::BISECT_USAGE
    } else {
        failure::USAGE
    })
}

/// Whether the command is bisect, wrong as the rest of it may be: 2 would be taken for a bad commit.
fn is_of_bisect() -> bool {
    let mut words = std::env::args_os().skip(1);
    let first = words.find(|word| !word.as_encoded_bytes().starts_with(b"-"));
    first.is_some_and(|word| word == "bisect")
}

/// What is said of a word where a command belongs; none if the error is about something else. clap takes the word for one of the command
/// that is to run, without the `--` in front of it, and suggests nothing.
fn unknown_command(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let first = std::env::args_os().nth(1)?;
    if error.kind() != ErrorKind::UnknownArgument || first != word.as_str() || word.starts_with('-') {
        return None;
    }
    let cli = Cli::command();
    let names = cli.get_subcommands().map(clap::Command::get_name);
    let likeness = |name| strsim::jaro(word, name);
    let closest = names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    let what_then = if likeness(closest) > ALIKE {
        format!("a similar one is '{closest}'")
    } else {
        format!("a command to trace goes behind --: kmodtrace -- {word}")
    };
    Some(format!("no such command: '{word}'; {what_then}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    /// clap looks at a command when it is used, and at all of them here.
    #[test]
    fn every_command_can_be_read() {
        Cli::command().debug_assert();
    }
}
