//! Rules, runs and verdicts.

use super::*;
use crate::analysis::aggregate::Aggregates;
use crate::compare::diff::RunFold;
use crate::model::{Errno, Ktime};
use crate::plan::{Coverage, Observed};
use crate::report::Source;

fn rule(text: &str) -> Rule {
    text.parse().unwrap()
}

fn terms(rules: &[&str]) -> Criteria {
    Criteria {
        bad_when: rules.iter().map(|text| rule(text)).collect(),
        skip_when: Vec::new(),
        runs: None,
        most_runs: MOST_RUNS,
        confidence: CONFIDENCE,
        rate: None,
        noise: None,
        with: Vec::new(),
    }
}

/// A run of a kernel on which xfs was loaded: so many attempts, of which so many got EINVAL; and a wait of so long.
fn xfs(attempts: u64, failed: u64, waited_ns: u64) -> Sample {
    let mut aggregates = Aggregates::default();
    let stats = aggregates.modules.entry(Some("xfs".into())).or_default();
    stats.loads.count = attempts;
    stats.loads.outcomes.insert(Errno(22), failed);
    stats.loads.outcomes.insert(Errno::OK, attempts - failed);
    let waits = stats.waits.entry(crate::model::WaitKind::SameName).or_default();
    waits.record(waited_ns);
    sample(aggregates, Source::default())
}

fn sample(aggregates: Aggregates, source: Source) -> Sample {
    Sample {
        command: CommandEnd {
            status: 0,
            duration_ns: 1_000_000_000,
        },
        recorded: Ok(Recorded {
            aggregates,
            findings: Vec::new(),
            unsearched: None,
            run: RunFold::default().finish("a run".to_owned(), source.clone(), Ktime::default()),
            source,
        }),
    }
}

fn holds(text: &str, sample: &Sample) -> Option<bool> {
    rule(text).ask(sample, &[]).holds
}

#[test]
fn rules_are_about_what_a_report_says() {
    let run = xfs(8, 3, 40_000_000);
    for (text, expected) in [
        ("errno(EINVAL)>0", true),
        ("errno(22) >= 3", true),
        ("errno(EBUSY)>0", false),
        ("module(xfs).failed==3", true),
        ("module(xfs).failed != 3", false),
        ("attempts<8", false),
        ("attempts<=8", true),
        ("module(xfs).wait.max>39ms", true),
        ("wait(same-name).count>1", false),
        ("total_wait>1s", false),
        ("wait.total>0.01s", true),
        ("module(xfs).collisions(GOING)>0", false),
        ("going.windows>0", false),
        ("requests.failed>0", false),
        ("finding(deadlock)>0", false),
        ("command fails", false),
        ("command.time>999ms", true),
        ("no recording", false),
        // Nobody ran an init function, so none was too long.
        ("module(xfs).init.p99>1ns", false),
        ("wasted_bytes>1MiB", false),
    ] {
        assert_eq!(holds(text, &run), Some(expected), "{text}");
    }
}

#[test]
fn mistakes_are_named() {
    for (text, said, fields) in [
        ("", "expected FIELD", true),
        ("attempts", "expected FIELD", true),
        ("command failed", "expected FIELD", true),
        ("attemps>0", "`attemps` is not a field", true),
        ("errno(EFOO)>0", "`errno(EFOO)` is not a field", true),
        ("errno()>0", "is not a field", true),
        ("module(xfs>0", "is not a field", true),
        ("module(xfs).requests.failed>0", "is not a field", true),
        ("wait(same).p99>1s", "is not a field", true),
        ("wait.p95>1s", "is not a field", true),
        ("attempts>many", "`many`: expected a number", false),
        ("attempts>1s", "expected a number", false),
        ("attempts>-1", "expected a number", false),
        ("attempts>", "expected a number", false),
        ("total_wait>2", "expected a time with its unit", false),
        ("total_wait>2 parsecs", "expected a time with its unit", false),
        ("total_wait>x good", "such as 1.5x good", false),
        ("total_wait>0x good", "such as 1.5x good", false),
        ("attempts=>1", "expected FIELD", true),
    ] {
        let error = text.parse::<Rule>().unwrap_err();
        assert!(error.to_string().contains(said), "{text}: {error}");
        assert_eq!(error.wants_fields, fields, "{text}: {error}");
    }
}

#[test]
fn every_field_of_the_list_is_one() {
    let stand_ins = [("STAT", "p99"), ("(E)", "(EBUSY)"), ("FIELD", "failed")];
    for (names, _) in fields() {
        for name in names.split(", ") {
            let mut text = stand_ins
                .iter()
                .fold(name.to_owned(), |text, (word, instead)| text.replace(word, instead));
            text = text.replace("finding(NAME)", "finding(herd)");
            assert!(text.parse::<Field>().is_ok(), "{text}");
        }
    }
}

#[test]
fn a_rule_reads_back_from_what_it_is_shown_as() {
    for text in [
        "request(a\rb).failed > 0",
        " errno( EINVAL )\n>=\u{2028}1 ",
        "command \t fails",
        "no  recording",
    ] {
        let rule = rule(text);
        assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule, "{text:?}");
        assert!(!rule.to_string().contains(['\r', '\n', '\t', '\u{2028}']), "{text:?}");
    }
}

#[test]
fn what_was_not_seen_is_not_told() {
    let run = xfs(8, 0, 1);
    // A name that nobody loaded may be spelt wrong.
    let answer = rule("module(xsf).errno(EINVAL)>0").ask(&run, &[]);
    assert_eq!((answer.holds, answer.lasting), (None, true), "{answer:?}");
    assert_eq!(holds("module(xsf).attempts==0", &run), Some(true));
    assert_eq!(holds("request(fs-xfs).failed>0", &run), None);
    // A kernel that hides it.
    let mut coverage = Coverage::default();
    coverage.lose(Observed::SameNameWaits, "finished_loading has no symbol");
    let blind = sample(
        Aggregates::default(),
        Source {
            coverage,
            ..Source::default()
        },
    );
    let answer = rule("wait(same-name).max>1s").ask(&blind, &[]);
    assert_eq!((answer.holds, answer.lasting), (None, true));
    assert!(answer.seen.contains("same-name waits were not observed"), "{answer:?}");
    assert_eq!(holds("wait(rcu).max>1s", &blind), Some(false));
    // No recording.
    let gone = Sample {
        recorded: Err(Unread::Absent),
        ..run.clone()
    };
    assert_eq!(holds("attempts>0", &gone), None);
    assert_eq!(holds("no recording", &gone), Some(true));
    let damaged = Sample {
        recorded: Err(Unread::Damaged("block 3".to_owned())),
        ..run
    };
    assert_eq!(holds("no recording", &damaged), Some(false));
}

#[test]
fn what_was_lost_can_only_make_counts_smaller() {
    let mut run = xfs(8, 1, 40_000_000);
    if let Ok(recorded) = &mut run.recorded {
        recorded.source.lost = Some(2);
    }
    assert_eq!(holds("errno(EINVAL)>0", &run), Some(true));
    assert_eq!(holds("errno(EBUSY)>0", &run), None);
    assert_eq!(holds("errno(EINVAL)<5", &run), None);
    assert_eq!(holds("wait.max>1ms", &run), Some(true));
    // Half of the waits may be missing.
    assert_eq!(holds("wait.p50>1ms", &run), None);
    assert_eq!(holds("lost>1", &run), Some(true));
    assert_eq!(holds("command fails", &run), Some(false));
}

#[test]
fn good_runs_are_the_measure() {
    let good = [xfs(8, 0, 10_000_000), xfs(8, 0, 12_000_000), xfs(8, 0, 11_000_000)];
    let good: Vec<&Sample> = good.iter().collect();
    let rule = rule("total_wait>1.5x good");
    assert!(rule.is_relative());
    assert_eq!(rule.ask(&xfs(8, 0, 17_000_000), &good).holds, Some(true));
    assert_eq!(rule.ask(&xfs(8, 0, 16_000_000), &good).holds, Some(false));
    assert_eq!(rule.ask(&xfs(8, 0, 17_000_000), &[]).holds, None);
}

fn judged(terms: &Criteria, samples: &[Sample]) -> Judgement {
    let runs: Vec<JudgedRun> = samples.iter().map(|sample| judge_run(terms, sample, &[])).collect();
    judge(terms, shares(terms, Tally::default(), Tally::default()), &runs)
}

#[test]
fn a_verdict_takes_as_many_runs_as_it_takes() {
    let terms = terms(&["errno(EINVAL)>0"]);
    let (good, bad) = (xfs(8, 0, 1), xfs(8, 1, 1));
    assert_eq!(judged(&terms, &[]).verdict, None);
    assert_eq!(judged(&terms, std::slice::from_ref(&bad)).verdict, Some(Verdict::Bad));
    let clean = |runs| vec![good.clone(); runs];
    assert_eq!(judged(&terms, &clean(6)).verdict, None);
    assert_eq!(judged(&terms, &clean(7)).verdict, Some(Verdict::Good));
    let mut late = clean(6);
    // One in seven is more than chance, and less than half of them: the next ones decide.
    late.push(bad.clone());
    assert_eq!(judged(&terms, &late).verdict, None);
    late.push(bad);
    assert_eq!(judged(&terms, &late).verdict, Some(Verdict::Bad));
}

#[test]
fn too_few_runs_say_what_would_do() {
    let fixed = Criteria {
        runs: Some(3),
        ..terms(&["errno(EINVAL)>0"])
    };
    let runs = vec![xfs(8, 0, 1); 3];
    assert_eq!(judged(&fixed, &runs[..2]).verdict, None);
    let judgement = judged(&fixed, &runs);
    assert_eq!(judgement.verdict, Some(Verdict::CannotTell));
    assert!(
        judgement.why.contains("takes 7 without a bad one (--runs 7"),
        "{judgement:?}"
    );
    let sure = Criteria {
        rate: Some(1.0),
        ..fixed
    };
    assert_eq!(judged(&sure, &runs).verdict, Some(Verdict::Good));
    // All of the runs that were asked for are made, also where the first one says enough.
    let bad = vec![xfs(8, 1, 1); 3];
    assert_eq!(judged(&sure, &bad[..1]).verdict, None);
    assert_eq!(judged(&sure, &bad).verdict, Some(Verdict::Bad));
}

#[test]
fn runs_that_tell_nothing_come_to_an_end() {
    let terms = terms(&["module(xsf).failed>0"]);
    let judgement = judged(&terms, &[xfs(8, 0, 1)]);
    assert_eq!(judgement.verdict, Some(Verdict::CannotTell), "{judgement:?}");
    let terms = super::tests::terms(&["errno(EBUSY)>0"]);
    let mut lossy = xfs(8, 0, 1);
    if let Ok(recorded) = &mut lossy.recorded {
        recorded.source.missed = Some(1);
    }
    assert_eq!(judged(&terms, &vec![lossy.clone(); 2]).verdict, None);
    let judgement = judged(&terms, &vec![lossy.clone(); 3]);
    assert_eq!(judgement.verdict, Some(Verdict::CannotTell));
    assert!(judgement.why.contains("missed 1"), "{judgement:?}");
    // Some do not keep the others from being counted.
    let mut mixed = vec![xfs(8, 0, 1); 7];
    mixed.insert(2, lossy.clone());
    mixed.insert(4, lossy);
    assert_eq!(judged(&terms, &mixed).verdict, Some(Verdict::Good));
}

#[test]
fn a_rule_may_say_to_skip() {
    let terms = Criteria {
        skip_when: vec![rule("attempts<4")],
        ..terms(&["errno(EINVAL)>0"])
    };
    let judgement = judged(&terms, &[xfs(8, 0, 1), xfs(2, 1, 1)]);
    assert_eq!(judgement.verdict, Some(Verdict::CannotTell));
    assert!(judgement.why.contains("attempts<4: attempts = 2"), "{judgement:?}");
}

#[test]
fn marked_runs_say_how_often_commits_are_bad() {
    let terms = terms(&["errno(EINVAL)>0"]);
    let none = Tally::default();
    assert_eq!(
        shares(&terms, none, none),
        Shares {
            rate: 0.5,
            noise: 0.001
        }
    );
    // One of three: at least 17 of 1000 by Clopper and Pearson.
    let third = Tally { bad: 1, good: 2 };
    assert!((shares(&terms, third, none).rate - 0.016_952).abs() < 1e-6);
    // A few that are all bad leave it at one half.
    assert!((shares(&terms, Tally { bad: 3, good: 0 }, none).rate - 0.5).abs() < 1e-9);
    assert!(shares(&terms, Tally { bad: 20, good: 0 }, none).rate > 0.86);
    // Good ones that are bad now and then make it noisy, and too noisy to tell.
    let noisy = shares(&terms, none, Tally { bad: 2, good: 4 });
    assert!(noisy.noise > 0.5);
    let judgement = judge(&terms, noisy, &[]);
    assert_eq!(judgement.verdict, Some(Verdict::CannotTell));
    assert!(judgement.why.contains("too noisy"), "{judgement:?}");
}

fn commit(depth: u64) -> Commit {
    Commit {
        hash: format!("{depth:040}"),
        subject: format!("commit <{depth}>"),
        parents: vec![format!("{:040}", depth - 1)],
        depth,
    }
}

fn kept(number: u32, depth: u64, verdict: Option<Verdict>, samples: Vec<Sample>) -> Kept {
    let end = |sample: &Sample| RunEnd {
        command: sample.command,
        recording: Some("01.kmt".to_owned()),
        console: "01.console".to_owned(),
    };
    let step = Step {
        head: StepHead {
            number,
            began_ns: 0,
            label: None,
            workload: Workload::Vm("boot".to_owned()),
            drill: Vec::new(),
            commit: Some(commit(depth)),
            release: None,
            known: None,
            runs: None,
        },
        runs: (1..).zip(samples.iter().map(end)).collect(),
        interrupted: Vec::new(),
        told: verdict.map(|verdict| Told {
            verdict,
            why: String::new(),
            at_ns: 0,
        }),
        mark: None,
    };
    (step, samples)
}

#[test]
fn steps_stand_in_the_order_of_their_commits() {
    let good = || vec![xfs(8, 0, 1); 4];
    let bad = || vec![xfs(8, 1, 1); 4];
    let steps = vec![
        kept(1, 9, Some(Verdict::Bad), bad()),
        kept(2, 4, Some(Verdict::Good), good()),
        kept(3, 6, Some(Verdict::CannotTell), Vec::new()),
        kept(4, 7, Some(Verdict::Bad), bad()),
        kept(5, 5, None, good()),
    ];
    let summary = Summary::new(terms(&["errno(EINVAL)>0"]), steps.clone(), Vec::new());
    let order: Vec<u32> = summary.steps.iter().map(|row| row.number).collect();
    assert_eq!(order, [2, 5, 3, 4, 1]);
    // The interrupted one counts for nothing, so three commits are left.
    let expected = Conclusion {
        last_good: Some(2),
        first_bad: Some(4),
        candidates: Some(3),
        against: Vec::new(),
    };
    assert_eq!(summary.conclusion, expected);
    assert!(summary.diff.is_some());
    let text = |summary: &Summary| {
        let mut out = Vec::new();
        write_text(summary, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert!(
        text(&summary).contains("the first bad commit is one of 3: after"),
        "{}",
        text(&summary)
    );

    let mut more = steps;
    more.push(kept(6, 6, Some(Verdict::Good), good()));
    let summary = Summary::new(
        terms(&["errno(EINVAL)>0"]),
        more.clone(),
        vec!["0009/step.json".to_owned()],
    );
    assert_eq!(summary.conclusion.candidates, Some(1));
    let shown = text(&summary);
    assert!(
        shown.contains("the first bad commit is 000000000000 \"commit <7>\" (step 4)"),
        "{shown}"
    );
    assert!(shown.contains("damaged, and not counted: 0009/step.json"), "{shown}");
    let mut page = Vec::new();
    write_html(&summary, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("commit &#60;7&#62;") && !page.contains("<7>"), "{page}");
    assert_eq!(page.matches("<circle class=").count(), 20);

    // A good one behind a bad one is said.
    more.push(kept(7, 12, Some(Verdict::Good), good()));
    let summary = Summary::new(terms(&["errno(EINVAL)>0"]), more, Vec::new());
    assert_eq!(summary.conclusion.against, [7]);
    assert!(text(&summary).contains("step 7 is good with more commits below it"));
}
