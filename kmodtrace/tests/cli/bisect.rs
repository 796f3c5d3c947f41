//! Sessions of bisect, alone and under a real `git bisect run`. What a guest would leave is copied here; the guests are in
//! `cargo xtask test`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::schema::schema;
use crate::support::{Done, done, file, kmodtrace, sample, scratch};
use crate::validation::violations;

/// A folder with a session, a repository, and recordings: 80 attempts are good, 160 are bad.
struct Stage {
    folder: PathBuf,
}

/// Attempts that take some seconds to read.
const LARGE: u64 = 60_000;

const RULE: &str = "attempts>100";

/// Boots what the file `state` of the working directory says.
const BOOT: &str = "cp \"$RECORDINGS/$(cat state).kmt\" \"$KMODTRACE_OUT/1.kmt\"";

impl Stage {
    fn new(name: &str) -> Self {
        let folder = scratch(&format!("bisect-{name}"));
        file(&folder, "good.kmt", sample(80).bytes);
        file(&folder, "bad.kmt", sample(160).bytes);
        fs::create_dir(folder.join("tree")).unwrap();
        Self { folder }
    }

    fn started(name: &str, more: &[&str]) -> Self {
        let stage = Self::new(name);
        let mut args = vec!["start", "--bad-when", RULE];
        args.extend(more);
        assert_eq!(stage.bisect(&args).status, Some(0));
        stage
    }

    fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = kmodtrace(&["bisect"]);
        let (verb, rest) = args.split_first().unwrap();
        command
            .arg(verb)
            .arg("--session")
            .arg(self.folder.join("session"))
            .args(rest);
        command.current_dir(self.tree()).env("RECORDINGS", &self.folder);
        // Where the tests themselves run in a hook of git.
        command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        command
    }

    fn bisect(&self, args: &[&str]) -> Done {
        done(self.command(args))
    }

    fn step(&self, state: &str) -> Done {
        fs::write(self.tree().join("state"), state).unwrap();
        self.bisect(&["step", "--vm", BOOT])
    }

    fn session(&self, file: &str) -> PathBuf {
        self.folder.join("session").join(file)
    }

    fn report(&self) -> Value {
        let done = self.bisect(&["report", "--json"]);
        serde_json::from_str(done.quiet()).unwrap()
    }

    fn git(&self, args: &[&str]) -> Output {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b",
            "-c",
            "init.defaultBranch=main",
        ]);
        git.args(args)
            .current_dir(self.tree())
            .env("RECORDINGS", &self.folder)
            .stdin(Stdio::null());
        git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        git.output().unwrap()
    }

    /// A repository with a commit for each state, the first one good and the last one bad, and `git bisect` begun.
    fn history(&self, states: &[&str]) -> Vec<String> {
        assert!(self.git(&["init", "-q"]).status.success());
        let commit = |(at, state): (usize, &&str)| {
            fs::write(self.tree().join("state"), state).unwrap();
            fs::write(self.tree().join("number"), at.to_string()).unwrap();
            assert!(self.git(&["add", "-A"]).status.success());
            assert!(
                self.git(&["commit", "-q", "-m", &format!("change {at}")])
                    .status
                    .success()
            );
            text(&self.git(&["rev-parse", "HEAD"]).stdout).trim().to_owned()
        };
        let commits: Vec<String> = states.iter().enumerate().map(commit).collect();
        let begun = self.git(&["bisect", "start", commits.last().unwrap(), &commits[0]]);
        assert!(begun.status.success(), "{begun:?}");
        commits
    }

    fn git_bisect_run(&self, boot: &str) -> (bool, String) {
        let step = format!(
            "exec {} bisect step --session {} --vm '{boot}'",
            env!("CARGO_BIN_EXE_kmodtrace"),
            self.folder.join("session").display()
        );
        let done = self.git(&["bisect", "run", "sh", "-c", &step]);
        (done.status.success(), text(&done.stdout) + &text(&done.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn names(output: &str) -> Option<&str> {
    let line = output.lines().find(|line| line.ends_with("is the first bad commit"))?;
    line.split(' ').next()
}

#[test]
fn git_finds_the_commit() {
    let stage = Stage::started("git", &[]);
    let states = ["good", "good", "good", "good", "good", "bad", "bad", "bad", "bad"];
    let commits = stage.history(&states);
    let (done, said) = stage.git_bisect_run(BOOT);
    assert!(done, "{said}");
    assert_eq!(names(&said), Some(commits[5].as_str()), "{said}");
    // The session knows it as well, by itself.
    let report = stage.report();
    let number = |which: &str| report["conclusion"][which].as_u64();
    let hash = |step: Option<u64>| {
        let steps = report["steps"].as_array().unwrap();
        let row = steps.iter().find(|row| row["number"].as_u64() == step).unwrap();
        row["commit"]["hash"].as_str().unwrap().to_owned()
    };
    assert_eq!(hash(number("first_bad")), commits[5], "{report}");
    assert_eq!(hash(number("last_good")), commits[4]);
    assert_eq!(number("candidates"), Some(1));
    let shown = stage.bisect(&["report"]);
    let shown = shown.quiet();
    assert!(
        shown.contains("the first bad commit is") && shown.contains("\"change 5\""),
        "{shown}"
    );
    assert!(
        shown.contains("The last good commit (A) beside the first bad one (B)"),
        "{shown}"
    );
    assert!(
        stage
            .bisect(&["report", "--format", "html"])
            .quiet()
            .starts_with("<!doctype html>")
    );
    assert!(stage.bisect(&["log"]).quiet().contains("change 5"));
}

#[test]
fn git_skips_what_cannot_be_told() {
    let stage = Stage::started("skip", &["--rate", "1"]);
    // The one in the middle comes first, and leaves nothing.
    let states = ["good", "good", "good", "gone", "bad", "bad", "bad"];
    let commits = stage.history(&states);
    let (done, said) = stage.git_bisect_run(BOOT);
    assert!(said.contains("no recording was left"), "{said}");
    // Git cannot know on which side of it the change is, and says so with a status of its own.
    assert!(
        !done && said.contains(&commits[3]) && said.contains("first bad commit could be any of"),
        "{said}"
    );
    assert_eq!(names(&said), None);
    let report = stage.report();
    assert_eq!(report["conclusion"]["candidates"].as_u64(), Some(2), "{report}");
}

#[test]
fn git_stops_at_mistakes_instead_of_blaming_a_commit() {
    let stage = Stage::new("stop");
    stage.history(&["good", "good", "good", "bad", "bad"]);
    let (done, said) = stage.git_bisect_run(BOOT);
    assert!(!done && said.contains("no session is there"), "{said}");
    assert!(said.contains("128") && names(&said).is_none(), "{said}");
    // A session that somebody else is at work in: 129.
    assert_eq!(stage.bisect(&["start", "--bad-when", RULE]).status, Some(0));
    let mut other = stage.command(&["step", "--vm", "touch up; sleep 60"]).spawn().unwrap();
    wait_for(&stage.tree().join("up"));
    let (done, said) = stage.git_bisect_run(BOOT);
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(
        !done && said.contains(&format!("process {} is at work", other.id())),
        "{said}"
    );
    assert!(said.contains("129") && names(&said).is_none(), "{said}");
}

/// Bad in one run of three, at random: the right commit, or none, never a wrong one.
#[test]
fn failures_that_come_and_go_blame_no_innocent() {
    let mut found = 0;
    for seed in 1..=4_u32 {
        let stage = Stage::started(&format!("sometimes-{seed}"), &["--rate", "1/3"]);
        let states = ["good", "good", "good", "good", "often", "often", "often"];
        let commits = stage.history(&states);
        // The numbers of runs are random enough, and other ones for each seed and commit.
        let boot = format!(
            "n=$(cat ../count 2>/dev/null || echo 0); echo $((n + 1)) > ../count; \
             r=$(printf \"%s\" {seed}-$n | cksum | cut -d\" \" -f1); state=good; \
             if [ \"$(cat state)\" = often ] && [ $((r % 3)) = 0 ]; then state=bad; fi; \
             cp \"$RECORDINGS/$state.kmt\" \"$KMODTRACE_OUT/1.kmt\""
        );
        let (_, said) = stage.git_bisect_run(&boot);
        match names(&said) {
            Some(commit) => {
                assert_eq!(commit, commits[4], "{said}");
                found += 1;
            }
            None => assert!(said.contains("cannot tell"), "{said}"),
        }
    }
    assert!(found > 0);
}

#[test]
fn too_few_runs_are_told_as_such() {
    let stage = Stage::started("few", &["--runs", "2"]);
    let done = stage.step("good");
    assert_eq!(done.status, Some(125), "{done:?}");
    assert!(
        done.stdout.contains("none of 2 runs is bad, which is not enough"),
        "{done:?}"
    );
    let done = stage.step("bad");
    assert_eq!(done.status, Some(1), "{done:?}");
    let sure = Stage::started("sure", &["--rate", "1"]);
    assert_eq!(sure.step("good").status, Some(0));
    assert_eq!(sure.step("bad").status, Some(1));
    let rows = sure.report()["steps"].clone();
    let runs = |row: &Value| row["runs"].as_array().unwrap().len();
    assert_eq!(rows.as_array().unwrap().iter().map(runs).collect::<Vec<_>>(), [1, 1]);
}

fn wait_for(path: &Path) {
    let began = Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", path.display());
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_killed_step_goes_on_where_it_was() {
    let stage = Stage::started("killed", &[]);
    fs::write(stage.tree().join("state"), "good").unwrap();
    // The fourth run hangs, once, with a recording of its own half there.
    let boot = "n=$(ls ../session/0001/*.json | wc -l); \
                if [ $n -gt 6 ] && ! [ -e up ]; then echo part > $KMODTRACE_OUT/half.txt; touch up; sleep 60; fi; \
                cp \"$RECORDINGS/$(cat state).kmt\" \"$KMODTRACE_OUT/1.kmt\"";
    let step = ["step", "--label", "v1", "--vm", boot];
    let mut killed = stage.command(&step).stdout(Stdio::null()).spawn().unwrap();
    wait_for(&stage.tree().join("up"));
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = fs::read(stage.session("0001/03.kmt")).unwrap();
    assert!(
        stage
            .bisect(&["log"])
            .quiet()
            .contains("interrupted after 3 runs; 1 runs did not come to their end")
    );
    assert_eq!(stage.report()["steps"][0]["interrupted"], serde_json::json!([4]));

    let done = stage.bisect(&step);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(
        done.stderr
            .contains("was interrupted: going on with it, 3 runs are there"),
        "{done:?}"
    );
    assert!(
        !done.stdout.contains("run 3:") && done.stdout.contains("run 5:"),
        "{done:?}"
    );
    assert!(done.stdout.contains("none of 7 runs is bad"), "{done:?}");
    assert_eq!(fs::read(stage.session("0001/03.kmt")).unwrap(), before);
    // Also what the killed run had left is there.
    assert_eq!(
        fs::read_to_string(stage.session("0001/04.out/half.txt")).unwrap(),
        "part\n"
    );
    assert!(!stage.session("0002").exists());
    // The next one is another step, told or not.
    assert_eq!(stage.bisect(&step).status, Some(0));
    assert!(stage.session("0002").exists());
}

#[test]
fn damage_is_mended_or_named() {
    let stage = Stage::started("damage", &["--rate", "1"]);
    assert_eq!(stage.step("good").status, Some(0));
    assert_eq!(stage.step("good").status, Some(0));
    assert_eq!(stage.step("bad").status, Some(1));
    // What can be made again is.
    let report = stage.session("0003/01.report.json");
    let whole = fs::read(&report).unwrap();
    fs::write(&report, &whole[..whole.len() / 2]).unwrap();
    // What cannot is named, by everybody, and nothing else is lost with it.
    fs::write(stage.session("0001/step.json"), "{\"number\":").unwrap();
    fs::write(stage.session("0002/verdict.json"), "").unwrap();
    fs::remove_file(stage.session("0003/step.json")).unwrap();
    let log = stage.bisect(&["log"]);
    let log = log.quiet();
    for said in ["0001/step.json", "0002/verdict.json", "0003: step.json is missing"] {
        assert!(log.contains(said), "{log}");
    }
    assert!(stage.bisect(&["report"]).quiet().contains("damaged, and not counted"));
    let done = stage.step("bad");
    assert_eq!(done.status, Some(1), "{done:?}");
    assert!(done.stderr.contains("0001/step.json"), "{done:?}");
    assert!(stage.session("0004/01.kmt").exists());
    assert!(stage.session("0001/01.kmt").exists());
    fs::write(stage.session("0004/01.report.json"), "half").unwrap();
    assert_eq!(stage.step("bad").status, Some(1));
    assert!(
        fs::read(stage.session("0004/01.report.json"))
            .unwrap()
            .starts_with(b"{")
    );
    // A recording that cannot be read is no good run.
    let recording = stage.session("0004/01.kmt");
    let bytes = fs::read(&recording).unwrap();
    fs::write(
        &recording,
        [&bytes[..bytes.len() / 2], b"nonsense", &bytes[bytes.len() / 2..]].concat(),
    )
    .unwrap();
    let report = stage.report();
    let row = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["number"] == 4)
        .unwrap()
        .clone();
    assert_eq!(row["runs"][0]["verdict"], "untold", "{row}");
    assert!(
        row["runs"][0]["why"].as_str().unwrap().contains("04/01.kmt")
            || row["runs"][0]["why"].as_str().unwrap().contains("0004/01.kmt")
    );
    // Without its terms it is no session.
    fs::write(stage.session("session.json"), "{}").unwrap();
    let line = stage.step("bad");
    assert!(line.refused(129).contains("session.json"), "{line:?}");
}

/// Here by too much time: a limit of one second holds for each process.
#[test]
fn a_recording_that_kills_its_reader_tells_nothing() {
    let stage = Stage::started("killed-reader", &["--runs", "1"]);
    file(&stage.folder, "large.kmt", sample(LARGE).bytes);
    fs::write(stage.tree().join("state"), "large").unwrap();
    let mut limited = Command::new("sh");
    let step = stage.command(&["step", "--vm", BOOT]);
    limited
        .args(["-c", "ulimit -t 1; exec \"$@\"", "sh"])
        .arg(step.get_program())
        .args(step.get_args());
    limited.current_dir(stage.tree()).env("RECORDINGS", &stage.folder);
    let step = done(limited);
    assert!(
        step.stdout.contains("its reader was killed by signal"),
        "{}{}",
        step.stdout,
        step.stderr
    );
    assert_eq!(step.status, Some(125));
    assert!(stage.bisect(&["report"]).quiet().contains("cannot tell"));
}

#[test]
fn good_runs_come_first_where_rules_compare_with_them() {
    let stage = Stage::new("relative");
    assert_eq!(
        stage.bisect(&["start", "--bad-when", "attempts > 1.5x good"]).status,
        Some(0)
    );
    let done = stage.step("good");
    assert!(
        done.refused(128).contains("kmodtrace bisect good -- COMMAND"),
        "{done:?}"
    );
    let known = stage.bisect(&["good", "--runs", "3", "--vm", BOOT]);
    assert_eq!(known.status, Some(0), "{known:?}");
    assert!(stage.session("0001/03.kmt").exists() && !stage.session("0001/04.kmt").exists());
    assert_eq!(stage.step("good").status, Some(0));
    let done = stage.step("bad");
    assert_eq!(done.status, Some(1), "{done:?}");
    assert!(
        done.stdout.contains("attempts = 145, where 1.5x good is 109.5"),
        "{done:?}"
    );
    // What its user says counts more than what was told.
    assert_eq!(stage.bisect(&["bad", "2"]).status, Some(0));
    assert_eq!(stage.bisect(&["skip"]).status, Some(0));
    let rows = stage.report()["steps"].clone();
    let known: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["known"]).collect();
    assert_eq!(known, ["good", "bad", "skip"]);
}

#[test]
fn mistakes_are_128() {
    let stage = Stage::new("usage");
    let field = stage.bisect(&["start", "--bad-when", "errno(EBSY)>0"]);
    assert_eq!((field.status, field.stdout.as_str()), (Some(128), ""), "{field:?}");
    assert!(
        field.stderr.contains("`errno(EBSY)` is not a field; the fields are"),
        "{field:?}"
    );
    assert!(field.stderr.contains("\n  wait(same-name).STAT"), "{field:?}");
    assert!(!stage.session("session.json").exists());
    for (args, said) in [
        (&["start"][..], "--bad-when"),
        (&["start", "--bad-when", "attempts>x"], "expected a number"),
        (&["start", "--bad-when", RULE, "--rate", "0"], "expected more than 0"),
        (&["start", "--bad-when", RULE, "--rate", "1/0"], "expected a share"),
        (&["start", "--bad-when", RULE, "--noise", "1"], "expected less than 1"),
        (&["start", "--bad-when", RULE, "--runs", "0"], "'0'"),
        (&["step", "--vm", "true"], "no session is there"),
        (&["good"], "no session is there"),
        (&["log"], "no session is there"),
        (&["report"], "no session is there"),
        (&["nonsense"], "'nonsense'"),
    ] {
        let done = stage.bisect(args);
        assert!(done.refused(128).contains(said), "{args:?}: {done:?}");
    }
    assert_eq!(stage.bisect(&["start", "--bad-when", RULE]).status, Some(0));
    for (args, said) in [
        (&["start", "--bad-when", RULE][..], "a session is there"),
        (&["step"], "what is to be run?"),
        (&["step", "--", "/nowhere/program"], "command not found"),
        (&["step", "--", "/etc/passwd"], "not an executable file"),
        (&["step", "--vm", "true", "--", "true"], "--vm"),
        (&["step", "--vm", "true", "--drill", "xfs"], "--drill"),
        (&["good"], "no step yet"),
        (&["bad", "7"], "no step is 7"),
        (&["good", "7", "--vm", "true"], "cannot be used with"),
    ] {
        let done = stage.bisect(args);
        assert!(done.refused(128).contains(said), "{args:?}: {done:?}");
    }
}

/// A guest may leave several recordings, each a run, and other things, which are kept.
#[test]
fn a_boot_may_leave_several_runs() {
    let stage = Stage::started("several", &["--rate", "1/2"]);
    let boot = "for i in 1 2 3 4 5 6 7 8; do cp \"$RECORDINGS/good.kmt\" \"$KMODTRACE_OUT/$i.kmt\"; done; \
                echo booted; echo log > $KMODTRACE_OUT/dmesg; exit 3";
    let done = stage.bisect(&["step", "--vm", boot]);
    assert_eq!(done.status, Some(0), "{done:?}");
    let row = stage.report()["steps"][0].clone();
    assert_eq!(row["runs"].as_array().unwrap().len(), 8);
    assert_eq!(row["runs"][7]["status"], 3);
    assert_eq!(row["runs"][7]["console"], "01.console");
    assert_eq!(
        fs::read_to_string(stage.session("0001/01.console")).unwrap(),
        "booted\n"
    );
    assert_eq!(fs::read_to_string(stage.session("0001/01.out/dmesg")).unwrap(), "log\n");
}

#[test]
fn a_report_is_what_its_schema_says() {
    let stage = Stage::started("schema", &["--runs", "2"]);
    for state in ["good", "bad"] {
        stage.step(state);
    }
    let report = stage.report();
    assert_eq!(report["steps"].as_array().map(Vec::len), Some(2));
    assert_eq!(violations(&report, &schema("bisect-report")), Vec::<String>::new());
}

/// A session may be somebody else's.
#[test]
fn a_session_leads_to_nothing_outside_of_its_folder() {
    let stage = Stage::started("outside", &[]);
    assert_eq!(stage.step("good").status, Some(0));
    fs::remove_file(stage.session("0001/01.kmt")).unwrap();
    let outside = stage.folder.join("good.kmt");
    let pipe = stage.session("0001/pipe.kmt");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink(&outside, stage.session("0001/link.kmt")).unwrap();
    let run = stage.session("0001/01.json");
    let before: Value = serde_json::from_str(&fs::read_to_string(&run).unwrap()).unwrap();
    for recording in [
        "../../good.kmt",
        outside.to_str().unwrap(),
        "link.kmt",
        "pipe.kmt",
        "..",
    ] {
        let mut end = before.clone();
        end["recording"] = recording.into();
        fs::write(&run, end.to_string()).unwrap();
        let verdict = &stage.report()["steps"][0]["runs"][0]["verdict"];
        assert_eq!(verdict, "untold", "{recording}");
    }
    fs::remove_file(&run).unwrap();
    fs::rename(&pipe, &run).unwrap();
    assert!(stage.report().to_string().contains("01.json: not a file"));
}
