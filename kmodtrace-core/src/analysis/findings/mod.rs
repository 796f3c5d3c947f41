//! Findings: what a session shows beyond its numbers, named, in words, with the attempts and requests that show it.
//!
//! A fold over what a session hands out. Its memory grows with the number of modules, not of attempts; each threshold is a
//! constant that says why.

mod evidence;
mod finding;
mod judge;
mod loads;
mod pairs;
mod requests;
mod tally;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use crate::analysis::graph::{Cycle, WaitGraph};
use crate::model::Finished;
pub use evidence::Evidence;
pub use finding::{Finding, Name, write_findings};

/// Pile-ups that are told: those with most time. The wait graph has more of them.
const PILE_UPS: usize = 4;

/// What has been seen so far.
#[derive(Debug, Default)]
pub struct Findings {
    tallies: tally::Tallies,
    pairs: pairs::Pairs,
    nested: requests::Nested,
    graph: WaitGraph,
}

impl Findings {
    /// Adds what a session handed out.
    pub fn add(&mut self, finished: &Finished) {
        self.graph.add(finished);
        match finished {
            Finished::Attempt(attempt) => {
                self.pairs.add(attempt, &mut self.tallies);
                if !attempt.is_unload() {
                    loads::load(attempt, &mut self.tallies);
                }
            }
            Finished::Request(request) => {
                self.nested.add(request, &mut self.tallies);
                requests::request(request, &mut self.tallies);
            }
            Finished::State(_) | Finished::Call(_) => {}
        }
    }

    /// What was found so far: deadlocks, then what cost most time.
    pub fn list(&self) -> Vec<Finding> {
        self.list_with(&[])
    }

    /// The same, and deadlocks that last, which nothing that was handed out shows yet.
    pub fn list_with(&self, lasting: &[Cycle]) -> Vec<Finding> {
        let mutex_watched = self.pairs.mutex_watched();
        let counted = self.tallies.iter();
        let counted = counted.filter_map(|(key, tally)| judge::judge(key, tally, mutex_watched));
        let piles = self.graph.pile_ups();
        let piles = piles.iter().take(PILE_UPS).map(judge::pile_up);
        let cycles = lasting.iter().chain(self.graph.cycles());
        let mut all: Vec<Finding> = cycles.map(judge::deadlock).chain(piles).chain(counted).collect();
        // A deadlock comes first: it never ends by itself.
        let rank = |finding: &Finding| {
            let evidence = finding.attempts.count + finding.requests.count;
            (
                finding.id != Name::Deadlock,
                Reverse(finding.cost_ns()),
                finding.id,
                Reverse(evidence),
            )
        };
        all.sort_by_key(rank);
        all
    }

    /// The wait graph, which has to be made for this anyway.
    pub fn graph(&self) -> &WaitGraph {
        &self.graph
    }
}
