//! Verdicts on one case, with one thing changed at a time.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
use super::*;
use crate::oracle;

const LOG: &str = r#"{"scenario":"corpus","kernel":"6.1.0-56-cloud-amd64"}
{"tid":7,"tgid":1,"syscall":"finit_module","module":"dummy","start_ns":10,"end_ns":20,"errno":0,"expect":{"role":"leader"}}
{"tid":8,"tgid":1,"syscall":"finit_module","module":"dummy","start_ns":30,"end_ns":40,"errno":8,"expect":{"errno":8,"case":"wrong-vermagic","cause":"vermagic","stage":"checks","function":"load_module"}}
{"tid":9,"tgid":1,"syscall":"finit_module","module":"dummy","start_ns":50,"end_ns":60,"errno":null,"killed":true,"expect":{"kernel_errno":16,"case":"dependency","cause":"dependency-coming","stage":"symbols","function":"resolve_symbol"}}
{"tid":10,"tgid":1,"syscall":"init_module","module":"dummy","start_ns":70,"end_ns":80,"errno":16,"expect":{"errno":16,"case":"leader-failed","cause":"leader-failed","stage":"duplicate-check","function":"load_module","from_tid":7,"from_errno":19}}
{"tid":11,"tgid":1,"syscall":"mount","module":null,"start_ns":90,"end_ns":91,"errno":19,"expect":{"errno":19,"request":{"name":"fs-x","ret":256,"cause":"modprobe-failed","found":false}}}
{"summary":"corpus","calls":5,"duration_ms":1}"#;

const VERMAGIC: &str = r#"{"errno":8,"stage":"checks","function":"load_module","certainty":"exact","between":null,
    "causes":["vermagic"],"from_tid":null,"from_errno":null,"evidence":["dummy: version magic"]}"#;

/// The calls of the log, but for mounts.
fn scenario() -> Scenario {
    oracle::parse(LOG).unwrap().pop().unwrap()
}

/// The one call that is this case.
fn case(name: &str) -> Call {
    let mut calls = scenario().calls.into_iter();
    calls.find(|call| call.expect.case.as_deref() == Some(name)).unwrap()
}

/// What an origin is worth for it.
fn judged(call: &Call, changes: &str) -> Verdict {
    judge(Case::of(call).unwrap().unwrap(), &origin(changes), true)
}

/// The origin of `VERMAGIC`, with some members changed; none for null.
fn origin(changes: &str) -> Attempt {
    let mut origin: serde_json::Value = serde_json::from_str(VERMAGIC).unwrap();
    match serde_json::from_str(changes).unwrap() {
        serde_json::Value::Object(changes) => origin.as_object_mut().unwrap().extend(changes),
        other => origin = other,
    }
    let attempt = serde_json::json!({
        "id": 1, "tid": 8, "comm": "driver", "signals": [], "syscall": "finit_module", "start_ns": 31, "end_ns": 39, "waits": [],
        "origin": origin,
    });
    serde_json::from_value(attempt).unwrap()
}

fn is_wrong(verdict: &Verdict, about: &str) -> bool {
    matches!(verdict, Verdict::Wrong(why) if why.starts_with(about))
}

#[test]
fn only_calls_with_a_cause_are_cases() {
    let scenario = scenario();
    assert_eq!(scenario.kernel, "6.1.0-56-cloud-amd64");
    let cases = scenario.calls.iter().filter_map(|call| Case::of(call).unwrap());
    let errnos: Vec<_> = cases.map(|case| case.errno()).collect();
    assert_eq!(errnos, [Some(8), Some(16), Some(16)]);
}

#[test]
fn half_a_case_is_no_call_without_one() {
    let mut call = case("wrong-vermagic");
    call.expect.stage = None;
    assert!(Case::of(&call).is_err());
}

#[test]
fn the_one_cause_is_exact() {
    let case = case("wrong-vermagic");
    assert_eq!(judged(&case, "{}"), Verdict::Exact);
    for (changes, about) in [
        (r#"{"errno":22}"#, "errno"),
        (r#"{"causes":["modversions"]}"#, "causes"),
        (r#"{"causes":["vermagic","modversions"]}"#, "causes"),
        (r#"{"stage":"layout"}"#, "stage"),
        (r#"{"function":"resolve_symbol"}"#, "function"),
        (r#"{"function":null}"#, "function"),
    ] {
        let verdict = judged(&case, changes);
        assert!(is_wrong(&verdict, about), "{changes}: {verdict:?}");
    }
}

#[test]
fn no_cause_is_unknown() {
    let case = case("wrong-vermagic");
    for found in ["null", r#"{"causes":[]}"#] {
        let verdict = judged(&case, found);
        assert!(matches!(verdict, Verdict::Unknown(_)), "{verdict:?}");
    }
}

#[test]
fn a_gap_is_for_inlined_makers() {
    const GAP: &str = r#"{"certainty":"gap","between":["load_module","find_module_all"],"evidence":[],
        "causes":["modversions","vermagic"]}"#;
    let mut case = case("wrong-vermagic");
    assert_eq!(judged(&case, GAP), Verdict::Gap);
    let borderless = GAP.replace(r#"["load_module","find_module_all"]"#, "null");
    assert!(is_wrong(&judged(&case, &borderless), "a gap without"));
    let without = GAP.replace(",\"vermagic\"", "");
    assert!(is_wrong(&judged(&case, &without), "causes"));
    // What has a function of its own can be seen to return.
    case.expect.function = Some("check_modstruct_version".to_owned());
    assert!(is_wrong(&judged(&case, GAP), "causes"));
}

#[test]
fn a_gap_with_one_cause_is_exact_where_the_maker_is_inlined() {
    let mut case = case("wrong-vermagic");
    let gap = r#"{"certainty":"gap","between":["load_module","find_module_all"]}"#;
    assert_eq!(judged(&case, gap), Verdict::Exact);
    case.expect.function = Some("check_modstruct_version".to_owned());
    assert!(is_wrong(&judged(&case, gap), "function"));
}

#[test]
fn what_is_inherited_names_its_source() {
    let case = case("leader-failed");
    let found = r#"{"errno":16,"stage":"duplicate-check","causes":["leader-failed"],"from_tid":7,"from_errno":19}"#;
    assert_eq!(judged(&case, found), Verdict::Exact);
    let another = found.replace("\"from_tid\":7", "\"from_tid\":6");
    assert!(is_wrong(&judged(&case, &another), "from task"));
    let errno = found.replace(",\"from_errno\":19", "");
    assert!(is_wrong(&judged(&case, &errno), "from errno"));
}

#[test]
fn suffixes_of_compilers_are_none_of_the_name() {
    let mut case = case("wrong-vermagic");
    case.expect.function = Some("module_patient_check_exists".to_owned());
    let found = r#"{"function":"module_patient_check_exists.isra.0"}"#;
    assert_eq!(judged(&case, found), Verdict::Exact);
}

#[test]
fn init_functions_have_names_where_the_kernel_tells_them() {
    let mut call = case("wrong-vermagic");
    call.expect.cause = Some("init".to_owned());
    call.expect.function = Some("kt_init_init".to_owned());
    let attempt = origin(r#"{"function":"do_one_initcall","causes":["init"]}"#);
    let case = Case::of(&call).unwrap().unwrap();
    assert_eq!(judge(case, &attempt, false), Verdict::Exact);
    assert!(is_wrong(&judge(case, &attempt, true), "function"));
}

#[test]
fn the_table_counts_and_fails() {
    let report = |found: &str| {
        let nothing = r#"{"kernel":{"release":"6.1"},"recording":{"began_ns":0},"modules":[],"attempts":[],"unloads":[],"requests":[],"quality":
            {"lost":0,"missed":0,"clipped":0,"began_before":0,"exit_not_seen":0,"in_flight":0,"unobserved":[]}}"#;
        let mut report: Report = serde_json::from_str(nothing).unwrap();
        report.attempts.push(origin(found));
        report
    };
    let only = |case: Call| Scenario {
        calls: vec![case],
        ..scenario()
    };
    let vermagic = only(case("wrong-vermagic"));
    let mut lines = Vec::new();
    let mut check = |scenario: &Scenario, found: &str| super::check(scenario, &report(found), true, &mut lines);
    assert_eq!(check(&vermagic, "{}").unwrap(), Counts { exact: 1, gaps: 0 });
    let error = check(&vermagic, "null").unwrap_err().to_string();
    assert_eq!(
        error,
        "wrong-vermagic | 6.1.0-56-cloud-amd64 | vermagic, load_module, 8 | - | UNKNOWN: no origin"
    );
    // Seen by nobody, which is no success either.
    assert!(check(&only(case("dependency")), "{}").is_err());
    assert_eq!(lines.len(), 3);
}
