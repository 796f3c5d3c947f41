//! What the BPF side counted: records dropped, attempts clipped, probe hits that the kernel skipped.

use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _};

use anyhow::{Context as _, Result};
use aya::Ebpf;
use aya::maps::{MapData, PerCpuArray};
use kmodtrace_common::counter;
use kmodtrace_core::event;
use tracing::info;

use super::tracefs::Misses;

/// The programs that are loaded, by their files.
fn programs(ebpf: &Ebpf) -> Vec<(String, i32)> {
    let programs = ebpf.programs();
    programs
        .filter_map(|(name, program)| Some((name.to_owned(), program.fd().ok()?.as_fd().as_raw_fd())))
        .collect()
}

/// Reads the counters of attached programs.
pub(crate) struct Counters {
    map: PerCpuArray<MapData, u64>,
    programs: Vec<(String, i32)>,
    events: Option<Misses>,
    missed: u64,
}

impl Counters {
    /// Takes the map out of the object and remembers which programs are loaded.
    pub(crate) fn new(ebpf: &mut Ebpf) -> Result<Self> {
        let map = ebpf
            .take_map("COUNTERS")
            .context("the BPF object has no map COUNTERS")?;
        Ok(Self {
            programs: programs(ebpf),
            events: None,
            map: map.try_into()?,
            missed: 0,
        })
    }

    /// Counts programs that were loaded since, and what the events that they are on have missed.
    pub(crate) fn add(&mut self, ebpf: &Ebpf, events: Misses) {
        self.programs = programs(ebpf);
        self.events = Some(events);
    }

    /// The counters now. Skipped probe hits cost a file read for each program, so they are those of the last
    /// [`Self::read_missed`].
    pub(crate) fn read(&self) -> Result<event::Counters> {
        Ok(event::Counters {
            dropped: self.sum(counter::DROPPED)?,
            missed: self.missed,
            clipped: self.sum(counter::CLIPPED)?,
        })
    }

    /// Sums up `recursion_misses` of every program (`bpf_prog_show_fdinfo`, kernel/bpf/syscall.c, since 5.12).
    pub(crate) fn read_missed(&mut self) {
        let misses = self.programs.iter().filter_map(|(name, fd)| {
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()?;
            let missed = info
                .lines()
                .find_map(|line| line.strip_prefix("recursion_misses:")?.trim().parse::<u64>().ok())?;
            if missed > 0 {
                info!("runs that the kernel passed over: {name} {missed}");
            }
            Some(missed)
        });
        let events = self.events.as_ref().map_or(0, Misses::read);
        if events > 0 {
            info!("entries and returns of functions that the kernel passed over: {events}");
        }
        self.missed = misses.sum::<u64>() + events;
    }

    fn sum(&self, index: u32) -> Result<u64> {
        let values = self.map.get(&index, 0).context("cannot read the BPF side's counters")?;
        Ok(values.iter().sum())
    }
}
