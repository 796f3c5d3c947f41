//! A session in its folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use kmodtrace_core::compare::bisect::{Criteria, Known, RunEnd, Step, StepHead, Told};
use serde::{Deserialize, Serialize};

use super::store::{self, Lock, Unread};
use crate::failure::{BISECT_FAILED, BISECT_USAGE, failure};
use crate::plain_file::{sweep, sync_name, unnamed};

/// Which session of which kind of folder it is.
const SCHEMA: &str = "kmodtrace.bisect/1";

/// What `session.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    schema: String,
    #[serde(flatten)]
    terms: Criteria,
}

/// A session as it was found.
#[derive(Debug)]
pub(crate) struct Session {
    /// Where.
    pub(crate) folder: PathBuf,
    /// What it goes by.
    pub(crate) terms: Criteria,
    /// Its steps, in the order in which they were made.
    pub(crate) steps: Vec<Step>,
    /// What cannot be read, in lines for users. Nothing of it is counted, and nothing of it is touched.
    pub(crate) damage: Vec<String>,
    /// The first of these that the system refused to read: it may be whole.
    refused: Option<String>,
}

/// A session that this process alone writes.
#[derive(Debug)]
pub(crate) struct Writing {
    /// It.
    pub(crate) session: Session,
    _lock: Lock,
}

/// Begins one.
pub(crate) fn create(folder: &Path, terms: Criteria) -> Result<()> {
    if folder.join("session.json").exists() {
        let text = format!(
            "{}: a session is there; step goes on with it, --session names another folder",
            folder.display()
        );
        return Err(failure(BISECT_USAGE, text));
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let _lock = Lock::take(folder)?;
    let head = Head {
        schema: SCHEMA.to_owned(),
        terms,
    };
    store::write(&folder.join("session.json"), &head)?;
    sync_name(folder).with_context(|| format!("cannot write {}", folder.display()))
}

/// What a session goes by.
fn terms(folder: &Path) -> Result<Criteria> {
    let advice = "restore session.json, or start another session; the recordings in it can be read all the same";
    let head: Head = match store::read(&folder.join("session.json")) {
        Ok(Some(head)) => head,
        Ok(None) => {
            let text = format!(
                "{}: no session is there; kmodtrace bisect start begins one",
                folder.display()
            );
            return Err(failure(BISECT_USAGE, text));
        }
        Err(unread) => return Err(failure(BISECT_FAILED, format!("{}; {advice}", unread.why))),
    };
    if head.schema != SCHEMA {
        let text = format!(
            "{}: this is {}, which this version of kmodtrace does not know",
            folder.display(),
            head.schema
        );
        return Err(failure(BISECT_FAILED, text));
    }
    Ok(head.terms)
}

/// Reads one, as far as it can be read.
pub(crate) fn open(folder: &Path) -> Result<Session> {
    let mut session = Session {
        folder: folder.to_owned(),
        terms: terms(folder)?,
        steps: Vec::new(),
        damage: Vec::new(),
        refused: None,
    };
    session.read_steps()?;
    Ok(session)
}

/// Reads one to write into it. A second one who wants that is refused.
pub(crate) fn open_to_write(folder: &Path) -> Result<Writing> {
    // A folder without a session gets no lock file.
    terms(folder)?;
    let lock = Lock::take(folder)?;
    for step in numbers(folder, |name| name)? {
        sweep(&step_folder(folder, step));
    }
    let session = open(folder)?;
    // A verdict without what may be there would be another, and the disk is about to be written.
    if let Some(why) = session.refused {
        return Err(failure(BISECT_FAILED, format!("cannot read {why}")));
    }
    Ok(Writing { session, _lock: lock })
}

impl Session {
    fn read_steps(&mut self) -> Result<()> {
        for number in numbers(&self.folder, |name| name)? {
            let folder = self.step_folder(number);
            let head = match store::read::<StepHead>(&folder.join("step.json")) {
                Ok(Some(head)) if head.number == number => head,
                Ok(Some(head)) => {
                    let text = format!("{}: its step.json is that of step {}", folder.display(), head.number);
                    self.damage.push(text);
                    continue;
                }
                Ok(None) => {
                    self.damage.push(format!("{}: step.json is missing", folder.display()));
                    continue;
                }
                Err(unread) => {
                    self.note(unread);
                    continue;
                }
            };
            let step = self.read_step(&folder, head)?;
            self.steps.push(step);
        }
        Ok(())
    }

    fn read_step(&mut self, folder: &Path, head: StepHead) -> Result<Step> {
        let mut step = Step {
            head,
            runs: Vec::new(),
            interrupted: Vec::new(),
            told: self.read_or_note::<Told>(&folder.join("verdict.json")),
            mark: self.read_or_note::<Known>(&folder.join("mark.json")),
        };
        for number in run_numbers(folder)? {
            let path = folder.join(format!("{number:02}.json"));
            match store::read::<RunEnd>(&path) {
                Ok(Some(run)) => step.runs.push((number, run)),
                Ok(None) => step.interrupted.push(number),
                Err(unread) => self.note(unread),
            }
        }
        Ok(step)
    }

    fn read_or_note<T: serde::de::DeserializeOwned>(&mut self, path: &Path) -> Option<T> {
        store::read(path).unwrap_or_else(|unread| {
            self.note(unread);
            None
        })
    }

    fn note(&mut self, unread: Unread) {
        if unread.is_refused && self.refused.is_none() {
            self.refused = Some(unread.why.clone());
        }
        self.damage.push(unread.why);
    }

    /// Where a step's files are.
    pub(crate) fn step_folder(&self, number: u32) -> PathBuf {
        step_folder(&self.folder, number)
    }

    /// Where a file of a run is.
    pub(crate) fn run_file(&self, step: u32, run: u32, ending: &str) -> PathBuf {
        self.step_folder(step).join(format!("{run:02}.{ending}"))
    }

    /// The step that a user names: by its number, its label, or the beginning of its commit's name; else the last one.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<&Step> {
        let Some(name) = name else {
            let last = self.steps.last();
            return last.ok_or_else(|| failure(BISECT_USAGE, "this session has no step yet"));
        };
        let is_meant = |step: &&Step| {
            let head = &step.head;
            let commit = head.commit.as_ref().is_some_and(|commit| commit.hash.starts_with(name));
            name.parse() == Ok(head.number) || head.label.as_deref() == Some(name) || (name.len() >= 7 && commit)
        };
        // The latest of its name: earlier ones were tried again.
        let found = self.steps.iter().rev().find(is_meant);
        found.ok_or_else(|| {
            let text = format!("no step is {name}: give its number, label or commit; kmodtrace bisect log lists them");
            failure(BISECT_USAGE, text)
        })
    }
}

impl Writing {
    /// The number of the next step: no folder has it, whatever is in there.
    pub(crate) fn next_step(&self) -> Result<u32> {
        let taken = numbers(&self.session.folder, |name| name)?;
        Ok(taken.last().map_or(1, |last| last + 1))
    }

    /// The number of a step's next run: no file has it.
    pub(crate) fn next_run(&self, step: u32) -> Result<u32> {
        let taken = run_numbers(&self.session.step_folder(step))?;
        Ok(taken.last().map_or(1, |last| last + 1))
    }

    /// Begins a step.
    pub(crate) fn begin(&mut self, head: StepHead) -> Result<()> {
        // It has its name once it says what it is.
        let folder = self.session.step_folder(head.number);
        let new = unnamed(&folder);
        let cannot = || format!("cannot make {}", folder.display());
        // What was left by one that was killed.
        let _ = fs::remove_dir_all(&new);
        fs::create_dir(&new).with_context(cannot)?;
        store::write(&new.join("step.json"), &head)?;
        fs::rename(&new, &folder)
            .and_then(|()| sync_name(&folder))
            .with_context(cannot)?;
        self.session.steps.push(Step {
            head,
            runs: Vec::new(),
            interrupted: Vec::new(),
            told: None,
            mark: None,
        });
        Ok(())
    }

    /// A new file for what a run's command says.
    pub(crate) fn console(&self, step: u32, run: u32) -> Result<File> {
        let path = self.session.run_file(step, run, "console");
        File::create_new(&path).with_context(|| format!("cannot make {}", path.display()))
    }

    /// Keeps a recording as that of a run.
    pub(crate) fn keep_recording(&self, from: &Path, step: u32, run: u32) -> Result<String> {
        let to = self.session.run_file(step, run, "kmt");
        store::keep_as(from, &to)?;
        Ok(name(&to))
    }

    /// Keeps the end of a run: from now on it counts.
    pub(crate) fn end_run(&mut self, step: u32, run: u32, end: RunEnd) -> Result<()> {
        store::write(&self.session.run_file(step, run, "json"), &end)?;
        let mut steps = self.session.steps.iter_mut();
        if let Some(step) = steps.find(|known| known.head.number == step) {
            step.runs.push((run, end));
        }
        Ok(())
    }

    /// Keeps the report of a run.
    pub(crate) fn keep_report(&self, step: u32, run: u32, report: &impl Serialize) -> Result<()> {
        store::write(&self.session.run_file(step, run, "report.json"), report)
    }

    /// Keeps what is told.
    pub(crate) fn tell(&mut self, step: u32, told: &Told) -> Result<()> {
        store::write(&self.session.step_folder(step).join("verdict.json"), told)
    }

    /// Keeps what the user says of a step.
    pub(crate) fn mark(&mut self, step: u32, known: Known) -> Result<()> {
        store::write(&self.session.step_folder(step).join("mark.json"), &known)
    }
}

fn step_folder(session: &Path, number: u32) -> PathBuf {
    session.join(format!("{number:04}"))
}

/// The name of a file in its folder.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Numbers that files of a step begin with.
fn run_numbers(folder: &Path) -> Result<Vec<u32>> {
    numbers(folder, |name| name.split('.').next().unwrap_or_default())
}

/// The numbers that names in a folder have, each once, in order.
fn numbers(folder: &Path, part: impl Fn(&str) -> &str) -> Result<Vec<u32>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(anyhow!("cannot read {}: {error}", folder.display())),
    };
    let mut found = BTreeSet::new();
    for entry in entries {
        let name = entry
            .with_context(|| format!("cannot read {}", folder.display()))?
            .file_name();
        let name = name.to_string_lossy();
        let digits = part(&name);
        if digits.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = digits.parse()
        {
            found.insert(number);
        }
    }
    Ok(found.into_iter().collect())
}
