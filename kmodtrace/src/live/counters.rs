//! What was lost: records dropped and attempts clipped, which the BPF side counts, and probe hits that the kernel skipped.

use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use anyhow::{Context as _, Result};
use aya::Ebpf;
use aya::maps::MapData;
use kmodtrace_common::counter;
use kmodtrace_core::records::event;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use tracing::info;

use super::multi::missed_by;
use super::tracefs;

/// Reads the counters of attached programs.
pub(crate) struct Counters {
    counted: Counted,
    misses: Misses,
    missed: u64,
}

impl Counters {
    /// Reads those of this map, and what these have missed.
    pub(crate) fn new(map: &MapData, misses: Misses) -> Result<Self> {
        Ok(Self {
            counted: Counted::new(map)?,
            misses,
            missed: 0,
        })
    }

    /// From now on these are all that can miss something.
    pub(crate) fn watch(&mut self, misses: Misses) {
        self.misses = misses;
    }

    /// The counters now. Skipped probe hits cost a file read for each program, so they are those of the last
    /// [`Self::read_missed`].
    pub(crate) fn read(&self) -> event::Counters {
        event::Counters {
            dropped: self.counted.get(counter::DROPPED),
            missed: self.missed,
            clipped: self.counted.get(counter::CLIPPED),
        }
    }

    /// Sums up what the kernel says that it skipped.
    pub(crate) fn read_missed(&mut self) {
        self.missed = self.misses.read();
    }
}

/// The memory of the map of counters. Each system call on a map makes the kernel skip all programs on kprobes of that CPU until
/// it is over, and a task may be preempted in it (`bpf_disable_instrumentation`, include/linux/bpf.h): so while tracing there are none.
struct Counted(*const u64);

/// At least what the kernel maps for a few numbers.
const PAGE: usize = 4096;

impl Counted {
    fn new(map: &MapData) -> Result<Self> {
        let file = map.fd().as_fd();
        // SAFETY: a new mapping, read only, at a place of the kernel's choice. It keeps the map.
        let memory = unsafe { mmap(std::ptr::null_mut(), PAGE, ProtFlags::READ, MapFlags::SHARED, file, 0) };
        let memory = memory.context("cannot map the BPF side's counters")?;
        Ok(Self(memory.cast()))
    }

    fn get(&self, index: u32) -> u64 {
        debug_assert!(index < counter::COUNT, "a counter that there is");
        // SAFETY: aligned, and within the page that is mapped until this is dropped; the kernel adds to it meanwhile.
        unsafe { self.0.add(index as usize).read_volatile() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and nobody has the address but this. A failure leaves a page behind.
        let _ = unsafe { munmap(self.0.cast_mut().cast(), PAGE) };
    }
}

/// Who knows what the kernel skipped.
pub(crate) struct Misses {
    /// Programs that aya loaded, by their files.
    programs: Vec<(String, i32)>,
    /// Links of kprobe.multi.
    links: Vec<OwnedFd>,
    /// Events of tracefs.
    events: Vec<tracefs::Misses>,
}

impl Misses {
    /// The programs that are loaded now, and these.
    pub(crate) fn new(ebpf: &Ebpf, links: Vec<OwnedFd>, events: Vec<tracefs::Misses>) -> Self {
        let loaded = ebpf
            .programs()
            .filter_map(|(name, program)| Some((name.to_owned(), program.fd().ok()?.as_fd().as_raw_fd())));
        Self {
            programs: loaded.collect(),
            links,
            events,
        }
    }

    fn read(&self) -> u64 {
        let programs: u64 = self.programs.iter().map(|(name, fd)| skipped(name, *fd)).sum();
        let links = missed_by(&self.links);
        let events: u64 = self.events.iter().map(tracefs::Misses::read).sum();
        if links + events > 0 {
            info!("the kernel skipped {links} runs of kprobe.multi, {events} of kprobe events");
        }
        programs + links + events
    }
}

/// `recursion_misses` of a program (`bpf_prog_show_fdinfo`, kernel/bpf/syscall.c, since 5.12); 0 where it cannot be read.
fn skipped(name: &str, fd: i32) -> u64 {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("recursion_misses:"));
    let missed = line.and_then(|number| number.trim().parse().ok()).unwrap_or(0);
    if missed > 0 {
        info!("{name}: the kernel skipped {missed} runs");
    }
    missed
}
