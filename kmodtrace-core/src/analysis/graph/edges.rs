//! Edges, added up: which module waited for which, why, how often and how long.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use smol_str::format_smolstr;

use super::node::{Block, EdgeKind, Key, Node};
use crate::model::{Name, SLOTS, entry_or};
use crate::picture::OTHERS;

/// Different edges at most; more are added to one of no name. A machine has some thousand modules, and few of them wait.
const KEPT: usize = 4_096;
/// A module, or an owner, without a name.
pub(super) const UNKNOWN: &str = "(unknown)";

/// All waits of one kind that loads of one module, or requests of one name, had for one owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WaitEdge {
    /// For whom: a module, a request's name, the slots, or what has no owner.
    pub owner: String,
    /// Why.
    pub kind: EdgeKind,
    /// Who: a module or a request's name.
    pub waiter: String,
    /// How many waits.
    pub count: u64,
    /// Those of them that last.
    pub lasting: u64,
    /// Time of all that ended.
    pub total_ns: u64,
    /// The longest of them.
    pub max_ns: u64,
}

impl WaitEdge {
    /// Whether none of them has ended.
    pub(super) fn all_last(&self) -> bool {
        self.count == self.lasting
    }
}

/// Edges by owner, kind and waiter.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges(BTreeMap<(Name, EdgeKind, Name), WaitEdge>);

impl Edges {
    pub(super) fn add(&mut self, node: &Node) {
        for block in &node.blocks {
            let key = (owner(node, block), block.kind, waiter(node));
            let others = |(_, kind, _)| (Name::new(OTHERS), kind, Name::new(OTHERS));
            let edge = entry_or(&mut self.0, KEPT, key, others).or_insert_with_key(|(owner, kind, waiter)| WaitEdge {
                owner: owner.clone().into(),
                kind: *kind,
                waiter: waiter.clone().into(),
                count: 0,
                lasting: 0,
                total_ns: 0,
                max_ns: 0,
            });
            edge.count += 1;
            match block.span.duration() {
                Some(long) => {
                    edge.total_ns = edge.total_ns.saturating_add(long.0);
                    edge.max_ns = edge.max_ns.max(long.0);
                }
                None => edge.lasting += 1,
            }
        }
    }

    /// In the order of owner, kind and waiter.
    pub(super) fn into_vec(self) -> Vec<WaitEdge> {
        self.0.into_values().collect()
    }
}

/// Whom a wait is for.
pub(super) fn owner(node: &Node, block: &Block) -> Name {
    let own = || node.name.clone().unwrap_or_else(|| UNKNOWN.into());
    match block.kind {
        EdgeKind::SameInode | EdgeKind::SameName => own(),
        EdgeKind::Dependency => block.module.clone().unwrap_or_else(|| UNKNOWN.into()),
        EdgeKind::Request => format_smolstr!("request {}", block.module.as_deref().unwrap_or(UNKNOWN)),
        EdgeKind::Mutex => "module_mutex".into(),
        EdgeKind::Rcu => "RCU grace period".into(),
        EdgeKind::Async => "asynchronous work".into(),
        EdgeKind::Slot => format_smolstr!("{SLOTS} slots"),
        EdgeKind::Helper => format_smolstr!("modprobe {}", own()),
    }
}

/// Who waits.
pub(super) fn waiter(node: &Node) -> Name {
    let name = node.name.as_deref().unwrap_or(UNKNOWN);
    match node.key {
        Key::Attempt(_) => name.into(),
        Key::Request(_) => format_smolstr!("request {name}"),
    }
}
