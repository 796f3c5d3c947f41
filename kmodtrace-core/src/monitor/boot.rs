//! The parts that its marks divide a boot into.

use crate::recording::{BootMark, Milestone};

/// Which part of a boot an instant belongs to, in nanoseconds of `CLOCK_MONOTONIC`: `not observed` before the tracer was attached,
/// `initramfs`, `real root` up to the default target, or `after target`. None where the marks do not tell: a part is told by the mark that
/// ends it, or by the one that it begins with.
pub fn part_of_boot(marks: &[BootMark], instant_ns: u64) -> Option<&'static str> {
    let passed = |milestone| {
        let mark = marks.iter().find(|mark| mark.milestone == milestone);
        mark.map(|mark| mark.time_ns.0 <= instant_ns)
    };
    if passed(Milestone::Attached) == Some(false) {
        return Some("not observed");
    }
    match (
        passed(Milestone::Userspace),
        passed(Milestone::Finished),
        passed(Milestone::Ended),
    ) {
        (_, _, Some(true)) => None,
        (_, Some(true), _) => Some("after target"),
        (Some(true), ..) => Some("real root"),
        (Some(false), ..) => Some("initramfs"),
        (None, ..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Ktime;

    fn parts(marks: &[(Milestone, u64)]) -> Vec<Option<&'static str>> {
        let mark = |(milestone, time)| BootMark {
            milestone,
            time_ns: Ktime(time),
        };
        let marks: Vec<BootMark> = marks.iter().copied().map(mark).collect();
        [5, 15, 25, 35, 45]
            .into_iter()
            .map(|instant| part_of_boot(&marks, instant))
            .collect()
    }

    #[test]
    fn a_part_is_told_by_marks_and_never_guessed() {
        use Milestone::{Attached, Ended, Finished, Initramfs, Userspace};
        assert_eq!(
            parts(&[
                (Initramfs, 2),
                (Attached, 10),
                (Userspace, 20),
                (Finished, 30),
                (Ended, 40)
            ]),
            [
                Some("not observed"),
                Some("initramfs"),
                Some("real root"),
                Some("after target"),
                None
            ]
        );
        // The real root was reached, and the default target not.
        assert_eq!(
            parts(&[(Userspace, 20), (Ended, 40)]),
            [
                Some("initramfs"),
                Some("initramfs"),
                Some("real root"),
                Some("real root"),
                None
            ]
        );
        // Attached in the real root.
        assert_eq!(
            parts(&[(Userspace, 2), (Attached, 20)])[..3],
            [Some("not observed"), Some("not observed"), Some("real root")]
        );
        // A boot without systemd.
        assert_eq!(
            parts(&[(Attached, 10), (Ended, 40)]),
            [Some("not observed"), None, None, None, None]
        );
        assert_eq!(parts(&[]), [None; 5]);
    }
}
