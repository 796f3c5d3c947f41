//! `export parquet`: which files are there after it, whatever becomes of it. What is in them is asked by engines, in the part `parquet` of
//! the gate.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use synth::Machine;

use crate::support::{done, file, kmodtrace, run, sample, scratch};

/// Recordings of so many machines in a folder, and the folder to export to.
fn fleet(test: &str, machines: u64) -> (String, String) {
    let folder = scratch(test);
    let recordings = folder.join("recordings");
    fs::create_dir(&recordings).unwrap();
    (0..machines).for_each(|number| Machine::new(number).write(&recordings).unwrap());
    let name = |path: PathBuf| path.into_os_string().into_string().unwrap();
    (name(folder.join("tables")), name(recordings))
}

/// All files below a folder.
fn files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Those of a table.
fn of<'f>(files: &'f [PathBuf], table: &str) -> Vec<&'f PathBuf> {
    let in_table = |path: &&PathBuf| path.components().any(|part| part.as_os_str() == table);
    files.iter().filter(in_table).collect()
}

const TABLES: usize = 8;

#[test]
fn each_day_has_a_file_of_each_table() {
    let (tables, recordings) = fleet("export_days", 12);
    assert_eq!(run(&["export", "parquet", &tables, &recordings]).quiet(), "");
    let all = files(&tables);
    let days: std::collections::BTreeSet<_> = all
        .iter()
        .map(|path| path.parent().unwrap().file_name().unwrap())
        .collect();
    assert_eq!(
        days.into_iter().collect::<Vec<_>>(),
        ["day=2026-11-28", "day=2026-11-29", "day=2026-11-30"]
    );
    assert_eq!((all.len(), of(&all, "recordings").len()), (3 * TABLES, 3));
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_exported() {
    let (tables, recordings) = fleet("export_damaged", 2);
    let sample = sample(400);
    let folder = Path::new(&recordings);
    let cut = file(folder, "cut.kmt", &sample.bytes[..sample.bytes.len() - 9]);
    let other = file(folder, "other.kmt", "no recording");
    let absent = format!("{recordings}/absent.kmt");
    let run = run(&["export", "parquet", &tables, &recordings, &absent]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), ""));
    let lines: Vec<_> = run.stderr.lines().collect();
    for name in [&cut, &other, &absent] {
        assert_eq!(
            lines.iter().filter(|line| line.contains(name.as_str())).count(),
            1,
            "{name}: {lines:?}"
        );
    }
    assert_eq!(lines.len(), 3, "{lines:?}");
    // A storm began in 1970.
    assert!(
        of(&files(&tables), "recordings")
            .iter()
            .any(|path| path.to_string_lossy().contains("day=1970-01-01"))
    );
}

#[test]
fn nothing_is_left_on_a_full_disk() {
    let (tables, recordings) = fleet("export_full", 3);
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "trap '' XFSZ; ulimit -f 4; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_kmodtrace"),
    ]);
    shell.args(["export", "parquet", &tables, &recordings]);
    let run = done(shell);
    let line = run.refused(1);
    assert!(line.contains("cannot write") && line.contains(&tables), "{line}");
    assert_eq!(files(&tables), Vec::<PathBuf>::new());
}

#[test]
fn what_a_killed_one_left_goes_unless_it_lives() {
    let (tables, recordings) = fleet("export_left", 1);
    assert_eq!(run(&["export", "parquet", &tables, &recordings]).quiet(), "");
    let there = files(&tables);
    let attempts = of(&there, "attempts")[0].parent().unwrap();
    let left = |id: &str| {
        let marker = file(Path::new(&tables), &format!(".{id}.run"), "");
        let unfinished = file(attempts, &format!(".{id}-0.parquet.tmp"), "half");
        let finished = file(attempts, &format!("{id}-1.parquet"), "whole");
        [marker, unfinished, finished].map(PathBuf::from)
    };
    // The second begins as the first does.
    let (dead, alive) = (left("18ec-1"), left("18ec-12"));
    let others = PathBuf::from(file(attempts, "merged.parquet", "by another program"));
    let held = File::open(&alive[0]).unwrap();
    held.lock().unwrap();
    assert_eq!(run(&["export", "parquet", &tables, &recordings]).quiet(), "");
    let all = files(&tables);
    assert!(dead.iter().all(|path| !all.contains(path)), "{all:?}");
    assert!(
        alive
            .iter()
            .chain(&there)
            .chain([&others])
            .all(|path| all.contains(path)),
        "{all:?}"
    );
    assert_eq!(all.len(), there.len() + alive.len() + 1 + TABLES);
}

#[test]
fn two_at_a_time_both_write() {
    let (tables, recordings) = fleet("export_two", 6);
    let all: Vec<_> = (0..4)
        .map(|_| kmodtrace(&["export", "parquet", &tables, &recordings]).spawn().unwrap())
        .collect();
    for mut one in all {
        assert!(one.wait().unwrap().success());
    }
    let all = files(&tables);
    let days = of(&all, "recordings").len() / 4;
    assert!(days > 0);
    assert_eq!(all.len(), 4 * days * TABLES);
}
