//! Whether drill and the kernel's own function graph saw the same calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Result, ensure};

use super::{
    graph::{Call, Graph},
    load::{Load, Node},
};
use crate::observed::Quality;

/// What a load under both left.
#[derive(Debug)]
pub(super) struct Both {
    /// The loads, by drill.
    pub(super) loads: Vec<Load>,
    /// What its recording lacks.
    pub(super) quality: Quality,
    /// The events that there were.
    pub(super) events: String,
    /// The trace.
    pub(super) graph: String,
}

impl Both {
    /// How many calls are the same in both, all of them. Calls that one of them says it did not see are no disagreement, and
    /// are told in another way.
    pub(super) fn compare(&self) -> Result<usize> {
        let graph = self.complete()?;
        ensure!(!self.loads.is_empty(), "drill saw no load");
        for load in &self.loads {
            ensure!(
                load.calls_dropped == 0,
                "incomplete: drill dropped calls of {}",
                load.module
            );
        }
        let probed = probed(&self.events);
        let seen = |task| restricted(graph.tasks.get(&task).map_or(&[][..], Vec::as_slice), &probed);
        // A task may load several modules, one after another.
        let mut own: BTreeMap<u32, Vec<Call>> = BTreeMap::new();
        for load in &self.loads {
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
        for load in &self.loads {
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
        let probed = probed(&self.events);
        let mut counts = BTreeMap::new();
        for calls in graph.tasks.values() {
            add(&restricted(calls, &probed), &mut counts);
        }
        Ok(counts)
    }

    /// The graph, if neither missed anything.
    fn complete(&self) -> Result<Graph> {
        ensure!(self.quality.is_whole(), "incomplete: drill says {:?}", self.quality);
        let graph = Graph::parse(&self.graph)?;
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
    use super::{super::load, *};

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

    fn load(calls: &str) -> String {
        format!(
            r#"{{"module":"m","tid":5,"comm":"modprobe","result":"OK","calls":[{calls}],"calls_dropped":0,"notes":[],"sentences":[]}}"#
        )
    }

    fn node(module: Option<&str>, function: &str, tid: u32, calls: &str) -> String {
        let module = module.map_or_else(String::new, |module| format!(r#""module":"{module}","#));
        format!(r#"{{{module}"function":"{function}","tid":{tid},"start_ns":1,"returned":"","calls":[{calls}]}}"#)
    }

    fn both(loads: &str, missed: u64) -> Both {
        let quality = format!(
            r#"{{"lost":0,"missed":{missed},"clipped":0,"began_before":0,"exit_not_seen":0,"in_flight":0,"truncated":null,"unobserved":[]}}"#
        );
        Both {
            loads: load::read(loads).unwrap(),
            quality: serde_json::from_str(&quality).unwrap(),
            events: EVENTS.to_owned(),
            graph: GRAPH.to_owned(),
        }
    }

    #[test]
    fn functions_that_only_one_looks_at_do_not_count() {
        let inner = node(None, "register_it", 5, &node(Some("m"), "inner", 5, ""));
        let init = node(Some("m"), "init", 5, &inner);
        let worker = node(Some("m"), "worker", 9, "");
        let text = load(&format!("{init},{worker}"));
        assert_eq!(both(&text, 0).compare().unwrap(), 3);
        assert_eq!(both("", 0).counts().unwrap()["m:inner"], 1);
    }

    #[test]
    fn a_call_at_another_place_is_told() {
        let beside = format!("{},{}", node(Some("m"), "init", 5, ""), node(Some("m"), "inner", 5, ""));
        let error = both(&load(&beside), 0).compare().unwrap_err().to_string();
        assert!(
            error.contains("  m:init\n  m:inner\nby the function graph:\n  m:init\n    m:inner\n"),
            "{error}"
        );
        let error = both(&load(&beside), 2).compare().unwrap_err().to_string();
        assert!(error.starts_with("incomplete: "), "{error}");
    }
}
