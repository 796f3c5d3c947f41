//! What a field is in one run.

use super::field::{Field, Quantity, Requests, Scope};
use super::sample::{Recorded, Sample};
use crate::analysis::aggregate::{ModuleStats, RequestStats};
use crate::analysis::histogram::Histogram;
use crate::measures::Value;
use crate::model::{WaitKind, ret_text};
use crate::plan::Observed;

/// A field's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// It was seen; none where there was nothing to measure, such as the longest wait where nobody waited.
    Known(Option<f64>),
    /// It was not, and why.
    Unknown(String),
}

impl Field {
    /// Its value in one run.
    pub fn read(&self, sample: &Sample) -> Reading {
        match &self.quantity {
            Quantity::CommandStatus => return known(u64::from(sample.command.status)),
            Quantity::CommandTime => return known(sample.command.duration_ns),
            _ => {}
        }
        let recorded = match &sample.recorded {
            Ok(recorded) => recorded,
            Err(why) => return Reading::Unknown(why.to_string()),
        };
        let stats = match self.stats(recorded) {
            Ok(stats) => stats,
            Err(why) => return Reading::Unknown(why),
        };
        match self.value(recorded, &stats) {
            Ok(value) => Reading::Known(value.map(number)),
            Err(why) => Reading::Unknown(why),
        }
    }

    /// What it is about, summed up. A module that nobody loaded tells nothing: its name may be spelt wrong, or the workload may
    /// have gone another way. That there were no attempts is known all the same.
    fn stats(&self, recorded: &Recorded) -> Result<ModuleStats, String> {
        let modules = &recorded.aggregates.modules;
        match &self.scope {
            Scope::All => {
                let mut all = ModuleStats::default();
                for stats in modules.values() {
                    all.merge(stats);
                }
                Ok(all)
            }
            Scope::Module(name) => {
                let found = modules.get(&Some(name.into())).cloned();
                let asked = matches!(&self.quantity, Quantity::Number(measure) if measure.without_loads);
                match found.filter(|stats| asked || stats.loads.count > 0) {
                    Some(stats) => Ok(stats),
                    None if asked => Ok(ModuleStats::default()),
                    None => Err(format!("nobody loaded {name}")),
                }
            }
        }
    }

    fn value(&self, recorded: &Recorded, stats: &ModuleStats) -> Result<Option<u64>, String> {
        let watched = |what: Option<Observed>| what.map_or(Ok(()), |what| watched(recorded, what));
        let loads = &stats.loads;
        Ok(match &self.quantity {
            Quantity::Number(measure) => {
                watched(measure.observed)?;
                match measure.value {
                    Value::Number(_, of) => of(stats),
                    Value::Times(..) | Value::Outcomes(_) => None,
                }
            }
            Quantity::Times(measure, stat) => {
                watched(measure.observed)?;
                match measure.value {
                    Value::Times(_, of) => stat.read(of(stats)),
                    Value::Number(..) | Value::Outcomes(_) => None,
                }
            }
            Quantity::Waits(stat) => {
                let mut all = Histogram::default();
                for kind in WaitKind::ALL.into_iter().filter(|kind| *kind != WaitKind::Mutex) {
                    watched(Some(Observed::waits(kind)))?;
                    if let Some(waits) = stats.waits.get(&kind) {
                        all.merge(waits);
                    }
                }
                (stat.of)(&all)
            }
            Quantity::Errno(errno) => Some(loads.outcomes.get(errno).copied().unwrap_or_default()),
            Quantity::Finding(name) => {
                let found = recorded.findings.iter().filter(|finding| finding.id == *name);
                u64::try_from(found.count()).ok()
            }
            Quantity::RequestCount(which) => {
                watched(Some(Observed::Requests))?;
                Some(requests(recorded, which).map_or(0, |requests| requests.count))
            }
            Quantity::RequestFailed(which) => {
                let requests = requests(recorded, which)?;
                let ok = requests.outcomes.get(&ret_text(0)).copied().unwrap_or_default();
                Some(requests.count - requests.unfinished - ok)
            }
            Quantity::RequestSlot(which, stat) => {
                watched(Some(Observed::SlotWaits))?;
                (stat.of)(&requests(recorded, which)?.slot)
            }
            Quantity::RequestTime(which, stat) => (stat.of)(&requests(recorded, which)?.total),
            Quantity::Lost => recorded.source.lost,
            Quantity::Missed => recorded.source.missed,
            Quantity::Clipped => recorded.source.clipped,
            // They take no recording.
            Quantity::CommandStatus | Quantity::CommandTime => None,
        })
    }
}

/// Whether a 0 is a real 0 on the kernel of this recording.
fn watched(recorded: &Recorded, what: Observed) -> Result<(), String> {
    let seen = recorded.source.coverage.observed(what);
    seen.then_some(())
        .ok_or_else(|| format!("{} were not observed on this kernel", what.noun()))
}

/// Requests summed up. As with modules, a name that nobody requested tells nothing but that.
fn requests(recorded: &Recorded, which: &Requests) -> Result<RequestStats, String> {
    watched(recorded, Observed::Requests)?;
    let requests = &recorded.aggregates.requests;
    match which {
        Requests::Named(name) => requests
            .get(name.as_str())
            .cloned()
            .ok_or_else(|| format!("nobody requested {name}")),
        Requests::All => {
            let mut all = RequestStats::default();
            for stats in requests.values() {
                all.merge(stats);
            }
            Ok(all)
        }
    }
}

fn known(value: u64) -> Reading {
    Reading::Known(Some(number(value)))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rules compare counts and times, and need no more than 53 bits"
)]
fn number(value: u64) -> f64 {
    value as f64
}
