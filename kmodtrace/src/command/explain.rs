//! `kmodtrace explain`: what makes an errno, and what to do about it.

use std::io::{self, BufWriter, Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::causes::{Explanation, Subject, write_explanation};
use rustix::termios::tcgetwinsize;

use crate::cli;
use crate::failure::{USAGE, failure};

/// Lines longer than this are hard to read.
const COLUMNS: usize = 100;

/// Prints the makers of each subject. A word that is none is wrong usage, before anything is printed.
pub(crate) fn run(args: &cli::Explain) -> Result<ExitCode> {
    let subjects: Result<Vec<Subject>, _> = args.subjects.iter().map(|text| text.parse()).collect();
    let subjects = subjects.map_err(|error| failure(USAGE, format!("{error}")))?;
    super::written(write(&subjects, args.json))?;
    Ok(ExitCode::SUCCESS)
}

fn write(subjects: &[Subject], json: bool) -> io::Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    if json {
        let all: Vec<Explanation> = subjects.iter().map(|subject| Explanation::of(*subject)).collect();
        serde_json::to_writer_pretty(&mut out, &all)?;
        writeln!(out)?;
    } else {
        let columns = columns();
        for (at, subject) in subjects.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            write_explanation(*subject, columns, &mut out)?;
        }
    }
    out.flush()
}

/// Of the terminal on stdout, where it is one.
pub(super) fn columns() -> usize {
    let size = tcgetwinsize(stdout()).ok();
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { COLUMNS } else { columns.min(COLUMNS) }
}
