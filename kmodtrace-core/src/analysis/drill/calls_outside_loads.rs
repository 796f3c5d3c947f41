//! Calls that belong to no load: of a module that is loaded already, or that is used after its load.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use crate::model::{CallEdge, CallMark, Errno, Ktime, Outcome, ProbedFunction, Tid, entry_within};
use crate::text::{printable, span_text};

/// Calls that have not returned, at most: of more the time is not known.
const OPEN: usize = 1 << 16;

/// Sums of them, function by function.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    open: HashMap<(Tid, u32), Vec<Ktime>>,
    waiting: usize,
    functions: BTreeMap<u32, Sum>,
}

/// The calls of a function.
#[derive(Clone, Debug, Default)]
struct Sum {
    calls: u64,
    returned: u64,
    total: u64,
    longest: u64,
    returns: BTreeMap<i64, u64>,
}

/// Different results kept of a function.
const RESULTS: usize = 64;

impl Elsewhere {
    /// Adds an entry or a return.
    pub fn add(&mut self, mark: CallMark) {
        match mark.edge {
            CallEdge::Enter { .. } => {
                self.functions.entry(mark.function).or_default().calls += 1;
                if self.waiting < OPEN {
                    self.waiting += 1;
                    self.open.entry((mark.tid, mark.function)).or_default().push(mark.time);
                }
            }
            CallEdge::Exit(ret) => {
                let key = (mark.tid, mark.function);
                let Some(since) = self.open.get_mut(&key).and_then(Vec::pop) else {
                    return;
                };
                self.waiting -= 1;
                if self.open.get(&key).is_some_and(Vec::is_empty) {
                    self.open.remove(&key);
                }
                let took = mark.time.since(since).0;
                let sum = self.functions.entry(mark.function).or_default();
                sum.returned += 1;
                sum.total = sum.total.saturating_add(took);
                sum.longest = sum.longest.max(took);
                if let Some(count) = ret.and_then(|ret| entry_within(&mut sum.returns, RESULTS, ret)) {
                    *count.or_default() += 1;
                }
            }
        }
    }

    /// Writes a line for each function; nothing where there are none.
    pub fn write(&self, known: &[ProbedFunction], out: &mut impl Write) -> io::Result<()> {
        if self.functions.is_empty() {
            return Ok(());
        }
        writeln!(out, "outside of loads")?;
        for (function, sum) in &self.functions {
            let known = known.get(*function as usize);
            let name = known.map_or_else(|| format!("function {function}"), |known| known.name_in(None));
            write!(out, "  {}: {} calls", printable(&name), sum.calls)?;
            if sum.returned > 0 {
                let (total, longest) = (span_text(sum.total), span_text(sum.longest));
                write!(out, ", {total} all together, {longest} the longest")?;
            }
            for (errno, count) in errnos(sum, known) {
                write!(out, ", {count} returned -{errno}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

fn errnos(sum: &Sum, known: Option<&ProbedFunction>) -> BTreeMap<Errno, u64> {
    let mut errnos = BTreeMap::new();
    for (ret, count) in &sum.returns {
        if let Some(errno) = Outcome::new(Some(*ret), known).errno() {
            *errnos.entry(Errno(errno)).or_default() += count;
        }
    }
    errnos
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;

    #[test]
    fn sums_up_calls_of_each_function() {
        let mark = |time, function, edge| CallMark {
            time: Ktime(time),
            tid: Tid(1),
            function,
            edge,
        };
        let enter = CallEdge::Enter { at: 0, from: 0 };
        let mut elsewhere = Elsewhere::default();
        for mark in [
            mark(1, 0, enter),
            mark(2, 1, enter),
            mark(5, 1, CallEdge::Exit(Some(-19))),
            mark(9, 0, CallEdge::Exit(None)),
            mark(10, 1, enter),
            mark(11, 1, CallEdge::Exit(Some(0))),
            mark(12, 0, enter),
            mark(13, 2, CallEdge::Exit(None)),
        ] {
            elsewhere.add(mark);
        }
        let known = ["outer", "inner"].map(|name| ProbedFunction {
            module: Some("m".into()),
            name: name.into(),
            ..ProbedFunction::default()
        });
        let mut out = Vec::new();
        elsewhere.write(&known, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "outside of loads\n  outer [m]: 2 calls, 8ns all together, 8ns the longest\n  inner [m]: 2 calls, 4ns all together, 3ns \
             the longest, 1 returned -ENODEV\n"
        );
    }
}
