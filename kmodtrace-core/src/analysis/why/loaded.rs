//! Why a module is loaded at all: who asked for it, and on the way to what.

use std::collections::{BTreeMap, VecDeque};

use schemars::JsonSchema;
use serde::Serialize;

use super::chain::{for_device, killed, loaded_from, started_by};
use super::window::Window;
use super::words::{task, took};
use crate::model::{Attempt, AttemptId, Errno, Name, Request, RequestId, Role, Tgid};
use crate::text::Names;

/// Loads that are told.
const TOLD: usize = 32;
/// Requests and thread groups that are remembered.
const KEPT: usize = 4_096;

/// Programs that load one module and what it needs, in the order in which they can be loaded, and then end.
const LOADERS: &[&str] = &["modprobe", "kmod"];

/// A load that succeeded, of a module that was asked for by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Loaded {
    /// The module.
    pub module: String,
    /// `id` of the attempt.
    pub attempt: u64,
    /// `id` of the request that its program ran for; null where there was none.
    pub request: Option<u64>,
    /// The module that the same program loaded last, where it was another one: mostly that needs this one.
    pub dependency_of: Option<String>,
    /// All of this in a sentence.
    pub headline: String,
    /// Who started the program, a sentence each.
    pub sentences: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Loads {
    told: Vec<Attempt>,
    /// Who asked, by request.
    requests: BTreeMap<RequestId, (Name, String)>,
    /// What each thread group of a loader loaded last, and when it was seen.
    last: BTreeMap<Tgid, (AttemptId, Name)>,
    order: VecDeque<Tgid>,
}

impl Loads {
    /// Takes an attempt of any module, whatever became of it.
    pub(super) fn attempt(&mut self, attempt: &Attempt, names: &Names) {
        let Some(module) = attempt.module.as_ref().filter(|_| !attempt.is_unload()) else {
            return;
        };
        if LOADERS.contains(&attempt.comm.as_str()) {
            if self.last.insert(attempt.tgid, (attempt.id, module.clone())).is_none() {
                self.order.push_back(attempt.tgid);
            }
            if self.order.len() > KEPT
                && let Some(oldest) = self.order.pop_front()
            {
                self.last.remove(&oldest);
            }
        }
        let ahead = attempt.errno == Some(Errno::OK) && !matches!(attempt.role, Some(Role::Follower | Role::Refused));
        if ahead && self.told.len() < TOLD && names.take(Some(module)) {
            self.told.push(attempt.clone());
        }
    }

    pub(super) fn request(&mut self, request: &Request) {
        let asked = (
            request.name.clone(),
            format!("task {} ({})", request.tid.0, request.comm),
        );
        self.requests.insert(request.id, asked);
        if self.requests.len() > KEPT {
            self.requests.pop_first();
        }
    }

    /// Each of the loads, in the order in which they returned.
    pub(super) fn list(self, window: &Window) -> Vec<Loaded> {
        let all = self.told.iter().map(|load| self.tell(load, window));
        all.collect()
    }

    fn tell(&self, load: &Attempt, window: &Window) -> Loaded {
        let module = load.module.clone().unwrap_or_default();
        let target = self
            .last
            .get(&load.tgid)
            .filter(|(id, name)| *id > load.id && *name != module);
        let request = load.request.and_then(|id| Some((id, self.requests.get(&id)?)));
        let mut headline = format!(
            "{module} was loaded by attempt {} of {}{}",
            load.id.0,
            task(&load.task()),
            window.at(load.start)
        );
        if let Some(long) = load.duration() {
            headline = format!("{headline} in {}", took(long));
        }
        if let Some((id, target)) = target {
            headline = format!(
                "{headline}, on the way to {target}, which the same {} loaded last (attempt {})",
                load.comm, id.0
            );
        }
        if let Some((id, (name, by))) = request {
            headline = format!("{headline}; request {} for {name} by {by} asked for it", id.0);
        }
        Loaded {
            attempt: load.id.0,
            request: load.request.map(|id| id.0),
            dependency_of: target.map(|(_, target)| target.to_string()),
            headline,
            sentences: [
                started_by(load),
                loaded_from(load),
                for_device(load),
                killed(load, window),
            ]
            .into_iter()
            .flatten()
            .collect(),
            module: module.into(),
        }
    }
}
