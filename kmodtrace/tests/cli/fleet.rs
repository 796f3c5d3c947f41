//! `report` of a folder with recordings of many machines, beside the reports of each.

use std::fs;
use std::path::Path;

use serde_json::Value;
use synth::Machine;

use super::support::{file, run, scratch};

const MACHINES: u64 = 12;

fn fleet(folder: &Path) -> String {
    let recordings = folder.join("recordings");
    fs::create_dir(&recordings).unwrap();
    (0..MACHINES).for_each(|number| Machine::new(number).write(&recordings).unwrap());
    recordings.into_os_string().into_string().unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn row<'f>(fleet: &'f Value, subject: &Value, name: &str) -> &'f Value {
    let mut rows = fleet["rows"].as_array().unwrap().iter();
    rows.find(|row| row["subject"] == *subject && row["name"] == name)
        .unwrap()
}

#[test]
fn it_has_the_sums_of_all_reports() {
    let folder = scratch("fleet-sums");
    let recordings = fleet(&folder);
    let told = json(run(&["report", "--json", &recordings]).quiet());
    assert_eq!(
        (told["schema"].as_str(), told["recordings"].as_u64()),
        (Some("kmodtrace.fleet/1"), Some(MACHINES))
    );
    let reports: Vec<Value> = fs::read_dir(&recordings)
        .unwrap()
        .map(|entry| json(run(&["report", "--json", entry.unwrap().path().to_str().unwrap()]).quiet()))
        .collect();
    let of = |value: &dyn Fn(&Value) -> u64| reports.iter().map(value).collect::<Vec<u64>>();
    let check = |subject: Value, name: &str, values: Vec<u64>| {
        let row = row(&told, &subject, name);
        let above_zero = values.iter().filter(|value| **value > 0).count() as u64;
        assert_eq!(row["total"], values.iter().sum::<u64>(), "{name}");
        assert_eq!(
            (&row["max"], &row["above_zero"]),
            (&Value::from(*values.iter().max().unwrap()), &Value::from(above_zero))
        );
    };
    let account = |report: &Value, field: &str| report["account"][field].as_u64().unwrap();
    check(
        Value::from("all"),
        "loads in flight",
        of(&|report| account(report, "in_flight_ns")),
    );
    check(Value::from("all"), "attempts", of(&|report| account(report, "loads")));
    let module = |report: &Value, name: &str| -> Value {
        let modules = report["modules"].as_array().unwrap();
        modules.iter().find(|module| module["name"] == name).unwrap().clone()
    };
    let mgag = serde_json::json!({"module": "mgag200"});
    check(
        mgag.clone(),
        "load total",
        of(&|report| module(report, "mgag200")["load_ns"]["total"].as_u64().unwrap()),
    );
    check(
        mgag,
        "errno EEXIST",
        of(&|report| {
            module(report, "mgag200")["outcomes"]["EEXIST"]
                .as_u64()
                .unwrap_or_default()
        }),
    );
    let done = run(&["report", &recordings]);
    let text = done.quiet().split_whitespace().collect::<Vec<_>>().join(" ");
    let head = format!("{recordings}: 12 recordings, begun from 2026-11-2");
    assert!(text.starts_with(&head), "{text}");
}

#[test]
fn a_recording_that_cannot_be_read_is_told_and_the_others_are_there() {
    let folder = scratch("fleet-damaged");
    let recordings = fleet(&folder);
    let whole = run(&["report", &recordings]).quiet().to_owned();
    file(Path::new(&recordings), "broken.kmt", "no recording");
    let done = run(&["report", "--json", &recordings]);
    assert_eq!(done.status, Some(1));
    assert!(
        done.stderr.contains("broken.kmt") && done.stderr.lines().count() == 1,
        "{done:?}"
    );
    let told = json(&done.stdout);
    assert_eq!(
        (told["recordings"].as_u64(), told["unread"].as_u64()),
        (Some(MACHINES), Some(1))
    );
    let text = run(&["report", &recordings]).stdout;
    let said = "; 1 more could not be read whole, and are in nothing below";
    assert_eq!(
        text.split_whitespace()
            .collect::<String>()
            .replace(&said.replace(' ', ""), ""),
        whole.split_whitespace().collect::<String>()
    );
}

#[test]
fn what_is_of_one_recording_is_refused() {
    let folder = scratch("fleet-refused");
    let recordings = fleet(&folder);
    for words in [
        "--attempts",
        "--histogram",
        "--redact",
        "--sort=load",
        "--errno=EBUSY",
        "--format=html",
        "--format=csv",
    ] {
        let done = run(&["report", words, &recordings]);
        assert_eq!((done.status, done.stdout.as_str()), (Some(1), ""));
        assert!(
            done.stderr
                .contains("is of one recording, and this folder has 12: name one of them"),
            "{done:?}"
        );
    }
    let of_one = folder.join("of-one");
    fs::create_dir(&of_one).unwrap();
    Machine::new(0).write(&of_one).unwrap();
    let done = run(&["report", "--format=csv", of_one.to_str().unwrap()]);
    assert!(done.quiet().starts_with("module,"), "{done:?}");
}

#[test]
fn sets_of_many_recordings_are_compared_without_each_value() {
    let folder = scratch("fleet-diff");
    let recordings = fleet(&folder);
    for at in 0..130 {
        let from = format!("{recordings}/node-{:06}.kmt", at % MACHINES);
        for set in ["a", "b"] {
            fs::create_dir_all(folder.join(set)).unwrap();
            std::os::unix::fs::symlink(&from, folder.join(set).join(format!("{at:03}.kmt"))).unwrap();
        }
    }
    let sets = ["a", "b"].map(|set| folder.join(set).into_os_string().into_string().unwrap());
    let done = json(run(&["diff", "--json", &sets[0], &sets[1]]).quiet());
    assert_eq!(
        (done["first"]["count"].as_u64(), done["second"]["count"].as_u64()),
        (Some(130), Some(130))
    );
    assert_eq!(done["first"]["runs"].as_array().unwrap().len(), 2);
    assert!(
        done["rows"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["verdict"] == "noise")
    );
    assert_eq!(done["rows"][0]["first_values"], serde_json::json!([]));
    let text = run(&["diff", &sets[0], &sets[1]]);
    assert!(
        text.quiet().contains("no difference that is more than noise"),
        "{text:?}"
    );
}
