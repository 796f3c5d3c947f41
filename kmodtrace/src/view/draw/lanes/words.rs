//! What lanes mean: the signs and letters of those in sight, and the lane under the cursor in words.

use std::cmp::Reverse;

use kmodtrace_core::model::{Errno, Ktime, Stage};
use kmodtrace_core::monitor::{Lane, LaneAttempt, LaneOf, Lanes};
use kmodtrace_core::text::{printable, span_text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::scale::time;
use crate::view::pages::{comm, module_name};
use crate::view::theme::Theme;

/// What the signs and letters of these lanes mean, in as many lines as there are above the last one.
pub(super) fn legend(all: &Lanes, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let signs = theme.signs();
    let waits = [
        (Span::raw("~"), "waits".to_owned()),
        (
            Span::raw(format!("{}{}", signs.up, signs.down)),
            "for the lane up, down".to_owned(),
        ),
    ];
    let long = |stage: Stage| {
        let pieces = all
            .lanes
            .iter()
            .flat_map(|lane| &lane.attempts)
            .flat_map(|attempt| &attempt.stages);
        let own = pieces.filter(|piece| piece.stage == stage);
        total(own.map(|piece| (piece.start_ns, piece.end_ns)))
    };
    // Where there is no room for all, those that take the least time are left out.
    let mut stages: Vec<(u64, Stage)> = Stage::OF_LOADS.iter().map(|stage| (long(*stage), *stage)).collect();
    stages.retain(|(long, _)| *long > 0);
    stages.sort_by_key(|(long, _)| Reverse(*long));
    let stages = stages.into_iter().map(|(_, stage)| {
        let sign = Span::styled(stage.letter().to_string(), theme.stage(stage));
        (sign, stage.name().to_owned())
    });
    let mut lines = vec![Line::default()];
    for (sign, text) in waits.into_iter().chain(stages) {
        let text = format!(" {text}  ");
        let long = sign.width() + text.len();
        if lines
            .last()
            .is_some_and(|line| line.width() + long > usize::from(area.width) + 2)
        {
            lines.push(Line::default());
        }
        if let Some(line) = lines.last_mut() {
            line.push_span(sign);
            line.push_span(Span::styled(text, theme.dim()));
        }
    }
    lines
}

/// A lane in words, as of this instant.
pub(super) fn in_words(lane: &Lane, of: LaneOf, now: Ktime) -> String {
    match (of, lane.attempts.as_slice()) {
        (LaneOf::Attempt, [attempt]) => attempt_in_words(attempt),
        _ => task_in_words(lane, now),
    }
}

/// `task 312 (udev-worker): 3 attempts, 1 failed, 8.25s in all, waited 1.20s; for 0000:00:1f.2: libata, ahci`
fn task_in_words(lane: &Lane, now: Ktime) -> String {
    let attempts = &lane.attempts;
    let failed = attempts
        .iter()
        .filter(|one| one.errno.is_some_and(|errno| errno != Errno::OK))
        .count();
    let lasted = attempts.iter().map(|one| (one.start_ns, one.end_ns.unwrap_or(now.0)));
    let waits = attempts.iter().flat_map(|one| &one.waits);
    let waited = total(waits.map(|wait| (wait.start_ns, wait.end_ns)));
    let mut sums = vec![match attempts.len() {
        1 => "1 attempt".to_owned(),
        count => format!("{count} attempts"),
    }];
    sums.extend((failed > 0).then(|| format!("{failed} failed")));
    sums.push(format!("{} in all", span_text(total(lasted))));
    sums.extend((waited > 0).then(|| format!("waited {}", span_text(waited))));
    let loads = attempts.chunk_by(|one, next| one.device == next.device).map(|group| {
        let names: Vec<String> = group.iter().map(|one| module_name(one.module.as_deref())).collect();
        let device = group.first().and_then(device);
        let device = device.map_or_else(String::new, |device| format!("for {device}: "));
        format!("; {device}{}", names.join(", "))
    });
    format!(
        "task {} {}: {}{}",
        lane.tid,
        comm(&lane.comm),
        sums.join(", "),
        loads.collect::<String>()
    )
}

/// Nanoseconds of these spans, added up.
fn total(spans: impl Iterator<Item = (u64, u64)>) -> u64 {
    let long = spans.map(|(start, end)| end.saturating_sub(start));
    long.fold(0, u64::saturating_add)
}

/// The last part of the path of the device that it is for, by which lspci, lsusb and others call it.
fn device(attempt: &LaneAttempt) -> Option<String> {
    let path = attempt.device.as_deref()?;
    Some(printable(path.rsplit('/').next().unwrap_or_default()).into_owned())
}

fn attempt_in_words(attempt: &LaneAttempt) -> String {
    let long = attempt.end_ns.map_or_else(
        || "in flight".to_owned(),
        |end| span_text(end.saturating_sub(attempt.start_ns)),
    );
    let got = attempt.errno.map_or_else(String::new, |errno| format!(" {errno}"));
    let waits: Vec<String> = attempt
        .waits
        .iter()
        .map(|wait| {
            let on = wait.on.map_or_else(String::new, |on| format!(" for attempt {on}"));
            format!(
                "{} {}{on}",
                wait.kind.name(),
                span_text(wait.end_ns.saturating_sub(wait.start_ns))
            )
        })
        .collect();
    let waits = if waits.is_empty() {
        String::new()
    } else {
        format!("; waits: {}", waits.join(", "))
    };
    let device = device(attempt).map_or_else(String::new, |device| format!(" for {device}"));
    format!(
        "attempt {}: {}{device} at {}, {long}{got}{waits}",
        attempt.id,
        module_name(attempt.module.as_deref()),
        time(attempt.start_ns),
    )
}

#[cfg(test)]
mod tests {
    use kmodtrace_core::model::WaitKind;
    use kmodtrace_core::monitor::LaneWait;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn load(module: &str, device: Option<&str>, start: u64, end: Option<u64>) -> LaneAttempt {
        LaneAttempt {
            id: start,
            unloads: false,
            module: Some(module.to_owned()),
            device: device.map(str::to_owned),
            start_ns: start * SECOND,
            end_ns: end.map(|end| end * SECOND),
            errno: end.map(|_| Errno::OK),
            stages: Vec::new(),
            waits: Vec::new(),
        }
    }

    #[test]
    fn a_task_is_told_with_its_sums_and_its_loads_by_device() {
        let disk = Some("/devices/pci0000:00/0000:00:1f.2");
        let mut lane = Lane {
            tid: 312,
            comm: "(udev-worker)".to_owned(),
            attempts: vec![load("libata", disk, 10, Some(12)), load("ahci", disk, 12, Some(15))],
        };
        let words = |lane: &Lane| in_words(lane, LaneOf::Task, Ktime(30 * SECOND));
        assert_eq!(
            words(&lane),
            "task 312 (udev-worker): 2 attempts, 5.00s in all; for 0000:00:1f.2: libata, ahci"
        );
        lane.attempts[0].errno = Some(Errno(17));
        lane.attempts[1].waits.push(LaneWait {
            kind: WaitKind::SameName,
            start_ns: 13 * SECOND,
            end_ns: 14 * SECOND,
            on: None,
        });
        // In flight until now.
        lane.attempts.push(load("loop", None, 20, None));
        assert_eq!(
            words(&lane),
            "task 312 (udev-worker): 3 attempts, 1 failed, 15.0s in all, waited 1.00s; for 0000:00:1f.2: libata, ahci; loop"
        );
        lane.attempts.truncate(1);
        assert_eq!(
            in_words(&lane, LaneOf::Attempt, Ktime(0)),
            "attempt 10: libata for 0000:00:1f.2 at 10.000000, 2.00s EEXIST"
        );
    }
}
