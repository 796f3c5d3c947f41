//! Bisecting: rules, what they say of a run, and the files of a session.

use std::sync::LazyLock;

use kmodtrace_core::compare::bisect::{
    CommandEnd, Criteria, Known, Recorded, RecordedFold, Rule, RunEnd, Sample, Step, StepHead, Summary, Told, Unread,
    fields, judge, judge_run, write_html, write_text,
};
use kmodtrace_core::report::Source;
use kmodtrace_core::text::write_json_line;
use serde::Deserialize;

use crate::story::{self, RECORDED, finished};
use crate::written::{json, text};

/// A rule for each field that there is.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rules = rule_texts();
    rules.iter().map(|rule| rule.parse().unwrap()).collect()
});

fn rule_texts() -> Vec<String> {
    let fields = fields()
        .into_iter()
        .flat_map(|(names, _)| names.split(", ").map(str::to_owned).collect::<Vec<_>>());
    let fields = fields.map(|field| {
        field
            .replace("STAT", "p99")
            .replace("(E)", "(EBUSY)")
            .replace("FIELD", "failed")
    });
    let rules = fields.map(|field| {
        let field = field.replace("request(NAME)", "request(fs-xfs)").replace("NAME", "xfs");
        let field = field.replace("finding(xfs)", "finding(deadlock)");
        format!("{field}>1.5x good")
    });
    let more = [
        "command fails",
        "no recording",
        "total_wait > 2s",
        "wasted_bytes != 64MiB",
        "errno(EINVAL)>=0",
    ];
    rules.chain(more.map(str::to_owned)).collect()
}

/// A rule. It reads back from what it is shown as, and says the same of a run.
pub(crate) fn rules(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(rule) = text.parse::<Rule>() else { return };
    let again: Rule = rule.to_string().parse().unwrap();
    assert_eq!(again, rule);
    let sample = sample_of(&SEED);
    assert_eq!(again.ask(&sample, &[&sample]), rule.ask(&sample, &[&sample]));
}

/// One of each.
pub(crate) fn rule_seeds() -> Vec<Vec<u8>> {
    rule_texts().into_iter().map(String::into_bytes).collect()
}

/// A story as a run, and all that rules can ask of it.
pub(crate) fn sample(bytes: &[u8]) {
    let sample = sample_of(&recorded(bytes));
    for rule in RULES.iter() {
        let _ = rule.ask(&sample, &[&sample]);
    }
}

fn recorded(bytes: &[u8]) -> Recorded {
    let (finished, loss, end) = finished(bytes);
    let mut recorded = RecordedFold::default();
    for one in finished {
        recorded.add(one);
    }
    recorded.finish(
        "run".to_owned(),
        Source::of_recording(&RECORDED.header, &loss, None),
        end,
    )
}

/// A story of a real kernel.
static SEED: LazyLock<Recorded> = LazyLock::new(|| recorded(&story::seeds()[0]));

fn sample_of(recorded: &Recorded) -> Sample {
    Sample {
        command: CommandEnd {
            status: 1,
            duration_ns: 1_000_000_000,
        },
        recorded: Ok(recorded.clone()),
    }
}

/// What the files of a session hold.
#[derive(Deserialize)]
struct Files {
    terms: Criteria,
    steps: Vec<StepFiles>,
    damage: Vec<String>,
}

/// What those of a step hold.
#[derive(Deserialize)]
struct StepFiles {
    head: StepHead,
    runs: Vec<(u32, RunEnd)>,
    told: Option<Told>,
    mark: Option<Known>,
}

/// The files of a session, what each step comes to, and what is shown of it.
pub(crate) fn session(bytes: &[u8]) {
    let Ok(files) = serde_json::from_slice::<Files>(bytes) else {
        return;
    };
    let kept = files.steps.into_iter().map(|files| {
        let samples = files.runs.iter().map(|(number, end)| Sample {
            command: end.command,
            recorded: match number % 4 {
                0 => Err(Unread::Absent),
                1 => Err(Unread::Damaged("damaged".to_owned())),
                _ => Ok(SEED.clone()),
            },
        });
        let samples: Vec<_> = samples.collect();
        let step = Step {
            head: files.head,
            runs: files.runs,
            interrupted: Vec::new(),
            told: files.told,
            mark: files.mark,
        };
        (step, samples)
    });
    let kept: Vec<_> = kept.collect();
    let good: Vec<&Sample> = kept
        .iter()
        .filter(|(step, _)| step.known() == Some(Known::Good))
        .flat_map(|(_, samples)| samples)
        .collect();
    let summary = Summary::new(files.terms.clone(), kept.clone(), files.damage);
    for (_, samples) in &kept {
        let runs: Vec<_> = samples
            .iter()
            .map(|sample| judge_run(&files.terms, sample, &good))
            .collect();
        let _ = judge(&files.terms, summary.shares, &runs);
    }
    text(|out| write_text(&summary, out));
    json(|out| write_json_line(&summary, out));
    let html = text(|out| write_html(&summary, out));
    assert_eq!(html.matches('<').count(), html.matches('>').count(), "{html}");
}

/// Two steps with what each may have.
pub(crate) fn session_seeds() -> Vec<Vec<u8>> {
    let session = |rule: &str, told: &str, mark: &str| {
        format!(
            r#"{{"terms":{{"bad_when":["{rule}"],"skip_when":["no recording"],"runs":null,"most_runs":30,"confidence":0.99,"rate":null,"noise":0.1,"with":["rcu"]}},"steps":[{{"head":{{"number":1,"began_ns":1764000000000000000,"label":"first","workload":{{"command":["modprobe","xfs"]}},"drill":["xfs"],"commit":{{"hash":"0254127ab977","subject":"module: one","parents":["3a5f12e1c0de"],"depth":7}},"release":"6.1.0","known":null,"runs":3}},"runs":[[1,{{"status":1,"duration_ns":2,"recording":null,"console":"01.console"}}],[2,{{"status":0,"duration_ns":2,"recording":"02.kmt","console":"02.console"}}]],"told":null,"mark":"good"}},{{"head":{{"number":2,"began_ns":1,"label":null,"workload":{{"vm":"sh boot"}},"commit":{{"hash":"f","subject":"<b>","parents":["0254127ab977"],"depth":8}},"release":null,"known":"skip","runs":null}},"runs":[[2,{{"status":137,"duration_ns":9,"recording":"02.kmt","console":"02.console"}}],[3,{{"status":0,"duration_ns":9,"recording":"03.kmt","console":"03.console"}}]],"told":{{"verdict":"{told}","why":"because","at_ns":5}},"mark":{mark}}}],"damage":["NN.json: damaged"]}}"#
        )
        .into_bytes()
    };
    vec![
        session("errno(EINVAL)>0", "bad", "null"),
        session("total_wait>1.5x good", "good", "\"bad\""),
        session("command fails", "cannot-tell", "\"skip\""),
    ]
}
