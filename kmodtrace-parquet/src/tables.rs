//! The tables: their columns, and what each is. Documentation and files are made of these lists.

mod attempts;
mod findings;
mod modules;
mod origins;
mod recordings;
mod requests;
mod states;
mod waits;
mod words;

use crate::column::{Column, RECORDING};

pub(crate) use attempts::ATTEMPTS;
pub(crate) use findings::FINDINGS;
pub(crate) use modules::MODULES;
pub(crate) use origins::{Failed, ORIGINS};
pub(crate) use recordings::COLUMNS as RECORDING_COLUMNS;
pub(crate) use requests::REQUESTS;
pub(crate) use states::STATES;
pub(crate) use waits::WAITS;

/// The table by which a recording counts.
pub(crate) const RECORDINGS: &str = "recordings";

/// A table, for documentation.
pub struct Description {
    /// Its name, which is that of its folder.
    pub name: &'static str,
    /// What a row is.
    pub row: &'static str,
    /// Name, type, unit and meaning of each column.
    pub columns: Vec<[&'static str; 4]>,
}

/// All tables.
pub fn all() -> Vec<Description> {
    vec![
        of(RECORDINGS, "A recording", RECORDING_COLUMNS),
        of("attempts", "A system call that loads or unloads a module", ATTEMPTS),
        of("waits", "A wait inside an attempt, for somebody else", WAITS),
        of("requests", "A request of the kernel for a module", REQUESTS),
        of(
            "origins",
            "Where the errno of an attempt, or the failure of a request, came from",
            ORIGINS,
        ),
        of("findings", "What a recording shows beyond its numbers", FINDINGS),
        of("modules", "A module of a recording, with all of its loads", &MODULES),
        of("states", "A span in which a module was in one state", STATES),
    ]
}

pub(crate) fn names() -> Vec<&'static str> {
    all().iter().map(|table| table.name).collect()
}

fn of<A, B>(name: &'static str, row: &'static str, columns: &[Column<A, B>]) -> Description {
    let recording = [RECORDING, "text", "", "The recording: machine, boot and beginning"];
    let others = columns
        .iter()
        .map(|column| [column.name, column.sql_type(), column.unit(), column.doc]);
    Description {
        name,
        row,
        columns: [recording].into_iter().chain(others).collect(),
    }
}
