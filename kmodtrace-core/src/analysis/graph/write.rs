//! The wait graph as text, as JSON, for graphviz, and as folded stacks.

use std::io::{self, Write};

use super::cycle::{Cycle, Member};
use super::edges::WaitEdge;
use super::view::Graph;
use crate::model::{Ktime, Zero};
use crate::text::{printable, span_text, write_wrapped};

/// Columns that a waiter's name has where there is room.
const WAITER: usize = 24;

/// Where it begins.
const BELOW: &str = "              ";

/// Writes deadlocks, pile-ups, and a tree of owners with those who waited for them, in so many columns.
pub fn write_text(graph: &Graph, zero: Zero, columns: usize, out: &mut impl Write) -> io::Result<()> {
    for cycle in &graph.cycles {
        let end = cycle
            .until_ns
            .map_or_else(|| "now".to_owned(), |end| zero.text(Ktime(end)));
        writeln!(out, "DEADLOCK from {} to {end}", zero.text(Ktime(cycle.since_ns)))?;
        write_wrapped(&cycle.text(), "  ", "    ", columns, out)?;
        cycle
            .way
            .iter()
            .try_for_each(|member| write_wrapped(&member_text(member), "    ", "      ", columns, out))?;
        if cycle.members > cycle.way.len() {
            writeln!(out, "    {} attempts and requests in all", cycle.members)?;
        }
        writeln!(out)?;
    }
    if graph.more_cycles > 0 {
        writeln!(out, "{} more deadlocks\n", graph.more_cycles)?;
    }
    if let Some(waits) = graph.unsearched {
        writeln!(out, "{}\n", unsearched_text(waits))?;
    }
    for pile in &graph.pile_ups {
        writeln!(out, "PILE-UP at {}", zero.text(Ktime(pile.at_ns)))?;
        write_wrapped(&pile.text(), "  ", "    ", columns, out)?;
        writeln!(out)?;
    }
    if graph.edges.is_empty() {
        return writeln!(out, "no wait was seen");
    }
    writeln!(out, "WAITS, below whom or what they were for")?;
    for edges in graph.edges.chunk_by(|a, b| a.owner == b.owner) {
        write_owner(edges, columns, out)?;
    }
    Ok(())
}

/// That so many waits were not looked at for deadlocks, and why.
pub(crate) fn unsearched_text(waits: u64) -> String {
    let waits = if waits == 1 {
        "1 wait was".to_owned()
    } else {
        format!("{waits} waits were")
    };
    format!("{waits} not looked at for deadlocks: too many depend on one another")
}

fn write_owner(edges: &[WaitEdge], columns: usize, out: &mut impl Write) -> io::Result<()> {
    let Some(first) = edges.first() else { return Ok(()) };
    let count: u64 = edges.iter().map(|edge| edge.count).sum();
    let total = edges.iter().fold(0_u64, |sum, edge| sum.saturating_add(edge.total_ns));
    let waits = if count == 1 { "wait" } else { "waits" };
    let total = if edges.iter().all(WaitEdge::all_last) {
        "still waiting".to_owned()
    } else {
        span_text(total)
    };
    let owner = format!("{}: {count} {waits}, {total}", first.owner);
    write_wrapped(&owner, "", BELOW, columns, out)?;
    for edge in edges {
        // Of those that last nobody knows how long they will be.
        let ended = |long| {
            if edge.all_last() {
                "-".to_owned()
            } else {
                span_text(long)
            }
        };
        let lasting = match edge.lasting {
            0 => String::new(),
            lasting => format!(", {lasting} still waiting"),
        };
        let waiter = format!("  {:<10}  {:<WAITER$}", edge.kind.name(), printable(&edge.waiter));
        let times = format!(
            "  {:>6}  {:>6}  longest {}{lasting}",
            edge.count,
            ended(edge.total_ns),
            ended(edge.max_ns)
        );
        if waiter.chars().count() + times.len() <= columns {
            writeln!(out, "{waiter}{times}")?;
        } else {
            write_wrapped(waiter.trim(), "  ", BELOW, columns, out)?;
            write_wrapped(times.trim_start(), BELOW, BELOW, columns, out)?;
        }
    }
    Ok(())
}

/// `attempt 3 of xfs, tid 12 (modprobe): same-inode`, `request 4 of xfs, tid 9 (kworker/0:1, work function F): slot`
fn member_text(member: &Member) -> String {
    let what = match (member.attempt, member.request) {
        (Some(id), _) => format!("attempt {id}"),
        (None, id) => format!("request {}", id.unwrap_or_default()),
    };
    let work = member.work.as_ref();
    let work = work.map_or_else(String::new, |work| format!(", work function {work}"));
    format!(
        "{what} of {}, tid {} ({}{work}): {}",
        member.name.as_deref().unwrap_or("(unknown)"),
        member.tid,
        member.comm,
        member.waits.name()
    )
}

/// Writes a digraph for graphviz: an arrow from each waiter to its owner, deadlocks red and apart.
pub fn write_dot(graph: &Graph, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "digraph kmodtrace {{\n  rankdir=LR;\n  node [shape=box];")?;
    for (number, cycle) in graph.cycles.iter().enumerate() {
        write_cluster(number, cycle, out)?;
    }
    for edge in &graph.edges {
        let label = format!("{} {}x {}", edge.kind.name(), edge.count, span_text(edge.total_ns));
        writeln!(
            out,
            "  {} -> {} [label={}];",
            quoted(&edge.waiter),
            quoted(&edge.owner),
            quoted(&label)
        )?;
    }
    writeln!(out, "}}")
}

fn write_cluster(number: usize, cycle: &Cycle, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "  subgraph cluster_{number} {{\n    color=red;")?;
    writeln!(out, "    label={};", quoted(&cycle.text()))?;
    for (at, member) in cycle.way.iter().enumerate() {
        let next = (at + 1) % cycle.way.len();
        writeln!(out, "    c{number}_{at} [label={}];", quoted(&member_text(member)))?;
        writeln!(
            out,
            "    c{number}_{at} -> c{number}_{next} [color=red, label={}];",
            quoted(member.waits.name())
        )?;
    }
    writeln!(out, "  }}")
}

/// A quoted ID of the DOT language: only quotes have to be escaped, and a backslash before one.
fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes `requester;modprobe;module;kind;owner MICROSECONDS`, a line for each stack of wait time.
pub fn write_folded(graph: &Graph, out: &mut impl Write) -> io::Result<()> {
    graph.stacks.write(out)
}
