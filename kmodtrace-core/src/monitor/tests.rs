//! What a monitor says agrees with what the other front ends say, and it stays small.

use super::*;
use crate::analysis::graph::fixture::{at, attempt};
use crate::model::{Attempt, AttemptId, Clock, Device, Finished, LogLine, Tgid, Tid};
use crate::recording::{Boot, Header, Kernel as Uname, Milestone};
use crate::records::decode::split;
use crate::report::{ModuleRow, Report};
use synth::Storm;

fn header() -> Header {
    let kernel = Uname {
        release: "6.1.0".to_owned(),
        version: String::new(),
        arch: "x86_64".to_owned(),
    };
    let clock = Clock {
        monotonic_ns: Ktime(1_000_000_000),
        realtime_ns: 0,
    };
    Header::new("0", kernel, clock, 4, serde_json::Value::Null)
}

/// After this many records of a storm; all of them when there are not so many.
fn storm(attempts: u64, records: usize) -> Monitor {
    let mut monitor = Monitor::new(&header());
    let bytes: Vec<u8> = Storm::new(attempts).flatten().collect();
    for record in split(&bytes).take(records) {
        monitor.push(record.unwrap()).unwrap();
    }
    monitor
}

/// The same storm as the other commands take it.
fn others(attempts: u64) -> Vec<Finished> {
    let mut pipeline = Pipeline::default();
    let bytes: Vec<u8> = Storm::new(attempts).flatten().collect();
    split(&bytes).for_each(|record| pipeline.push(record.unwrap()).unwrap());
    pipeline.finish().0
}

#[test]
fn the_rows_are_those_of_the_report() {
    let mut monitor = storm(400, usize::MAX);
    monitor.flush();
    let finished = others(400);
    let mut aggregates = Aggregates::default();
    for one in &finished {
        aggregates.add(one);
    }
    let report = Report::new(&aggregates, &monitor.source(), &Selection::default());
    let Body::Modules(modules) = monitor.picture(&Focus::Modules).body else {
        panic!("no modules")
    };
    let ModulesNow { rows, total, detail } = *modules;
    assert!(detail.is_none());
    let sum = |of: fn(&ModuleNow) -> u64| rows.iter().map(of).sum::<u64>();
    assert_eq!(total.row.attempts, sum(|module| module.row.attempts));
    assert_eq!(total.wait_ns.total, sum(|module| module.wait_ns.total));
    assert_eq!(total.row.failed(), sum(|module| module.row.failed()));
    let mut expected: Vec<ModuleRow> = report.modules;
    expected.sort_by(|a, b| a.name.cmp(&b.name));
    let shown: Vec<ModuleRow> = rows.iter().map(|module| module.row.clone()).collect();
    assert_eq!(shown, expected);
    for module in &rows {
        assert_eq!(module.wait_ns.total, module.row.waited_ns());
        assert_eq!((module.in_flight, module.waiting), (0, 0));
        assert_eq!(
            module.recent.len(),
            usize::try_from(module.row.attempts.min(16)).unwrap()
        );
    }
    let head = monitor.picture(&Focus::Now).head;
    assert_eq!((head.attempts, head.in_flight, head.folded), (400, 0, 0));
    let failed = finished
        .iter()
        .filter(|one| matches!(one, Finished::Attempt(attempt) if attempt.failed()));
    assert_eq!(head.failed, failed.count() as u64);
}

#[test]
fn what_finished_and_what_is_in_flight_is_all_that_entered() {
    let mut in_flight = 0;
    for records in (0..2_000).step_by(37) {
        let mut monitor = storm(80, records);
        monitor.flush();
        let bytes: Vec<u8> = Storm::new(80).flatten().collect();
        let enters = split(&bytes)
            .take(records)
            .filter(|record| {
                record.unwrap().first_chunk().map(|kind| u16::from_ne_bytes(*kind))
                    == Some(kmodtrace_common::kind::ATTEMPT_ENTER)
            })
            .count();
        let Body::Now(rows) = monitor.picture(&Focus::Now).body else {
            panic!("not in flight")
        };
        let head = monitor.picture(&Focus::Now).head;
        assert_eq!(head.attempts + rows.len() as u64, enters as u64);
        assert_eq!(head.in_flight, rows.len());
        assert!(rows.is_sorted_by_key(|row| row.start_ns));
        assert!(rows.iter().all(|row| row.stage.is_some() && row.lasted_ns.is_some()));
        in_flight += rows.len();
        assert_eq!(
            monitor.is_moving(),
            head.in_flight > 0 || head.per_second > 0.0 || in_requests(&monitor)
        );
    }
    assert!(in_flight > 50, "{in_flight}");
}

fn in_requests(monitor: &Monitor) -> bool {
    monitor.pipeline.session().requests_in_flight().next().is_some()
}

#[test]
fn it_stays_small_and_says_what_it_forgot() {
    let mut monitor = storm(20_000, usize::MAX);
    monitor.flush();
    let head = monitor.picture(&Focus::Modules).head;
    let requests = others(20_000)
        .iter()
        .filter(|one| matches!(one, Finished::Request(_)))
        .count();
    assert_eq!(head.kept as u64 + head.folded, 20_000 + requests as u64);
    assert!(head.kept <= 2 * 2_048 && head.kept > 2_048, "{}", head.kept);
    // The first are forgotten, and that is said.
    let Body::Findings(findings) = monitor.picture(&Focus::Findings).body else {
        panic!("no findings")
    };
    assert_eq!(findings.len(), head.findings);
    let at = findings
        .iter()
        .position(|finding| finding.attempts.ids.first().is_some_and(|id| *id < 100))
        .unwrap();
    let Body::Topic(Some(evidence)) = monitor.picture(&Focus::Topic(Topic::Evidence(at))).body else {
        panic!("no evidence")
    };
    assert!(
        evidence.leads[0].lines[0].ends_with("in the sums only, too long ago to be kept"),
        "{evidence:?}"
    );
    // Also for a load that does everything a load can do.
    let mut history = History::default();
    for id in 0..3_000 {
        let mut attempt = Attempt::new(AttemptId(id), Tid(1), Tgid(1));
        attempt.log = vec![
            LogLine {
                time: Ktime(0),
                text: String::new()
            };
            1_024
        ];
        history.add(Finished::Attempt(Box::new(attempt)));
    }
    assert!(history.kept() < 60, "{}", history.kept());
}

#[test]
fn lanes_are_cut_to_their_window_and_filtered() {
    let mut monitor = storm(80, usize::MAX);
    monitor.flush();
    let lanes = |span, only: &str, first, count| {
        let window = Window {
            span,
            only: only.to_owned(),
            of: LaneOf::Attempt,
            first,
            count,
        };
        match monitor.picture(&Focus::Lanes(window)).body {
            Body::Lanes(lanes) => lanes,
            other => panic!("{other:?}"),
        }
    };
    let all = lanes(None, "", 0, 1_000);
    assert_eq!((all.total, all.lanes.len()), (80, 80));
    let attempts: Vec<&LaneAttempt> = all.lanes.iter().flat_map(|lane| &lane.attempts).collect();
    assert_eq!(attempts.len(), 80);
    assert!(attempts.is_sorted_by_key(|attempt| attempt.start_ns));
    for attempt in attempts {
        let pieces: u64 = attempt.stages.iter().map(|piece| piece.end_ns - piece.start_ns).sum();
        assert_eq!(Some(attempt.start_ns + pieces), attempt.end_ns);
    }
    assert_eq!(lanes(None, "", 70, 1_000).lanes.len(), 10);
    assert_eq!(lanes(None, "", 1_000, 5).first, 79);
    let half = lanes(Some((all.from_ns, all.from_ns.midpoint(all.to_ns))), "", 0, 1_000);
    assert!(half.total > 0 && half.total < 80);
    let every = |lanes: &Lanes, is: &dyn Fn(&LaneAttempt) -> bool| {
        let mut attempts = lanes.lanes.iter().flat_map(|lane| &lane.attempts);
        attempts.all(is)
    };
    assert!(every(&half, &|attempt| attempt.start_ns <= half.to_ns));
    assert!(every(&lanes(None, "synthetic_3", 0, 1_000), &|attempt| {
        attempt.module.as_deref() == Some("synthetic_3")
    }));
    assert_eq!(lanes(None, "none", 0, 1_000).total, 0);
}

/// The numbers of the attempts on each lane.
fn numbers(monitor: &Monitor, of: LaneOf, span: Option<(u64, u64)>) -> Vec<Vec<u64>> {
    let window = Window {
        span,
        of,
        count: 100,
        ..Window::default()
    };
    let Body::Lanes(all) = monitor.picture(&Focus::Lanes(window)).body else {
        panic!("no lanes")
    };
    assert_eq!(
        all.attempts,
        all.lanes.iter().map(|lane| lane.attempts.len()).sum::<usize>()
    );
    let of_lane = |lane: &Lane| lane.attempts.iter().map(|attempt| attempt.id).collect();
    all.lanes.iter().map(of_lane).collect()
}

#[test]
fn a_task_is_one_lane_in_the_place_of_its_first_attempt() {
    let mut monitor = Monitor::new(&header());
    for (id, tid, comm, from, to) in [
        (1, 7, "(udev-worker)", 1_010, 1_040),
        (2, 8, "(udev-worker)", 1_020, 1_030),
        (3, 7, "(udev-worker)", 1_050, 1_060),
        // The tid of a task that is gone.
        (4, 7, "modprobe", 1_070, 1_080),
        (5, 8, "(udev-worker)", 1_075, 1_090),
    ] {
        let attempt = Attempt {
            tid: Tid(tid),
            comm: comm.into(),
            ..attempt(id, "m", from, to)
        };
        monitor.history.add(Finished::Attempt(Box::new(attempt)));
    }
    assert_eq!(
        numbers(&monitor, LaneOf::Attempt, None),
        [[1], [2], [3], [4], [5]].map(Vec::from)
    );
    assert_eq!(numbers(&monitor, LaneOf::Task, None), [vec![1, 3], vec![2, 5], vec![4]]);
    // A lane keeps its place wherever one looks.
    let late = Some((at(1_055).0, at(1_076).0));
    assert_eq!(numbers(&monitor, LaneOf::Task, late), [[3], [5], [4]].map(Vec::from));
}

#[test]
fn a_load_tells_for_which_device_it_is() {
    let mut monitor = Monitor::new(&header());
    let device = Device {
        path: "/devices/pci0000:00/0000:00:1f.2".to_owned(),
        alias: Some("pci:v00008086".to_owned()),
        action: Some("add".to_owned()),
        ..Device::default()
    };
    let attempt = Attempt {
        device: Some(device),
        ..attempt(1, "ahci", 1_010, 1_040)
    };
    let task = Topic::Task(attempt.tid.0);
    monitor.history.add(Finished::Attempt(Box::new(attempt)));
    let lines = |topic| match monitor.picture(&Focus::Topic(topic)).body {
        Body::Topic(Some(now)) => [now.lines, now.leads[0].lines.clone()].concat(),
        other => panic!("{other:?}"),
    };
    let told = "for /devices/pci0000:00/0000:00:1f.2 (add, pci:v00008086)".to_owned();
    assert!(lines(task).contains(&told));
    assert!(lines(Topic::Attempt(1)).contains(&told));
}

#[test]
fn a_line_of_time_goes_as_far_as_the_boot_has_come() {
    let mark = |(milestone, ms)| BootMark {
        milestone,
        time_ns: at(ms),
    };
    let marks = [
        (Milestone::Attached, 1_000),
        (Milestone::Userspace, 2_000),
        (Milestone::Ended, 9_000),
    ];
    let boot = Boot {
        marks: marks.map(mark).to_vec(),
        ..Boot::default()
    };
    let mut monitor = Monitor::new(&Header {
        boot: Some(boot),
        ..header()
    });
    monitor
        .history
        .add(Finished::Attempt(Box::new(attempt(1, "m", 1_500, 1_600))));
    let whole = |monitor: &Monitor| match monitor.picture(&Focus::Lanes(Window::default())).body {
        Body::Lanes(lanes) => lanes.whole,
        other => panic!("{other:?}"),
    };
    // Time has not come to the real root.
    monitor.reach(at(1_700));
    assert_eq!(whole(&monitor), (at(1_000).0, at(1_600).0));
    monitor.reach(at(3_000));
    assert_eq!(whole(&monitor), (at(1_000).0, at(2_000).0));
}

#[test]
fn a_request_is_told_step_by_step() {
    let mut monitor = storm(8, usize::MAX);
    monitor.flush();
    let Body::Requests(Some(all)) = monitor.picture(&Focus::Requests(Some(1))).body else {
        panic!("no requests")
    };
    assert_eq!((all.slots_used, all.slots, all.rows.len()), (Some(0), 50, 1));
    let chain = all.chain.join("\n");
    for step in [
        "request 1 of",
        "helper /sbin/modprobe",
        "attempt 1:",
        "came back: exit 1",
        "returned NULL",
    ] {
        assert!(chain.contains(step), "{chain}");
    }
    assert!(all.rows[0].failed && all.rows[0].stage.is_none());
}
