//! What a recording's header says, in everything that is made of it: the records behind it are those of a real kernel.

use std::sync::LazyLock;

use kmodtrace_core::kernel::ring::{Ring, WORDS};
use kmodtrace_core::model::{Finished, Ktime};
use kmodtrace_core::recording::{Boot, BootMark, BootUnit, Header, Milestone};
use kmodtrace_core::report::{BootRow, Boots};

use crate::story::{self, RECORDED};
use crate::{kernel, metrics, views, written};

/// One with a load that has calls of functions, which headers tell of.
static STORY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let has_calls = |one: &Finished| matches!(one, Finished::Attempt(attempt) if !attempt.calls.is_empty());
    let mut stories = story::seeds().into_iter();
    stories
        .find(|story| story::finished(story).0.iter().any(has_calls))
        .unwrap()
});

/// The JSON of a header.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(header) = serde_json::from_slice::<Header>(bytes) else {
        return;
    };
    views::report_under(&header, &STORY);
    views::drill_under(&header, &STORY);
    views::monitor_under(&header, &STORY);
    metrics::run_under(&header, &STORY);
    let boots = Boots::new(vec![BootRow::new(&header, 1, "a.kmt".to_owned())]);
    written::text(|out| boots.write(out));
}

/// Without a boot, and of one.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut plain = RECORDED.header.clone();
    plain.functions.truncate(4);
    let first = story::records(&STORY).first().map_or(0, |record| story::time(record));
    let after = |milliseconds: u64| Ktime(first + milliseconds * 1_000_000);
    let milestones = [
        Milestone::Attached,
        Milestone::Initramfs,
        Milestone::Userspace,
        Milestone::Finished,
        Milestone::Ended,
    ];
    let marks = (0..).zip(milestones).map(|(at, milestone)| BootMark {
        milestone,
        time_ns: after(at),
    });
    let unit = |name: &str, at| BootUnit {
        name: name.to_owned(),
        activating_ns: after(at),
        active_ns: after(at + 1),
    };
    let ring = kernel::ring_seeds().pop().unwrap_or_default();
    let boot = Boot {
        id: "b".to_owned(),
        command_line: WORDS.to_owned(),
        marks: marks.collect(),
        ring: Ring::read(&*ring, after(9)).ok(),
        chain: vec![unit("systemd-udevd.service", 1), unit("multi-user.target", 2)],
    };
    let booted = Header {
        boot: Some(boot),
        host: Some("h".to_owned()),
        tags: [("rack".to_owned(), "7".to_owned())].into(),
        ..plain.clone()
    };
    [plain, booted]
        .map(|header| serde_json::to_vec(&header).unwrap())
        .to_vec()
}
