//! Sets of runs that were made alike, and sets that were not.

use super::*;
use crate::analysis::graph::fixture::{attempt, request};
use crate::model::{Errno, Finished, Ktime};
use crate::plan::{Coverage, Observed};
use crate::report::Source;

/// A run of loads of one module that took so many milliseconds each, and that ended with this.
fn run(label: &str, took: &[u64], errno: Errno) -> Run {
    run_watching(label, took, errno, Coverage::default())
}

fn run_watching(label: &str, took: &[u64], errno: Errno, coverage: Coverage) -> Run {
    let mut fold = RunFold::default();
    for (id, ms) in (1..).zip(took) {
        let one = attempt(id, "xfs", 10, 10 + ms).got(errno).init(10, 10 + ms, errno);
        fold.add(Finished::Attempt(Box::new(one)));
    }
    fold.add(Finished::Request(Box::new(request(1, "fs-xfs", 5, 500, 0))));
    let source = Source {
        lost: Some(0),
        coverage,
        ..Source::default()
    };
    fold.finish(label.to_owned(), source, Ktime(1_000_000_000))
}

fn runs(took: &[[u64; 3]], errno: Errno) -> Vec<Run> {
    took.iter()
        .enumerate()
        .map(|(at, took)| run(&format!("run {at}"), took, errno))
        .collect()
}

const USUAL: [[u64; 3]; 4] = [[100, 110, 90], [101, 120, 95], [99, 105, 92], [102, 111, 94]];
const SLOW: [[u64; 3]; 4] = [[300, 310, 290], [301, 320, 295], [299, 305, 292], [302, 311, 294]];

fn told(diff: &Diff) -> String {
    let mut text = Vec::new();
    write_text(diff, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn verdict(diff: &Diff, name: &str) -> Difference {
    diff.rows.iter().find(|row| &*row.measure.name == name).unwrap().verdict
}

#[test]
fn runs_alike_have_no_difference() {
    let diff = Diff::new(&runs(&USUAL, Errno::OK), &runs(&USUAL, Errno::OK), Limits::default());
    assert_eq!(diff.differences().count(), 0);
    assert!(diff.can_decide());
    assert!(told(&diff).contains("no difference that is more than noise"));
}

#[test]
fn slower_loads_are_told_with_their_size() {
    let diff = Diff::new(&runs(&USUAL, Errno::OK), &runs(&SLOW, Errno::OK), Limits::default());
    assert_eq!(verdict(&diff, "load p50"), Difference::More);
    assert_eq!(verdict(&diff, "init total"), Difference::More);
    assert_eq!(verdict(&diff, "attempts"), Difference::Noise);
    let row = diff.differences().find(|row| &*row.measure.name == "load max").unwrap();
    let factor = row.factor.unwrap();
    assert!((2.5..3.0).contains(&factor), "{factor}");
    assert!((row.p_any.unwrap() - 2.0 / 70.0).abs() < 1e-12);
    let back = Diff::new(&runs(&SLOW, Errno::OK), &runs(&USUAL, Errno::OK), Limits::default());
    assert_eq!(verdict(&back, "load p50"), Difference::Less);
}

#[test]
fn a_new_errno_comes_first() {
    let diff = Diff::new(&runs(&USUAL, Errno::OK), &runs(&SLOW, Errno(19)), Limits::default());
    assert_eq!(verdict(&diff, "errno ENODEV"), Difference::New);
    assert_eq!(verdict(&diff, "errno OK"), Difference::Vanished);
    let first: Vec<Difference> = diff.rows.iter().take(2).map(|row| row.verdict).collect();
    assert!(
        first
            .iter()
            .all(|verdict| matches!(verdict, Difference::New | Difference::Vanished)),
        "{first:?}"
    );
    assert!(
        diff.rows
            .iter()
            .any(|row| row.measure.name.starts_with("origin ENODEV from ") && row.verdict == Difference::New)
    );
    let text = told(&diff);
    assert!(
        text.find("NEW OR VANISHED").unwrap() < text.find("CHANGED").unwrap(),
        "{text}"
    );
}

#[test]
fn too_few_runs_say_so() {
    let diff = Diff::new(
        &runs(&USUAL[..1], Errno::OK),
        &runs(&SLOW[..1], Errno(19)),
        Limits::default(),
    );
    assert_eq!((diff.can_decide(), diff.differences().count()), (false, 0));
    assert_eq!(verdict(&diff, "errno ENODEV"), Difference::PerhapsNew);
    let text = told(&diff);
    assert!(
        text.contains("1 and 1 runs are too few for a verdict (4 a side are needed)"),
        "{text}"
    );
    assert!(text.contains("PERHAPS NEW"));
}

#[test]
fn a_difference_that_does_not_matter_is_not_told() {
    let slightly = USUAL.map(|took| took.map(|ms| ms * 11 / 10));
    let slightly: Vec<[u64; 3]> = slightly.map(|took| took.map(|ms| ms + 3)).to_vec();
    let diff = Diff::new(&runs(&USUAL, Errno::OK), &runs(&slightly, Errno::OK), Limits::default());
    assert_eq!(verdict(&diff, "load p50"), Difference::Small);
    let strict = Limits {
        factor: 1.05,
        ..Limits::default()
    };
    let diff = Diff::new(&runs(&USUAL, Errno::OK), &runs(&slightly, Errno::OK), strict);
    assert_eq!(verdict(&diff, "load p50"), Difference::More);
}

#[test]
fn what_a_run_did_not_observe_is_not_compared() {
    let mut blind = Coverage::default();
    blind.lose(Observed::InitTimes, "init times: do_one_initcall has no symbol");
    let first = runs(&USUAL, Errno::OK);
    let second: Vec<Run> = USUAL
        .iter()
        .map(|took| run_watching("b", took, Errno::OK, blind.clone()))
        .collect();
    let diff = Diff::new(&first, &second, Limits::default());
    assert!(diff.rows.iter().all(|row| !row.measure.name.starts_with("init")));
    assert!(diff.unobserved.contains(&"init p50".to_owned()));
    assert!(told(&diff).contains("not compared"));
}

#[test]
fn nothing_is_compared_with_nothing() {
    let diff = Diff::new(&[], &[], Limits::default());
    assert!(diff.rows.is_empty());
    let one = Diff::new(&runs(&USUAL, Errno::OK), &[], Limits::default());
    assert_eq!(one.differences().count(), 0);
    told(&one);
}

/// Runs in which nothing differs, or a module's loads, by chance or more.
#[test]
fn many_runs_are_compared_as_few_are() {
    let set = |first: u64, slower: u64| -> Vec<Run> {
        let took = |at: u64| [100 + (at * 7 + first) % 13, 110 + slower, 90 + at % 5];
        (0..60).map(|at| run(&format!("{at}"), &took(at), Errno::OK)).collect()
    };
    let crowd = |runs: &[Run]| {
        let mut crowd = Crowd::default();
        for run in runs {
            crowd.add(run);
        }
        crowd
    };
    for slower in [0, 80] {
        let (a, b) = (set(0, 0), set(5, slower));
        let exact = Diff::new(&a, &b, Limits::default());
        let many = Diff::of_many(&crowd(&a), &crowd(&b), 1, Limits::default());
        assert_eq!(
            (many.first.count, many.second.count, many.rows.len()),
            (60, 60, exact.rows.len())
        );
        assert_eq!(many.differences().count(), exact.differences().count());
        for row in &many.rows {
            let other = exact.rows.iter().find(|other| other.measure == row.measure).unwrap();
            assert_eq!(row.verdict, other.verdict, "{row:?}");
            let close = |one: Option<f64>, other: Option<f64>| {
                one.zip(other)
                    .is_none_or(|(one, other)| (one - other).abs() <= 0.046 * other + 1.0)
            };
            assert!(
                close(row.first, other.first) && close(row.second, other.second),
                "{row:?} {other:?}"
            );
            assert!(row.first_values.is_empty());
        }
        assert!(told(&many).contains("60 runs, 0 to 9"));
    }
}

#[test]
fn of_very_many_names_the_first_are_compared() {
    let named = |names: std::ops::Range<u64>| {
        let mut fold = RunFold::default();
        for id in names {
            let one = attempt(id, &format!("m{id:05}"), 10, 20);
            fold.add(Finished::Attempt(Box::new(one.got(Errno(19)).init(10, 20, Errno(19)))));
        }
        fold.finish("many".to_owned(), Source::default(), Ktime(1_000_000_000))
    };
    // The second run keeps other measures than the first, which has them all the same.
    let (all, most) = (named(1..8_000), named(500..8_000));
    let diff = Diff::new(&[all], &[most], Limits::default());
    assert_eq!((diff.rows.len(), diff.more), (COMPARED, true));
    let gone = |row: &&DiffRow| row.verdict == Difference::PerhapsVanished;
    let name = |row: &DiffRow| match &*row.measure.subject {
        About::Module(name) => name.clone(),
        About::All | About::Request(_) => None,
    };
    assert!(
        diff.rows
            .iter()
            .filter(gone)
            .all(|row| name(row).is_none_or(|name| *name < *"m00500"))
    );
    assert!(diff.rows.iter().all(|row| row.verdict != Difference::PerhapsNew));
    assert!(told(&diff).contains("there are more measures"));
}
