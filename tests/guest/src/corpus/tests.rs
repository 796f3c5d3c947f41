//! Verdicts on one case, with one thing changed at a time.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
use super::*;

const LOG: &str = r#"{"scenario":"corpus","kernel":"6.1.0-56-cloud-amd64"}
{"tid":7,"tgid":1,"syscall":"finit_module","module":"dummy","start_ns":10,"end_ns":20,"errno":0,"expect":{"role":"leader"}}
{"tid":8,"tgid":1,"syscall":"finit_module","module":"dummy","start_ns":30,"end_ns":40,"errno":8,"expect":{"errno":8,"case":"wrong-vermagic","cause":"vermagic","stage":"checks","function":"load_module"}}
{"tid":9,"tgid":1,"syscall":"finit_module","module":"dummy","start_ns":50,"end_ns":60,"errno":null,"killed":true,"expect":{"kernel_errno":16,"case":"dependency","cause":"dependency-coming","stage":"symbols","function":"resolve_symbol"}}
{"tid":10,"tgid":1,"syscall":"init_module","module":"dummy","start_ns":70,"end_ns":80,"errno":16,"expect":{"errno":16,"case":"leader-failed","cause":"leader-failed","stage":"duplicate-check","function":"load_module","from_tid":7,"from_errno":19}}
{"tid":11,"tgid":1,"syscall":"mount","module":null,"start_ns":90,"end_ns":91,"errno":19,"expect":{"errno":19,"request":{"name":"fs-x","cause":"modprobe-failed"}}}
{"summary":"corpus","calls":5,"duration_ms":1}"#;

const VERMAGIC: &str = r#"{"errno":8,"stage":"checks","function":"load_module","certainty":"exact","between":null,
    "causes":["vermagic"],"from_tid":null,"from_errno":null,"evidence":["dummy: version magic"]}"#;

fn case(name: &str) -> Case {
    let (_, cases) = cases(LOG).unwrap();
    cases.into_iter().find(|case| case.expect.case == name).unwrap()
}

/// The origin of `VERMAGIC`, with some members changed.
fn origin(changes: &str) -> Attempt {
    let mut origin: serde_json::Value = serde_json::from_str(VERMAGIC).unwrap();
    let changes: serde_json::Value = serde_json::from_str(changes).unwrap();
    for (key, value) in changes.as_object().unwrap() {
        origin[key] = value.clone();
    }
    Attempt {
        tid: 8,
        syscall: Some("finit_module".to_owned()),
        start_ns: Some(31),
        end_ns: Some(39),
        origin: Some(serde_json::from_value(origin).unwrap()),
    }
}

fn is_wrong(verdict: &Verdict, about: &str) -> bool {
    matches!(verdict, Verdict::Wrong(why) if why.starts_with(about))
}

#[test]
fn only_calls_with_a_cause_are_cases() {
    let (kernel, cases) = cases(LOG).unwrap();
    assert_eq!(kernel, "6.1.0-56-cloud-amd64");
    let errnos: Vec<_> = cases.iter().map(Case::errno).collect();
    assert_eq!(errnos, [Some(8), Some(16), Some(16)]);
}

#[test]
fn a_case_that_cannot_be_read_is_no_call_without_one() {
    let log = LOG.replace("\"stage\":\"checks\",", "");
    assert!(super::cases(&log).is_err());
}

#[test]
fn the_one_cause_is_exact() {
    let case = case("wrong-vermagic");
    assert_eq!(judge(&case, &origin("{}"), true), Verdict::Exact);
    for (changes, about) in [
        (r#"{"errno":22}"#, "errno"),
        (r#"{"causes":["modversions"]}"#, "causes"),
        (r#"{"causes":["vermagic","modversions"]}"#, "causes"),
        (r#"{"stage":"layout"}"#, "stage"),
        (r#"{"function":"resolve_symbol"}"#, "function"),
        (r#"{"function":null}"#, "function"),
    ] {
        let verdict = judge(&case, &origin(changes), true);
        assert!(is_wrong(&verdict, about), "{changes}: {verdict:?}");
    }
}

#[test]
fn no_cause_is_unknown() {
    let case = case("wrong-vermagic");
    let silent = Attempt {
        origin: None,
        ..origin("{}")
    };
    for attempt in [silent, origin(r#"{"causes":[]}"#)] {
        let verdict = judge(&case, &attempt, true);
        assert!(matches!(verdict, Verdict::Unknown(_)), "{verdict:?}");
    }
}

#[test]
fn a_gap_is_for_inlined_makers() {
    const GAP: &str = r#"{"certainty":"gap","between":["load_module","find_module_all"],"evidence":[],
        "causes":["modversions","vermagic"]}"#;
    let mut case = case("wrong-vermagic");
    assert_eq!(judge(&case, &origin(GAP), true), Verdict::Gap);
    let borderless = GAP.replace(r#"["load_module","find_module_all"]"#, "null");
    assert!(is_wrong(&judge(&case, &origin(&borderless), true), "a gap without"));
    let without = GAP.replace(",\"vermagic\"", "");
    assert!(is_wrong(&judge(&case, &origin(&without), true), "causes"));
    // What has a function of its own can be seen to return.
    case.expect.function = "check_modstruct_version".to_owned();
    assert!(is_wrong(&judge(&case, &origin(GAP), true), "causes"));
}

#[test]
fn a_gap_with_one_cause_is_exact_where_the_maker_is_inlined() {
    let mut case = case("wrong-vermagic");
    let gap = r#"{"certainty":"gap","between":["load_module","find_module_all"]}"#;
    assert_eq!(judge(&case, &origin(gap), true), Verdict::Exact);
    case.expect.function = "check_modstruct_version".to_owned();
    assert!(is_wrong(&judge(&case, &origin(gap), true), "function"));
}

#[test]
fn what_is_inherited_names_its_source() {
    let case = case("leader-failed");
    let found = r#"{"errno":16,"stage":"duplicate-check","causes":["leader-failed"],"from_tid":7,"from_errno":19}"#;
    assert_eq!(judge(&case, &origin(found), true), Verdict::Exact);
    let another = found.replace("\"from_tid\":7", "\"from_tid\":6");
    assert!(is_wrong(&judge(&case, &origin(&another), true), "from task"));
    let errno = found.replace(",\"from_errno\":19", "");
    assert!(is_wrong(&judge(&case, &origin(&errno), true), "from errno"));
}

#[test]
fn suffixes_of_compilers_are_none_of_the_name() {
    let mut case = case("wrong-vermagic");
    case.expect.function = "module_patient_check_exists".to_owned();
    let attempt = origin(r#"{"function":"module_patient_check_exists.isra.0"}"#);
    assert_eq!(judge(&case, &attempt, true), Verdict::Exact);
}

#[test]
fn init_functions_have_names_where_the_kernel_tells_them() {
    let mut case = case("wrong-vermagic");
    case.expect.cause = "init".to_owned();
    case.expect.function = "kt_init_init".to_owned();
    let attempt = origin(r#"{"function":"do_one_initcall","causes":["init"]}"#);
    assert_eq!(judge(&case, &attempt, false), Verdict::Exact);
    assert!(is_wrong(&judge(&case, &attempt, true), "function"));
}

#[test]
fn the_table_counts_and_fails() {
    let one = |origin: &str| {
        let text = format!(
            r#"{{"quality":{{"unobserved":[]}},"unloads":[],"attempts":[{{"tid":8,"syscall":"finit_module",
            "start_ns":31,"end_ns":39,"origin":{origin}}}]}}"#
        );
        serde_json::from_str::<Report>(&text).unwrap()
    };
    let cases = [case("wrong-vermagic")];
    let mut lines = Vec::new();
    let mut tally = |cases: &[Case], report: &Report| tally("6.1", cases, report, &mut lines);
    let right = tally(&cases, &one(VERMAGIC)).unwrap();
    assert_eq!(right, Counts { exact: 1, gaps: 0 });
    let error = tally(&cases, &one("null")).unwrap_err().to_string();
    assert_eq!(
        error,
        "wrong-vermagic | 6.1 | vermagic, load_module, 8 | - | UNKNOWN: no origin"
    );
    // Seen by nobody, which is no success either.
    assert!(tally(&[case("dependency")], &one(VERMAGIC)).is_err());
    assert_eq!(lines.len(), 3);
}
