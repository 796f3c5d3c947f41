//! What systemd is asked and told: units, and the times of a boot.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use kmodtrace_core::model::Ktime;
use kmodtrace_core::recording::{BootMark, Milestone};

use super::step::Step;

const UNITS: &str = "/etc/systemd/system";

/// The units, and what starts them.
///
/// The first has one name in the initramfs and in the real root: the real root's systemd takes over what runs, and stops a unit that it
/// has no file for.
pub(super) fn units(keep: u32, once: bool) -> Vec<Step> {
    let once = if once { " --once" } else { "" };
    let keeper = format!(
        "# Keeps the recording of the boot once that is over. Installed by kmodtrace boot enable.\n\
         [Unit]\n\
         Description=Keep what was traced of this boot\n\
         ConditionKernelCommandLine=!kmodtrace=off\n\
         RequiresMountsFor=/var/lib/kmodtrace\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart=/usr/bin/kmodtrace boot keep --keep {keep}{once}\n\
         Nice=10\n"
    );
    let tracer = include_str!("hooks/kmodtrace-boot.service").to_owned();
    let file = |name: &str, text| Step::File(PathBuf::from(format!("{UNITS}/{name}")), text, false);
    let wanted = |by: &str, name: &str| {
        let path = format!("{UNITS}/{by}.wants/{name}");
        Step::Link(PathBuf::from(path), format!("../{name}"))
    };
    vec![
        file("kmodtrace-boot.service", tracer),
        wanted("sysinit.target", "kmodtrace-boot.service"),
        file("kmodtrace-boot-keep.service", keeper),
        wanted("multi-user.target", "kmodtrace-boot-keep.service"),
    ]
}

/// The times that systemd knows of.
const TIMES: &[(&str, Milestone)] = &[
    ("InitRDTimestampMonotonic", Milestone::Initramfs),
    ("UserspaceTimestampMonotonic", Milestone::Userspace),
    ("FinishTimestampMonotonic", Milestone::Finished),
];

/// Whether systemd still works on reaching its default target; false where there is no systemd to ask.
pub(super) fn is_starting() -> bool {
    let milestones = milestones();
    let passed = |milestone| milestones.iter().any(|mark| mark.milestone == milestone);
    passed(Milestone::Userspace) && !passed(Milestone::Finished)
}

/// When this boot passed what. Empty where there is no systemd to ask.
pub(super) fn milestones() -> Vec<BootMark> {
    let names: Vec<&str> = TIMES.iter().map(|(name, _)| *name).collect();
    parse(&asked(&["show", "--property", &names.join(",")]))
}

/// What systemctl answers; empty where it is not there, or has nobody to ask.
pub(super) fn asked(arguments: &[&str]) -> String {
    let asked = Command::new("systemctl")
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    asked.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

/// A time as systemd gives it, microseconds of `CLOCK_MONOTONIC`; none for 0, which is what has not been.
pub(super) fn nanos(micros: &str) -> Option<Ktime> {
    let micros: u64 = micros.parse().ok().filter(|micros| *micros > 0)?;
    micros.checked_mul(1_000).map(Ktime)
}

fn parse(properties: &str) -> Vec<BootMark> {
    let mark = |line: &str| {
        let (name, micros) = line.split_once('=')?;
        let (_, milestone) = TIMES.iter().find(|(known, _)| *known == name)?;
        Some(BootMark {
            milestone: *milestone,
            time_ns: nanos(micros)?,
        })
    };
    properties.lines().filter_map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_have_not_been_are_none() {
        let told = parse(
            "UserspaceTimestampMonotonic=41500000\nFinishTimestampMonotonic=0\nInitRDTimestampMonotonic=\nOther=7\n",
        );
        assert_eq!(
            told,
            [BootMark {
                milestone: Milestone::Userspace,
                time_ns: Ktime(41_500_000_000)
            }]
        );
    }
}
