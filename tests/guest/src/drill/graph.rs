//! What ftrace's `function_graph` tracer says of the calls of each task, with `funcgraph-proc` and `funcgraph-tail`:
//!
//! ```text
//!  1)  modprob-227   |               |  stm_core_init [stm_core]() {
//!  1)  modprob-227   | ! 922.016 us  |    stp_configfs_init [stm_core]();
//!  0)  modprob-227   | # 7039.500 us |  } /* stm_core_init [stm_core] */
//! ```

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};

/// A call, and the calls made in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// `module:function`, or the function alone where it is the kernel's.
    pub(super) name: String,
    /// In order.
    pub(super) calls: Vec<Self>,
}

/// All that a trace tells.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// The calls that nobody in sight made, by the number of the task.
    pub(super) tasks: BTreeMap<u32, Vec<Call>>,
    /// What the buffer had no place for, and returns whose entries came before the trace began.
    pub(super) lost: u64,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Enter(u32, String),
    Leaf(u32, String),
    /// With the name where the tracer tells it: older kernels do not for an entry right before.
    Return(u32, Option<String>),
    Lost(u64),
    /// Another task on this processor, an interrupt, a heading.
    Other,
}

impl Graph {
    /// Reads a trace. A line that is none of the tracer's is an error: it may be a call.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut graph = Self::default();
        let mut open: BTreeMap<u32, Vec<Call>> = BTreeMap::new();
        for line in text.lines() {
            match parse_line(line).with_context(|| format!("not of a function graph: {line}"))? {
                Line::Enter(task, name) => open.entry(task).or_default().push(call(name)),
                Line::Leaf(task, name) => graph.close(task, call(name), open.entry(task).or_default()),
                Line::Return(task, name) => {
                    let stack = open.entry(task).or_default();
                    let Some(ended) = stack.pop() else {
                        graph.lost += 1;
                        continue;
                    };
                    let is_same = name.is_none_or(|name| name == ended.name);
                    ensure!(is_same, "task {task} returns from {} by: {line}", ended.name);
                    graph.close(task, ended, stack);
                }
                Line::Lost(events) => graph.lost += events,
                Line::Other => {}
            }
        }
        // Calls that have not returned.
        for (task, mut stack) in open {
            while let Some(ended) = stack.pop() {
                graph.close(task, ended, &mut stack);
            }
        }
        Ok(graph)
    }

    /// It goes to its caller, or is one that nobody in sight called.
    fn close(&mut self, task: u32, ended: Call, stack: &mut [Call]) {
        match stack.last_mut() {
            Some(caller) => caller.calls.push(ended),
            None => self.tasks.entry(task).or_default().push(ended),
        }
    }
}

fn call(name: String) -> Call {
    Call {
        name,
        calls: Vec::new(),
    }
}

fn parse_line(line: &str) -> Result<Line> {
    // `CPU:1 [LOST 12 EVENTS]`
    if let Some((_, lost)) = line.split_once("[LOST ") {
        let count = lost.split(' ').next().unwrap_or_default();
        return Ok(Line::Lost(count.parse().unwrap_or(1)));
    }
    let bars = line.matches('|').count();
    if line.starts_with('#') || bars < 2 {
        // A switch: ` 1)  modprob-227   =>   <...>-228`, between lines of dashes. An interrupt: ` 1)   ==========> |`.
        let text = line.trim_matches([' ', '-']);
        let is_mark = ["=>", "==> |", "<== |", "<========== |"]
            .iter()
            .any(|mark| text.contains(mark));
        ensure!(
            line.starts_with('#') || text.is_empty() || is_mark,
            "no such line is known"
        );
        return Ok(Line::Other);
    }
    let (place, body) = (
        line.split('|').next().unwrap_or_default(),
        line.rsplit('|').next().unwrap_or_default().trim(),
    );
    // A mark that somebody wrote, or an interrupt.
    if body.is_empty() || body.starts_with("/*") {
        return Ok(Line::Other);
    }
    let pid = place.rsplit_once('-').context("no task")?.1;
    let task = pid.trim().parse().context("no number of a task")?;
    if let Some(tail) = body.strip_prefix('}') {
        let name = tail
            .trim()
            .strip_prefix("/*")
            .map(|tail| name(tail.trim_end_matches("*/")));
        return Ok(Line::Return(task, name));
    }
    let (called, rest) = body.split_once('(').context("no call")?;
    if rest.ends_with('{') {
        Ok(Line::Enter(task, name(called)))
    } else if rest.contains(");") {
        Ok(Line::Leaf(task, name(called)))
    } else {
        bail!("neither an entry nor a leaf")
    }
}

/// `module:function` of `function [module]`, and of what may come behind.
fn name(text: &str) -> String {
    let mut words = text.split_whitespace();
    let function = words.next().unwrap_or_default();
    let module = words.next().and_then(|word| word.strip_prefix('[')?.strip_suffix(']'));
    module.map_or_else(|| function.to_owned(), |module| format!("{module}:{function}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn shape(calls: &[Call]) -> String {
        let one = |call: &Call| format!("{}({})", call.name, shape(&call.calls));
        calls.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn calls_lie_in_their_callers_whatever_ran_meanwhile() {
        let text = "\
# tracer: function_graph
#
# CPU  TASK/PID         DURATION                  FUNCTION CALLS
# |     |    |           |   |                     |   |   |   |
 1)   <...>-227    |               |  stm_core_init [stm_core]() {
 1)  modprob-227   |               |    stp_configfs_init [stm_core]() {
 1)   ==========> |
 1)   <========== |
 1)  modprob-227   | ! 922.016 us  |    } /* stp_configfs_init [stm_core] */
 ------------------------------------------
 1)  modprob-227   =>   <...>-228   
 ------------------------------------------

 1)   <...>-228    |               |  basic_stm_init [stm_p_basic]() {
 0)  modprob-227   |               |    /* a mark */
 0)  modprob-227   |   ==========> |
 0)  modprob-227   | + 12.016 us   |    printk();
 0)  modprob-227   | # 7039.500 us |  } /* stm_core_init [stm_core] */
 1)  modprob-228   | ! 149.732 us  |    stm_register_protocol [stm_core]();
 1)  modprob-228   | ! 357.139 us  |  }
 0)  kworker-12    |               |  still_runs [stm_core]() {
";
        let graph = Graph::parse(text).unwrap();
        let shapes: Vec<_> = graph.tasks.iter().map(|(task, calls)| (*task, shape(calls))).collect();
        assert_eq!(
            shapes,
            [
                (12, "stm_core:still_runs()".to_owned()),
                (
                    227,
                    "stm_core:stm_core_init(stm_core:stp_configfs_init() printk())".to_owned()
                ),
                (
                    228,
                    "stm_p_basic:basic_stm_init(stm_core:stm_register_protocol())".to_owned()
                ),
            ]
        );
        assert_eq!(graph.lost, 0);
    }

    #[test]
    fn what_newer_kernels_add_is_no_part_of_the_name() {
        let text = "\
 0)     ip-250     | ! 104.485 us  |  dummy_validate [dummy](tb=0x0, data=0x0); /* ret=0x0 */
 0)     ip-250     |               |  dummy_setup [dummy](dev=0x1) {
 0)     ip-250     | ! 183.422 us  |  } /* dummy_setup [dummy] ret=0x0 */
 0)     ip-250     | * 28247.20 us |  0xffffffffc0445000();
";
        let graph = Graph::parse(text).unwrap();
        assert_eq!(
            shape(&graph.tasks[&250]),
            "dummy:dummy_validate() dummy:dummy_setup() 0xffffffffc0445000()"
        );
    }

    #[test]
    fn what_is_missing_is_counted_and_what_is_unknown_refused() {
        let lost =
            "CPU:1 [LOST 12 EVENTS]\n 1)  modprob-227   | ! 922.016 us  |    } /* stp_configfs_init [stm_core] */\n";
        assert_eq!(Graph::parse(lost).unwrap().lost, 13);
        for text in [
            "modprobe-227 [001] d..1. 12.5: a line of another tracer",
            " 1)  modprob-227   |               |  neither()",
            " 1)  modprob-227   |               |  a() {\n 1)  modprob-227   |   1.0 us      |  } /* b */",
        ] {
            assert!(Graph::parse(text).is_err(), "{text}");
        }
    }
}
