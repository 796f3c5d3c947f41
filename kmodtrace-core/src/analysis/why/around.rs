//! What else happened: loads that succeeded, and those that lasted, in whose light a failure reads otherwise.

use std::collections::BTreeMap;

use super::words::{task, took};
use crate::analysis::causes::{Cause, image};
use crate::analysis::origin::Origin;
use crate::analysis::stages::stages;
use crate::model::{Attempt, AttemptId, Errno, Ktime, Name, Nanos, Span, Tid, entry_within};

/// Failures, loads of helpers and modules that are remembered, each.
const KEPT: usize = 4_096;

const EPERM: Errno = Errno(1);

/// A load, as far as others refer to it.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) id: AttemptId,
    pub(super) tid: Tid,
    pub(super) comm: Name,
    /// Its init function, and when it ran.
    pub(super) init: Option<(Option<String>, Span)>,
}

/// What is known of a module's loads.
#[derive(Debug, Default)]
struct Loads {
    count: u64,
    /// The last one that went ahead.
    last: Option<Load>,
}

/// A failure of which it is open whether its task tries again.
#[derive(Debug)]
struct Failed {
    id: AttemptId,
    module: Option<Name>,
    end: Ktime,
}

#[derive(Debug, Default)]
pub(super) struct Around {
    modules: BTreeMap<Name, Loads>,
    /// The last failure of each task.
    failed: BTreeMap<Tid, Failed>,
    /// Failures after which the same task loaded the module, with the attempt that did, and how long after.
    retried: BTreeMap<AttemptId, (AttemptId, Nanos)>,
    /// What helpers of requests loaded.
    by_helpers: BTreeMap<AttemptId, Name>,
    /// What unloads were about for most of their time, in a sentence.
    unloads: BTreeMap<AttemptId, String>,
    /// Whether `kernel.modules_disabled` was 1 when the recording began.
    pub(super) disabled: bool,
    /// When a load was last let in.
    let_in: Option<Ktime>,
    /// When the helper of a request was first refused for lack of a capability: it has them all.
    helper_refused: Option<Ktime>,
}

impl Around {
    /// Takes an attempt, whatever became of it.
    pub(super) fn add(&mut self, attempt: &Attempt) {
        if attempt.is_unload() {
            if let Some(sentence) = unload(attempt) {
                self.unloads.insert(attempt.id, sentence);
                bound(&mut self.unloads);
            }
            return;
        }
        self.count(attempt);
        let went_in = attempt.load.is_some() || !attempt.trail.is_empty();
        if went_in {
            self.let_in = self.let_in.max(attempt.start);
        } else if attempt.errno == Some(EPERM) && attempt.request.is_some() && self.helper_refused.is_none() {
            self.helper_refused = attempt.start;
        }
        let (Some(start), Some(end)) = (attempt.start, attempt.end) else {
            return;
        };
        if attempt.failed() {
            let module = attempt.module.clone();
            let id = attempt.id;
            self.failed.insert(attempt.tid, Failed { id, module, end });
            bound(&mut self.failed);
            return;
        }
        if attempt.request.is_some()
            && let Some(module) = &attempt.module
        {
            self.by_helpers.insert(attempt.id, module.clone());
            bound(&mut self.by_helpers);
        }
        if let Some(failed) = self.failed.remove(&attempt.tid)
            && (failed.module.is_none() || failed.module == attempt.module)
        {
            self.retried.insert(failed.id, (attempt.id, start.since(failed.end)));
            bound(&mut self.retried);
        }
    }

    fn count(&mut self, attempt: &Attempt) {
        let Some(module) = attempt.module.clone() else { return };
        let Some(loads) = entry_within(&mut self.modules, KEPT, module) else {
            return;
        };
        let loads = loads.or_default();
        loads.count += 1;
        if let Some(init) = &attempt.init {
            loads.last = Some(Load {
                id: attempt.id,
                tid: attempt.tid,
                comm: attempt.comm.clone(),
                init: Some((init.symbol.clone(), init.span)),
            });
        }
    }

    /// The attempt with which the same task loaded the module after this failure, and how long after.
    pub(super) fn retried(&self, failed: AttemptId) -> Option<(AttemptId, Nanos)> {
        self.retried.get(&failed).copied()
    }

    /// How many loads of a module there were.
    pub(super) fn loads_of(&self, module: &str) -> u64 {
        self.modules.get(module).map_or(0, |loads| loads.count)
    }

    /// The load of a module whose init function ran at this instant.
    pub(super) fn in_init(&self, module: &str, at: Ktime) -> Option<&Load> {
        let load = self.modules.get(module)?.last.as_ref()?;
        let (_, span) = load.init.as_ref()?;
        (span.start <= at && span.end.is_none_or(|end| end >= at)).then_some(load)
    }

    /// What this unload was about.
    pub(super) fn unload(&self, attempt: AttemptId) -> Option<&str> {
        self.unloads.get(&attempt).map(String::as_str)
    }

    /// The module that this attempt of a request's helper loaded.
    pub(super) fn loaded_by_helper(&self, attempt: AttemptId) -> Option<&str> {
        self.by_helpers.get(&attempt).map(Name::as_str)
    }

    /// Which of the two reasons for "not allowed" it was, where the caller, the kernel's setting or others' loads say it, and how they do.
    pub(super) fn refusal(&self, attempt: &Attempt, origin: &Origin) -> Option<Refusal> {
        let start = attempt.start?;
        // What is known by now may have made the one cause the other.
        let reasons = [&image::NO_CAPABILITY, &image::MODULES_DISABLED];
        origin.cause().filter(|cause| reasons.contains(cause))?;
        let caller = attempt
            .uid
            .map_or_else(|| "the caller".to_owned(), |uid| format!("the caller (uid {uid})"));
        let was_let_in = self.let_in.is_some_and(|let_in| let_in > start);
        let disabled = match attempt.capable {
            Some(false) => return Some(Refusal::no_capability(format!("{caller} has no CAP_SYS_MODULE"))),
            _ if self.disabled => "kernel.modules_disabled is 1 since before the recording".to_owned(),
            // A security module refused it, which has the capability.
            Some(true) if was_let_in || origin.causes.len() > 1 => return None,
            Some(true) => format!("kernel.modules_disabled is 1: {caller} has CAP_SYS_MODULE"),
            None if was_let_in => {
                return Some(Refusal::no_capability(
                    "the caller has no CAP_SYS_MODULE: kernel.modules_disabled was 0, since another load was let in later"
                        .to_owned(),
                ));
            }
            // Only a reboot makes it 0 again.
            None => {
                self.helper_refused?;
                "kernel.modules_disabled is 1: the modprobe of a request, which has every capability, was refused too"
                    .to_owned()
            }
        };
        Some(Refusal {
            cause: &image::MODULES_DISABLED,
            sentence: disabled,
        })
    }
}

/// Why a task may not load modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The row of the table.
    pub(super) cause: &'static Cause,
    /// How that is known.
    pub(super) sentence: String,
}

impl Refusal {
    fn no_capability(sentence: String) -> Self {
        Self {
            cause: &image::NO_CAPABILITY,
            sentence,
        }
    }
}

/// `attempt 2 of task 5 (rmmod) took 6.03 s to unload xfs: 6.02 s in its exit function`
fn unload(attempt: &Attempt) -> Option<String> {
    let module = attempt.module.as_deref()?;
    let pieces = stages(attempt);
    let longest = pieces.iter().max_by_key(|piece| piece.duration)?;
    let place = if longest.is_exit() {
        attempt.exit_function_text()
    } else {
        longest.name.to_string().trim_start_matches("in ").to_owned()
    };
    Some(format!(
        "attempt {} of {} took {} to unload {module}: {} in {place}",
        attempt.id.0,
        task(&attempt.task()),
        took(attempt.duration()?),
        took(longest.duration)
    ))
}

/// Forgets the lowest key where there are too many.
fn bound<K: Ord, V>(map: &mut BTreeMap<K, V>) {
    if map.len() > KEPT {
        map.pop_first();
    }
}
