//! What recordings of real kernels say, as committed snapshots; and that their JSON is as its schema says.
//!
//! `cargo xtask test` leaves each kernel's recordings under `target/guests`; those in `tests/recordings` are copies of
//! them, named KERNEL-SCENARIO. `INSTA_UPDATE=always cargo test -p kmodtrace-core --test golden` takes new ones in.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

#[path = "support/schema.rs"]
mod validation;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use kmodtrace_core::analysis::account::AccountFold;
use kmodtrace_core::analysis::aggregate::Aggregates;
use kmodtrace_core::analysis::findings::Findings;
use kmodtrace_core::analysis::why::{Filter, WhyFold};
use kmodtrace_core::model::{Cgroups, Finished, Ktime, Zero};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::recording::{Boot, BootMark, End, Header, Milestone, Reader};
use kmodtrace_core::records::order::Loss;
use kmodtrace_core::report::line::Line;
use kmodtrace_core::report::{KnownAttempts, Report, Selection, Source, TextLayout, write_text};
use kmodtrace_core::text::json_schema;

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// What a recording holds: its header, what finished, when it ends, and what was lost.
fn read(path: &Path) -> (Header, Vec<Finished>, Ktime, Loss) {
    let mut reader = Reader::new(File::open(path).unwrap()).unwrap();
    let mut pipeline = Pipeline::default();
    while let Some(record) = reader.next_record().unwrap() {
        pipeline.push(record).unwrap();
    }
    assert_eq!(reader.end(), Some(End::Trailer), "{}", path.display());
    pipeline.flush();
    let end = pipeline.reached();
    let (finished, loss) = pipeline.finish();
    (reader.header().clone(), finished, end, loss)
}

/// The report, the attempts, and the lines of a recording.
fn shown(path: &Path) -> String {
    let (header, finished, end, loss) = read(path);
    let coverage = Source::of_header(&header).coverage;
    let mut account = AccountFold::new(&header);
    let mut why = WhyFold::new(Filter::default(), Zero::Boot, &header.functions, coverage).without_findings();
    let mut aggregates = Aggregates::default();
    let mut findings = Findings::default();
    for one in &finished {
        aggregates.add(one);
        findings.add(one);
        account.add(one);
        why.add(one.clone());
    }
    let source = Source::of_recording(&header, &loss, None);
    let selection = Selection::default();
    let account = account.finish(
        end,
        &aggregates.stages(&selection.modules),
        &source.coverage,
        &Cgroups::default(),
    );
    let first = account
        .costs
        .first()
        .map(|cost| cost.module.clone().unwrap_or("(unknown)".to_owned()));
    let report = Report::new(&aggregates, &source, &selection)
        .with_answer(account, why.finish(end))
        .with_findings(findings.list(), findings.graph().unsearched(), &selection);
    let mut text = Vec::new();
    write_text(&report, &TextLayout::default(), &mut text).unwrap();
    let screen = String::from_utf8(text.clone()).unwrap();
    let named = |name: String| {
        screen
            .lines()
            .take(12)
            .any(|line| line.starts_with(&format!("  {name}  ")))
    };
    assert!(
        first.is_none_or(named),
        "what cost most is not on the first screen:\n{screen}"
    );
    let report = report.with_attempts(
        {
            let finished = finished.clone();
            move || finished.clone().into_iter()
        },
        KnownAttempts::of(&finished, &selection),
        &selection,
    );
    write_text(&report, &TextLayout::default(), &mut text).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        validation::violations(&json, &json_schema::<Report>()),
        Vec::<String>::new()
    );
    let mut text = String::from_utf8(text).unwrap();
    let longest = text.lines().map(str::len).max();
    assert!(longest <= Some(80), "{longest:?} columns:\n{text}");
    for one in &finished {
        let Finished::Attempt(attempt) = one else { continue };
        writeln!(
            text,
            "{}",
            Line {
                attempt,
                zero: Zero::Boot
            }
        )
        .unwrap();
    }
    text
}

#[test]
fn recordings_say_what_they_said() {
    let recordings = recordings();
    assert!(recordings.len() >= 4, "{recordings:?}");
    for path in recordings {
        let name = path.file_stem().unwrap().to_str().unwrap();
        insta::assert_snapshot!(format!("golden-{name}"), shown(&path));
    }
}

/// Of each recording, as if it were one of a boot.
#[test]
fn what_a_boot_does_in_vain_is_told() {
    let mut told = String::new();
    for path in recordings() {
        let (mut header, finished, end, _) = read(&path);
        header.boot = Some(Boot {
            marks: vec![BootMark {
                milestone: Milestone::Attached,
                time_ns: header.clock.monotonic_ns,
            }],
            ..Boot::default()
        });
        let mut account = AccountFold::new(&header);
        for one in &finished {
            account.add(one);
        }
        let coverage = Source::of_header(&header).coverage;
        for row in account
            .finish(end, &BTreeMap::new(), &coverage, &Cgroups::default())
            .in_vain
        {
            let name = path.file_stem().unwrap().to_string_lossy();
            let module = row.module.as_deref().unwrap_or("requests");
            writeln!(told, "{name}: {module}: {}", row.sentence).unwrap();
        }
    }
    insta::assert_snapshot!("in-vain", told);
}
