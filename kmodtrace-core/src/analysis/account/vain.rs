//! What a boot does in vain each time: loads of modules whose init function always fails, and requests for which nothing is found.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::became::Became;
use super::cost::KEPT;
use crate::analysis::union::Union;
use crate::model::{Attempt, Errno, Ktime, Name, Request, Role, entry_within};
use crate::text::span_text;

/// Nanoseconds with one of them in flight, below which nothing is told: to leave them out gives no more back than two boots of one
/// machine differ by.
const LEAST: u64 = 100_000_000;

/// Something that failed in the same way each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InVain {
    /// The module, each of whose loads failed because of its init function; null for requests of the kernel.
    pub module: Option<String>,
    /// Loads of the module, or requests of the kernel for which modprobe ran and loaded nothing.
    pub count: u64,
    /// What the init function returned; empty for requests.
    pub errnos: BTreeSet<String>,
    /// Nanoseconds in which at least one of them was in flight.
    pub wall_ns: u64,
    /// Nanoseconds that tasks spent in them, added up.
    pub task_ns: u64,
    /// In words, with what keeps it from happening where the recording shows that.
    pub sentence: String,
}

#[derive(Debug, Default)]
struct Spent {
    count: u64,
    union: Union,
    task: u64,
}

#[derive(Debug, Default)]
struct Loads {
    spent: Spent,
    errnos: BTreeSet<String>,
    /// One was by udev, for a device with an alias.
    for_devices: bool,
    /// One of them did not fail, or failed for another reason.
    otherwise: bool,
}

/// Gathers it.
#[derive(Debug, Default)]
pub(super) struct Vain {
    modules: BTreeMap<Name, Loads>,
    requests: Spent,
}

impl Vain {
    pub(super) fn attempt(&mut self, attempt: &Attempt, became: Became) {
        let Some(module) = attempt.module.clone() else { return };
        let Some(loads) = entry_within(&mut self.modules, KEPT, module) else {
            return;
        };
        let loads = loads.or_default();
        let own = attempt
            .init
            .as_ref()
            .and_then(|init| init.errno)
            .filter(|errno| *errno != Errno::OK);
        let shared = attempt.init.is_none() && matches!(attempt.role, Some(Role::Follower | Role::Refused));
        loads.otherwise |= became != Became::Failed || (own.is_none() && !shared);
        loads.errnos.extend(own.map(|errno| errno.name().into_owned()));
        let alias = attempt.device.as_ref().and_then(|device| device.alias.as_ref());
        loads.for_devices |= alias.is_some();
        loads.spent.add(attempt.start.zip(attempt.end));
    }

    pub(super) fn request(&mut self, request: &Request) {
        let nothing = request.helper.as_ref().is_some_and(|helper| helper.attempts.is_empty());
        // The wait status of a helper that ran.
        if nothing && request.ret.is_some_and(|ret| ret > 0) {
            self.requests.add(request.start.zip(request.end));
        }
    }

    /// What cost most time of the boot first.
    pub(super) fn list(self) -> Vec<InVain> {
        let modules = self
            .modules
            .into_iter()
            .filter_map(|(module, loads)| loads.row(module.into()));
        let mut all: Vec<InVain> = modules.chain(requests(&self.requests)).collect();
        all.sort_by_key(|row| std::cmp::Reverse(row.wall_ns));
        all
    }
}

impl Spent {
    fn add(&mut self, span: Option<(Ktime, Ktime)>) {
        self.count += 1;
        if let Some((start, end)) = span {
            self.union.add(start, end);
            self.task = self.task.saturating_add(end.since(start).0);
        }
    }

    /// None where it cost too little.
    fn row(&self, module: Option<String>, errnos: BTreeSet<String>, words: &str) -> Option<InVain> {
        let wall_ns = self.union.total();
        (wall_ns >= LEAST).then(|| InVain {
            module,
            count: self.count,
            errnos,
            wall_ns,
            task_ns: self.task,
            sentence: format!("{words}, which took tasks {} in all", span_text(self.task)),
        })
    }
}

impl Loads {
    /// None where one of them did not fail, or where it is not seen that the init function was why.
    fn row(self, module: String) -> Option<InVain> {
        if self.otherwise || self.errnos.is_empty() {
            return None;
        }
        let errnos: Vec<&str> = self.errnos.iter().map(String::as_str).collect();
        let loads = match self.spent.count {
            1 => "its only load failed".to_owned(),
            count => format!("all of its {count} loads failed"),
        };
        let words = format!("its init function returned {}: {loads}", errnos.join(", "));
        let advice = format!("; `blacklist {module}` in /etc/modprobe.d keeps aliases of devices from loading it");
        let mut row = self.spent.row(Some(module), self.errnos, &words)?;
        if self.for_devices {
            row.sentence += &advice;
        }
        Some(row)
    }
}

/// One request that finds nothing is not worth a word.
fn requests(spent: &Spent) -> Option<InVain> {
    let words = format!("modprobe loaded nothing for {} requests of the kernel", spent.count);
    let row = spent.row(None, BTreeSet::new(), &words)?;
    (spent.count > 1).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::graph::fixture::{attempt, request, span};
    use crate::model::{Device, Init};

    /// A load that lasts 60 ms, and whose init function returns this.
    fn load(at_ms: u64, errno: Errno) -> Attempt {
        Attempt {
            init: Some(Init {
                span: span(at_ms, at_ms + 60),
                errno: Some(errno),
                symbol: None,
            }),
            ..attempt(at_ms, "edac", at_ms, at_ms + 60).got(errno)
        }
    }

    fn told(loads: &[Attempt]) -> Vec<InVain> {
        let mut vain = Vain::default();
        for load in loads {
            vain.attempt(load, Became::of(load));
        }
        vain.list()
    }

    #[test]
    fn a_module_whose_init_function_always_fails_is_told() {
        let (mut first, second) = (load(0, Errno(19)), load(100, Errno(19)));
        let shared = attempt(3, "edac", 0, 60).got(Errno(19)).was(Role::Follower);
        let rows = told(&[first.clone(), shared.clone(), second.clone()]);
        let words = "its init function returned ENODEV: all of its 3 loads failed, which took tasks 180ms in all";
        let facts = rows.first().map(|row| (row.sentence.as_str(), row.count, row.wall_ns));
        assert_eq!(facts, Some((words, 3, 120_000_000)));
        first.device = Some(Device {
            alias: Some("cpu:type:x86".to_owned()),
            ..Device::default()
        });
        let rows = told(&[first, shared, second.clone()]);
        assert!(rows.iter().any(|row| row.sentence.contains("; `blacklist edac` in ")));
        // It worked once, it is not known why it failed, or it cost too little.
        for other in [load(200, Errno::OK), attempt(4, "edac", 200, 260).got(Errno(8))] {
            assert_eq!(told(&[load(0, Errno(19)), second.clone(), other]), []);
        }
        assert_eq!(told(&[second]), []);
    }

    #[test]
    fn requests_for_which_modprobe_loads_nothing_are_told_together() {
        let told = |requests: &[Request]| {
            let mut vain = Vain::default();
            for request in requests {
                vain.request(request);
            }
            vain.list()
        };
        let nothing = request(1, "crypto-a", 0, 200, 256).helped(&[]);
        let rows = told(&[nothing.clone(), request(2, "crypto-b", 200, 400, 256).helped(&[])]);
        let words = "modprobe loaded nothing for 2 requests of the kernel, which took tasks 400ms in all";
        assert_eq!(rows.first().map(|row| row.sentence.as_str()), Some(words));
        let others = [
            request(3, "fs-a", 400, 600, 256).helped(&[7]),
            request(4, "fs-b", 400, 600, 0).helped(&[]),
            request(5, "fs-c", 400, 600, -62),
        ];
        assert_eq!(told(&[&[nothing], &others[..]].concat()), []);
    }
}
