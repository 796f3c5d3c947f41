//! Everything that is made of what finished, each apart so that none waits for the others.

use std::collections::BTreeMap;
use std::io;

use kmodtrace_core::analysis::account::AccountFold;
use kmodtrace_core::analysis::drill::{
    Elsewhere, Load, TreeLimits, write_json as write_load_json, write_text as write_load,
};
use kmodtrace_core::analysis::graph::{WaitGraph, Watch, write_dot, write_flamegraph, write_folded, write_svg};
use kmodtrace_core::analysis::waits::{Waiting, write_text as write_waits};
use kmodtrace_core::analysis::why::{Filter, Why, WhyFold, write_text as write_why};
use kmodtrace_core::compare::bisect::RecordedFold;
use kmodtrace_core::compare::diff::{Diff, Limits, RunFold, write_text as write_diff};
use kmodtrace_core::compare::fleet::{FleetFold, write_text as write_fleet};
use kmodtrace_core::model::{Cgroups, Finished, Ktime, Zero};
use kmodtrace_core::monitor::{Body, Focus, LaneAttempt, LaneOf, Monitor, Topic, Window};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::recording::Header;
use kmodtrace_core::records::order::Loss;
use kmodtrace_core::report::line::{Line, time_text};
use kmodtrace_core::report::{
    KnownAttempts, Report, RequestLine, Selection, Source, StreamLine, TextLayout, write_attempts_csv, write_chrome,
    write_histograms, write_html, write_jsonl, write_modules_csv, write_perfetto, write_text,
};
use kmodtrace_core::text::{Names, write_json, write_json_line};

use crate::story::{RECORDED, finished, records};
use crate::written::{csv, json, line, text};

/// Columns of a terminal.
const COLUMNS: usize = 120;

/// The source that a story has.
fn source(loss: &Loss) -> Source {
    Source::of_recording(&RECORDED.header, loss, None)
}

/// `trace`: lines for people and for programs, and what lasts.
pub(crate) fn lines(bytes: &[u8]) {
    let coverage = Source::of_header(&RECORDED.header).coverage;
    let (mut pipeline, mut watch) = (Pipeline::default(), Watch::default());
    let mut told = Vec::new();
    for record in records(bytes) {
        pipeline.push(&record).unwrap();
        if let Some(now) = pipeline.take_tick() {
            let session = pipeline.session();
            for lasting in watch.tick(now, pipeline.taken(), session.in_flight(), session.requests_in_flight()) {
                line(&format!("{}  {lasting}", time_text(lasting.time, Zero::Boot)));
                told.push(StreamLine::lasting(&lasting));
            }
        }
    }
    let (finished, loss) = pipeline.finish();
    let zero = Zero::Boot;
    for one in &finished {
        match one {
            Finished::Attempt(attempt) => line(&Line { attempt, zero }.to_string()),
            Finished::Request(request) => line(&RequestLine { request, zero }.to_string()),
            Finished::State(_) | Finished::Call(_) => {}
        }
        told.extend(StreamLine::of(one, &coverage));
    }
    told.push(StreamLine::loss(&loss));
    json(|out| told.iter().try_for_each(|line| line.write(out)));
}

/// `report --attempts`.
pub(crate) fn attempts(bytes: &[u8]) {
    let (finished, loss, end) = finished(bytes);
    let all = Selection::default();
    let known = KnownAttempts::of(&finished, &all);
    let mut recorded = RecordedFold::default();
    for one in &finished {
        recorded.add(one.clone());
    }
    let report = Report::new(
        &recorded.finish("run".to_owned(), source(&loss), end).aggregates,
        &source(&loss),
        &all,
    );
    let report = report.with_attempts(move || finished.clone().into_iter(), known, &all);
    write(&report);
    csv(|out| write_attempts_csv(&report, true, out));
    json(|out| write_chrome(&report, out));
    write_perfetto(&report, &mut io::sink()).unwrap();
    write_html(&report, &TextLayout::default(), &mut io::sink()).unwrap();
}

/// `report`, with findings, what failed and what it cost.
pub(crate) fn report(bytes: &[u8]) {
    report_under(&RECORDED.header, bytes);
}

/// The same of a recording with this header.
pub(crate) fn report_under(header: &Header, bytes: &[u8]) {
    let (finished, loss, end) = finished(bytes);
    let mut account = AccountFold::new(header);
    let mut recorded = RecordedFold::default();
    let why = whys(header, &finished, end);
    for one in finished {
        account.add(&one);
        recorded.add(one);
    }
    let source = Source::of_recording(header, &loss, None);
    let account = account.finish(end, &BTreeMap::new(), &source.coverage, &Cgroups::default());
    let report = recorded
        .finish("run".to_owned(), source, end)
        .report()
        .with_answer(account, why);
    write(&report);
    csv(|out| write_modules_csv(&report, true, out));
}

fn write(report: &Report) {
    let layout = TextLayout {
        columns: COLUMNS,
        zero: Zero::Boot,
    };
    text(|out| {
        write_text(report, &layout, out)?;
        write_histograms(report, out)
    });
    json(|out| write_json(report, out));
    json(|out| write_jsonl(report, out));
}

/// `why`.
pub(crate) fn why(bytes: &[u8]) {
    let (finished, _, end) = finished(bytes);
    let why = whys(&RECORDED.header, &finished, end);
    text(|out| write_why(&why, COLUMNS, out));
    json(|out| write_json(&why, out));
}

fn whys(header: &Header, finished: &[Finished], end: Ktime) -> Why {
    let coverage = Source::of_header(header).coverage;
    let mut why = WhyFold::new(Filter::default(), Zero::Boot, &header.functions, coverage);
    for one in finished {
        drop(why.add(one.clone()));
    }
    why.finish(end)
}

/// `graph`.
pub(crate) fn graph(bytes: &[u8]) {
    let (finished, _, end) = finished(bytes);
    let mut graph = WaitGraph::with_stacks();
    for one in &finished {
        graph.add(one);
    }
    let waiting = Waiting {
        graph: graph.finish(),
        hanging: whys(&RECORDED.header, &finished, end).hanging,
    };
    text(|out| write_waits(&waiting, Zero::Boot, COLUMNS, out));
    text(|out| write_dot(&waiting.graph, out));
    text(|out| write_svg(&waiting.graph, out));
    text(|out| write_flamegraph(&waiting.graph, out));
    json(|out| write_json(&waiting, out));
    for line in text(|out| write_folded(&waiting.graph, out)).lines() {
        let microseconds = line.rsplit(' ').next().map(str::parse::<u64>);
        assert!(matches!(microseconds, Some(Ok(_))), "{line:?}");
    }
}

/// `drill`.
pub(crate) fn drill(bytes: &[u8]) {
    drill_under(&RECORDED.header, bytes);
}

/// The same of a recording with this header.
pub(crate) fn drill_under(header: &Header, bytes: &[u8]) {
    let functions = &header.functions;
    let mut elsewhere = Elsewhere::default();
    for one in finished(bytes).0 {
        match one {
            Finished::Attempt(attempt) => {
                let load = Load::new(&attempt, functions);
                text(|out| write_load(&load, TreeLimits::default(), out));
                json(|out| write_load_json(&load, out));
            }
            Finished::Call(mark) => elsewhere.add(mark),
            Finished::Request(_) | Finished::State(_) => {}
        }
    }
    text(|out| elsewhere.write(functions, out));
}

/// `diff` of a story and its first half, and `report` of a folder of both.
pub(crate) fn diff(bytes: &[u8]) {
    let run = |bytes| {
        let (finished, loss, end) = finished(bytes);
        let mut run = RunFold::default();
        for one in finished {
            run.add(one);
        }
        run.finish("run".to_owned(), source(&loss), end)
    };
    let (whole, half) = (run(bytes), run(&bytes[..bytes.len() / 2]));
    let mut fold = FleetFold::default();
    for run in [&whole, &half, &half] {
        fold.add(run);
    }
    let fleet = fold.finish("fleet".to_owned(), 0, &Names::default());
    text(|out| write_fleet(&fleet, None, 80, out));
    json(|out| write_json_line(&fleet, out));
    let diff = Diff::new(&[whole.clone(), whole], &[half.clone(), half], Limits::default());
    text(|out| write_diff(&diff, out));
    json(|out| write_json_line(&diff, out));
}

/// The view: what it shows in between and at the end.
pub(crate) fn monitor(bytes: &[u8]) {
    monitor_under(&RECORDED.header, bytes);
}

/// The same of a recording with this header.
pub(crate) fn monitor_under(header: &Header, bytes: &[u8]) {
    let mut monitor = Monitor::new(header);
    for record in records(bytes) {
        monitor.push(&record).unwrap();
    }
    pictures(&monitor);
    monitor.flush();
    pictures(&monitor);
    json(|out| write_json_line(&monitor.report(), out));
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
        Focus::Probes,
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
