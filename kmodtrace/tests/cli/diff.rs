//! `kmodtrace diff`: which recordings it takes, and what it says of them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::support::{file, run, sample, scratch};

/// Four recordings of storms of so many attempts and a few more.
fn runs(folder: &Path, name: &str, attempts: u64) -> String {
    let set = folder.join(name);
    fs::create_dir_all(&set).unwrap();
    for at in 0..4 {
        file(&set, &format!("run-{at}.kmt"), sample(attempts + 8 * at).bytes);
    }
    // Nothing to be compared.
    file(&set, "notes.txt", "not a recording");
    set.into_os_string().into_string().unwrap()
}

/// What the report of each run says.
fn loads(set: &str) -> Vec<f64> {
    let of_run = |at: u64| {
        let done = run(&["report", "--json", "--from", &format!("{set}/run-{at}.kmt")]);
        let report: Value = serde_json::from_str(done.quiet()).unwrap();
        let modules = report["modules"].as_array().unwrap();
        modules.iter().map(|module| module["attempts"].as_f64().unwrap()).sum()
    };
    (0..4).map(of_run).collect()
}

#[test]
fn folders_and_patterns_are_sets_and_alike_ones_do_not_differ() {
    let folder = scratch("diff-alike");
    let (a, b) = (runs(&folder, "a", 160), runs(&folder, "b", 160));
    let done = run(&["diff", &a, &b]);
    assert!(
        done.quiet().contains("no difference that is more than noise"),
        "{done:?}"
    );
    assert!(done.quiet().contains("A  4 runs, "), "{done:?}");
    let pattern = run(&["diff", &format!("{a}/run-*.kmt"), &b]);
    assert_eq!(pattern.quiet(), done.quiet());
}

#[test]
fn more_attempts_are_told_and_the_json_has_every_run() {
    let folder = scratch("diff-more");
    let (a, b) = (runs(&folder, "a", 160), runs(&folder, "b", 800));
    let done = run(&["diff", &a, &b]);
    let text = done.quiet();
    let row = text
        .lines()
        .find(|line| line.trim_start().starts_with("(all)") && line.contains(" attempts "))
        .unwrap();
    assert!(row.contains("4.71") && row.contains("0.029"), "{row}");
    let done = run(&["diff", "--json", &a, &b]);
    let json: Value = serde_json::from_str(done.quiet()).unwrap();
    assert_eq!(json["schema"], "kmodtrace.diff/1");
    assert_eq!(json["first"]["runs"].as_array().unwrap().len(), 4);
    let all = json["rows"].as_array().unwrap();
    let attempts = all
        .iter()
        .find(|row| row["subject"] == "all" && row["name"] == "attempts")
        .unwrap();
    assert_eq!(attempts["verdict"], "more");
    assert_eq!(attempts["first_values"], Value::from(loads(&a)));
    assert_eq!(attempts["second_values"], Value::from(loads(&b)));
}

#[test]
fn one_against_one_decides_nothing() {
    let folder = scratch("diff-one");
    let a = file(&folder, "a.kmt", sample(160).bytes);
    let b = file(&folder, "b.kmt", sample(800).bytes);
    let done = run(&["diff", &a, &b]);
    assert!(
        done.quiet().contains("are too few for a verdict (4 a side are needed)"),
        "{done:?}"
    );
    assert!(
        done.quiet().contains("LARGEST DIFFERENCES, which may be chance"),
        "{done:?}"
    );
}

#[test]
fn what_cannot_be_compared_is_one_line() {
    let folder = scratch("diff-bad");
    let whole = sample(80);
    let a = file(&folder, "a.kmt", &whole.bytes);
    let empty = folder.join("empty");
    fs::create_dir_all(&empty).unwrap();
    let empty = empty.to_str().unwrap();
    assert!(run(&["diff", &a, empty]).refused(1).contains("no recording is there"));
    assert!(
        run(&["diff", &a, &format!("{empty}/*.kmt")])
            .refused(1)
            .contains("no recording is there")
    );
    assert!(
        run(&["diff", &a, "/nowhere.kmt"])
            .refused(1)
            .contains("cannot read /nowhere.kmt")
    );
    let mut bytes = whole.bytes.clone();
    let last = whole.blocks[3] + 30;
    bytes[last] ^= 0xff;
    let damaged = file(&folder, "damaged.kmt", &bytes);
    assert!(run(&["diff", &a, &damaged]).refused(1).contains("damaged.kmt"));
    for wrong in [["--alpha", "0"], ["--alpha", "x"], ["--factor", "0.5"]] {
        run(&["diff", wrong[0], wrong[1], &a, &a]).refused(2);
    }
    run(&["diff", &a]).refused(2);
    // A cut one has what it has, and says so.
    let cut = file(&folder, "cut.kmt", &whole.bytes[..whole.blocks[5]]);
    let done = run(&["diff", &a, &cut]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(
        done.stderr.contains("cut.kmt") && done.stderr.contains("as far as it goes"),
        "{done:?}"
    );
}
