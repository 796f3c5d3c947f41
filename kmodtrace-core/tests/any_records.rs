//! Records of real kernels, by any task, at any time and with any number in them, as only a damaged or made-up file has them: nothing that is made of them
//! panics. Sums that overflow do, in tests.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use std::collections::BTreeMap;
use std::fs::{self, File};

use kmodtrace_core::analysis::account::AccountFold;
use kmodtrace_core::analysis::drill::{Elsewhere, Load, TreeLimits, write_json, write_text as write_load};
use kmodtrace_core::analysis::graph::{WaitGraph, Watch, write_dot, write_folded, write_text as write_graph};
use kmodtrace_core::analysis::why::{Filter, WhyFold, write_text as write_why};
use kmodtrace_core::compare::bisect::RecordedFold;
use kmodtrace_core::compare::diff::{Diff, Limits, RunFold, write_text as write_diff};
use kmodtrace_core::model::{Cgroups, Finished, Zero};
use kmodtrace_core::monitor::{Body, Focus, LaneAttempt, LaneOf, Monitor, Topic, Window};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::plan::Coverage;
use kmodtrace_core::recording::{Header, Reader};
use kmodtrace_core::report::line::Line;
use kmodtrace_core::report::{
    Report, RequestLine, Source, StreamLine, TextLayout, write_attempts_csv, write_histograms, write_jsonl, write_text,
};
use proptest::prelude::*;
use proptest::sample::Index;

/// Where a record has its time and its task: behind its kind, size, CPU and number.
const TIME: usize = 16;
const TID: usize = 24;
/// Records of a kind and a recording that are enough.
const ALIKE: usize = 4;
/// Times within the horizon of each other and beyond it, and the last ones that there are.
const NUMBERS: [u64; 6] = [0, 1, 1_000_000_000, 1_000_000_001, u64::MAX - 1, u64::MAX];

/// A header, and records of all kinds that recordings of real kernels have.
fn recorded() -> (Header, Vec<Vec<u8>>) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings");
    let mut records = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let mut reader = Reader::new(File::open(entry.unwrap().path()).unwrap()).unwrap();
        let mut alike: BTreeMap<[u8; 2], usize> = BTreeMap::new();
        while let Some(record) = reader.next_record().unwrap() {
            let count = alike.entry([record[0], record[1]]).or_default();
            *count += 1;
            if *count <= ALIKE {
                records.push(record.to_vec());
            }
        }
    }
    records.sort();
    let drill = File::open(format!("{folder}/6.1-drill.kmt")).unwrap();
    (Reader::new(drill).unwrap().header().clone(), records)
}

fn scattered(records: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let time = || prop::sample::select(&NUMBERS[..]);
    let one = (
        any::<Index>(),
        1..5_u32,
        time(),
        prop::option::weighted(0.1, (any::<Index>(), time())),
    );
    prop::collection::vec(one, 0..300).prop_map(move |picks| {
        let picks = picks.into_iter().map(|(pick, tid, time, other)| {
            let mut record = pick.get(&records).clone();
            record[TIME..TIME + 8].copy_from_slice(&time.to_le_bytes());
            record[TID..TID + 8].copy_from_slice(&[tid.to_le_bytes(), tid.to_le_bytes()].concat());
            if let Some((at, number)) = other {
                let mut words: Vec<&mut [u8]> = record[TID..].chunks_exact_mut(8).collect();
                let at = at.index(words.len());
                words[at].copy_from_slice(&number.to_le_bytes());
            }
            record
        });
        picks.collect()
    })
}

/// What finished, as lines, trees and JSON.
fn each(finished: &Finished, header: &Header, out: &mut Vec<u8>) {
    if let Some(line) = StreamLine::of(finished, &Coverage::default()) {
        line.write(out).unwrap();
    }
    match finished {
        Finished::Attempt(attempt) => {
            let zero = Zero::Boot;
            let _ = Line { attempt, zero }.to_string();
            let load = Load::new(attempt, &header.functions);
            write_load(&load, TreeLimits::default(), out).unwrap();
            write_json(&load, out).unwrap();
        }
        Finished::Request(request) => {
            let zero = Zero::Boot;
            let _ = RequestLine { request, zero }.to_string();
        }
        Finished::State(_) | Finished::Call(_) => {}
    }
}

fn report(report: &Report, out: &mut Vec<u8>) {
    let layout = TextLayout {
        columns: 120,
        zero: Zero::Boot,
    };
    write_text(report, &layout, out).unwrap();
    write_histograms(report, out).unwrap();
    write_attempts_csv(report, true, out).unwrap();
    write_jsonl(report, out).unwrap();
    serde_json::to_writer(out, report).unwrap();
}

/// Every command's way, as far as it is here.
fn everything(header: &Header, records: &[Vec<u8>]) {
    let (mut pipeline, mut monitor) = (Pipeline::default(), Monitor::new(header));
    let mut watch = Watch::default();
    let mut out = Vec::new();
    for record in records {
        let _ = (pipeline.push(record), monitor.push(record));
        if let Some(now) = pipeline.take_tick() {
            let session = pipeline.session();
            watch.tick(now, pipeline.taken(), session.in_flight(), session.requests_in_flight());
        }
    }
    pictures(&monitor);
    monitor.flush();
    pictures(&monitor);
    report(&monitor.report(), &mut out);
    let end = pipeline.reached();
    let (finished, loss) = pipeline.finish();
    let source = Source::of_recording(header, &loss, None);
    let mut account = AccountFold::new(header);
    let mut graph = WaitGraph::with_stacks();
    let mut why = WhyFold::new(Filter::default(), Zero::Boot, &header.functions, Coverage::default());
    let mut elsewhere = Elsewhere::default();
    let (mut recorded, mut run) = (RecordedFold::default(), RunFold::default());
    for one in finished {
        each(&one, header, &mut out);
        account.add(&one);
        graph.add(&one);
        recorded.add(one.clone());
        run.add(one.clone());
        if let Finished::Call(mark) = one {
            elsewhere.add(mark);
        }
        why.add(one);
    }
    elsewhere.write(&header.functions, &mut out).unwrap();
    let graph = graph.finish();
    write_graph(&graph, Zero::Boot, 120, &mut out).unwrap();
    write_dot(&graph, &mut out).unwrap();
    write_folded(&graph, &mut out).unwrap();
    let why = why.finish(end);
    write_why(&why, 120, &mut out).unwrap();
    let recorded = recorded.finish("run".to_owned(), source.clone());
    let account = account.finish(end, &BTreeMap::new(), &source.coverage, &Cgroups::default());
    report(&recorded.report().with_answer(account, why), &mut out);
    let run = run.finish("run".to_owned(), source);
    let limits = Limits {
        alpha: 0.05,
        factor: 1.2,
    };
    let runs = [run.clone(), run];
    write_diff(&Diff::new(&runs, &runs, limits), &mut out).unwrap();
}

fn pictures(monitor: &Monitor) {
    let window = |of, span| {
        Focus::Lanes(Window {
            of,
            span,
            only: String::new(),
            first: 0,
            count: 40,
        })
    };
    for focus in [
        Focus::Modules,
        Focus::ModulesBeside(None),
        Focus::Now,
        Focus::Module(Some("acpi_cpufreq".to_owned())),
        Focus::Graph,
        Focus::Requests(Some(1)),
        Focus::Findings,
        Focus::Topic(Topic::Evidence(0)),
        Focus::Topic(Topic::Attempt(1)),
        Focus::Topic(Topic::Request(1)),
        Focus::Topic(Topic::Task(1)),
        window(LaneOf::Attempt, None),
        window(LaneOf::Task, Some((0, u64::MAX))),
    ] {
        let picture = monitor.picture(&focus);
        if let Body::Lanes(lanes) = picture.body {
            let forwards = |one: &LaneAttempt| one.end_ns.is_none_or(|end| end >= one.start_ns);
            let mut all = lanes.lanes.iter().flat_map(|lane| &lane.attempts);
            assert!(all.all(forwards), "{lanes:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn nothing_panics_whatever_a_file_says((header, records) in Just(recorded()).prop_flat_map(|(header, records)| (Just(header), scattered(records)))) {
        everything(&header, &records);
    }
}
