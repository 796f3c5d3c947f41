//! Recordings, sessions, facts and file names of somebody who means harm: no command, format or stream hands their characters on to what
//! acts on them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use roxmltree::Document;
use serde_json::{Value, json};
use synth::{hostile, spoil, string_fields};

use crate::support::{file, run, sample_of_knot, scratch};

/// Between them they have every string that recordings have, and whatever is told of them.
const RECORDINGS: [&str; 7] = [
    "field/a11",
    "field/a19",
    "field/g1",
    "field/pileup-wrong-kind",
    "recordings/6.1-drill",
    "recordings/6.12-errors",
    "recordings/6.12-killed-waiter",
];

/// Everything that shows a recording. `diff` takes it twice.
const COMMANDS: [&str; 25] = [
    "report --histogram",
    "report --attempts",
    "report --attempts --format json",
    "report --attempts --format jsonl",
    "report --attempts --format csv",
    "report --format csv",
    "report --format chrome",
    "report --format html",
    "report --format svg",
    "report --format flamegraph",
    "why",
    "why --format json",
    "graph",
    "graph --format json",
    "graph --format dot",
    "graph --format folded",
    "graph --format svg",
    "graph --format flamegraph",
    "trace",
    "trace --format json",
    "export openmetrics",
    "export openmetrics --format prometheus",
    "diff",
    "diff --format json",
    "diff --format html",
];

fn recorded(name: &str) -> File {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kmodtrace-core/tests");
    File::open(tests.join(format!("{name}.kmt"))).unwrap()
}

/// Whether it is a control character, ends a line, or turns the direction of text.
fn acts(c: char) -> bool {
    let turns = [
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    ];
    c.is_control() || turns.contains(&c) || ('\u{2028}'..='\u{202e}').contains(&c)
}

/// Runs it, and looks at all that it says.
fn look(words: &[&str]) -> String {
    let done = run(words);
    for (stream, text) in [("stdout", &done.stdout), ("stderr", &done.stderr)] {
        for line in text.split('\n') {
            let harm = line.chars().find(|c| acts(*c));
            assert!(harm.is_none(), "{words:?}, {stream}: {harm:?} in {line:?}");
            // In a page a line feed is a blank.
            let is_forged = line.starts_with("FORGED") && !words.contains(&"html");
            assert!(
                !is_forged,
                "{words:?}, {stream}: a name made a line of its own: {line:?}"
            );
        }
    }
    done.stdout
}

/// Looks at a format of what these words show.
fn show(words: &str, files: &[&str]) -> String {
    let words: Vec<&str> = words.split(' ').chain(files.iter().copied()).collect();
    let shown = look(&words);
    match words.iter().skip_while(|word| **word != "--format").nth(1) {
        Some(&"json") if words[0] != "trace" && words[0] != "drill" => {
            assert!(serde_json::from_str::<Value>(&shown).is_ok());
        }
        Some(&"chrome") => assert!(serde_json::from_str::<Value>(&shown).is_ok()),
        Some(&"json" | &"jsonl") => assert!(shown.lines().all(|line| serde_json::from_str::<Value>(line).is_ok())),
        Some(&"csv") => shown.lines().for_each(no_formula),
        Some(&"svg" | &"flamegraph") => {
            let picture = Document::parse(&shown).unwrap_or_else(|error| panic!("{words:?}: {error}"));
            let known = [
                "svg", "style", "defs", "marker", "pattern", "path", "line", "rect", "g", "title", "text",
            ];
            let mut elements = picture.descendants().filter(roxmltree::Node::is_element);
            assert!(elements.all(|one| known.contains(&one.tag_name().name())), "{shown}");
        }
        Some(&"html") => {
            let own = usize::from(words[0] == "report");
            assert_eq!(shown.matches("<script").count(), own, "{shown}");
            assert!(!shown.contains("<img"), "{shown}");
        }
        _ => {}
    }
    shown
}

/// Cells are apart by commas outside of quotes.
fn no_formula(row: &str) {
    let mut quoted = false;
    let cells = row.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    for cell in cells {
        let text = cell.trim_start_matches('"');
        assert!(!text.starts_with(['=', '+', '@']), "{row}");
        assert!(!text.starts_with('-') || text.parse::<i64>().is_ok(), "{row}");
    }
}

#[test]
fn no_string_of_a_recording_acts() {
    let folder = scratch("hostile");
    let mut had = BTreeSet::new();
    let knot = sample_of_knot(60);
    let mut sources: Vec<(&str, _)> = vec![("knot", hostile(knot.as_slice()).unwrap())];
    sources.extend(RECORDINGS.map(|name| (name, hostile(recorded(name)).unwrap())));
    std::thread::scope(|threads| {
        for (at, (name, (bytes, strings))) in sources.into_iter().enumerate() {
            had.extend(strings);
            let path = file(&folder, &format!("{at}.kmt"), bytes);
            threads.spawn(move || {
                for words in COMMANDS {
                    let twice = usize::from(words.starts_with("diff"));
                    show(words, &[path.as_str(), path.as_str()][..=twice]);
                }
                if name.ends_with("drill") {
                    for words in ["drill", "drill --format json"] {
                        assert!(!show(words, &[&path]).is_empty());
                    }
                }
            });
        }
    });
    let all = folder.to_str().unwrap();
    assert!(show("report", &[all]).contains(&format!("{} recordings", RECORDINGS.len() + 1)));
    show("report --format json", &[all]);
    assert_eq!(string_fields().difference(&had).collect::<Vec<_>>(), Vec::<&_>::new());
}

#[test]
fn no_string_of_a_session_acts() {
    let folder = scratch("hostile-session");
    let harm = "\u{1b}]0;PWN\u{7}\u{202e}</code><script>alert(1)</script><img src=x>\nFORGED";
    let write = |name: &str, value: &Value| drop(file(&folder, name, value.to_string()));
    write(
        "session.json",
        &json!({"schema": "kmodtrace.bisect/1", "bad_when": ["errno(EINVAL)>0"], "skip_when": [], "runs": null, "most_runs": 30,
            "confidence": 0.99, "rate": null, "noise": null, "with": []}),
    );
    for (step, verdict) in [("0001", "good"), ("0002", "bad")] {
        fs::create_dir(folder.join(step)).unwrap();
        let number: u32 = step.parse().unwrap();
        let commit = json!({"hash": harm, "subject": harm, "parents": [harm], "depth": number});
        write(
            &format!("{step}/step.json"),
            &json!({"number": number, "began_ns": 1, "label": harm, "workload": {"vm": harm}, "commit": commit, "release": harm,
                "known": verdict, "runs": null}),
        );
        write(
            &format!("{step}/01.json"),
            &json!({"status": 1, "duration_ns": 3, "recording": "01.kmt", "console": harm}),
        );
        write(
            &format!("{step}/verdict.json"),
            &json!({"verdict": verdict, "why": harm, "at_ns": 1}),
        );
        file(&folder.join(step), "01.kmt", hostile(recorded("field/a11")).unwrap().0);
    }
    let session = folder.to_str().unwrap();
    for words in ["report", "report --format json", "report --format html", "log"] {
        let shown = show(&format!("bisect {words}"), &["--session", session]);
        assert!(shown.contains("PWN"), "{words}: {shown}");
    }
}

#[test]
fn no_fact_of_a_kernel_acts() {
    let folder = scratch("hostile-facts");
    let facts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kmodtrace-core/tests/facts/6.1.json");
    let mut facts: Value = serde_json::from_str(&fs::read_to_string(facts).unwrap()).unwrap();
    spoil(&mut facts);
    for (facts, are_read) in [(facts, true), (json!({"schema": "\u{1b}]0;PWN\u{7}"}), false)] {
        let path = file(&folder, "facts.json", facts.to_string());
        for words in ["check --facts", "check --format json --facts"] {
            let words: Vec<&str> = words.split(' ').chain([path.as_str()]).collect();
            assert_eq!(look(&words).contains("PWN"), are_read, "{words:?}");
        }
    }
}

#[test]
fn no_name_in_a_message_acts() {
    let folder = scratch("hostile-names");
    let folder_of = folder.to_str().unwrap();
    let harm = "x\u{1b}[2J\u{9b}31m\u{202e}";
    // One that a later version made: its header names a tool.
    let (newer, _) = hostile(recorded("field/a11")).unwrap();
    let at = newer.windows(11).position(|bytes| bytes == b"\"version\":2").unwrap();
    let newer = [&newer[..at], b"\"version\":9", &newer[at + 11..]].concat();
    let newer = file(&folder, &format!("{harm}.kmt"), newer);
    for words in [
        &["report", newer.as_str()][..],
        &["trace", "--from", &newer],
        &["diff", folder_of, folder_of],
        &["check", "--facts", &newer],
        &["bisect", "report", "--session", &newer],
        &["report", "--from", harm],
        &["report", "--sort", harm],
        &["report", "--format", harm],
        &["explain", harm],
        &["schema", harm],
        &["bisect", "start", "--session", folder_of, "--bad-when", harm],
        &["drill", harm],
        &[harm],
    ] {
        assert_eq!(look(words), "");
        assert!(!run(words).stderr.is_empty(), "{words:?}");
    }
}
