//! An entry of the kernel's ring, as tracefs prints it.

use super::{RingEvent, RingEventKind};
use crate::model::{Ktime, Tid};

/// Columns of a task's name, in bytes, and of its number: `trace_print_context` (`kernel/trace/trace_output.c`).
const COMM: usize = 16;
const TID: usize = 7;

/// What an entry begins with.
pub(super) struct Entry<'e> {
    pub(super) time: Ktime,
    tid: Tid,
    comm: &'e [u8],
    /// What comes behind it.
    text: &'e [u8],
}

impl<'e> Entry<'e> {
    /// Reads `   (udev-worker)-796     [003] .....    53.479510: module_load: failover `; none where it is no such thing.
    ///
    /// Columns are taken as the kernel writes them. A name of a task may hold anything, and one that is requested is of whoever mounts
    /// something; but of the 55 characters that there are for that, these columns take 41, and an event's own words the rest: no name can
    /// pass for an entry.
    pub(super) fn read(bytes: &'e [u8]) -> Option<Self> {
        let (comm, rest) = bytes.split_at_checked(COMM)?;
        let (tid, rest) = rest.strip_prefix(b"-")?.split_at_checked(TID)?;
        let mut rest = rest.strip_prefix(b" ")?;
        if rest.starts_with(b"(") {
            // The thread group, where an option asks for it.
            rest = after(rest, b") ")?.1;
        }
        let (cpu, rest) = after(rest.strip_prefix(b"[")?, b"] ")?;
        let (flags_and_time, text) = after(rest, b": ")?;
        let time = flags_and_time.rsplit(|byte| *byte == b' ').next()?;
        let (seconds, micros) = after(time, b".")?;
        let shaped = cpu.len() >= 3 && number(cpu).is_some() && micros.len() == 6;
        let seconds = number(seconds).filter(|_| shaped)?.checked_mul(1_000_000_000)?;
        Some(Self {
            time: Ktime(seconds.checked_add(number(micros)? * 1_000)?),
            tid: Tid(u32::try_from(number(tid.trim_ascii_end())?).ok()?),
            comm: comm.trim_ascii_start(),
            text,
        })
    }

    /// Whether the text goes on in the next line: a requested name may hold line breaks, as that of `snd_hdac_codec_modalias`
    /// (`sound/hda/hdac_device.c`) does.
    pub(super) fn goes_on(&self) -> bool {
        self.text.starts_with(b"module_request: ") && self.event().is_none()
    }

    /// The event of a module; none where it is of another kind.
    pub(super) fn event(&self) -> Option<RingEvent> {
        let text = String::from_utf8_lossy(self.text);
        let (event, fields) = text.split_once(": ")?;
        let name = || fields.split(' ').next().unwrap_or_default().to_owned();
        let what = match event {
            "module_load" => RingEventKind::ModuleLoad { name: name() },
            "module_free" => RingEventKind::ModuleFree { name: name() },
            "module_request" => {
                // The name may hold blanks; what follows it is no choice of who asks.
                let (name, fields) = fields.rsplit_once(" wait=")?;
                let (wait, call_site) = fields.split_once(" call_site=")?;
                RingEventKind::ModuleRequest {
                    name: name.to_owned(),
                    wait: wait != "0",
                    call_site: call_site.to_owned(),
                }
            }
            _ => return None,
        };
        Some(RingEvent {
            time_ns: self.time,
            tid: self.tid,
            comm: (self.comm != b"<...>").then(|| String::from_utf8_lossy(self.comm).into_owned()),
            what,
        })
    }
}

/// What is before the first of these, and what is after it.
fn after<'b>(bytes: &'b [u8], what: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let at = bytes.windows(what.len()).position(|window| window == what)?;
    Some((bytes.get(..at)?, bytes.get(at + what.len()..)?))
}

fn number(digits: &[u8]) -> Option<u64> {
    let digits = digits.iter().all(u8::is_ascii_digit).then_some(digits)?;
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(line: &[u8]) -> Option<RingEvent> {
        Entry::read(line)?.event()
    }

    #[test]
    fn names_of_tasks_may_hold_anything() {
        for (comm, name) in [
            (&b"   (udev-worker)"[..], Some("(udev-worker)")),
            (b" a-1 [000] 2.0: ", Some("a-1 [000] 2.0: ")),
            (b"         a\n-7 []", Some("a\n-7 []")),
            (b"             \xff\xfe-", Some("\u{fffd}\u{fffd}-")),
            (b"           <...>", None),
        ] {
            let line = [comm, b"-796     [003] .....    53.479510: module_load: fat OE"].concat();
            let event = event(&line);
            let read = event
                .as_ref()
                .map(|event| (event.tid.0, event.time_ns.0, event.comm.as_deref()));
            assert_eq!(read, Some((796, 53_479_510_000, name)));
            let what = event.map(|event| event.what);
            assert_eq!(what, Some(RingEventKind::ModuleLoad { name: "fat".to_owned() }));
        }
    }

    #[test]
    fn columns_may_be_more_or_fewer() {
        for line in [
            "            bash-1977    [000] 17284.993652: module_free: fat",
            "            bash-1977    (   1977) [000] d.h2. 17284.993652: module_free: fat",
            "            bash-1977    [1023] ....1 17284.993652: module_free: fat",
        ] {
            let event = event(line.as_bytes()).map(|event| event.time_ns.0);
            assert_eq!(event, Some(17_284_993_652_000), "{line}");
        }
    }

    #[test]
    fn what_is_no_entry_is_none() {
        for line in [
            "",
            "bash-1977 [000] 1.000000: module_free: fat",
            "            bash-x       [000] 17284.993652: module_free: fat",
            "            bash-1977    [0] 17284.993652: module_free: fat",
            "            bash-1977    [000] 17284.9936: module_free: fat",
            "            bash-1977    [000] 99999999999.993652: module_free: fat",
            "            bash-1977    [000] 17284993652: module_free: fat",
        ] {
            assert_eq!(event(line.as_bytes()), None, "{line}");
        }
    }
}
