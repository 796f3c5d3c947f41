//! What was before the tracer of a boot was attached, as the kernel's own ring has it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::kernel::ring::{EVENTS, Ring, WORDS, is_traced};
use crate::recording::{Boot, Milestone};

/// What was before the tracer of a boot was attached, from the kernel's own ring: that tells neither results nor times of waiting. The end
/// of what lasted until the tracer was attached may be among the attempts and requests too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BeforeTracer {
    /// Nanoseconds from the kernel's start until the tracer was attached.
    pub attached_ns: u64,
    /// Requests of the kernel for a module in that time; null where that was not observed.
    pub requests: Option<EventNames>,
    /// Modules about to be initialised in that time; null where that was not observed.
    pub loads: Option<EventNames>,
    /// Modules whose memory was about to be freed in that time; null where that was not observed.
    pub frees: Option<EventNames>,
    /// The events that these are of; null where the ring was not read.
    pub ring: Option<Ring>,
    /// Why something of that time is not observed, and what changes that; null where nothing is lacking.
    pub unobserved: Option<String>,
}

/// Events of one kind in the kernel's ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EventNames {
    /// How many events there are, without those that the ring lost or that were left out.
    pub count: u64,
    /// How many there are of each name, most first.
    pub names: Vec<(String, u64)>,
}

impl BeforeTracer {
    /// Of this boot; none where it was not recorded as one.
    pub(super) fn of(boot: &Boot) -> Option<Self> {
        let attached = boot.at(Milestone::Attached)?;
        let observed = EVENTS.map(|event| boot.ring.as_ref().filter(|_| is_traced(&boot.command_line, event)));
        let lacking = observed.iter().any(Option::is_none);
        let [requests, loads, frees] = EVENTS;
        let names = |event: &str, ring: Option<&Ring>| ring.map(|ring| EventNames::of(event, ring));
        Some(Self {
            attached_ns: attached.0,
            requests: names(requests, observed[0]),
            loads: names(loads, observed[1]),
            frees: names(frees, observed[2]),
            ring: boot.ring.clone(),
            unobserved: lacking.then(|| unobserved(&boot.command_line)),
        })
    }
}

impl EventNames {
    fn of(event: &str, ring: &Ring) -> Self {
        let mut names: BTreeMap<&str, u64> = BTreeMap::new();
        for event in ring.events.iter().filter(|one| one.what.event() == event) {
            *names.entry(event.what.name()).or_default() += 1;
        }
        let mut names: Vec<_> = names
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .collect();
        names.sort_by_key(|(_, count)| Reverse(*count));
        Self {
            count: names.iter().map(|(_, count)| count).sum(),
            names,
        }
    }
}

fn unobserved(command_line: &str) -> String {
    let off: Vec<&str> = EVENTS
        .into_iter()
        .filter(|event| !is_traced(command_line, event))
        .collect();
    if off.is_empty() {
        return "the kernel traced it, but its ring was not read when the recording was kept, or had another clock by then"
            .to_owned();
    }
    format!(
        "the kernel's command line does not have the kernel trace {} by the clock mono; {WORDS} there changes that (not module:*, which \
         has the uses of modules too: they overwrite what was first)",
        off.join(", ")
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::kernel::ring::{RingEvent, RingEventKind};
    use crate::model::{Ktime, Tid};
    use crate::recording::BootMark;

    fn boot(command_line: &str, ring: Option<Ring>) -> Boot {
        Boot {
            command_line: command_line.to_owned(),
            marks: vec![BootMark {
                milestone: Milestone::Attached,
                time_ns: Ktime(9_000_000_000),
            }],
            ring,
            ..Boot::default()
        }
    }

    fn ring(loads: &[&str]) -> Ring {
        let event = |name: &&str| RingEvent {
            time_ns: Ktime(1),
            tid: Tid(1),
            comm: None,
            what: RingEventKind::ModuleLoad {
                name: (*name).to_owned(),
            },
        };
        Ring {
            events: loads.iter().map(event).collect(),
            ..Ring::default()
        }
    }

    #[test]
    fn names_are_counted_most_first() {
        let before = BeforeTracer::of(&boot(WORDS, Some(ring(&["a", "b", "b"])))).unwrap();
        let names = vec![("b".to_owned(), 2), ("a".to_owned(), 1)];
        assert_eq!(before.loads, Some(EventNames { count: 3, names }));
        assert_eq!(before.requests.unwrap().count, 0);
        assert_eq!(before.unobserved, None);
    }

    #[test]
    fn what_the_ring_does_not_have_is_not_observed() {
        let loads = "trace_event=module_load trace_clock=mono";
        let before = BeforeTracer::of(&boot(loads, Some(ring(&["a"])))).unwrap();
        assert_eq!((before.loads.unwrap().count, before.requests), (1, None));
        assert!(
            before
                .unobserved
                .unwrap()
                .contains("trace module_request, module_free by")
        );
        for (line, why) in [(WORDS, "was not read"), ("quiet", WORDS)] {
            let before = BeforeTracer::of(&boot(line, None)).unwrap();
            assert_eq!((before.requests, before.loads, before.frees), (None, None, None));
            assert!(before.unobserved.unwrap().contains(why), "{line}");
        }
        assert_eq!(BeforeTracer::of(&Boot::default()), None);
    }
}
