//! `kmodtrace drill`: the functions of modules whose init function fails, seen from their first instruction.
//!
//! The oracles are the source of `tests/fixtures/kt_deep.c`, which says which function makes the errno, what modprobe and tracefs
//! say, and the kernel's own function graph of the same loads.

mod agree;
mod graph;

use std::{fs, path::Path, time::Duration};

use agree::Both;
use anyhow::{Context as _, Result, ensure};
use guest_vm::{artifacts, fixtures, kernel::Selection, vm::VmSpec};

use crate::guest::{self, Tally};
use crate::subject::Subject;

const COMMAND: &str = concat!(
    include_str!("drill.sh"),
    include_str!("graph.sh"),
    include_str!("end.sh")
);

const DEEP_SOURCE: &str = include_str!("../../../fixtures/kt_deep.c");

/// What a load of `kt_deep` must be told of: the way, the place, and the chain of functions. That its two places are told from each
/// other, the first way shows.
const DEEP: &[(&str, &[&str])] = &[
    (
        "static-1",
        &["kt_deep_init", "deep_first", "deep_second", "deep_third_one"],
    ),
    (
        "static-2",
        &["kt_deep_init", "deep_first", "deep_second", "deep_third_two"],
    ),
    ("inline-1", &["kt_deep_init", "deep_first", "deep_second_inline"]),
    (
        "probe-2",
        &[
            "kt_deep_init",
            "deep_register",
            "deep_probe",
            "deep_second",
            "deep_third_two",
        ],
    ),
    (
        "work-2",
        &["kt_deep_init", "deep_queue", "deep_second", "deep_third_two"],
    ),
];

/// Modules whose init function makes the kernel load another one, and that.
const REQUESTING: [&str; 2] = ["stm_core", "stm_p_basic"];

/// Loads under the function graph: of every kernel, of those with `REQUESTING`, of the one with the fixtures.
const GRAPHS: [&str; 3] = ["graph-cpufreq", "graph-pcc", "graph-xfs"];
const GRAPHS_REQUESTING: [&str; 1] = ["graph-nowait"];
const GRAPHS_OF_FIXTURES: [&str; 4] = ["graph-request", "graph-static", "graph-probe", "graph-work"];

/// Loads and unloads under one drill.
const CYCLES: usize = 20;

/// The event of somebody else.
const FOREIGN: &str = "p:mine/x vfs_read\n";

/// Runs it on this kernel.
pub(crate) fn run(subject: &Subject<'_>) -> Result<Tally> {
    let (flavour, kernel) = (subject.flavour, &subject.kernel);
    let out = artifacts::target_dir()?
        .join("guests")
        .join(format!("{}-drill", kernel.name));
    let mut spec = VmSpec::new(kernel.clone(), COMMAND);
    spec.guest.programs = artifacts::guest_programs()?;
    if flavour.fixtures {
        fixtures::stage(&mut spec)?;
    }
    if flavour.requesting
        && let Selection::Some { named, .. } = &mut spec.modules
    {
        named.extend(REQUESTING.map(str::to_owned));
    }
    // All through it, code is patched that runs on the other processor. QEMU 7.2 keeps breakpoints of that which are gone from
    // memory ("Oops: int3", with a nop there), in one of three such guests on a busy host; not where one thread does it all.
    spec.by_turns = true;
    // The kernel takes its time to arm probes and to let go of them, and other guests run beside this one.
    spec.timeout = Duration::from_mins(40);
    spec.out_dir = Some(out.clone());
    let mut tally = Tally::default();
    let outcome = guest::run(&spec, &mut tally)?;
    guest::succeeded(&outcome)?;
    let statuses = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let seen = Seen {
        out: &out,
        statuses: &statuses,
    };
    if !flavour.cookies {
        tally.scenario("drill without cookies", seen.refused().map(|()| 0));
        return Ok(tally);
    }
    tally.scenario("drill of stock modules", seen.stock().map(|()| 0));
    tally.scenario("drill leaves nothing", seen.clean().map(|()| 0));
    for (at, (name, chain)) in DEEP.iter().enumerate().filter(|_| flavour.fixtures) {
        tally.scenario(&format!("drill {name}"), seen.deep(at, name, chain).map(|()| 0));
    }
    let requesting = GRAPHS_REQUESTING.iter().filter(|_| flavour.requesting);
    let of_fixtures = GRAPHS_OF_FIXTURES.iter().filter(|_| flavour.fixtures);
    for name in GRAPHS.iter().chain(requesting).chain(of_fixtures) {
        tally.scenario(&format!("drill {name}"), seen.same(name));
    }
    tally.scenario("drill of a loaded module", seen.loaded());
    tally.scenario("drill of many loads", seen.cycles());
    Ok(tally)
}

/// What the guest left.
struct Seen<'o> {
    out: &'o Path,
    statuses: &'o str,
}

impl Seen<'_> {
    fn file(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.out.join(name)).with_context(|| format!("the guest left no {name}"))
    }

    fn ended(&self, name: &str, status: u8) -> Result<()> {
        let line = format!("{name} {status}");
        ensure!(
            self.statuses.lines().any(|known| known == line),
            "no \"{line}\" in\n{}\n{}",
            self.statuses,
            self.file(&format!("{name}.err"))?
        );
        Ok(())
    }

    /// Nothing was lost, and the kernel skipped no program.
    fn whole(&self, name: &str) -> Result<()> {
        let told = self.file(&format!("{name}.err"))?;
        ensure!(told.contains("lost 0, missed 0"), "something is missing:\n{told}");
        Ok(())
    }

    /// One line that says why.
    fn refused(&self) -> Result<()> {
        self.ended("cpufreq", 69)?;
        let said = self.file("cpufreq.err")?;
        let last = said.lines().last().unwrap_or_default();
        ensure!(last.contains("bpf_get_attach_cookie, Linux 5.15"), "{said}");
        ensure!(self.file("cpufreq.events")?.is_empty(), "events are left");
        Ok(())
    }

    fn stock(&self) -> Result<()> {
        // The status is that of modprobe.
        self.ended("cpufreq", 1)?;
        let said = self.file("cpufreq.txt")?;
        let said_of_cpufreq = said.clone();
        ensure!(said.starts_with("acpi_cpufreq: ENODEV after "), "{said}");
        ensure!(
            said.contains("\n  acpi_cpufreq_init = -ENODEV  ")
                && said.contains("\n  acpi_cpufreq_init returned -ENODEV"),
            "{said}"
        );
        let told = self.file("cpufreq.err")?;
        ensure!(told.contains("lost 0, "), "{told}");
        self.ended("replayed", 0)?;
        ensure!(
            self.file("replayed.txt")? == said,
            "the recording is told in another way"
        );
        self.ended("two", 1)?;
        let said = self.file("two.txt")?;
        ensure!(
            said.contains("acpi_cpufreq: ENODEV") && said.contains("pcc_cpufreq: ENODEV"),
            "{said}"
        );
        self.ended("xfs", 0)?;
        let said = self.file("xfs.txt")?;
        ensure!(
            said.contains("xfs: OK after")
                && said.contains("  init_xfs_fs = 0  ")
                && said.contains("most of the time: "),
            "{said}"
        );
        self.ended("again", 0)?;
        ensure!(
            self.file("again.txt")?.starts_with("acpi_cpufreq: no load reached"),
            "a load that was none"
        );
        self.ended("nobody", 1)?;
        ensure!(self.file("nobody.err")?.lines().count() == 1, "more than a line");
        self.ended("recorded", 1)?;
        let (sentence, why) = (sentence(&said_of_cpufreq)?, self.file("why.txt")?);
        let maker = sentence.rsplit(';').next().unwrap_or_default();
        ensure!(why.contains(maker), "why does not say \"{maker}\":\n{why}");
        Ok(())
    }

    /// Whatever was loaded, how often and in whatever way drill ended.
    fn clean(&self) -> Result<()> {
        self.ended("after", 1)?;
        for entry in fs::read_dir(self.out)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // After the one that was killed there must be some, and beside another somebody else had one.
            if name.ends_with(".events") && !["killed.events", "cycles.events"].contains(&name.as_str()) {
                let left = self.file(&name)?;
                ensure!(left.is_empty(), "{name} is\n{left}");
            }
        }
        ensure!(
            !self.file("killed.events")?.is_empty(),
            "the one that was killed had no events"
        );
        self.ended("storm", 0)?;
        let storm = self.file("storm.txt")?;
        let loads = storm
            .lines()
            .filter(|line| line.starts_with("acpi_cpufreq: ENODEV after"))
            .count();
        self.whole("storm")?;
        ensure!(loads >= 5, "{loads} loads ran init in five storms\n{storm}");
        let complaints = self.file("complaints")?;
        ensure!(complaints.is_empty(), "the kernel complains\n{complaints}");
        Ok(())
    }

    /// How many calls are the same in the function graph of the load.
    fn same(&self, name: &str) -> Result<usize> {
        let texts = self.both(name)?;
        let requested = if name == "graph-nowait" || name == "graph-request" {
            2
        } else {
            1
        };
        let loads = agree::loads(&texts[0])?;
        let modules: Vec<&str> = loads.iter().map(|load| load.module.as_str()).collect();
        ensure!(loads.len() == requested, "loads of {modules:?}, not {requested}");
        ensure!(
            loads.iter().all(|load| load.result.is_some()),
            "a load did not end\n{}",
            texts[0]
        );
        as_both(&texts).compare()
    }

    /// A module that is there already is probed where it is, and what is called of it is summed up.
    fn loaded(&self) -> Result<usize> {
        self.ended("loaded", 0)?;
        let texts = self.both("loaded")?;
        ensure!(!texts[1].contains("refused"), "{}", texts[1]);
        let counts = as_both(&texts).counts()?;
        let called = counts.iter().map(|(name, count)| {
            let (module, function) = name.split_once(':').unwrap_or_default();
            format!("  {function} [{module}]: {count} calls")
        });
        let mut said: Vec<&str> = texts[0]
            .lines()
            .filter_map(|line| line.split(',').next().filter(|line| line.ends_with(" calls")))
            .collect();
        said.sort_unstable();
        ensure!(
            called.collect::<Vec<_>>() == said,
            "{counts:?} by the function graph, not\n{}",
            texts[0]
        );
        ensure!(
            counts.contains_key("dummy:dummy_setup"),
            "dummy did not run\n{}",
            texts[0]
        );
        Ok(counts.values().sum())
    }

    /// What drill says, beside and in lines, the events there were, and the function graph.
    fn both(&self, name: &str) -> Result<[String; 4]> {
        let [said, told, events, graph] =
            ["txt", "err", "probed", "graph"].map(|end| self.file(&format!("{name}.{end}")));
        Ok([said?, told?, events?, graph?])
    }

    /// None of many loads is missed, nothing is left of them, and what is somebody else's stays.
    fn cycles(&self) -> Result<usize> {
        self.ended("cycles", 0)?;
        self.whole("cycles")?;
        let loads = agree::loads(&self.file("cycles.txt")?)?;
        let succeeded = loads
            .iter()
            .filter(|load| load.module == "dummy" && load.result.as_deref() == Some("OK"));
        let succeeded = succeeded.count();
        ensure!(succeeded == CYCLES, "{succeeded} of {CYCLES} loads were seen");
        let left = self.file("cycles.events")?;
        ensure!(left == FOREIGN, "not only somebody else's event is left:\n{left}");
        Ok(CYCLES)
    }

    /// What is said of the load with this place among all of its module, which are under one drill.
    fn deep(&self, at: usize, name: &str, chain: &[&str]) -> Result<()> {
        self.ended("deep", 1)?;
        let all = self.file("deep.txt")?;
        let loads: Vec<&str> = all.split("kt_deep: EINVAL after").skip(1).collect();
        ensure!(loads.len() == DEEP.len(), "{} loads\n{all}", loads.len());
        let said = loads.get(at).copied().unwrap_or_default();
        let sentence = sentence(said)?;
        let (way, maker) = sentence
            .split_once("; ")
            .with_context(|| format!("no maker in\n{said}"))?;
        let steps = way.split(" because ").filter_map(|step| step.split_whitespace().next());
        let named: Vec<&str> = steps.collect();
        ensure!(named == chain, "{named:?}, not {chain:?}, in\n{said}");
        let expected = if name.starts_with("inline") {
            let line = line_of("ret = deep_last();")?;
            let not_taken =
                format!("deep_second_inline went another way before {line}, where it would have called deep_last");
            ensure!(said.contains(&not_taken), "no \"{not_taken}\" in\n{said}");
            "deep_second_inline made it, or deep_inlined, inlined into it".to_owned()
        } else {
            // The first of the two is called where it succeeds, the second where it fails.
            let called = format!("called at {}", line_of("ret = place == 1 ? deep_third_one()")?);
            ensure!(way.contains(&called), "no \"{called}\" in\n{said}");
            format!("{} made it", chain.last().copied().unwrap_or_default())
        };
        ensure!(maker == expected, "\"{maker}\", not \"{expected}\"");
        // Its functions return int and void, which debugging information tells.
        ensure!(!said.contains('?'), "{said}");
        Ok(())
    }
}

/// The one about the errno.
fn sentence(said: &str) -> Result<&str> {
    let sentence = said.lines().find(|line| line.contains(" returned -E"));
    sentence
        .map(str::trim)
        .with_context(|| format!("no sentence in\n{said}"))
}

/// Where the source of `kt_deep` has this text, as a file and a line.
fn line_of(text: &str) -> Result<String> {
    let number = DEEP_SOURCE.lines().position(|line| line.contains(text));
    number
        .map(|number| format!("kt_deep.c:{}", number + 1))
        .with_context(|| format!("kt_deep.c has no {text}"))
}

fn as_both([loads, told, events, graph]: &[String; 4]) -> Both<'_> {
    Both {
        loads,
        told,
        events,
        graph,
    }
}
