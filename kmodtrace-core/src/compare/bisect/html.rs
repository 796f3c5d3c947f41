//! A session as a page: one file, no script, nothing fetched. It shows what the table shows, and every run.

use std::fmt;
use std::io::{self, Write};

use super::judge::RunVerdict;
use super::session::time_text;
use super::summary::{StepRow, Summary, standing};
use super::text::{conclusion, most, terms, what, why};
use crate::compare::diff::{self, median, value_or_none};
use crate::text::{acts, span_text};

/// Width of a strip in pixels, and what is left free at its ends.
const WIDTH: f64 = 420.0;
const EDGE: f64 = 8.0;

const STYLE: &str = "\
body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;margin:1em 0}th,td{text-align:left;vertical-align:top;padding:.25em .7em;border-bottom:1px solid #ddd}
td.n{text-align:right;font-variant-numeric:tabular-nums}code,pre{font:13px/1.4 ui-monospace,monospace}pre{overflow:auto}
.good{color:#14632b}.bad{color:#a11616}.none{color:#6b5300}p.end{font-size:1.15em;border-left:4px solid #888;padding-left:.8em}
circle.good{fill:#2e8b4d}circle.bad{fill:#c62828}circle.none{fill:#b08900}
@media (prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}th,td{border-color:#3a3a3a}.good{color:#7fd49a}
.bad{color:#ff8a80}.none{color:#e0c060}}";

/// Text as it may stand in a page, also in an attribute.
struct Text<T>(T);

impl<T: AsRef<str>> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.as_ref().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if acts(c) && c != '\n' => f.write_str("?")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// Writes the page.
pub fn write_html(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">")?;
    writeln!(
        out,
        "<title>kmodtrace bisect</title>\n<style>\n{STYLE}\n</style>\n<h1>kmodtrace bisect</h1>"
    )?;
    writeln!(out, "<p class=\"end\">{}</p>\n<ul>", Text(conclusion(summary)))?;
    for line in terms(summary) {
        writeln!(out, "<li>{}</li>", Text(line))?;
    }
    writeln!(out, "</ul>")?;
    for damage in &summary.damage {
        writeln!(out, "<p class=\"bad\">damaged, and not counted: {}</p>", Text(damage))?;
    }
    write_steps(summary, out)?;
    for measure in 0..summary.measures.len() {
        write_measure(summary, measure, out)?;
    }
    if let Some(diff) = &summary.diff {
        let mut text = Vec::new();
        diff::write_text(diff, &mut text)?;
        let text = String::from_utf8_lossy(&text);
        writeln!(
            out,
            "<h2>The last good commit (A) beside the first bad one (B)</h2>\n<pre>{}</pre>",
            Text(text)
        )?;
    }
    writeln!(out, "</html>")
}

fn class(row: &StepRow) -> &'static str {
    match standing(row.known, row.verdict) {
        Some(true) => "good",
        Some(false) => "bad",
        None => "none",
    }
}

fn run_class(verdict: RunVerdict) -> &'static str {
    match verdict {
        RunVerdict::Good => "good",
        RunVerdict::Bad => "bad",
        RunVerdict::Skip | RunVerdict::Untold => "none",
    }
}

fn write_steps(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "<table>\n<tr><th>step<th>began<th>commit<th>what<th>kernel<th>bad runs<th>verdict<th>why and runs"
    )?;
    for row in &summary.steps {
        let commit = row.commit.as_ref().map_or("-", |commit| commit.short());
        write!(
            out,
            "<tr><td class=\"n\">{}<td>{}<td><code>{}</code><td>{}<td>{}<td class=\"n\">{} of {}<td class=\"{}\">{}<td>",
            row.number,
            Text(time_text(row.began_ns)),
            Text(commit),
            Text(what(row)),
            Text(row.kernels.join(", ")),
            row.bad_runs(),
            row.runs.len(),
            class(row),
            row.verdict_text(),
        )?;
        write!(out, "{}<details><summary>runs</summary><ul>", Text(why(row)))?;
        for run in &row.runs {
            let recording = run.recording.as_deref().unwrap_or("no recording");
            write!(
                out,
                "<li>{}: <span class=\"{}\">{}</span>: {}; exit status {} after {}; {}, {}",
                run.number,
                run_class(run.verdict),
                run.verdict.name(),
                Text(&run.why),
                run.status,
                Text(span_text(run.duration_ns)),
                Text(recording),
                Text(&run.console)
            )?;
        }
        writeln!(out, "</ul></details>")?;
    }
    writeln!(out, "</table>")
}

fn write_measure(summary: &Summary, measure: usize, out: &mut impl Write) -> io::Result<()> {
    let head = &summary.measures[measure];
    let most = most(summary, measure);
    let text = |value: Option<f64>| value_or_none(value, head.unit);
    writeln!(
        out,
        "<h2><code>{}</code></h2>\n<p>A dot is a run, between 0 and {}.</p>\n<table>\n<tr><th>step<th>least<th>median<th>most<th>runs<th>verdict",
        Text(&head.field),
        text(Some(most))
    )?;
    for row in &summary.steps {
        let values = row.values(measure);
        write!(
            out,
            "<tr><td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td><svg width=\"{WIDTH}\" height=\"18\" role=\"img\"><path d=\"M{EDGE} 9H{}\" stroke=\"#999\"/>",
            row.number,
            text(values.first().copied()),
            text(median(&values)),
            text(values.last().copied()),
            WIDTH - EDGE,
        )?;
        for run in &row.runs {
            let Some(value) = run.values.get(measure).copied().flatten() else {
                continue;
            };
            let at = if most > 0.0 { value / most } else { 0.0 };
            write!(
                out,
                "<circle class=\"{}\" cx=\"{:.1}\" cy=\"9\" r=\"5\" fill-opacity=\".6\"><title>run {}: {}</title></circle>",
                run_class(run.verdict),
                EDGE + at * (WIDTH - 2.0 * EDGE),
                run.number,
                text(Some(value))
            )?;
        }
        writeln!(out, "</svg><td class=\"{}\">{}", class(row), row.verdict_text())?;
    }
    writeln!(out, "</table>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        let text = Text("<b>\"a&b\"</b>\u{1b}[2J\u{202e}'").to_string();
        assert_eq!(text, "&lt;b&gt;&quot;a&amp;b&quot;&lt;/b&gt;?[2J?&#39;");
    }
}
