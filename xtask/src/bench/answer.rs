//! What load-bench says, a JSON object in a line each.

use anyhow::{Context as _, Result};
use guest_vm::vm::{self, Stream, VmSpec};
use serde::Deserialize;

use super::figure::quantile;
use crate::vm::pass_through;

/// One line.
#[derive(Debug, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub(super) enum Answer {
    Block(Block),
    Storm(Storm),
    Tracer(Tracer),
}

/// Calls one after another.
#[derive(Debug, Deserialize)]
pub(super) struct Block {
    /// What it ran under, if anything.
    pub(super) tracer: Option<String>,
    started_ns: Option<u64>,
    begin_ns: u64,
    end_ns: u64,
    /// System calls made.
    pub(super) calls: u64,
    cycle_ns: Vec<f64>,
    junk_ns: Vec<f64>,
    live_ns: Vec<f64>,
    request_ns: Vec<f64>,
    /// Of the parent, at the beginning and at the end.
    pub(super) memory: [Memory; 2],
}

/// Calls at once.
#[derive(Debug, Deserialize)]
pub(super) struct Storm {
    pub(super) tracer: Option<String>,
    pub(super) calls: u64,
    pub(super) memory: [Memory; 2],
}

/// A tracer that ended.
#[derive(Debug, Deserialize)]
pub(super) struct Tracer {
    #[serde(rename = "tracer")]
    pub(super) name: String,
    started_ns: u64,
    ended_ns: u64,
    cpu_ns: u64,
    peak_kb: u64,
}

/// In kB.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Memory {
    pub(super) resident_kb: u32,
    pub(super) peak_kb: u32,
}

/// Boots, and reads the release that runs and what the guest answers; what it says beside that is passed through.
pub(super) fn of_guest(spec: &VmSpec) -> Result<(String, Vec<Answer>)> {
    let outcome = vm::run(spec, &mut |stream, bytes| match stream {
        Stream::Stdout => Ok(()),
        Stream::Stderr => pass_through(stream, bytes),
    })?;
    outcome.succeeded()?;
    let answers = read(&String::from_utf8_lossy(&outcome.stdout))?;
    Ok((outcome.release, answers))
}

/// The lines that are answers.
pub(super) fn read(text: &str) -> Result<Vec<Answer>> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).with_context(|| format!("not load-bench's: {line}")))
        .collect()
}

/// A quantity of a block.
pub(super) type Pick = fn(&Block) -> Option<f64>;

impl Block {
    /// What a load and unload of the module took, in nanoseconds: the block's median.
    pub(super) fn cycle(&self) -> Option<f64> {
        quantile(&self.cycle_ns, 0.5)
    }

    /// The same of a load of a module that is there.
    pub(super) fn live(&self) -> Option<f64> {
        quantile(&self.live_ns, 0.5)
    }

    /// The same of a load of what is no module.
    pub(super) fn junk(&self) -> Option<f64> {
        quantile(&self.junk_ns, 0.5)
    }

    /// The same of a request of the kernel that modprobe answers with nothing.
    pub(super) fn request(&self) -> Option<f64> {
        quantile(&self.request_ns, 0.5)
    }

    /// From the start of the tracer to the first instruction of what runs under it, in nanoseconds.
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    pub(super) fn attach(&self) -> Option<f64> {
        Some((self.begin_ns - self.started_ns?) as f64)
    }

    /// From the end of what ran under the tracer to the end of that, in nanoseconds.
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    pub(super) fn detach(&self, tracer: &Tracer) -> Option<f64> {
        (self.started_ns == Some(tracer.started_ns)).then(|| (tracer.ended_ns - self.end_ns) as f64)
    }

    fn is_under(&self, tracer: Option<&str>) -> bool {
        self.tracer.as_deref() == tracer
    }
}

impl Tracer {
    /// Seconds of processor time.
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    pub(super) fn cpu(&self) -> f64 {
        self.cpu_ns as f64 / 1e9
    }

    /// Resident memory at its peak, in MiB.
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    pub(super) fn peak(&self) -> f64 {
        self.peak_kb as f64 / 1024.0
    }
}

/// A quantity of each block that ran under this, or under nothing.
pub(super) fn each(blocks: &[&Block], tracer: Option<&str>, pick: Pick) -> Vec<f64> {
    blocks
        .iter()
        .filter(|block| block.is_under(tracer))
        .filter_map(|block| pick(block))
        .collect()
}

/// The quantity of each block under the tracer, over the mean of the untraced blocks before and after it.
pub(super) fn over_untraced(blocks: &[&Block], tracer: &str, pick: Pick) -> Vec<f64> {
    let triples = blocks.windows(3).filter_map(|triple| match triple {
        [before, under, after] if under.is_under(Some(tracer)) => Some((pick(before)?, pick(under)?, pick(after)?)),
        _ => None,
    });
    triples
        .map(|(before, under, after)| 2.0 * under / (before + after))
        .collect()
}

/// The quantity of each untraced block over that of the untraced block before it: what differs without a tracer.
pub(super) fn untraced_over_untraced(blocks: &[&Block], pick: Pick) -> Vec<f64> {
    let untraced = each(blocks, None, pick);
    untraced
        .windows(2)
        .filter_map(|pair| Some(pair.get(1)? / pair.first()?))
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    #[test]
    fn blocks_are_compared_with_their_neighbours() {
        let line = |tracer: &str, live: u32| {
            format!(
                r#"{{"what":"block","tracer":{tracer},"started_ns":1,"begin_ns":3,"end_ns":4,"calls":1,"cycle_ns":[],"junk_ns":[],"live_ns":[{live}],"request_ns":[],
                "memory":[{{"resident_kb":1,"peak_kb":2}},{{"resident_kb":1,"peak_kb":2}}]}}"#
            )
            .replace('\n', "")
        };
        let text = [
            line("null", 10),
            line("\"a\"", 33),
            line("null", 20),
            line("\"b\"", 40),
            line("null", 20),
        ]
        .join("\n");
        let answers = read(&text).unwrap();
        let blocks: Vec<&Block> = answers
            .iter()
            .filter_map(|answer| match answer {
                Answer::Block(block) => Some(block),
                _ => None,
            })
            .collect();
        assert_eq!(over_untraced(&blocks, "a", Block::live), [2.2]);
        assert_eq!(over_untraced(&blocks, "b", Block::live), [2.0]);
        assert_eq!(untraced_over_untraced(&blocks, Block::live), [2.0, 1.0]);
        assert_eq!(each(&blocks, Some("a"), Block::attach), [2.0]);
        assert!(over_untraced(&blocks, "a", Block::cycle).is_empty());
    }
}
