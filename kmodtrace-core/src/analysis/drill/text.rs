//! The calls of a load as a tree, for people.

use std::io::{self, Write};

use super::load::Load;
use super::tree::Call;
use crate::model::{Errno, OffCpu};
use crate::text::{printable, span_text};

/// How much of a tree is shown.
#[derive(Clone, Copy, Debug)]
pub struct TreeLimits {
    /// Calls within calls.
    pub depth: usize,
    /// Calls beside each other that are alike are told as one from so many on.
    pub alike: usize,
}

impl Default for TreeLimits {
    /// As deep as fits a terminal.
    fn default() -> Self {
        Self { depth: 12, alike: 4 }
    }
}

/// Writes a load: what it came to, its calls, and what there is to say about them.
pub fn write_text(load: &Load<'_>, limits: TreeLimits, out: &mut impl Write) -> io::Result<()> {
    let attempt = load.attempt;
    let module = printable(attempt.module.as_deref().unwrap_or("(unknown)"));
    let result = attempt.errno.map_or("-".into(), Errno::name);
    let took = attempt
        .duration()
        .map_or_else(|| "-".to_owned(), |took| span_text(took.0));
    write!(
        out,
        "{module}: {result} after {took}, loaded by {} ({})",
        attempt.tid.0,
        printable(&attempt.comm)
    )?;
    for note in &attempt.notes {
        write!(out, " [{}]", note.text())?;
    }
    writeln!(out)?;
    let tree = Tree {
        load,
        limits,
        off_cpu: Some(&attempt.off_cpu),
    };
    tree.write(&load.own(), 1, out)?;
    let others = load.others();
    if !others.is_empty() {
        writeln!(out, "  in other tasks meanwhile")?;
        Tree { off_cpu: None, ..tree }.write(&others, 2, out)?;
    }
    for sentence in load.sentences() {
        writeln!(out, "  {}", printable(&sentence))?;
    }
    Ok(())
}

struct Tree<'a> {
    load: &'a Load<'a>,
    limits: TreeLimits,
    /// When the task had no processor; none for tasks of which that is not known.
    off_cpu: Option<&'a [OffCpu]>,
}

impl Tree<'_> {
    fn write(&self, calls: &[&Call], level: usize, out: &mut impl Write) -> io::Result<()> {
        let mut rest = calls;
        while let Some((call, behind)) = rest.split_first() {
            let same = behind.iter().take_while(|other| is_alike(call, other)).count() + 1;
            let shown = if same >= self.limits.alike { 1 } else { same };
            for call in &rest[..shown] {
                self.write_call(call, level, out)?;
                let inner: Vec<&Call> = call.calls.iter().collect();
                if level <= self.limits.depth {
                    self.write(&inner, level + 1, out)?;
                } else if !inner.is_empty() {
                    writeln!(out, "{:indent$}...", "", indent = 2 * (level + 1))?;
                }
            }
            if same > shown {
                let durations = rest[..same].iter().filter_map(|call| call.duration());
                let total = durations.map(|took| took.0).fold(0, u64::saturating_add);
                writeln!(
                    out,
                    "{:indent$}and {} more of {}, {} all together",
                    "",
                    same - shown,
                    self.name(call),
                    span_text(total),
                    indent = 2 * level
                )?;
            }
            rest = &rest[same..];
        }
        Ok(())
    }

    fn write_call(&self, call: &Call, level: usize, out: &mut impl Write) -> io::Result<()> {
        let took = call
            .duration()
            .map_or_else(|| "return not seen".to_owned(), |took| span_text(took.0));
        let returned = match call.outcome.to_string() {
            text if text.is_empty() => text,
            text => format!(" = {text}"),
        };
        let spent = self.off_cpu.and_then(|off_cpu| call.spent(off_cpu));
        let asleep = spent
            .filter(|spent| spent.asleep.0 > 0)
            .map_or_else(String::new, |spent| format!(", {} asleep", span_text(spent.asleep.0)));
        writeln!(
            out,
            "{:indent$}{}{returned}  {took}{asleep}",
            "",
            self.name(call),
            indent = 2 * level
        )
    }

    fn name(&self, call: &Call) -> String {
        printable(&self.load.names.name(call.function)).into_owned()
    }
}

/// Calls of one function with one result, and with nothing inside.
fn is_alike(one: &Call, other: &Call) -> bool {
    one.function == other.function && one.outcome == other.outcome && one.calls.is_empty() && other.calls.is_empty()
}
