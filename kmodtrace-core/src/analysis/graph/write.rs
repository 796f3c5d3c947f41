//! The wait graph as text, as JSON, for graphviz, and as folded stacks.

use std::io::{self, Write};

use askama::Template as _;

use super::cycle::{Cycle, Member};
use super::edges::WaitEdge;
use super::view::Graph;
use crate::model::{Ktime, Zero};
use crate::picture::{Arrow, Flame, Layers, thickness};
use crate::text::{printable, span_text, write_wrapped};

/// Columns that a waiter's name has where there is room.
const WAITER: usize = 24;

/// Letters in a line of a label of graphviz: a kind of wait without its numbers, and a sentence.
const EDGE_LABEL: usize = 12;
const LABEL: usize = 48;

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
        let width = thickness(edge.total_ns);
        writeln!(
            out,
            "  {} -> {} [label={}, penwidth={width}];",
            quoted(&edge.waiter),
            quoted(&edge.owner),
            wrapped(&edge_text(edge), EDGE_LABEL)
        )?;
    }
    writeln!(out, "}}")
}

fn write_cluster(number: usize, cycle: &Cycle, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "  subgraph cluster_{number} {{\n    color=red;")?;
    writeln!(out, "    label={};", wrapped(&cycle.text(), LABEL))?;
    for (at, member) in cycle.way.iter().enumerate() {
        let next = (at + 1) % cycle.way.len();
        writeln!(
            out,
            "    c{number}_{at} [label={}];",
            wrapped(&member_text(member), LABEL)
        )?;
        writeln!(
            out,
            "    c{number}_{at} -> c{number}_{next} [color=red, label={}];",
            quoted(member.waits.name())
        )?;
    }
    writeln!(out, "  }}")
}

/// The same in lines of so many letters.
fn wrapped(text: &str, columns: usize) -> String {
    let mut lines = Vec::new();
    // Writing to memory cannot fail.
    let _ = write_wrapped(text, "", "", columns, &mut lines);
    let lines = String::from_utf8_lossy(&lines);
    let lines: Vec<String> = lines.lines().map(escaped).collect();
    format!("\"{}\"", lines.join("\\n"))
}

/// A quoted ID of the DOT language: only quotes have to be escaped, and a backslash before one.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Draws the same as SVG.
pub fn write_svg(graph: &Graph, out: &mut impl Write) -> io::Result<()> {
    picture(graph).write_into(out).map_err(io::Error::other)
}

/// The same as part of another picture.
pub(crate) fn picture(graph: &Graph) -> Layers {
    let together = |edge: &WaitEdge| {
        let mut cycles = graph.cycles.iter();
        cycles.any(|cycle| cycle.names.contains(&edge.owner) && cycle.names.contains(&edge.waiter))
    };
    let arrows = graph.edges.iter().map(|edge| Arrow {
        from: edge.waiter.clone(),
        to: edge.owner.clone(),
        nanos: edge.total_ns,
        words: edge_text(edge),
        stuck: together(edge),
    });
    Layers::new("Who waited for whom", arrows.collect())
}

/// `dependency 3x 25.8ms`
fn edge_text(edge: &WaitEdge) -> String {
    format!("{} {}x {}", edge.kind.name(), edge.count, span_text(edge.total_ns))
}

/// Draws the stacks of wait time as SVG.
pub fn write_flamegraph(graph: &Graph, out: &mut impl Write) -> io::Result<()> {
    let picture = Flame::new("Time that tasks waited", &graph.stacks);
    picture.write_into(out).map_err(io::Error::other)
}

/// Writes `requester;modprobe;module;kind;owner MICROSECONDS`, a line for each stack of wait time.
pub fn write_folded(graph: &Graph, out: &mut impl Write) -> io::Result<()> {
    graph.stacks.write(out)
}
