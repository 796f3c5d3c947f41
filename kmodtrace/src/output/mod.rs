//! What commands print, a file for each, and the formats of each: `--format` and its short form `--json` are the same everywhere.

mod bisect;
mod boot;
mod check;
mod colour;
mod diff;
mod drill;
mod explain;
mod fleet;
mod graph;
mod pager;
mod report;
mod stdout;
mod trace;
mod why;

use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Write};

use anyhow::Result;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgMatches, Args, ColorChoice, Command, FromArgMatches};
use kmodtrace_core::compare::bisect::Summary;
use kmodtrace_core::compare::diff::Diff;
use kmodtrace_core::plan::CheckReport;
use kmodtrace_core::recording::RecordLayouts;
use kmodtrace_core::report::Boots;
use kmodtrace_core::text::Harmless;
use rustix::termios::tcgetwinsize;
use serde_json::{Value, json};

use crate::failure::{FAILED, failure};
use colour::paint;
pub(crate) use colour::{Look, is_coloured};
pub(crate) use drill::Loads;
pub(crate) use explain::Explained;
pub(crate) use fleet::Machines;
pub(crate) use graph::Waits;
pub(crate) use report::Reported;
pub(crate) use stdout::{raw_stdout, stdout, written};
pub(crate) use trace::{News, Told};
pub(crate) use why::Answered;

/// The one for people, which every command has and prints where nobody asks for another.
const TEXT: &str = "text";
/// The one that `--json` stands for.
const JSON: &str = "json";

/// Columns of a terminal of which nothing is known.
const COLUMNS: usize = 80;
/// Below this no table has a sense.
const NARROW: usize = 40;

/// Columns that text may take: those of the terminal on stdout, where it is one.
pub(crate) fn columns() -> usize {
    let size = tcgetwinsize(io::stdout()).ok();
    match size.map_or(0, |size| usize::from(size.ws_col)) {
        0 => COLUMNS,
        columns => columns.max(NARROW),
    }
}

/// What a format is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MadeOf {
    /// Text, of which nothing acts on what shows it.
    Text,
    /// Text that is one table, and has no answer besides: neither what it cost, nor what failed, nor what was found.
    Table,
    /// Text, in which there is no sense without each attempt.
    Attempts,
    /// The same in bytes, which no terminal shows.
    AttemptsAsBytes,
}

/// A format of something that is printed.
pub(crate) struct Writer<T: ?Sized> {
    /// As `--format` calls it.
    pub(crate) name: &'static str,
    /// What it is, for `--help`.
    pub(crate) help: &'static str,
    /// What it is made of.
    pub(crate) made_of: MadeOf,
    /// Writes it.
    pub(crate) write: fn(&T, &mut dyn Write) -> io::Result<()>,
}

/// Something that a command prints.
pub(crate) trait Printed: 'static {
    /// Its formats: text, which is the default, JSON and others. One more is a writer, and a row here.
    const FORMATS: &'static [Writer<Self>];

    /// Whether it may be longer than a screen.
    const IS_LONG: bool = false;

    /// Sentences of its text that stand out.
    fn sentences(&self) -> Vec<(Look, String)> {
        Vec::new()
    }

    /// The JSON Schema of its JSON; of a line, where that is one object a line.
    fn schema() -> Value;
}

/// A schema by the name of the command that prints what it is of; of what is in recordings, where the fields of each record are.
type Schema = (&'static str, fn() -> Value);

/// One for all that commands print.
pub(crate) const SCHEMAS: &[Schema] = &[
    ("report", Reported::schema),
    ("report-folder", Machines::schema),
    ("why", Answered::schema),
    ("graph", Waits::schema),
    ("diff", Diff::schema),
    ("check", CheckReport::schema),
    ("explain", Explained::schema),
    ("drill", Loads::schema),
    ("bisect-report", Summary::schema),
    ("trace", Told::schema),
    ("boot-list", Boots::schema),
    ("records", layouts),
];

fn layouts() -> Value {
    json!(RecordLayouts::of_this_build())
}

impl<T: ?Sized> Writer<T> {
    /// Text.
    pub(crate) const fn text(write: fn(&T, &mut dyn Write) -> io::Result<()>) -> Self {
        Self {
            name: TEXT,
            help: "For people",
            made_of: MadeOf::Text,
            write,
        }
    }

    /// JSON.
    pub(crate) const fn json(help: &'static str, write: fn(&T, &mut dyn Write) -> io::Result<()>) -> Self {
        Self {
            name: JSON,
            help,
            made_of: MadeOf::Text,
            write,
        }
    }
}

/// The options of a command that prints, and what was chosen by them.
pub(crate) struct Format<T: Printed> {
    chosen: &'static Writer<T>,
    /// Whether it goes through a pager where it is longer than the screen.
    paged: bool,
    /// Whether text has colours.
    colour: ColorChoice,
}

impl<T: Printed> Format<T> {
    /// Whether it is the one for people.
    pub(crate) fn is_text(&self) -> bool {
        self.chosen.name == TEXT
    }

    /// What `--format` calls it.
    pub(crate) fn name(&self) -> &'static str {
        self.chosen.name
    }

    /// The format of the same name of something else; none where that has none.
    pub(crate) fn same_of<Other: Printed>(&self) -> Option<Format<Other>> {
        let chosen = Other::FORMATS.iter().find(|format| format.name == self.chosen.name)?;
        Some(Format {
            chosen,
            paged: self.paged && Other::IS_LONG,
            colour: self.colour,
        })
    }

    /// Whether there is no sense in it without each attempt.
    pub(crate) fn is_of_attempts(&self) -> bool {
        matches!(self.chosen.made_of, MadeOf::Attempts | MadeOf::AttemptsAsBytes)
    }

    /// Whether it has more than one table.
    pub(crate) fn has_answer(&self) -> bool {
        self.chosen.made_of != MadeOf::Table
    }

    /// Prints it in the format that was asked for.
    pub(crate) fn print(&self, what: &T) -> Result<()> {
        if self.chosen.made_of == MadeOf::AttemptsAsBytes && io::stdout().is_terminal() {
            let name = self.chosen.name;
            return Err(failure(
                FAILED,
                format!("{name} is no text for a terminal: send it into a file, as > boot.{name}"),
            ));
        }
        let (screen, coloured) = (self.paged && pager::has_screen(), self.is_coloured());
        if screen || coloured {
            let mut text = Vec::new();
            self.write(what, &mut text)?;
            if coloured {
                text = paint(&String::from_utf8_lossy(&text), &what.sentences()).into_bytes();
            }
            return if screen { pager::show(&text) } else { pager::pass(&text) };
        }
        let mut out = BufWriter::new(written(raw_stdout())?);
        self.write(what, &mut out)?;
        written(out.flush())
    }

    fn is_coloured(&self) -> bool {
        self.is_text() && is_coloured(self.colour, &io::stdout())
    }

    /// Writes it to what is stdout in the end, in the format that was asked for, and without characters that act on what shows them.
    pub(crate) fn write(&self, what: &T, out: &mut dyn Write) -> Result<()> {
        written(if self.chosen.made_of == MadeOf::AttemptsAsBytes {
            (self.chosen.write)(what, out)
        } else {
            (self.chosen.write)(what, &mut Harmless::new(out))
        })
    }
}

impl<T: Printed> Default for Format<T> {
    fn default() -> Self {
        Self {
            chosen: &T::FORMATS[0],
            paged: T::IS_LONG,
            colour: ColorChoice::Auto,
        }
    }
}

impl<T: Printed> Clone for Format<T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<T: Printed> fmt::Debug for Format<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.chosen.name)
    }
}

impl<T: Printed> FromArgMatches for Format<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let asked = matches.get_one::<String>("format").map_or(TEXT, String::as_str);
        let asked = if matches.get_flag("json") { JSON } else { asked };
        let chosen = T::FORMATS.iter().find(|format| format.name == asked);
        let chosen = chosen.ok_or_else(|| clap::Error::new(clap::error::ErrorKind::InvalidValue))?;
        let paged = T::IS_LONG && !matches.get_flag("no_pager");
        let colour = matches.get_one("color").copied().unwrap_or_default();
        Ok(Self { chosen, paged, colour })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<T: Printed> Args for Format<T> {
    fn augment_args(command: Command) -> Command {
        let values = T::FORMATS
            .iter()
            .map(|format| PossibleValue::new(format.name).help(format.help));
        let no_pager = T::IS_LONG.then(|| {
            Arg::new("no_pager")
                .long("no-pager")
                .action(ArgAction::SetTrue)
                .help("Do not show what is longer than the screen by $KMODTRACE_PAGER, $PAGER or less")
        });
        command
            .args(no_pager)
            .arg(
                Arg::new("format")
                    .long("format")
                    .value_name("FORMAT")
                    .value_parser(PossibleValuesParser::new(values))
                    .default_value(TEXT)
                    .help("How to write it"),
            )
            .arg(
                Arg::new("json")
                    .long("json")
                    .action(ArgAction::SetTrue)
                    .conflicts_with("format")
                    .help("The same as --format json"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
