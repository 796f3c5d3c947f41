//! Folded stacks of wait time: who asked, who loads, what, how it waits, for whom.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::edges::{OTHERS, UNKNOWN, owner};
use super::node::{Key, Node, Nodes};
use crate::request::Request;

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

    /// Adds the wait of a request for its slot: what its helper does, the helper's attempts tell.
    pub(super) fn request(&mut self, request: &Request) {
        if let Some(long) = request.slot.and_then(|slot| slot.span.duration()) {
            let stack = ["(no modprobe yet)", &request.name, "slot", "50 slots"];
            let requester = std::iter::once(requester(request));
            self.add(requester.chain(stack.map(str::to_owned)).collect(), long.0);
        }
    }

    /// Adds the attempts of a request's helper.
    pub(super) fn helpers(&mut self, request: &Request, nodes: &mut Nodes) {
        let attempts = request.helper.iter().flat_map(|helper| &helper.attempts);
        for id in attempts {
            if let Some(node) = nodes.get_mut(Key::Attempt(*id))
                && node.request.take().is_some()
            {
                self.attempt(node, &requester(request));
            }
        }
    }

    fn add(&mut self, stack: Vec<String>, nanos: u64) {
        let known = self.0.len() < KEPT || self.0.contains_key(&stack);
        let stack = if known { stack } else { vec![OTHERS.to_owned()] };
        let sum = self.0.entry(stack).or_default();
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
fn requester(request: &Request) -> String {
    let comm = if request.comm.is_empty() {
        UNKNOWN
    } else {
        &request.comm
    };
    format!("{comm} requests {}", request.name)
}

fn comm(node: &Node) -> String {
    if node.comm.is_empty() { UNKNOWN } else { &node.comm }.to_owned()
}

/// A frame in which no character means anything to a reader of stacks.
fn plain(frame: &str) -> String {
    crate::report::printable(frame).replace(';', ",")
}
