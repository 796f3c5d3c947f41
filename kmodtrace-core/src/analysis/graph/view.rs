//! What is shown of a wait graph.

use schemars::JsonSchema;
use serde::Serialize;

use super::cycle::Cycle;
use super::edges::WaitEdge;
use super::pile_ups::PileUp;
use crate::picture::Stacks;
use crate::text::Names;

/// Name and version of the JSON. Additions keep it; what removes or changes a field raises it.
pub const SCHEMA: &str = "kmodtrace.graph/1";

/// A wait graph: everything that a format may show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Graph {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Deadlocks, in the order in which they were found, 64 at most.
    pub cycles: Vec<Cycle>,
    /// Deadlocks beyond those.
    pub more_cycles: u64,
    /// Waits of which was not looked whether they were part of a deadlock, because that would have taken too long; absent when
    /// there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsearched: Option<u64>,
    /// Pile-ups, those with most time first, 32 at most.
    pub pile_ups: Vec<PileUp>,
    /// Who waited for whom, added up; those of one owner stand together, the owner with most time first.
    pub edges: Vec<WaitEdge>,
    #[serde(skip)]
    pub(super) stacks: Stacks,
}

impl Graph {
    pub(super) fn new(
        (cycles, more_cycles, unsearched): (Vec<Cycle>, u64, Option<u64>),
        pile_ups: Vec<PileUp>,
        mut edges: Vec<WaitEdge>,
        stacks: Stacks,
    ) -> Self {
        let mut owners: std::collections::HashMap<String, u64> = std::collections::HashMap::new();
        for edge in &edges {
            let total = owners.entry(edge.owner.clone()).or_default();
            *total = total.saturating_add(edge.total_ns);
        }
        let total = |edge: &WaitEdge| owners.get(&edge.owner).copied().unwrap_or_default();
        edges.sort_by(|a, b| {
            let by_owner = total(b).cmp(&total(a)).then_with(|| a.owner.cmp(&b.owner));
            by_owner.then(b.total_ns.cmp(&a.total_ns))
        });
        Self {
            schema: SCHEMA,
            cycles,
            more_cycles,
            unsearched,
            pile_ups,
            edges,
            stacks,
        }
    }

    /// Only what has to do with the selected modules.
    pub fn select(&mut self, names: &Names) {
        let takes = |name: &str| names.take(Some(name.strip_prefix("request ").unwrap_or(name)));
        let all = names.take(None);
        self.cycles
            .retain(|cycle| all || cycle.names.iter().any(|name| takes(name)));
        self.pile_ups.retain(|pile| names.take(pile.module.as_deref()));
        self.edges
            .retain(|edge| all || takes(&edge.owner) || takes(&edge.waiter));
        // The module, or the name of the request, is the third.
        self.stacks
            .retain(|stack| all || stack.get(2).is_some_and(|name| takes(name)));
    }
}
