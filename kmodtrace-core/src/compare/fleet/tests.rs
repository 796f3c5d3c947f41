//! Fleets in which something is different, and fleets in which nothing is.

use super::*;
use crate::analysis::graph::fixture::attempt;
use crate::compare::diff::{Difference, RunFold};
use crate::model::{Finished, Ktime};
use crate::plan::{Coverage, Observed};
use crate::report::{KernelRow, Source};

/// A recording of loads of xfs and loop, which took so many milliseconds.
fn run(label: usize, kernel: &str, xfs: u64, coverage: Coverage) -> Run {
    let mut fold = RunFold::default();
    for (id, module, took) in [(1, "xfs", xfs), (2, "loop", 20)] {
        let start = 1_000 * id;
        fold.add(Finished::Attempt(Box::new(attempt(id, module, start, start + took))));
    }
    let source = Source {
        kernel: KernelRow {
            release: Some(kernel.to_owned()),
            ..KernelRow::default()
        },
        lost: Some(0),
        coverage,
        ..Source::default()
    };
    fold.finish(format!("{label:03}.kmt"), source, Ktime(9_000_000_000))
}

/// A hundred recordings: as usual with one kernel, slower with the other, and one that is far from all.
fn recordings() -> Vec<Run> {
    let one = |at: usize| {
        let spread = at as u64 % 7;
        let (kernel, xfs) = match at {
            13 => ("6.1", 900),
            _ if at.is_multiple_of(4) => ("6.12", 60 + spread),
            _ => ("6.1", 40 + spread),
        };
        run(at, kernel, xfs, Coverage::default())
    };
    (0..100).map(one).collect()
}

fn fleet(runs: &[Run]) -> Fleet {
    let mut fold = FleetFold::default();
    for run in runs {
        fold.add(run);
    }
    fold.finish("fleet".to_owned(), 0, &Names::default())
}

fn told(fleet: &Fleet) -> String {
    let mut text = Vec::new();
    write_text(fleet, None, 100, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn row<'f>(fleet: &'f Fleet, module: Option<&str>, name: &str) -> &'f FleetRow {
    let about = module.map_or(About::All, |module| About::Module(Some(module.to_owned())));
    let mut rows = fleet.rows.iter();
    rows.find(|row| *row.measure.subject == about && &*row.measure.name == name)
        .unwrap()
}

#[test]
fn what_is_different_is_found() {
    let fleet = fleet(&recordings());
    let in_flight = row(&fleet, None, IN_FLIGHT);
    assert_eq!((in_flight.recordings, in_flight.max), (100, Some(920_000_000)));
    // 75 of 40 to 46 ms and the one, and 25 of 60 to 66 ms; loop takes 20 ms in all of them.
    let exact: u64 = recordings()
        .iter()
        .flat_map(Run::values)
        .filter(|(measure, _)| &*measure.name == IN_FLIGHT)
        .map(|(_, value)| value)
        .sum();
    assert_eq!(in_flight.total, exact);
    assert_eq!(fleet.rows[0], *in_flight);

    let far: Vec<(&str, u64)> = fleet
        .far
        .iter()
        .map(|far| (&*far.measure.name, far.recordings))
        .collect();
    assert_eq!(far, [(IN_FLIGHT, 1), (LOAD_TOTAL, 1)]);
    assert_eq!(fleet.far[0].farthest[0].which.path, "013.kmt");

    let kernels: Vec<(u64, usize)> = fleet
        .groups
        .iter()
        .map(|group| (group.recordings, group.differences.len()))
        .collect();
    // Two kernels differ from each other: each by the loads of xfs, and by what they are the most of.
    assert_eq!(kernels, [(75, 2), (25, 2)]);
    let slow = &fleet.groups[1].differences;
    assert!(slow.iter().all(|row| row.verdict == Difference::More), "{slow:?}");
    assert!(
        slow.iter()
            .any(|row| *row.measure.subject == About::Module(Some("xfs".to_owned())))
    );

    let text = told(&fleet);
    let part = |title: &str| {
        text.split_once(title)
            .unwrap()
            .1
            .split("\n\n")
            .next()
            .unwrap()
            .to_owned()
    };
    assert!(part("FAR FROM THE OTHERS").contains("013.kmt 920ms"), "{text}");
    assert!(part("DIFFERENT FROM ALL OTHERS").contains("Linux 6.12 (25)"), "{text}");
    assert!(
        part("LOADS OF A MODULE TAKE")
            .trim_start()
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("xfs"),
        "{text}"
    );
}

#[test]
fn the_order_of_recordings_does_not_matter() {
    let mut runs = recordings();
    let first = fleet(&runs);
    runs.reverse();
    assert_eq!(fleet(&runs), first);
    runs.sort_by_key(|run| (run.label.as_bytes()[2], run.label.clone()));
    assert_eq!(fleet(&runs), first);
}

#[test]
fn recordings_alike_differ_in_nothing() {
    let runs: Vec<Run> = (0..40)
        .map(|at| {
            run(
                at,
                if at % 2 == 0 { "6.1" } else { "6.12" },
                40 + at as u64 / 2 % 5,
                Coverage::default(),
            )
        })
        .collect();
    let fleet = fleet(&runs);
    assert!(fleet.far.is_empty());
    assert!(
        fleet
            .groups
            .iter()
            .all(|group| group.can_differ && group.differences.is_empty())
    );
    let text = told(&fleet);
    assert!(text.contains("no recording is far from the others"), "{text}");
    assert!(text.contains("of 2 kernels and tags none differs"), "{text}");
}

#[test]
fn what_a_recording_did_not_observe_is_no_zero() {
    let mut blind = Coverage::default();
    blind.lose(Observed::ReadBytes, "bytes: no probe");
    let seeing = (0..3).map(|at| run(at, "6.1", 40, Coverage::default()));
    let runs: Vec<Run> = seeing
        .chain((3..5).map(|at| run(at, "6.1", 40, blind.clone())))
        .collect();
    let fleet = fleet(&runs);
    assert_eq!(row(&fleet, Some("xfs"), "wasted").recordings, 3);
    assert_eq!(row(&fleet, None, "attempts").recordings, 5);
}

#[test]
fn too_few_recordings_are_not_compared() {
    let text = told(&fleet(&recordings()[..2]));
    assert!(text.contains("too few recordings to say which are far"), "{text}");
    assert!(text.contains("no kernel and no tag has recordings enough"), "{text}");
    let none = fleet(&[]);
    assert_eq!(
        (none.recordings, none.rows.len(), none.far.len(), none.groups.len()),
        (0, 0, 0, 0)
    );
    assert!(!told(&none).contains("no recording is far"));
}

#[test]
fn only_the_modules_that_are_asked_for_are_told() {
    let mut fold = FleetFold::default();
    for run in &recordings() {
        fold.add(run);
    }
    let fleet = fold.finish("fleet".to_owned(), 2, &Names::matching(["loop"]));
    assert!(
        fleet
            .rows
            .iter()
            .all(|row| *row.measure.subject == About::Module(Some("loop".to_owned())))
    );
    assert!(fleet.far.is_empty());
    assert!(told(&fleet).contains("; 2 more could not be read whole"));
}
