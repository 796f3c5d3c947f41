//! Why, for people: a headline for each cause, a sentence a line below it; then the findings.

use std::io::{self, Write};

use super::{Reason, Why};
use crate::analysis::findings::write_findings;
use crate::text::printable;

/// Writes all of it; says so when nothing failed, or nothing of what was asked for.
pub fn write_text(why: &Why, out: &mut impl Write) -> io::Result<()> {
    write_reasons(why, out)?;
    let findings = why.findings.as_deref().unwrap_or_default();
    if !findings.is_empty() {
        writeln!(out, "\nFINDINGS")?;
    }
    write_findings(findings, out)
}

fn write_reasons(why: &Why, out: &mut impl Write) -> io::Result<()> {
    for sentence in &why.summary {
        writeln!(out, "{sentence}")?;
    }
    if why.causes.is_empty() && why.dropped.is_empty() {
        return match why.failed_attempts + why.failed_requests {
            0 => writeln!(out, "nothing failed"),
            _ => writeln!(
                out,
                "no selected load, unload or request failed; {} loads and unloads and {} requests failed with another errno or name",
                why.failed_attempts, why.failed_requests
            ),
        };
    }
    let mut first = why.summary.is_empty();
    for reason in &why.causes {
        write_reason(reason, first, out)?;
        first = false;
    }
    if let (Some(errno), false) = (&why.errno, why.dropped.is_empty()) {
        if !first {
            writeln!(out)?;
        }
        writeln!(
            out,
            "these failed with something else, and their caller may have made {errno} of it:"
        )?;
        for reason in &why.dropped {
            write_reason(reason, false, out)?;
        }
    }
    Ok(())
}

fn write_reason(reason: &Reason, first: bool, out: &mut impl Write) -> io::Result<()> {
    if !first {
        writeln!(out)?;
    }
    writeln!(out, "{}", printable(&reason.headline))?;
    for sentence in &reason.sentences {
        writeln!(out, "  {}", printable(sentence))?;
    }
    match &reason.what_to_do {
        Some(advice) => writeln!(out, "  what to do: {advice}"),
        None => Ok(()),
    }
}
