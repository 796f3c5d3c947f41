//! What a finding rests on.

use super::{Monitor, chain};
use crate::analysis::findings::Finding;
use crate::model::{AttemptId, RequestId};

/// A finding with the attempts and requests that show it, as far as they are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceNow {
    /// The finding.
    pub finding: Finding,
    /// Each of them.
    pub shown: Vec<Shown>,
}

/// An attempt or a request, in lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its module, where it is an attempt that is kept.
    pub module: Option<String>,
    /// The first says what it is.
    pub lines: Vec<String>,
}

impl EvidenceNow {
    pub(super) fn new(monitor: &Monitor, finding: Finding) -> Self {
        let attempts = finding.attempts.ids.iter().map(|id| {
            let id = AttemptId(*id);
            Shown {
                module: monitor
                    .history
                    .attempt_of(id)
                    .and_then(|attempt| attempt.module.clone()),
                lines: vec![chain::attempt(monitor, id)],
            }
        });
        let requests = finding.requests.ids.iter().map(|id| Shown {
            module: None,
            lines: match monitor.request_of(RequestId(*id)) {
                Some(request) => chain::steps(monitor, request),
                None => vec![format!("request {id}: in the sums only, too long ago to be kept")],
            },
        });
        let shown = attempts.chain(requests).collect();
        Self { finding, shown }
    }
}
