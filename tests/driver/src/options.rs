//! The command line.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::scenario::{ALL, Scenario};

/// What was asked for.
pub(crate) struct Options {
    /// In this order.
    pub(crate) scenarios: Vec<&'static Scenario>,
    /// Modules by name or path, in place of the scenario's own.
    pub(crate) modules: Vec<String>,
    /// How many tasks, where the scenario leaves a choice.
    pub(crate) tasks: Option<usize>,
    /// How many rounds, where there are any.
    pub(crate) rounds: Option<usize>,
    /// Where to look for module files first.
    pub(crate) dir: Option<PathBuf>,
    /// The log, if not stdout.
    pub(crate) log: Option<PathBuf>,
}

impl Options {
    /// From the words after the program's name.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let name = words.next().ok_or_else(|| anyhow!("no scenario given"))?;
        let mut options = Self {
            scenarios: ALL
                .iter()
                .filter(|scenario| name == "all" || name == scenario.name)
                .collect(),
            modules: Vec::new(),
            tasks: None,
            rounds: None,
            dir: None,
            log: None,
        };
        if options.scenarios.is_empty() {
            bail!("no scenario {name:?}");
        }
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| anyhow!("{word} wants a value"));
            match word.as_str() {
                "--tasks" => options.tasks = Some(number(&value()?)?),
                "--rounds" => options.rounds = Some(number(&value()?)?),
                "--dir" => options.dir = Some(value()?.into()),
                "--log" => options.log = Some(value()?.into()),
                _ if word.starts_with('-') => bail!("unknown option {word}"),
                _ => options.modules.push(word),
            }
        }
        if name == "all" && !options.modules.is_empty() {
            bail!("all takes no modules: each scenario needs its own");
        }
        Ok(options)
    }
}

fn number(word: &str) -> Result<usize> {
    let number = word.parse().with_context(|| format!("{word:?} is no number"))?;
    if number == 0 {
        bail!("0 is too few");
    }
    Ok(number)
}

/// What can be asked for.
pub(crate) fn usage() -> String {
    let mut usage = String::from(
        "usage: load-driver list [all]\n\
         usage: load-driver SCENARIO|all [MODULE|PATH]... [--tasks N] [--rounds N] [--dir DIR] [--log FILE]\n\
         Runs as root. MODULE is looked up in DIR, then in /lib/modules; .ko.xz is unpacked. Scenarios:\n",
    );
    for scenario in ALL {
        // Writing to a String does not fail.
        let _ = writeln!(usage, "  {:20} {}", scenario.name, scenario.about);
    }
    usage
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn words() {
        assert_eq!(parse("all --tasks 4").unwrap().scenarios.len(), ALL.len());
        let options = parse("copies ifb --tasks 4 --dir /m").unwrap();
        assert_eq!((options.scenarios.len(), options.tasks), (1, Some(4)));
        assert_eq!(options.modules, ["ifb"]);
        for wrong in [
            "",
            "nothing",
            "copies --tasks",
            "copies --tasks 0",
            "copies --what",
            "all dummy",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
