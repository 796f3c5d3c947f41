//! Folded stacks of wait time: who asked, who loads, what, how it waits, for whom.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::edges::{OTHERS, UNKNOWN, owner};
use super::node::{EdgeKind, Node, Nodes, On};
use crate::model::entry_or;

/// Different stacks at most; more are added to one of no name.
const KEPT: usize = 16_384;

/// Nanoseconds by stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stacks(BTreeMap<Vec<String>, u64>);

impl Stacks {
    /// Adds the waits of an attempt below the task that asked for it.
    pub(super) fn attempt(&mut self, node: &Node, requester: &str) {
        for block in &node.blocks {
            let Some(long) = block.span.duration() else { continue };
            let name = node.name.as_deref().unwrap_or(UNKNOWN);
            let mut stack = vec![
                requester.to_owned(),
                comm(node),
                name.to_owned(),
                block.kind.name().to_owned(),
            ];
            stack.push(match &block.owner {
                Some((tid, comm)) => format!("{} {comm} {}", owner(node, block), tid.0),
                None => owner(node, block),
            });
            self.add(stack, long.0);
        }
    }

    /// Adds the wait of a request for its slot, and what its helper's attempts waited as far as they were handed out.
    pub(super) fn request(&mut self, request: &Node, nodes: &mut Nodes) {
        for block in &request.blocks {
            if let (EdgeKind::Slot, Some(long)) = (block.kind, block.span.duration()) {
                let name = request.name.clone().unwrap_or_else(|| UNKNOWN.to_owned());
                let kind = block.kind.name().to_owned();
                let stack = [
                    requester(request),
                    "(no modprobe yet)".to_owned(),
                    name,
                    kind,
                    owner(request, block),
                ];
                self.add(stack.into(), long.0);
            }
            let On::These(attempts) = &block.on else { continue };
            for key in attempts.iter() {
                if let Some(node) = nodes.get_mut(*key)
                    && node.request.take().is_some()
                {
                    self.attempt(node, &requester(request));
                }
            }
        }
    }

    fn add(&mut self, stack: Vec<String>, nanos: u64) {
        let sum = entry_or(&mut self.0, KEPT, stack, |_| vec![OTHERS.to_owned()]).or_default();
        *sum = sum.saturating_add(nanos);
    }

    /// A line for each: frames with `;` between them, and microseconds.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (stack, nanos) in &self.0 {
            let frames: Vec<String> = stack.iter().map(|frame| plain(frame)).collect();
            writeln!(out, "{} {}", frames.join(";"), nanos.div_ceil(1_000))?;
        }
        Ok(())
    }

    /// Only those with a frame that passes.
    pub(super) fn retain(&mut self, takes: impl Fn(&str) -> bool) {
        // The module, or the name of the request, is the third.
        self.0
            .retain(|stack, _| stack.get(2).is_some_and(|module| takes(module)));
    }
}

/// `mount requests fs-xfs`
pub(super) fn requester(request: &Node) -> String {
    format!(
        "{} requests {}",
        comm(request),
        request.name.as_deref().unwrap_or(UNKNOWN)
    )
}

fn comm(node: &Node) -> String {
    if node.comm.is_empty() { UNKNOWN } else { &node.comm }.to_owned()
}

/// A frame in which no character means anything to a reader of stacks.
fn plain(frame: &str) -> String {
    crate::text::printable(frame).replace(';', ",")
}
