//! The parts of the gate: what each is called, what it needs, and what runs it.

use anyhow::{Result, bail};
use guest_vm::kernel::{self, BadInput, Flavour};

use crate::{
    bad_input, bisect, bisect_guests, boot, drill, faults, fleet, fuzzing, guest::Tally, host, prometheus, scenarios,
    scripted, selftest, subject::Subject, terminal,
};

/// A part of the gate, which has one line of the result.
#[derive(Debug)]
pub struct Part {
    /// What users call it.
    pub name: String,
    /// Seconds that it takes, about: parts that take long begin first.
    pub(crate) seconds: u32,
    /// The part that must have ended before this one begins, where both run: they use the same build, or this one uses what
    /// that one made.
    pub(crate) after: Option<&'static str>,
    /// Whether it runs only where its name is given: it takes long, and a smaller part tries the same.
    pub on_demand: bool,
    work: Work,
    /// Names of the scenarios to run; all if there is none.
    only: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    /// It needs no guest.
    Here(fn() -> Result<Tally>),
    /// It boots what it likes.
    Guests(fn() -> Result<Tally>),
    /// It boots a kernel of the matrix.
    On(Flavour, OnKernel),
}

/// Scenarios that run on a kernel.
#[derive(Debug, Clone, Copy)]
struct OnKernel {
    /// The names of those that can be run alone.
    scenarios: fn(Flavour) -> Result<Vec<String>>,
    run: fn(&Subject<'_>) -> Result<Tally>,
}

impl Part {
    /// Whether it boots guests, or prepares those of another part.
    pub fn needs_guests(&self) -> bool {
        !matches!(self.work, Work::Here(_))
    }

    /// The names of its scenarios that can be run alone.
    pub fn scenarios(&self) -> Result<Vec<String>> {
        match self.work {
            Work::On(flavour, on) => (on.scenarios)(flavour),
            Work::Here(_) | Work::Guests(_) => Ok(Vec::new()),
        }
    }

    /// Runs it. An error is a part without any result.
    pub(crate) fn run(&self) -> Result<Tally> {
        match self.work {
            Work::Here(run) | Work::Guests(run) => run(),
            Work::On(flavour, on) => (on.run)(&Subject {
                flavour,
                kernel: kernel::ensure(flavour)?,
                only: &self.only,
            }),
        }
    }

    /// Whether this is its name, or that of its kernel.
    fn is_called(&self, name: &str) -> bool {
        self.name == name || matches!(self.work, Work::On(flavour, _) if flavour.name == name)
    }

    /// The scenario of this part that a name is of.
    fn scenario<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(&self.name)?.strip_prefix('/')
    }

    /// What these names leave of it.
    fn limited_to(mut self, names: &[String]) -> Option<Self> {
        if !names.iter().any(|name| self.is_called(name)) {
            self.only = names
                .iter()
                .filter_map(|name| self.scenario(name))
                .map(str::to_owned)
                .collect();
            if self.only.is_empty() {
                return None;
            }
        }
        Some(self)
    }
}

/// The part that builds the programs of guests.
const PROGRAMS: &str = "programs";

/// The part that builds the kernels of the bisect tests.
const BISECT_KERNELS: &str = "bisect-kernels";

/// Every part that has to do with one of these kernels, or with none. What needs processors comes after the programs of guests, so
/// that it has what guests leave of them, and these need not wait.
pub fn all(flavours: &[Flavour]) -> Vec<Part> {
    let mut parts = vec![
        part("format", 3, None, Work::Here(host::format)),
        part("lints", 160, Some(PROGRAMS), Work::Here(host::lints)),
        part("tests", 260, Some("lints"), Work::Here(host::tests)),
        part("terminal", 60, Some("tests"), Work::Here(terminal::run)),
        part("fuzz", 120, Some("lints"), Work::Here(fuzzing::run)),
    ];
    parts.push(part("viewers", 15, Some("tests"), Work::Here(scripted::viewers)));
    parts.push(part("pages", 60, Some("tests"), Work::Here(scripted::pages)));
    parts.push(part("otlp", 15, Some("tests"), Work::Here(scripted::otlp)));
    parts.push(part("prometheus", 15, Some("tests"), Work::Here(prometheus::run)));
    parts.push(part("parquet", 35, Some("tests"), Work::Here(fleet::run)));
    parts.push(Part {
        on_demand: true,
        ..part("parquet-spark", 90, Some("tests"), Work::Here(fleet::spark))
    });
    if !flavours.is_empty() {
        parts.push(part(PROGRAMS, 210, None, Work::Guests(host::programs)));
    }
    if flavours.iter().any(|flavour| flavour.everyday) {
        let (bisect_guests, bisect) = (Work::Guests(bisect_guests::run), Work::Guests(bisect::run));
        parts.extend([
            part("console", 235, Some(PROGRAMS), Work::Guests(terminal::in_guests)),
            part(BISECT_KERNELS, 480, Some(PROGRAMS), Work::Guests(bisect::kernels)),
            part("bisect-guests", 110, Some(BISECT_KERNELS), bisect_guests),
            part("bisect", 173, Some(BISECT_KERNELS), bisect),
            part("faults", 100, Some(PROGRAMS), Work::Guests(faults::few)),
            Part {
                on_demand: true,
                ..part("faults-many", 1500, Some(PROGRAMS), Work::Guests(faults::many))
            },
            part("boot-small", 120, Some(PROGRAMS), Work::Guests(boot::small)),
            Part {
                on_demand: true,
                ..part("boot", 300, Some(PROGRAMS), Work::Guests(boot::whole))
            },
            Part {
                on_demand: true,
                ..part("boot-cost", 700, Some(PROGRAMS), Work::Guests(boot::cost))
            },
            Part {
                on_demand: true,
                ..part("boot-cpus", 1500, Some(PROGRAMS), Work::Guests(boot::cpus))
            },
            Part {
                on_demand: true,
                ..part("boot-once", 500, Some(PROGRAMS), Work::Guests(boot::once))
            },
            Part {
                on_demand: true,
                ..part("boot-faults", 500, Some(PROGRAMS), Work::Guests(boot::faulty))
            },
        ]);
    }
    for flavour in flavours {
        parts.extend(on(*flavour));
    }
    parts
}

/// The parts of a kernel.
fn on(flavour: Flavour) -> Vec<Part> {
    let on = |name, seconds, scenarios, run| {
        let work = Work::On(flavour, OnKernel { scenarios, run });
        part(&format!("{}/{name}", flavour.name), seconds, Some(PROGRAMS), work)
    };
    let mut parts = vec![
        on("scenarios", 100, scenarios::names, scenarios::run),
        on("storms", 60, |_| scenarios::storm_names(), scenarios::run_storms),
    ];
    if flavour.bad_input != BadInput::Not {
        parts.push(on("bad-input", 80, bad_input::names, bad_input::run));
    }
    if flavour.drill {
        parts.push(on("drill", 300, |_| Ok(Vec::new()), drill::run));
    }
    if flavour.fixtures {
        parts.push(on("selftest", 200, |_| Ok(Vec::new()), selftest::run));
    }
    parts
}

fn part(name: &str, seconds: u32, after: Option<&'static str>, work: Work) -> Part {
    Part {
        name: name.to_owned(),
        seconds,
        after,
        on_demand: false,
        work,
        only: Vec::new(),
    }
}

/// Those of the parts that names ask for: by part, by kernel, or one scenario. A name of nothing is an error.
pub fn choose(parts: Vec<Part>, names: &[String]) -> Result<Vec<Part>> {
    for name in names {
        if !is_known(&parts, name)? {
            bail!("no part or scenario is called {name:?} here; --list prints all names");
        }
    }
    Ok(parts.into_iter().filter_map(|part| part.limited_to(names)).collect())
}

fn is_known(parts: &[Part], name: &str) -> Result<bool> {
    for part in parts {
        let scenario = part.scenario(name);
        if part.is_called(name)
            || scenario.is_some() && part.scenarios()?.iter().any(|known| Some(known.as_str()) == scenario)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::{all, choose};
    use guest_vm::kernel::MATRIX;

    fn chosen(names: &[&str]) -> Vec<(String, Vec<String>)> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let parts = choose(all(&MATRIX), &names).unwrap();
        parts.into_iter().map(|part| (part.name, part.only)).collect()
    }

    #[test]
    fn parts_go_by_their_name_and_by_their_kernels() {
        assert_eq!(chosen(&["lints"]), [("lints".to_owned(), Vec::new())]);
        let of_kernel: Vec<_> = chosen(&["rt"]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(of_kernel, ["rt/scenarios", "rt/storms"]);
        assert!(
            choose(all(&MATRIX), &["rt/drill".to_owned()]).is_err(),
            "rt has no drill"
        );
    }

    #[test]
    fn cases_go_by_the_name_of_their_part() {
        let only = vec!["idle".to_owned()];
        assert_eq!(chosen(&["5.10/bad-input/idle"]), [("5.10/bad-input".to_owned(), only)]);
        // All of it is more than one case of it.
        let all_of_it = chosen(&["5.10/bad-input/idle", "5.10/bad-input"]);
        assert_eq!(all_of_it, [("5.10/bad-input".to_owned(), Vec::new())]);
        let unknown = choose(all(&MATRIX), &["5.10/bad-input/what".to_owned()]);
        assert!(unknown.is_err_and(|error| error.to_string().contains("5.10/bad-input/what")));
    }
}
