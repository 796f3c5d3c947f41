//! Stacks of wait time: who asked, who loads, what, how it waits, for whom.

use super::edges::{UNKNOWN, owner};
use super::node::{EdgeKind, Node, Nodes, On};
use crate::picture::Stacks;

/// Adds the waits of an attempt below the task that asked for it.
pub(super) fn attempt(stacks: &mut Stacks, node: &Node, requester: &str) {
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
            None => owner(node, block).into(),
        });
        stacks.add(stack, long.0);
    }
}

/// Adds the wait of a request for its slot, and what its helper's attempts waited as far as they were handed out.
pub(super) fn request(stacks: &mut Stacks, request: &Node, nodes: &mut Nodes) {
    for block in &request.blocks {
        if let (EdgeKind::Slot, Some(long)) = (block.kind, block.span.duration()) {
            let name = request.name.as_deref().unwrap_or(UNKNOWN).to_owned();
            let kind = block.kind.name().to_owned();
            let stack = [
                requester(request),
                "(no modprobe yet)".to_owned(),
                name,
                kind,
                owner(request, block).into(),
            ];
            stacks.add(stack.into(), long.0);
        }
        let On::These(attempts) = &block.on else { continue };
        for key in attempts.iter() {
            if let Some(node) = nodes.get_mut(*key)
                && node.request.take().is_some()
            {
                attempt(stacks, node, &requester(request));
            }
        }
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
