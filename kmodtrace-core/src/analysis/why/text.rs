//! Why, for people: a headline for each cause, a sentence a line below it; then the findings.

use std::io::{self, Write};

use super::{Hang, Why};
use crate::analysis::findings::write_findings;
use crate::analysis::graph::unsearched_text;
use crate::text::write_wrapped;

/// Writes all of it: what hangs, what failed, why what was asked for is loaded, what was found. Says so when nothing failed, or nothing of what was asked for.
pub fn write_text(why: &Why, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page {
        out,
        columns,
        blocks: 0,
    };
    for sentence in &why.summary {
        page.block(sentence, &[], None)?;
    }
    page.hangs(&why.hanging)?;
    for reason in &why.causes {
        page.block(&reason.headline, &reason.sentences, reason.what_to_do.as_deref())?;
    }
    if let (Some(errno), false) = (&why.errno, why.dropped.is_empty()) {
        let introduction = format!("these failed with something else, and their caller may have made {errno} of it:");
        page.block(&introduction, &[], None)?;
        for reason in &why.dropped {
            page.block(&reason.headline, &reason.sentences, reason.what_to_do.as_deref())?;
        }
    }
    for loaded in &why.loaded {
        page.block(&loaded.headline, &loaded.sentences, None)?;
    }
    let told = !(why.loaded.is_empty() && why.hanging.is_empty() && why.causes.is_empty() && why.dropped.is_empty());
    if page.blocks == 0 || why.errno.is_some() && !told {
        page.block(&nothing(why), &[], None)?;
    }
    if let Some(waits) = why.unsearched {
        page.block(&unsearched_text(waits), &[], None)?;
    }
    let findings = why.findings.as_deref().unwrap_or_default();
    if !findings.is_empty() {
        writeln!(page.out, "\nFINDINGS")?;
    }
    write_findings(findings, columns, page.out)
}

/// Writes what hangs, a headline each and who waits below it, in so many columns.
pub(crate) fn write_hangs(hanging: &[Hang], columns: usize, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page {
        out,
        columns,
        blocks: 0,
    };
    page.hangs(hanging)
}

/// Paragraphs with an empty line between them.
struct Page<'o, W> {
    out: &'o mut W,
    columns: usize,
    blocks: usize,
}

impl<W: Write> Page<'_, W> {
    fn hangs(&mut self, hanging: &[Hang]) -> io::Result<()> {
        hanging
            .iter()
            .try_for_each(|hang| self.block(&hang.headline, &hang.sentences, None))
    }

    fn block(&mut self, headline: &str, sentences: &[String], what_to_do: Option<&str>) -> io::Result<()> {
        if self.blocks > 0 {
            writeln!(self.out)?;
        }
        self.blocks += 1;
        self.paragraph(headline, "")?;
        for sentence in sentences {
            self.paragraph(sentence, "  ")?;
        }
        what_to_do.map_or(Ok(()), |advice| self.paragraph(&format!("what to do: {advice}"), "  "))
    }

    /// A sentence, whose further lines are further in.
    fn paragraph(&mut self, sentence: &str, first: &str) -> io::Result<()> {
        let rest = format!("{first}  ");
        write_wrapped(sentence, first, &rest, self.columns, self.out)
    }
}

/// What there is to say where there is no failure to tell: why that is.
fn nothing(why: &Why) -> String {
    let seen = why.attempts + why.requests;
    let failed = why.failed_attempts + why.failed_requests;
    if seen == 0 {
        if let Some(status) = why.command_status.filter(|status| status.0 != 0) {
            let ended = match status.shell() {
                // Nobody refuses anything by a signal.
                129.. => format!("the command was {status}"),
                exit => format!(
                    "the command ended with {exit}: modprobe or insmod refused by themselves; modprobe -v NAME says why"
                ),
            };
            return format!("no load, unload or request was seen; {ended}");
        }
        return "no load, unload or request was seen: what failed did so before it asked the kernel. modprobe and insmod refuse \
                unknown names, unreadable or damaged files and lines of modprobe.d by themselves: modprobe -v NAME says which"
            .to_owned();
    }
    let count = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let loads = |number: u64| match number {
        1 => "1 load or unload".to_owned(),
        number => format!("{number} loads and unloads"),
    };
    let mut rest = Vec::new();
    if failed > 0 {
        rest.push(format!(
            "{} and {} failed otherwise",
            loads(why.failed_attempts),
            count(why.failed_requests, "request")
        ));
    }
    if why.in_flight > 0 {
        rest.push(format!("{} had not returned at the end", count(why.in_flight, "call")));
    }
    if rest.is_empty() {
        return format!(
            "nothing failed: all of {} and {} succeeded",
            loads(why.attempts),
            count(why.requests, "request")
        );
    }
    format!("nothing that was asked for failed; {}", rest.join(", "))
}
