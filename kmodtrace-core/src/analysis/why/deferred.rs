//! Loads that succeeded, and whose probe was put off: the driver core keeps `EPROBE_DEFER` to itself (`really_probe`, drivers/base/dd.c).

use super::words::task;
use super::{Kind, Reason};
use crate::analysis::drill::Load;
use crate::model::{Attempt, Errno, ProbedFunction};

const EPROBE_DEFER: Errno = Errno(517);
/// Loads that are told.
const KEPT: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Deferred(Vec<Reason>);

impl Deferred {
    /// Takes a load that succeeded, with what it called.
    pub(super) fn add(&mut self, attempt: &Attempt, functions: &[ProbedFunction]) {
        if attempt.calls.is_empty() || self.0.len() >= KEPT {
            return;
        }
        let load = Load::new(attempt, functions);
        let Some(path) = load.path_of(EPROBE_DEFER) else { return };
        let module = attempt.module.as_deref().unwrap_or("a module");
        let deferred = path
            .chain
            .first()
            .map_or_else(|| "its probe".to_owned(), |call| load.names.name(call.function));
        self.0.push(Reason {
            count: 1,
            kind: Kind::Load,
            name: attempt.module.clone().map(Into::into),
            by: None,
            outcome: "OK".to_owned(),
            causes: Vec::new(),
            headline: format!("{module} is loaded, and its device is not: {deferred} deferred (EPROBE_DEFER)"),
            sentences: vec![
                format!("attempt {} of {} loaded {module}", attempt.id.0, task(&attempt.task())),
                path.sentence(load.init_start(), load.names),
            ],
            harmless: false,
            what_to_do: Some(
                "the probe is tried again when what it needs appears; /sys/kernel/debug/devices_deferred shows who still waits, and for what"
                    .to_owned(),
            ),
            attempts: vec![attempt.id.0],
            requests: Vec::new(),
        });
    }

    /// Those of the modules that are asked for.
    pub(super) fn reasons(self, takes: impl Fn(Option<&str>) -> bool) -> impl Iterator<Item = Reason> {
        self.0.into_iter().filter(move |reason| takes(reason.name.as_deref()))
    }
}
