//! The kernel's own ring of trace events: what it has of the time before a tracer can be there.

mod entry;
mod read;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Ktime, Tid};

/// What a command line has for the kernel to trace modules from its start, by the clock that recordings have. Not all of the group: uses
/// of modules are in it too, so many that they overwrite what was first.
pub const WORDS: &str = "trace_event=module_request,module_load,module_free trace_clock=mono";

/// The events that these words have it trace.
pub const EVENTS: [&str; 3] = ["module_request", "module_load", "module_free"];

/// The group of its events.
const GROUP: &str = "module";

/// What the ring has of the time before a tracer was attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ring {
    /// Events, in the order of time, the first 1,024.
    pub events: Vec<RingEvent>,
    /// Events of that time beyond those.
    pub left_out: u64,
    /// Entries of any kind that were overwritten, the oldest ones; null where the kernel says that there were some, and not how many.
    pub lost: Option<u64>,
    /// Lines that are no entry as the kernel writes them.
    pub unread: u64,
}

/// An event of a module in the kernel's ring. How it ended, and how long it took, the ring does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RingEvent {
    /// When, in whole microseconds.
    pub time_ns: Ktime,
    /// The task.
    pub tid: Tid,
    /// The name that this task had when the kernel noted it last, which may have been later; null where the kernel does not know.
    pub comm: Option<String>,
    /// What, with the fields that belong to it.
    #[serde(flatten)]
    pub what: RingEventKind,
}

/// What an event of the kernel's ring tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum RingEventKind {
    /// The kernel asks for a module, and has a slot for that.
    ModuleRequest {
        /// The module's name, or an alias.
        name: String,
        /// Whether the task waits for it.
        wait: bool,
        /// The function that asks.
        call_site: String,
    },
    /// A module is about to be initialised.
    ModuleLoad {
        /// Its name.
        name: String,
    },
    /// A module's memory is about to be freed.
    ModuleFree {
        /// Its name.
        name: String,
    },
}

impl RingEventKind {
    /// The kernel's name of the event.
    pub const fn event(&self) -> &'static str {
        let [request, load, free] = EVENTS;
        match self {
            Self::ModuleRequest { .. } => request,
            Self::ModuleLoad { .. } => load,
            Self::ModuleFree { .. } => free,
        }
    }

    /// The name that it tells.
    pub fn name(&self) -> &str {
        match self {
            Self::ModuleRequest { name, .. } | Self::ModuleLoad { name } | Self::ModuleFree { name } => name,
        }
    }
}

/// Whether this command line has the kernel trace this event of modules from its start, by the clock that recordings have.
pub fn is_traced(command_line: &str, event: &str) -> bool {
    // What is behind -- is for the first process. Of a word that comes twice the last one counts.
    let words = || command_line.split_ascii_whitespace().take_while(|word| *word != "--");
    let value = |name: &str| words().filter_map(|word| word.strip_prefix(name)).last();
    // `ftrace_set_clr_event` (kernel/trace/trace_events.c).
    let is_it = |item: &str| match item.split_once(':') {
        None => [GROUP, event].contains(&item),
        Some((group, name)) => ["", "*", GROUP].contains(&group) && ["", "*", event].contains(&name),
    };
    value("trace_clock=") == Some("mono") && value("trace_event=").is_some_and(|items| items.split(',').any(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_traced_where_the_command_line_says_so() {
        for (line, requests, loads) in [
            (WORDS, true, true),
            ("ro trace_event=module:* trace_clock=mono quiet", true, true),
            ("trace_clock=mono trace_event=sched:*,module:module_load", false, true),
            ("trace_event=*:module_request trace_clock=mono", true, false),
            ("trace_event=module trace_clock=mono", true, true),
            ("trace_event=module trace_clock=mono trace_clock=global", false, false),
            ("trace_event=module:*", false, false),
            ("trace_event=sched:* trace_clock=mono", false, false),
            ("quiet -- trace_event=module:* trace_clock=mono", false, false),
        ] {
            assert_eq!(is_traced(line, "module_request"), requests, "{line}");
            assert_eq!(is_traced(line, "module_load"), loads, "{line}");
        }
    }
}
