//! kprobe events of tracefs: unlike a probe of its own, an event may name a function of a module that is not there yet. The
//! kernel arms it when the module comes, before its init function runs (`trace_kprobe_module_callback`,
//! `kernel/trace/trace_kprobe.c`).
//!
//! Events outlive the process that made them. So they are in a group that names it, and the next process removes those of
//! groups whose owner is gone.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use kmodtrace_core::plan::RETURNS;

use super::facts::TRACEFS;
use super::perf;
use crate::failure::{CANNOT_TRACE, failure};

/// The file of tracefs in which events are made and removed.
pub(super) const KPROBE_EVENTS: &str = "kprobe_events";

/// How groups of ours begin.
const GROUP: &str = "kmodtrace_";

/// How long events are waited for that somebody still holds: the kernel lets go of closed ones in its own time, and a process
/// that was killed while it started a command lives on in that until the command runs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which edge of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// Its entry.
    Enter,
    /// Its return.
    Exit,
}

/// Who made events, and lets go of them by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// What looks inside modules.
    Drill,
    /// The plan.
    Plan,
}

impl Owner {
    /// Ends the names of groups and events.
    const fn letter(self) -> &'static str {
        match self {
            Self::Drill => "",
            Self::Plan => "p",
        }
    }
}

/// The probes of a plan that are on events; dropping it detaches, and then removes the events.
pub(crate) struct ProbeEvents {
    /// Before the events, which nobody may hold any more when they are removed.
    attached: Vec<OwnedFd>,
    events: Events,
}

impl ProbeEvents {
    /// The one that is there, or a new one.
    pub(crate) fn get_or_make(place: &mut Option<Self>) -> Result<&mut Self, String> {
        match place {
            Some(probes) => Ok(probes),
            none => Ok(none.insert(Self {
                attached: Vec::new(),
                events: Events::new(Owner::Plan).map_err(|error| format!("{error:#}"))?,
            })),
        }
    }

    /// Runs the program at an edge of a function of the kernel. The pool of a return event is as large as tracefs lets it be: the
    /// kernel's own default is twice the number of processors, too few for functions that sleep.
    pub(crate) fn attach(&mut self, function: &str, edge: Edge, program: BorrowedFd<'_>) -> Result<(), String> {
        let event = self.events.add(function, edge, RETURNS).and_then(perf::open);
        let event = event.map_err(|error| error.to_string())?;
        perf::run(event.as_fd(), program).map_err(|error| error.to_string())?;
        self.attached.push(event);
        Ok(())
    }

    /// What tells how much they have missed.
    pub(crate) fn misses(&self) -> Misses {
        self.events.misses()
    }
}

/// The events of this process. Dropping it removes them; whoever is attached to one must let go of it first.
#[derive(Debug)]
pub(crate) struct Events {
    root: PathBuf,
    group: String,
    /// Ends the name of each: the kernel tells how often it missed them by their names alone.
    suffix: String,
    names: Vec<String>,
}

/// How much events have missed: entries while another probe ran, returns of more tasks at a time than are awaited. A module that
/// comes again begins from 0.
#[derive(Clone, Debug)]
pub(crate) struct Misses {
    profile: PathBuf,
    suffix: String,
}

impl Misses {
    /// The sum now; 0 where it cannot be read.
    pub(crate) fn read(&self) -> u64 {
        let text = fs::read_to_string(&self.profile).unwrap_or_default();
        text.lines().filter_map(|line| missed(line, &self.suffix)).sum()
    }
}

/// The last column of `NAME HITS MISSES` (`probes_profile_seq_show`, `kernel/trace/trace_kprobe.c`), for names that end so.
fn missed(line: &str, suffix: &str) -> Option<u64> {
    let mut words = line.split_whitespace();
    words.next().filter(|name| name.ends_with(suffix))?;
    words.nth(1)?.parse().ok()
}

impl Events {
    /// Finds tracefs, and removes what processes that are gone have left.
    pub(crate) fn new(owner: Owner) -> Result<Self> {
        let root = TRACEFS
            .iter()
            .map(Path::new)
            .find(|root| root.join(KPROBE_EVENTS).exists());
        let Some(root) = root else {
            let text = "no kprobe events: this kernel has none (CONFIG_KPROBE_EVENTS), or tracefs is not mounted (mount -t tracefs \
                        tracefs /sys/kernel/tracing)";
            return Err(failure(CANNOT_TRACE, text));
        };
        remove_stale(root).with_context(|| format!("cannot remove old events from {}", root.display()))?;
        let pid = std::process::id();
        let letter = owner.letter();
        let group = format!("{GROUP}{pid}_{}{letter}", started(pid).unwrap_or_default());
        if root.join("events").join(&group).exists() {
            let text = format!(
                "the events {group} in {} are somebody else's: remove them",
                root.display()
            );
            return Err(failure(CANNOT_TRACE, text));
        }
        Ok(Self {
            root: root.to_owned(),
            group,
            suffix: format!("_{pid}{letter}"),
            names: Vec::new(),
        })
    }

    /// What tells how much these events have missed.
    pub(crate) fn misses(&self) -> Misses {
        Misses {
            profile: self.root.join("kprobe_profile"),
            suffix: self.suffix.clone(),
        }
    }

    /// Makes an event and gives its number, under which a performance event is opened.
    ///
    /// A function of a module is `module:function`, and that may not be there yet. `returns` is how many returns can be awaited at a
    /// time.
    pub(crate) fn add(&mut self, function: &str, edge: Edge, returns: u32) -> io::Result<u64> {
        let (number, suffix) = (self.names.len(), &self.suffix);
        let (kind, name) = match edge {
            Edge::Enter => ("p".to_owned(), format!("e{number}{suffix}")),
            Edge::Exit => (format!("r{returns}"), format!("r{number}{suffix}")),
        };
        let group = &self.group;
        self.say(&format!("{kind}:{group}/{name} {function}"))?;
        let id = self.root.join("events").join(group).join(&name).join("id");
        self.names.push(name);
        let id = fs::read_to_string(id)?;
        id.trim()
            .parse()
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
    }

    /// One command a write: of several in one the kernel does not say which it did not take.
    fn say(&self, command: &str) -> io::Result<()> {
        say(&self.root, command)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let events: Vec<String> = self.names.iter().map(|name| format!("{}/{name}", self.group)).collect();
        // What is left the next process removes.
        let _ = remove(&self.root, events.iter().map(String::as_str));
    }
}

/// Whether a tracepoint has these fields where programs read them: `field:TYPE NAME; offset:8; size:4; signed:0;` in its format.
pub(super) fn has_fields(group: &str, name: &str, fields: &[(&str, u32)]) -> Result<(), String> {
    let place = |root: &&str| Path::new(root).join("events").join(group).join(name).join("format");
    let text = TRACEFS.iter().find_map(|root| fs::read_to_string(place(root)).ok());
    let text = text.unwrap_or_default();
    let lacking = fields.iter().find(|(field, offset)| !has_field(&text, field, *offset));
    lacking.map_or(Ok(()), |(field, offset)| {
        Err(format!("its format does not have {field} at byte {offset}"))
    })
}

fn has_field(format: &str, field: &str, offset: u32) -> bool {
    let offset = format!("offset:{offset}");
    format.lines().any(|line| {
        let mut parts = line.trim().split(';').map(str::trim);
        let declared = parts
            .next()
            .and_then(|declared| declared.split_whitespace().next_back());
        declared.is_some_and(|declared| declared == field) && parts.next() == Some(&offset)
    })
}

fn say(root: &Path, command: &str) -> io::Result<()> {
    let mut file = File::options().append(true).open(root.join(KPROBE_EVENTS))?;
    file.write_all(format!("{command}\n").as_bytes())
}

/// Removes the groups whose owner is not there any more: neither its number, nor the time at which it began.
fn remove_stale(root: &Path) -> io::Result<()> {
    let text = fs::read_to_string(root.join(KPROBE_EVENTS))?;
    let events: BTreeSet<&str> = text.lines().filter_map(event).collect();
    remove(root, events.into_iter().filter(|event| is_stale(event)))
}

/// Whether the name of an event says that it was made by a process like us which is not there any more.
fn is_stale(event: &str) -> bool {
    let owner = event
        .strip_prefix(GROUP)
        .and_then(|rest| rest.split_once('/')?.0.split_once('_'));
    owner
        .and_then(|(pid, began)| Some((pid.parse::<u32>().ok()?, began)))
        .is_some_and(|(pid, began)| started(pid).as_deref() != Some(began.trim_end_matches(char::is_alphabetic)))
}

/// Removes events by their `GROUP/NAME`, those that somebody holds as soon as they are let go of, and all others first. One
/// that is not there any more needs no removing.
fn remove<'e>(root: &Path, events: impl Iterator<Item = &'e str>) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut held: Vec<&str> = events.collect();
    loop {
        let mut refused = None;
        held.retain(|event| match say(root, &format!("-:{event}")) {
            Ok(()) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => {
                refused = Some(error);
                true
            }
        });
        match refused {
            None => return Ok(()),
            Some(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < until => {
                sleep(Duration::from_millis(20));
            }
            Some(error) => return Err(error),
        }
    }
}

/// `GROUP/NAME` of a line such as `p:GROUP/NAME module:function`.
fn event(line: &str) -> Option<&str> {
    line.split_whitespace().next()?.split_once(':').map(|(_, event)| event)
}

/// When a process began, in ticks since the boot: field 22 of its stat, see proc(5). The command before may hold blanks and
/// brackets.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_by_their_group() {
        assert_eq!(event("p:kmodtrace_7_99/e0 dummy:init"), Some("kmodtrace_7_99/e0"));
        assert_eq!(event("r32:kmodtrace_7_99/r1 dummy:init"), Some("kmodtrace_7_99/r1"));
        assert_eq!(event(""), None);
    }

    #[test]
    fn misses_are_those_of_our_events() {
        let line = "  r7_4211                                               12              3";
        assert_eq!(missed(line, "_4211"), Some(3));
        assert_eq!(missed(line, "_42"), None);
        assert_eq!(missed("  r7_4211  12", "_4211"), None);
    }

    #[test]
    fn fields_are_where_the_format_says() {
        let format = "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
                      \tfield:__data_loc char[] msg;\toffset:8;\tsize:4;\tsigned:0;\n";
        assert!(has_field(format, "msg", 8));
        assert!(!has_field(format, "msg", 0));
        assert!(!has_field(format, "ms", 8));
        assert!(!has_field("", "msg", 8));
    }

    #[test]
    fn this_process_began_at_some_time() {
        let began = started(std::process::id());
        assert!(began.is_some_and(|began| began.parse::<u64>().is_ok()));
        assert_eq!(started(u32::MAX), None);
    }
}
