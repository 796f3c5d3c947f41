//! Reading the text of the file `trace` of tracefs.

use std::io::{self, BufRead};

use super::entry::Entry;
use super::{Ring, RingEvent};
use crate::model::Ktime;

/// Events that are kept: 24 requests and 13 loads are many.
const KEPT: usize = 1_024;
/// Bytes of a line, and of an entry of several.
const LONG: usize = 4_096;

impl Ring {
    /// What the text of the file `trace` tells of modules before this time. Entries are in the order of time there, so what is behind is
    /// not read.
    pub fn read(mut text: impl BufRead, until: Ktime) -> io::Result<Self> {
        let mut ring = Self {
            lost: Some(0),
            ..Self::default()
        };
        // An entry that goes on in the next line.
        let mut begun: Vec<u8> = Vec::new();
        loop {
            let mut line = Vec::new();
            if text.read_until(b'\n', &mut line)? == 0 {
                ring.unread += u64::from(!begun.is_empty());
                return Ok(ring);
            }
            line.pop_if(|last| *last == b'\n');
            line.truncate(LONG);
            if Entry::read(&line).is_some() || begun.len() > LONG {
                ring.unread += u64::from(!begun.is_empty());
                begun.clear();
            } else if begun.is_empty() && ring.tells_of_loss(&line) {
                continue;
            }
            if !begun.is_empty() {
                begun.push(b'\n');
            }
            begun.append(&mut line);
            let Some(entry) = Entry::read(&begun) else {
                // A name of a task may hold line breaks, within its columns.
                continue;
            };
            if entry.time >= until {
                return Ok(ring);
            }
            if !entry.goes_on() {
                ring.events(entry.event());
                begun.clear();
            }
        }
    }

    fn events(&mut self, event: Option<RingEvent>) {
        match event {
            Some(event) if self.events.len() < KEPT => self.events.push(event),
            event => self.left_out += u64::from(event.is_some()),
        }
    }

    /// Whether this is a line that is no entry: `# entries-in-buffer/entries-written: 140080/250280   #P:4` and others of the head, or
    /// `CPU:2 [LOST 11745 EVENTS]`, with no number where the kernel does not know it.
    fn tells_of_loss(&mut self, line: &[u8]) -> bool {
        let line = String::from_utf8_lossy(line);
        let lost = if line.starts_with('#') {
            let Some(counts) = line.strip_prefix("# entries-in-buffer/entries-written: ") else {
                return true;
            };
            let counts = counts
                .split_whitespace()
                .next()
                .and_then(|counts| counts.split_once('/'));
            let number = |text: &str| text.parse::<u64>().ok();
            counts.and_then(|(left, written)| number(written)?.checked_sub(number(left)?))
        } else if let Some((_, lost)) = line.strip_prefix("CPU:").and_then(|line| line.split_once(" [LOST ")) {
            lost.split(' ').next().and_then(|lost| lost.parse::<u64>().ok())
        } else {
            return line.is_empty();
        };
        self.lost = self.lost.zip(lost).and_then(|(before, lost)| before.checked_add(lost));
        true
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::super::RingEventKind;
    use super::*;

    const HEAD: &str = "# tracer: nop\n#\n# entries-in-buffer/entries-written: 6/6   #P:4\n#\n";

    /// As `trace_print_context` prints it.
    fn line(comm: &str, tid: u32, time: &str, text: &str) -> String {
        format!("{comm:>16}-{tid:<7} [001] ..... {time:>12}: {text}\n")
    }

    fn lines() -> String {
        let sandwich = "module_request: crypto-cbc(aes) all wait=1 call_site=crypto_larval_lookup";
        let codec = "module_request: hdaudio:v1\n wait=0 call_site=x [snd]";
        [
            line("swapper/0", 1, "5.371004", sandwich),
            line("kworker/u16:1", 42, "5.500000", codec),
            line("a\nb", 7, "5.600000", "module_load: failover "),
            line("<...>", 8, "5.700000", "sys_finit_module -> 0x0"),
            line("<...>", 8, "6.000000", "module_free: failover"),
            line("<...>", 8, "7.000000", "module_load: late "),
        ]
        .concat()
    }

    /// What is before 7 s.
    fn read(text: &str) -> Ring {
        Ring::read(text.as_bytes(), Ktime(7_000_000_000)).unwrap()
    }

    fn names(ring: &Ring) -> Vec<&str> {
        ring.events.iter().map(|event| event.what.name()).collect()
    }

    #[test]
    fn events_before_a_time_are_read() {
        let ring = read(&[HEAD, &lines()].concat());
        assert_eq!(
            names(&ring),
            ["crypto-cbc(aes) all", "hdaudio:v1\n", "failover", "failover"]
        );
        assert_eq!((ring.lost, ring.left_out, ring.unread), (Some(0), 0, 0));
        let comms: Vec<_> = ring.events.iter().map(|event| event.comm.as_deref()).collect();
        assert_eq!(comms, [Some("swapper/0"), Some("kworker/u16:1"), Some("a\nb"), None]);
        let (name, call_site) = ("hdaudio:v1\n".to_owned(), "x [snd]".to_owned());
        let wait = false;
        assert_eq!(
            ring.events[1].what,
            RingEventKind::ModuleRequest { name, wait, call_site }
        );
    }

    #[test]
    fn what_was_overwritten_is_told() {
        assert_eq!(read(&HEAD.replace("6/6", "6/100")).lost, Some(94));
        assert_eq!(read(&[HEAD, "CPU:2 [LOST 11745 EVENTS]\n"].concat()).lost, Some(11_745));
        let unknown = read(&[HEAD, "CPU:2 [LOST EVENTS]\nCPU:1 [LOST 2 EVENTS]\n", &lines()].concat());
        assert_eq!((unknown.lost, unknown.events.len()), (None, 4));
        assert_eq!(read("# entries-in-buffer/entries-written: many\n").lost, None);
    }

    #[test]
    fn a_requested_name_passes_for_no_entry() {
        let shortest = "fs-\n               a-1       [000] 0.000000: module_load: x";
        assert!(shortest.len() > 55, "a name may be that long");
        for forged in [
            "fs-\n a-1 [000] 5.400000: module_load: evil",
            "fs-\nCPU:1 [LOST 9 EVENTS]",
        ] {
            let text = format!("module_request: {forged} wait=1 call_site=get_fs_type");
            let ring = read(&[HEAD, &line("mount", 9, "5.400000", &text), &lines()].concat());
            assert_eq!((names(&ring)[0], ring.events.len()), (forged, 5));
            assert_eq!((ring.lost, ring.unread), (Some(0), 0));
        }
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_what_is_too_much_is_left_out() {
        let cut = line("mount", 9, "5.300000", "module_request: x");
        let ring = read(&[cut, lines()].concat());
        assert_eq!((ring.events.len(), ring.unread), (4, 1));
        let freed = line("<...>", 8, "6.000000", "module_free: failover");
        let ring = read(&freed.repeat(KEPT + 5));
        assert_eq!((ring.events.len(), ring.left_out), (KEPT, 5));
        let ring = read(&["=> something\n".repeat(1_000), freed].concat());
        assert!(ring.events.len() == 1 && ring.unread > 0);
    }
}
