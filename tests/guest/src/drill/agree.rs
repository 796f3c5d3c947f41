//! Whether drill and the kernel's own function graph saw the same calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::graph::{Call, Graph};

/// A load, as drill writes it.
#[derive(Debug, Deserialize)]
pub(super) struct Load {
    pub(super) module: String,
    pub(super) tid: u32,
    pub(super) result: Option<String>,
    calls: Vec<Node>,
    calls_dropped: u64,
}

/// A call.
#[derive(Debug, Deserialize)]
struct Node {
    module: Option<String>,
    function: String,
    tid: u32,
    calls: Vec<Self>,
}

/// What a load under both left.
#[derive(Debug)]
pub(super) struct Both<'t> {
    /// The loads, a line each.
    pub(super) loads: &'t str,
    /// What drill said beside them.
    pub(super) told: &'t str,
    /// The events that there were.
    pub(super) events: &'t str,
    /// The trace.
    pub(super) graph: &'t str,
}

/// Reads loads.
pub(super) fn loads(text: &str) -> Result<Vec<Load>> {
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not a load: {line}")))
        .collect()
}

impl Both<'_> {
    /// How many calls are the same in both, all of them. Calls that one of them says it did not see are no disagreement, and
    /// are told in another way.
    pub(super) fn compare(&self) -> Result<usize> {
        let graph = self.complete()?;
        let loads = loads(self.loads)?;
        ensure!(!loads.is_empty(), "drill saw no load\n{}", self.told);
        for load in &loads {
            ensure!(
                load.calls_dropped == 0,
                "incomplete: drill dropped calls of {}",
                load.module
            );
        }
        let probed = probed(self.events);
        let seen = |task| restricted(graph.tasks.get(&task).map_or(&[][..], Vec::as_slice), &probed);
        // A task may load several modules, one after another.
        let mut own: BTreeMap<u32, Vec<Call>> = BTreeMap::new();
        for load in &loads {
            let nodes = load.calls.iter().filter(|node| node.tid == load.tid);
            own.entry(load.tid).or_default().extend(nodes.flat_map(drilled));
        }
        let mut same = 0;
        for (task, calls) in &own {
            let seen = seen(*task);
            ensure!(
                *calls == seen,
                "task {task}, by drill:\n{}by the function graph:\n{}",
                outline(calls),
                outline(&seen)
            );
            same += count(calls);
        }
        // Of other tasks drill shows what they called while the init function ran.
        for load in &loads {
            let others = load.calls.iter().filter(|node| !own.contains_key(&node.tid));
            for node in others {
                let (calls, seen) = (drilled(node), seen(node.tid));
                ensure!(
                    calls.iter().all(|call| seen.contains(call)),
                    "task {} beside {}, by drill:\n{}by the function graph:\n{}",
                    node.tid,
                    load.module,
                    outline(&calls),
                    outline(&seen)
                );
                same += count(&calls);
            }
        }
        ensure!(same > 0, "no call at all");
        Ok(same)
    }

    /// How often each function was called, in whatever task, by the function graph.
    pub(super) fn counts(&self) -> Result<BTreeMap<String, usize>> {
        let graph = self.complete()?;
        let probed = probed(self.events);
        let mut counts = BTreeMap::new();
        for calls in graph.tasks.values() {
            add(&restricted(calls, &probed), &mut counts);
        }
        Ok(counts)
    }

    /// The graph, if neither missed anything.
    fn complete(&self) -> Result<Graph> {
        let last = self.told.lines().last().unwrap_or_default();
        ensure!(last.contains("lost 0, missed 0"), "incomplete: drill says \"{last}\"");
        let graph = Graph::parse(self.graph)?;
        ensure!(graph.lost == 0, "incomplete: the function graph lost {}", graph.lost);
        ensure!(
            !self.graph.contains(" 0x"),
            "incomplete: functions were gone before the trace was read\n{}",
            self.graph
        );
        Ok(graph)
    }
}

/// The functions of modules whose return is probed, which comes after the entry, as `module:function`.
fn probed(events: &str) -> BTreeSet<&str> {
    let returns = events.lines().filter(|line| line.starts_with('r'));
    returns
        .filter_map(|line| line.split_whitespace().nth(1))
        .filter(|name| name.contains(':'))
        .collect()
}

/// Without the functions of the kernel itself: what they called is their caller's.
fn drilled(node: &Node) -> Vec<Call> {
    let calls = node.calls.iter().flat_map(drilled).collect();
    match &node.module {
        Some(module) => vec![Call {
            name: format!("{module}:{}", node.function),
            calls,
        }],
        None => calls,
    }
}

/// Without functions that drill does not look at, in the same way.
fn restricted(calls: &[Call], probed: &BTreeSet<&str>) -> Vec<Call> {
    let mut kept = Vec::new();
    for call in calls {
        let inner = restricted(&call.calls, probed);
        if probed.contains(call.name.as_str()) {
            kept.push(Call {
                name: call.name.clone(),
                calls: inner,
            });
        } else {
            kept.extend(inner);
        }
    }
    kept
}

fn count(calls: &[Call]) -> usize {
    calls.iter().map(|call| 1 + count(&call.calls)).sum()
}

fn add(calls: &[Call], counts: &mut BTreeMap<String, usize>) {
    for call in calls {
        *counts.entry(call.name.clone()).or_default() += 1;
        add(&call.calls, counts);
    }
}

/// A line for each call.
fn outline(calls: &[Call]) -> String {
    fn write(calls: &[Call], indent: usize, text: &mut String) {
        for call in calls {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:indent$}{}", "", call.name);
            write(&call.calls, indent + 2, text);
        }
    }
    let mut text = String::new();
    write(calls, 2, &mut text);
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    const EVENTS: &str = "p:kmodtrace_7_9/e0_7 m:init\nr32:kmodtrace_7_9/r1_7 m:init\np:kmodtrace_7_9/e2_7 m:inner\n\
                          r32:kmodtrace_7_9/r3_7 m:inner\nr32:kmodtrace_7_9/r5_7 m:worker\nr32:kmodtrace_7_9/r7_7 register_it\n\
                          p:kmodtrace_7_9/e8_7 m:refused\n";
    const GRAPH: &str = " 1)  modprob-5   |               |  init [m]() {
 1)  modprob-5   | 1 us |    refused [m]() {
 1)  modprob-5   | 1 us |      inner [m]();
 1)  modprob-5   | 1 us |    }
 1)  modprob-5   | 1 us |  } /* init [m] */
 0)  kworker-9   | 1 us |  worker [m]();
";
    const TOLD: &str = "kmodtrace: m: 3 of its 4 functions\nkmodtrace: lost 0, missed 0, clipped 0";

    fn load(calls: &str) -> String {
        format!(
            r#"{{"module":"m","tid":5,"comm":"modprobe","result":"OK","calls":[{calls}],"calls_dropped":0,"notes":[],"sentences":[]}}"#
        )
    }

    fn node(module: Option<&str>, function: &str, tid: u32, calls: &str) -> String {
        let module = module.map_or_else(String::new, |module| format!(r#""module":"{module}","#));
        format!(r#"{{{module}"function":"{function}","tid":{tid},"start_ns":1,"returned":"","calls":[{calls}]}}"#)
    }

    fn both<'t>(loads: &'t str, told: &'t str) -> Both<'t> {
        Both {
            loads,
            told,
            events: EVENTS,
            graph: GRAPH,
        }
    }

    #[test]
    fn functions_that_only_one_looks_at_do_not_count() {
        let inner = node(None, "register_it", 5, &node(Some("m"), "inner", 5, ""));
        let init = node(Some("m"), "init", 5, &inner);
        let worker = node(Some("m"), "worker", 9, "");
        let text = load(&format!("{init},{worker}"));
        assert_eq!(both(&text, TOLD).compare().unwrap(), 3);
        assert_eq!(both("", TOLD).counts().unwrap()["m:inner"], 1);
    }

    #[test]
    fn a_call_at_another_place_is_told() {
        let beside = format!("{},{}", node(Some("m"), "init", 5, ""), node(Some("m"), "inner", 5, ""));
        let error = both(&load(&beside), TOLD).compare().unwrap_err().to_string();
        assert!(
            error.contains("  m:init\n  m:inner\nby the function graph:\n  m:init\n    m:inner\n"),
            "{error}"
        );
        let told = "kmodtrace: lost 0, missed 2, clipped 0";
        let error = both(&load(&beside), told).compare().unwrap_err().to_string();
        assert!(error.starts_with("incomplete: "), "{error}");
    }
}
