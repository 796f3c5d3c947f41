//! Mounts of file systems that are not there: each makes the kernel run a modprobe, and every sort of modprobe has its turn.

use std::ffi::CStr;
use std::fs::{self, OpenOptions};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::call::Call;
use crate::child::Child;
use crate::expect::Expect;
use crate::request::{ABSENT, Answer, EXIT_1, EXIT_127, KILLED, NO_PROGRAM, REQUESTER_KILLED, Request};
use crate::stage::Stage;
use crate::task::Task;
use crate::watch;

/// A file system that no module has.
const NOBODYS: &CStr = c"kt_nobodys";
/// A module's, which cannot be mounted without options.
const OVERLAY: &CStr = c"overlay";
/// One more character than a request's name may have: `fs-` and these are 56, `MODULE_NAME_LEN`.
const LONG: &CStr = c"kt_so_long_a_name_that_no_module_could_have_it_at_all";

/// `MAX_KMOD_CONCURRENT`.
const SLOTS: usize = 50;
/// Requests that get none of them.
const TOO_MANY: usize = 10;

/// Which program the kernel runs.
const SETTING: &str = "/proc/sys/kernel/modprobe";

/// One after the other, and at last more of them than there are slots.
pub(super) fn each(stage: &mut Stage<'_>) -> Result<()> {
    let mut modprobe = Modprobe::usual()?;
    let overlay = stage.absent("overlay")?;

    mount(stage, &modprobe, NOBODYS, EXIT_1)?;
    mount(stage, &modprobe, OVERLAY, Answer::Loads("overlay"))?;
    let there = Expect::nothing().errno(libc::EINVAL).requests_nothing();
    stage.run(None, Call::mount(OVERLAY), &there)?;
    stage.unload(&overlay)?;

    let absent = Path::new("/there/is/no/modprobe").to_path_buf();
    let silent = stage
        .library
        .script("cannot-start", "exec /there/is/no/modprobe 2>/dev/null")?;
    let killed = stage.library.script("is-killed", "kill -KILL $$")?;
    let no_program = Path::new("/etc/passwd").to_path_buf();
    for (program, answer) in [
        (absent, ABSENT),
        (no_program, NO_PROGRAM),
        (silent, EXIT_127),
        (killed, KILLED),
    ] {
        modprobe.becomes(&program)?;
        mount(stage, &modprobe, NOBODYS, answer)?;
    }

    // The kernel runs a shell, and that a modprobe of its own.
    let wrapper = stage
        .library
        .script("forks", &format!("{} \"$@\" &\nwait $!", modprobe.usual))?;
    modprobe.becomes(&wrapper)?;
    mount(stage, &modprobe, OVERLAY, Answer::Loads("overlay"))?;
    stage.unload(&overlay)?;

    crowded(stage, &mut modprobe)?;

    // __request_module turns these back before it asks anybody (kernel/kmod.c): the name is too long, there is no modprobe.
    let turned_back = Expect::nothing().errno(libc::ENODEV).requests_nothing();
    stage.run(None, Call::mount(LONG), &turned_back)?;
    modprobe.becomes(Path::new(""))?;
    stage.run(None, Call::mount(NOBODYS), &turned_back)?;
    Ok(())
}

/// A mount that needs a request.
fn mount(stage: &mut Stage<'_>, modprobe: &Modprobe, filesystem: &CStr, answer: Answer) -> Result<()> {
    stage.run(None, Call::mount(filesystem), &modprobe.expect(filesystem, answer)?)?;
    Ok(())
}

/// Every modprobe waits at a gate. One requester is killed, which gives its slot back; then there are more requests than slots,
/// and the gate opens when the last ones have given up.
fn crowded(stage: &mut Stage<'_>, modprobe: &mut Modprobe) -> Result<()> {
    let gate = stage.library.pipe("gate")?;
    let lines = format!(": <{}\nexec {} \"$@\"", gate.display(), modprobe.usual);
    let waits = stage.library.script("waits", &lines)?;
    modprobe.becomes(&waits)?;
    let call = Call::mount(NOBODYS);

    let requester = Child::start(call)?;
    watch::until("a requester waits for its modprobe", || {
        Ok(watch::stack(requester.tid).contains(" call_usermodehelper_exec+"))
    })?;
    let made = requester.kill()?;
    // mount's errno, which nobody gets.
    let killed = modprobe.expect_of(NOBODYS, REQUESTER_KILLED)?.killed(libc::ENODEV);
    stage.note(None, call, &made, &killed)?;

    let tasks = (0..SLOTS + TOO_MANY)
        .map(|_| Task::start(call))
        .collect::<Result<Vec<_>>>()?;
    let has_given_up = |task: &Task| !Path::new("/proc/self/task").join(task.tid.to_string()).exists();
    watch::until("requests give up", || {
        Ok(tasks.iter().filter(|task| has_given_up(task)).count() >= TOO_MANY)
    })?;
    let (gave_up, in_slots): (Vec<Task>, Vec<Task>) = tasks.into_iter().partition(has_given_up);
    ensure!(gave_up.len() == TOO_MANY, "{} requests gave up", gave_up.len());
    // Whoever comes to a pipe that is open for writing passes.
    let open = OpenOptions::new().read(true).write(true).open(&gate);
    let open = open.with_context(|| format!("cannot open {}", gate.display()))?;
    for (tasks, answer) in [(gave_up, Answer::NoSlot), (in_slots, EXIT_1)] {
        for task in tasks {
            stage.finish(None, task, &modprobe.expect(NOBODYS, answer)?)?;
        }
    }
    // The modprobe of the requester that was killed is nobody's now.
    watch::until("every modprobe has passed the gate", || Ok(!is_run(&waits)?))?;
    drop(open);
    Ok(())
}

/// Whether some process is this script.
fn is_run(script: &Path) -> Result<bool> {
    let script = script.to_string_lossy();
    for entry in fs::read_dir("/proc")? {
        let line = fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).split('\0').any(|word| word == script) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The program that the kernel runs. Afterwards it is the usual one again.
struct Modprobe {
    usual: String,
    now: String,
}

impl Modprobe {
    fn usual() -> Result<Self> {
        let usual = fs::read_to_string(SETTING).with_context(|| format!("cannot read {SETTING}"))?;
        let usual = usual.trim_end().to_owned();
        Ok(Self {
            now: usual.clone(),
            usual,
        })
    }

    fn becomes(&mut self, program: &Path) -> Result<()> {
        self.now = program.to_string_lossy().into_owned();
        set(&self.now)
    }

    /// What a mount gets, and what is requested for it.
    fn expect(&self, filesystem: &CStr, answer: Answer) -> Result<Expect> {
        // overlay wants options; a file system that is not there is ENODEV, whatever its request returned.
        let found = matches!(answer, Answer::Loads(_));
        let errno = if found { libc::EINVAL } else { libc::ENODEV };
        Ok(self.expect_of(filesystem, answer)?.errno(errno))
    }

    fn expect_of(&self, filesystem: &CStr, answer: Answer) -> Result<Expect> {
        Ok(Expect::nothing().requests(Request {
            name: format!("fs-{}", filesystem.to_str()?),
            helper: self.now.clone(),
            answer,
        }))
    }
}

impl Drop for Modprobe {
    fn drop(&mut self) {
        if let Err(error) = set(&self.usual) {
            eprintln!("load-driver: {error:#}");
        }
    }
}

fn set(program: &str) -> Result<()> {
    // A write of nothing would change nothing.
    fs::write(SETTING, format!("{program}\n")).with_context(|| format!("cannot write {SETTING}"))
}
