//! `kmodtrace check`: this kernel, and kernels and users whose facts lie in files.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Done, file, run, scratch};

fn fixture(kernel: &str) -> String {
    format!(
        "{}/../kmodtrace-core/tests/facts/{kernel}.json",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// What `check` says of the facts of Debian 12's kernel after this change.
fn checked(name: &str, change: impl FnOnce(&mut Value)) -> Done {
    let text = std::fs::read_to_string(fixture("6.1")).unwrap();
    let mut facts = serde_json::from_str::<Value>(&text).unwrap()["facts"].take();
    change(&mut facts);
    run(&[
        "check",
        "--facts",
        &file(&scratch(name), "facts.json", facts.to_string()),
    ])
}

/// It cannot trace, and says so before anything else: the three lines of why.
fn verdict(done: &Done) -> Vec<&str> {
    assert_eq!((done.status, done.stderr.as_str()), (Some(69), ""), "{done:?}");
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert!(lines[0].starts_with("kernel ") && lines[1].is_empty(), "{done:?}");
    let verdict = lines[2..5].to_vec();
    for (line, start) in verdict.iter().zip(["cannot trace: ", "why: ", "remedy: "]) {
        assert!(line.starts_with(start), "{done:?}");
    }
    verdict
}

#[test]
fn the_kernels_of_the_matrix_can_be_traced() {
    for kernel in ["5.10", "6.1", "6.12", "sid"] {
        let done = run(&["check", "--facts", &fixture(kernel)]);
        assert!(done.quiet().ends_with("\ntracing works\n"), "{kernel}");
    }
}

#[test]
fn a_kernel_without_modules_cannot() {
    let done = run(&["check", "--facts", &fixture("no-modules")]);
    let verdict = verdict(&done);
    assert!(verdict[1].contains("CONFIG_MODULES"), "{verdict:?}");
    assert!(!done.stdout.contains("finit_module"), "no probe is listed: {done:?}");
}

#[test]
fn missing_capabilities_are_named_with_the_remedy() {
    for (held, lacks) in [
        (json!([]), "lacks CAP_BPF and CAP_PERFMON"),
        (json!(["CAP_BPF", "CAP_SYSLOG"]), "lacks CAP_PERFMON"),
        (json!(["CAP_PERFMON"]), "lacks CAP_BPF"),
    ] {
        let done = checked("capabilities", |facts| {
            facts["capabilities"] = held;
            facts["uid"] = json!(1000);
        });
        let verdict = verdict(&done);
        assert!(verdict[1].ends_with(&format!("user id 1000 {lacks}")), "{verdict:?}");
        assert!(
            verdict[2].contains("sudo setcap cap_bpf,cap_perfmon,cap_syslog+ep"),
            "{verdict:?}"
        );
    }
    let done = checked("enough_capabilities", |facts| {
        facts["capabilities"] = json!(["CAP_BPF", "CAP_PERFMON", "CAP_SYSLOG"]);
    });
    done.quiet();
}

#[test]
fn lockdown_is_named() {
    let locked = |mode: &str| checked("lockdown", |facts| facts["lockdown"] = json!(mode));
    let done = locked("confidentiality");
    let verdict = verdict(&done);
    assert!(verdict[1].contains("lockdown is set to confidentiality"), "{verdict:?}");
    assert!(verdict[2].contains("lockdown=integrity"), "{verdict:?}");
    locked("integrity").quiet();
}

/// As the driver finds it on a kernel without BTF: no types, no offsets, no prototypes.
fn without_btf(facts: &mut Value) {
    facts["btf"] = json!(false);
    facts["types"] = json!({});
    facts["offsets"]
        .as_object_mut()
        .unwrap()
        .values_mut()
        .for_each(|offset| *offset = Value::Null);
    facts["functions"]
        .as_object_mut()
        .unwrap()
        .values_mut()
        .for_each(|function| function["btf_args"] = Value::Null);
}

#[test]
fn a_kernel_without_btf_is_traced_by_kprobes_and_what_is_lost_is_told() {
    let done = checked("no_btf", without_btf);
    let text = done.quiet();
    assert!(
        text.contains("BTF no (CONFIG_DEBUG_INFO_BTF)") && text.ends_with("\ntracing works\n"),
        "{text}"
    );
    assert!(text.contains("kprobe load_module (not fentry: no BTF)"), "{text}");
    assert!(
        text.contains("not observed:\n") && text.contains("states of modules that loads collided with"),
        "{text}"
    );
}

#[test]
fn a_kernel_with_neither_btf_nor_kprobes_cannot() {
    let done = checked("no_mechanism", |facts| {
        without_btf(facts);
        facts["kprobes"] = json!(false);
    });
    let verdict = verdict(&done);
    assert!(
        verdict[1].contains("CONFIG_DEBUG_INFO_BTF") && verdict[1].contains("CONFIG_KPROBE_EVENTS"),
        "{verdict:?}"
    );
}

#[test]
fn what_is_no_facts_is_refused() {
    let folder = scratch("no_facts");
    let path = folder.join("missing").into_os_string().into_string().unwrap();
    for (path, said) in [
        (path.as_str(), "cannot read"),
        (folder.to_str().unwrap(), "cannot read"),
        (&file(&folder, "empty", ""), "not facts of kmodtrace"),
        (&file(&folder, "text", "ELF"), "not facts of kmodtrace"),
        (&file(&folder, "bytes", [0xff, 0xfe]), "cannot read"),
        (&file(&folder, "list", "[]"), "found schema \"none\""),
        (
            &file(&folder, "newer", r#"{"schema": "kmodtrace.facts/9"}"#),
            "found schema \"kmodtrace.facts/9\"",
        ),
        (
            &file(&folder, "little", r#"{"schema": "kmodtrace.facts/1"}"#),
            "missing field",
        ),
    ] {
        let done = run(&["check", "--facts", path]);
        let line = done.refused(1);
        assert!(line.contains(path) && line.contains(said), "{line}");
    }
}

/// This machine's kernel: whatever it is, text, JSON and exit status say the same of it, and so does tracing.
#[test]
fn this_kernel_is_told_as_it_is() {
    let (text, json) = (run(&["check"]), run(&["check", "--json"]));
    assert_eq!((json.status, json.stderr.as_str()), (text.status, ""));
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(report["schema"], "kmodtrace.check/1");
    assert_eq!(report["facts"]["modules"], Path::new("/proc/modules").exists());
    if report["verdict"]["result"] == "works" {
        assert!(text.quiet().ends_with("\ntracing works\n"), "{text:?}");
    } else {
        let verdict = verdict(&text);
        if !Path::new("/proc/modules").exists() {
            assert_eq!(verdict[1], "why: it was built without CONFIG_MODULES");
        }
        let why = verdict[1].strip_prefix("why: ").unwrap();
        for args in [
            &[][..],
            &["trace"],
            &["record", "-o", "-"],
            &["record", "-o", "/dev/null", "--", "true"],
        ] {
            let done = run(args);
            assert!(done.refused(69).contains(why), "{done:?}");
        }
    }
}

#[test]
fn facts_come_back_from_the_output() {
    let printed = run(&["check", "--json"]);
    let again = run(&[
        "check",
        "--json",
        "--facts",
        &file(&scratch("round_trip"), "facts.json", &printed.stdout),
    ]);
    assert_eq!((again.status, again.stdout), (printed.status, printed.stdout));
}
