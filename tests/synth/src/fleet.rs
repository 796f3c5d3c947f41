//! Machines of a fleet that never was: each boots, loads the same modules, and says who it is.
//!
//! On one kernel one module is slow, on the machines with one kind of management controller. Whoever looks into the fleet is to find that.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use kmodtrace_core::model::{Clock, Ktime};
use kmodtrace_core::recording::{Boot, BootMark, Header, Kernel, Milestone, Writer};
use kmodtrace_core::records::decode::{TickBytes, split};

use super::task::{Module, Task};
use super::{CPUS, MICROSECOND, SECOND, Storm};

/// System calls of each boot.
pub const CALLS: u64 = MODULES.len() as u64 * ROUND;
/// Calls for each module.
const ROUND: u64 = 5;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
/// When the tracer is attached.
const ATTACHED: u64 = 300 * MILLISECOND;
/// 2026-11-28 00:00 UTC, and the days on which the fleet boots.
const FIRST_DAY: u64 = 1_795_824_000 * SECOND;
const DAYS: u64 = 3;
const DAY: u64 = 86_400 * SECOND;
/// Machines of a rack.
const RACK: u64 = 40;

/// From the oldest to the newest.
const KERNELS: [&str; 5] = [
    "5.10.0-36-amd64",
    "6.1.0-41-amd64",
    "6.6.63-fleet",
    "6.12.9-fleet",
    "6.12.57-fleet",
];
/// Where the slow one is slow.
const SLOW: (&str, &str, &str) = ("6.12.57-fleet", "g200eh", "mgag200");
const CONTROLLERS: [&str; 3] = ["ast2500", "g200eh", "ast2600"];

const MODULES: [&str; 60] = [
    "acpi_cpufreq",
    "aesni_intel",
    "ahci",
    "ast",
    "autofs4",
    "bnxt_en",
    "bonding",
    "bridge",
    "button",
    "cdrom",
    "coretemp",
    "crc32c_intel",
    "dm_mod",
    "drm",
    "drm_kms_helper",
    "edac_core",
    "efi_pstore",
    "evdev",
    "ext4",
    "fuse",
    "ghash_clmulni_intel",
    "hid",
    "hid_generic",
    "i2c_algo_bit",
    "i2c_i801",
    "i40e",
    "igb",
    "intel_rapl_msr",
    "ipmi_devintf",
    "ipmi_msghandler",
    "ipmi_si",
    "isst_if_common",
    "ixgbe",
    "jbd2",
    "kvm",
    "kvm_intel",
    "libahci",
    "libata",
    "loop",
    "mbcache",
    "mei",
    "mei_me",
    "mgag200",
    "mlx5_core",
    "nf_tables",
    "nvme",
    "nvme_core",
    "overlay",
    "raid1",
    "scsi_mod",
    "sd_mod",
    "sg",
    "skx_edac",
    "t10_pi",
    "usbcore",
    "usbhid",
    "vfio",
    "xfs",
    "xhci_hcd",
    "xhci_pci",
];

/// A boot of a machine.
#[derive(Debug)]
pub struct Machine {
    /// What the recording says of itself.
    pub header: Header,
    /// The records, as draining the ring gives them.
    pub records: Vec<Vec<u8>>,
    /// The end.
    pub trailer: TickBytes,
}

impl Machine {
    /// The machine of this number; the same every time.
    pub fn new(number: u64) -> Self {
        let mut storm = Storm::new(0);
        // Mixed, as generators that begin with close numbers go alike at first.
        storm.random = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut draw = |below| storm.random(below);
        let release = KERNELS[index(draw(KERNELS.len() as u64))];
        let controller = CONTROLLERS[index(draw(CONTROLLERS.len() as u64))];
        let ids = [(); 4].map(|()| draw(u64::MAX));
        let realtime_ns = FIRST_DAY + draw(DAYS) * DAY + draw(DAY);
        let is_slow = |module| (release, controller, module) == SLOW;

        let mut records = Vec::new();
        let mut userspace = 0;
        for (nth, name) in MODULES.into_iter().enumerate() {
            if nth == MODULES.len() / 4 {
                userspace = storm.now;
            }
            let init = if is_slow(name) {
                11 * SECOND + storm.random(9 * SECOND)
            } else {
                5 * MILLISECOND + storm.random(120 * MILLISECOND)
            };
            let tasks = round(&mut storm, &Module::named(name, nth as u64), init);
            records.push(storm.drained(tasks));
            storm.now += storm.random(20 * MILLISECOND);
        }
        let finished = storm.now + 200 * MILLISECOND;
        storm.now = finished + 2 * SECOND;
        let marks = [
            (Milestone::Attached, ATTACHED),
            (Milestone::Userspace, userspace),
            (Milestone::Finished, finished),
            (Milestone::Ended, storm.now),
        ];
        let kernel = Kernel {
            release: release.to_owned(),
            version: "#1 SMP PREEMPT_DYNAMIC".to_owned(),
            arch: "x86_64".to_owned(),
        };
        let clock = Clock {
            monotonic_ns: Ktime(ATTACHED),
            realtime_ns,
        };
        let rack = format!("r{:03}", number / RACK);
        let tags = [("rack", rack.as_str()), ("bmc", controller)];
        let header = Header {
            machine_id: Some(format!("{:016x}{:016x}", ids[0], ids[1])),
            host: Some(format!("node-{number:06}")),
            tags: BTreeMap::from(tags.map(|(name, value)| (name.to_owned(), value.to_owned()))),
            boot: Some(Boot {
                id: format!("{:08x}-{:012x}", ids[2] >> 32, ids[3] >> 16),
                command_line: "ro quiet".to_owned(),
                marks: marks
                    .map(|(milestone, time)| BootMark {
                        milestone,
                        time_ns: Ktime(time),
                    })
                    .to_vec(),
                ..Boot::default()
            }),
            ..Header::new("0.1.0", kernel, clock, CPUS, serde_json::json!({}))
        };
        Self {
            header,
            records,
            trailer: storm.trailer(),
        }
    }
}

impl Machine {
    /// Writes its recording to this folder, `HOST.kmt`.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let host = self.header.host.as_deref().unwrap_or_default();
        let file = File::create(folder.join(host).with_extension("kmt"))?;
        let mut writer = Writer::new(file, &self.header)?;
        for record in self.records.iter().flat_map(|records| split(records)) {
            writer.push(record.map_err(io::Error::other)?)?;
        }
        writer.finish(&self.trailer).map(drop)
    }
}

/// What is below the length of an array.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

/// All calls for a module: one task leads, and the others meet it, each time in another way.
fn round(storm: &mut Storm, module: &Module, init: u64) -> Vec<Task> {
    let start = storm.now + 200 * MICROSECOND;
    let tid = 1_000 + u32::try_from(module.number * ROUND).unwrap_or_default();
    let mut task = |nth: u32| {
        // Late enough to find the leader COMING, early enough to wait for its init function.
        let after = if nth == 0 { 0 } else { 250 + u64::from(nth) * 3 };
        Task::new(
            tid + nth,
            module.clone(),
            start + after * MICROSECOND + storm.random(2 * MICROSECOND),
        )
    };
    let [mut leader, mut second, mut third, mut fourth, mut last] = [0, 1, 2, 3, 4].map(&mut task);
    let mut others = [&mut second, &mut third, &mut fourth];
    let mut asking = Vec::new();
    match module.number % 5 {
        0 => {
            let mut mount = Task::new(tid + 500, module.clone(), storm.now);
            let mut kworker = Task::new(super::KWORKER, module.clone(), storm.now);
            leader.helps(kworker.takes_up(mount.asks()));
            let done = leader.fails(init);
            mount.is_answered(leader.ends());
            for other in &mut others {
                other.waits_for_name(done + 5 * MICROSECOND, false);
            }
            last.waits_for_name(done + 9 * MICROSECOND, false);
            asking.extend([mount, kworker]);
        }
        kind => {
            let done = leader.loads(init, kind == 3);
            let woken = done + 5 * MICROSECOND;
            for other in &mut others {
                match kind {
                    1 => other.waits_for_name(woken, true),
                    3 => other.waits_for_inode(woken),
                    _ => other.finds_it_live(woken),
                }
            }
            let unload = done + MILLISECOND;
            if kind == 4 {
                third = Task::new(tid + 2, module.clone(), start);
                third.finds_it_going(unload);
                last.unloads(unload);
            } else {
                last.finds_it_live(unload);
            }
        }
    }
    asking.extend([leader, second, third, fourth, last]);
    asking
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;
    use kmodtrace_core::model::{Attempt, Collision, Finished, Nanos};
    use kmodtrace_core::pipeline::Pipeline;

    fn attempt(finished: &Finished) -> Option<&Attempt> {
        match finished {
            Finished::Attempt(attempt) => Some(attempt),
            _ => None,
        }
    }

    #[test]
    fn a_machine_makes_all_its_calls_and_one_of_them_is_slow_where_it_is_to_be() {
        let mut slow = 0;
        for number in 0..40 {
            let machine = Machine::new(number);
            let mut pipeline = Pipeline::default();
            for record in machine.records.iter().flat_map(|bytes| split(bytes)) {
                pipeline.push(record.unwrap()).unwrap();
            }
            let (finished, loss) = pipeline.finish();
            assert_eq!(loss.lost(), 0);
            let attempts: Vec<_> = finished.iter().filter_map(attempt).collect();
            assert_eq!(attempts.len() as u64, CALLS);
            assert!(attempts.iter().all(|attempt| attempt.notes.is_empty()));
            let met = |collision| attempts.iter().any(|attempt| attempt.collided_with == Some(collision));
            assert!(
                met(Collision::Going) && met(Collision::Coming) && met(Collision::Live) && met(Collision::InFlight)
            );
            let long = attempts
                .iter()
                .filter(|attempt| attempt.duration() > Some(Nanos(10 * SECOND)));
            let long: Vec<_> = long.map(|attempt| attempt.module.as_deref().unwrap()).collect();
            let (release, controller, module) = SLOW;
            let is_slow = machine.header.kernel.release == release && machine.header.tags["bmc"] == controller;
            assert_eq!(!long.is_empty(), is_slow, "{number}");
            assert!(long.iter().all(|name| *name == module), "{long:?}");
            slow += u64::from(is_slow);
        }
        assert!((1..10).contains(&slow), "{slow} of 40 are slow");
    }
}
