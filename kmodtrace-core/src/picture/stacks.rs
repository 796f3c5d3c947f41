//! Time by stacks of names: who asked, who loads, what, and why it took that long.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::model::entry_or;
use crate::text::printable;

/// Different stacks at most; more are added to one of no name.
const KEPT: usize = 16_384;
/// Where those go.
pub(crate) const OTHERS: &str = "(others)";

/// Nanoseconds by stack, the outermost name first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stacks(BTreeMap<Vec<String>, u64>);

impl Stacks {
    /// Adds time to a stack.
    pub(crate) fn add(&mut self, stack: Vec<String>, nanos: u64) {
        let sum = entry_or(&mut self.0, KEPT, stack, |_| vec![OTHERS.to_owned()]).or_default();
        *sum = sum.saturating_add(nanos);
    }

    /// All of them, those with the same beginning together.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[String], u64)> {
        self.0.iter().map(|(stack, nanos)| (stack.as_slice(), *nanos))
    }

    /// A line for each: frames with `;` between them, and microseconds.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (stack, nanos) in self.iter() {
            let frames: Vec<String> = stack.iter().map(|frame| plain(frame)).collect();
            writeln!(out, "{} {}", frames.join(";"), nanos.div_ceil(1_000))?;
        }
        Ok(())
    }

    /// Only those that pass.
    pub(crate) fn retain(&mut self, takes: impl Fn(&[String]) -> bool) {
        self.0.retain(|stack, _| takes(stack));
    }
}

/// A frame in which no character means anything to a reader of stacks.
fn plain(frame: &str) -> String {
    printable(frame).replace(';', ",")
}
