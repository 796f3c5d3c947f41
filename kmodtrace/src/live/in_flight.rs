//! Who is in a load or a request, from the records as they pass: as long as there is somebody, time has to go on.

use std::collections::HashSet;

use kmodtrace_common::kind;
use kmodtrace_core::model::Tid;
use kmodtrace_core::records::decode::decode;
use kmodtrace_core::records::event::Fact;

/// Tasks that were seen to enter and not to leave. A lost end costs a tick each second until the task comes again.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    attempts: HashSet<Tid>,
    requests: HashSet<Tid>,
}

impl InFlight {
    /// Whether there is somebody.
    pub(super) fn has_somebody(&self) -> bool {
        !self.attempts.is_empty() || !self.requests.is_empty()
    }

    /// Takes a record. Most are of no interest and are not decoded.
    pub(super) fn see(&mut self, record: &[u8]) {
        const KINDS: [u16; 8] = [
            kind::ATTEMPT_ENTER,
            kind::ATTEMPT_EXIT,
            kind::REQUEST_BEGIN,
            kind::REQUEST_SECURITY,
            kind::SLOT_EXIT,
            kind::SLOT_GIVEN_UP,
            kind::HELPER_EXIT,
            kind::DUP_REQUEST_EXIT,
        ];
        let known = record.first_chunk().map(|kind| u16::from_ne_bytes(*kind));
        if !known.is_some_and(|kind| KINDS.contains(&kind)) {
            return;
        }
        let Ok(event) = decode(record) else { return };
        match event.fact {
            Fact::AttemptEnter(_) => {
                self.attempts.insert(event.tid);
            }
            Fact::AttemptExit(_) => {
                self.attempts.remove(&event.tid);
                self.requests.remove(&event.tid);
            }
            Fact::RequestBegin(_) => {
                self.requests.insert(event.tid);
            }
            Fact::RequestSecurity(0) | Fact::SlotExit(0) | Fact::DupRequestExit(false) => {}
            _ => {
                self.requests.remove(&event.tid);
            }
        }
    }
}
