//! `kmodtrace bisect step`: runs until there are enough of them, a verdict, and an answer for git.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use clap::ValueEnum as _;
use kmodtrace_core::compare::bisect::{
    Criteria, JudgedRun, Judgement, Known, Sample, Shares, StepHead, Told, Verdict, Workload, judge, judge_run, shares,
    tally,
};
use kmodtrace_core::text::printable;

use crate::bisect::session::{self, Writing};
use crate::bisect::{git, run, samples};
use crate::cli::{BisectStep, BisectWorkload, With};
use crate::failure::{self, BISECT_USAGE, CANNOT_TRACE, failure, say};
use crate::live::capability;
use crate::output::{stdout, written};
use crate::workload;

/// Runs of a step that its user knows to be good or bad, where nobody says how many.
const KNOWN_RUNS: u32 = 8;

/// Makes a step, or goes on with one that was interrupted.
pub(crate) fn run(args: &BisectStep, quiet: bool) -> Result<ExitCode> {
    let mut writing = session::open_to_write(&args.session.session)?;
    if writing.session.terms.needs_good()
        && !writing
            .session
            .steps
            .iter()
            .any(|step| step.known() == Some(Known::Good))
    {
        let text = "a rule compares with runs that are good, and none are marked so: record some of a good kernel with \
                    kmodtrace bisect good -- COMMAND";
        return Err(failure(BISECT_USAGE, text));
    }
    let verdict = make(&mut writing, &args.workload, None, None, quiet)?;
    Ok(ExitCode::from(verdict.status()))
}

/// Makes a step: to be judged, or known to be one or the other.
pub(super) fn make(
    writing: &mut Writing,
    asked: &BisectWorkload,
    known: Option<Known>,
    runs: Option<u32>,
    quiet: bool,
) -> Result<Verdict> {
    for damage in &writing.session.damage {
        say(format_args!("damaged, and not counted: {damage}"));
    }
    mend(writing)?;
    let head = begin(writing, asked, known, runs, quiet)?;
    let mut step = Step::new(writing, head);
    loop {
        let judgement = step.judgement(writing);
        if let Some(verdict) = judgement.verdict {
            step.tell(writing, verdict, judgement.why)?;
            return Ok(verdict);
        }
        if let Err(error) = run::once(writing, &step.head, &step.with) {
            let why = unable(&error).ok_or(error)?;
            step.tell(writing, Verdict::CannotTell, why)?;
            return Ok(Verdict::CannotTell);
        }
        step.read_on(writing)?;
    }
}

/// Where this kernel cannot be traced that is no fault of the user's, and says nothing of the commit. Who may not trace has
/// to mend that.
fn unable(error: &anyhow::Error) -> Option<String> {
    let rights = capability::effective();
    let may = rights.contains("CAP_SYS_ADMIN") || (rights.contains("CAP_BPF") && rights.contains("CAP_PERFMON"));
    (may && failure::status(error) == CANNOT_TRACE).then(|| format!("{error:#}"))
}

/// The head of the step: that of the last one, where it was interrupted and the same is to be done; else a new one.
fn begin(
    writing: &mut Writing,
    asked: &BisectWorkload,
    known: Option<Known>,
    runs: Option<u32>,
    quiet: bool,
) -> Result<StepHead> {
    let workload = match &asked.vm {
        Some(command) => Workload::Vm(command.clone()),
        None if asked.command.is_empty() => {
            return Err(failure(
                BISECT_USAGE,
                "what is to be run? -- COMMAND is recorded here, --vm COMMAND boots another machine",
            ));
        }
        None => {
            workload::find(&asked.command)?;
            let words = asked.command.iter().map(|word| word.to_string_lossy().into_owned());
            Workload::Command(words.collect())
        }
    };
    let here = matches!(workload, Workload::Command(_));
    let release = || rustix::system::uname().release().to_string_lossy().into_owned();
    let head = StepHead {
        number: writing.next_step()?,
        began_ns: since_1970(),
        label: asked.label.clone(),
        workload,
        drill: asked.drill.clone(),
        commit: git::head(),
        release: here.then(release),
        known,
        runs,
    };
    let last = writing.session.steps.last();
    let goes_on = |last: &&kmodtrace_core::compare::bisect::Step| {
        // Behind it there may be one that is damaged.
        last.head.number + 1 == head.number && last.told.is_none() && last.mark.is_none() && last.is_same(&head)
    };
    if let Some(last) = last.filter(goes_on) {
        if !quiet {
            say(format_args!(
                "{} was interrupted: going on with it, {} runs are there",
                printable(&last.name()),
                last.runs.len()
            ));
        }
        return Ok(last.head.clone());
    }
    writing.begin(head.clone())?;
    Ok(head)
}

fn since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Makes reports again that are not there, or not whole: they can be made of the recordings at any time.
fn mend(writing: &Writing) -> Result<()> {
    let session = &writing.session;
    for step in &session.steps {
        for (run, end) in &step.runs {
            let path = session.run_file(step.head.number, *run, "report.json");
            let whole =
                std::fs::read(&path).is_ok_and(|text| serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok());
            if whole {
                continue;
            }
            if let Ok(recorded) = samples::read(session, step.head.number, *run, end).recorded {
                writing.keep_report(step.head.number, *run, &recorded.report())?;
            }
        }
    }
    Ok(())
}

/// A step at work.
struct Step {
    head: StepHead,
    with: Vec<With>,
    /// Runs that are known to be good; those of this step are, where it is.
    good: Vec<Sample>,
    /// What is known of commits besides this one.
    shares: Shares,
    /// Its own runs so far.
    runs: Vec<JudgedRun>,
}

impl Step {
    fn new(writing: &Writing, head: StepHead) -> Self {
        let session = &writing.session;
        let terms = &session.terms;
        let others = |known| -> Vec<Sample> {
            let steps = session.steps.iter();
            let steps = steps.filter(|step| step.known() == Some(known) && step.head.number != head.number);
            steps.flat_map(|step| samples::of_step(session, step)).collect()
        };
        let (good, bad) = (others(Known::Good), others(Known::Bad));
        let judged = judge_all(terms, &good, &good);
        let shares = shares(terms, tally(&judge_all(terms, &bad, &good)), tally(&judged));
        let own = session.steps.iter().find(|step| step.head.number == head.number);
        let own = own.map(|step| samples::of_step(session, step)).unwrap_or_default();
        let with = terms.with.iter();
        let mut step = Self {
            with: with.filter_map(|name| With::from_str(name, false).ok()).collect(),
            good,
            shares,
            runs: Vec::new(),
            head,
        };
        step.add(terms, own);
        step
    }

    /// Judges more of its runs.
    fn add(&mut self, terms: &Criteria, mut samples: Vec<Sample>) {
        let judged = if self.head.known == Some(Known::Good) {
            let before = self.good.len();
            self.good.append(&mut samples);
            judge_all(terms, &self.good[before..], &self.good)
        } else {
            judge_all(terms, &samples, &self.good)
        };
        self.runs.extend(judged);
    }

    /// What the runs come to so far.
    fn judgement(&self, writing: &Writing) -> Judgement {
        let terms = &writing.session.terms;
        let Some(known) = self.head.known else {
            return judge(terms, self.shares, &self.runs);
        };
        let wanted = self.head.runs.or(terms.runs).unwrap_or(KNOWN_RUNS);
        let enough = self.runs.len() >= wanted as usize;
        let verdict = match known {
            Known::Good => Verdict::Good,
            Known::Bad => Verdict::Bad,
            Known::Skip => Verdict::CannotTell,
        };
        Judgement {
            verdict: enough.then_some(verdict),
            why: format!("{} runs of what its user knows to be {}", self.runs.len(), known.name()),
        }
    }

    /// Reads the runs that were made since, keeps their reports, and tells what each is.
    fn read_on(&mut self, writing: &Writing) -> Result<()> {
        let session = &writing.session;
        let own = session.steps.iter().find(|step| step.head.number == self.head.number);
        let ends = own.map(|step| step.runs.as_slice()).unwrap_or_default();
        let told = self.runs.len();
        let mut fresh = Vec::new();
        for (run, end) in ends.iter().skip(told) {
            let sample = samples::read(session, self.head.number, *run, end);
            if let Ok(recorded) = &sample.recorded {
                writing.keep_report(self.head.number, *run, &recorded.report())?;
            }
            fresh.push(sample);
        }
        self.add(&session.terms, fresh);
        for ((run, _), judged) in ends.iter().zip(&self.runs).skip(told) {
            line(&format!("run {run}: {}: {}", judged.verdict.name(), judged.why))?;
        }
        Ok(())
    }

    fn tell(&self, writing: &mut Writing, verdict: Verdict, why: String) -> Result<()> {
        let text = format!("{}: {}: {why}", self.head.name(), verdict.name());
        let told = Told {
            verdict,
            why,
            at_ns: since_1970(),
        };
        // What is printed is kept, and what cannot be printed is, too.
        writing.tell(self.head.number, &told)?;
        line(&text)
    }
}

fn judge_all(terms: &Criteria, samples: &[Sample], good: &[Sample]) -> Vec<JudgedRun> {
    let good: Vec<&Sample> = good.iter().collect();
    samples.iter().map(|sample| judge_run(terms, sample, &good)).collect()
}

/// A line for people. That nobody reads it is no reason to leave the verdict unwritten.
fn line(text: &str) -> Result<()> {
    let mut out = written(stdout())?;
    match writeln!(out, "{}", printable(text)).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => written(done),
    }
}
