//! The command line.

use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, bail};

/// What was asked for.
pub(crate) struct Options {
    /// The name of a scenario, or `all`.
    pub(crate) scenario: String,
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
        let mut options = Self {
            scenario: words.next().ok_or_else(|| anyhow!("no scenario given"))?,
            modules: Vec::new(),
            tasks: None,
            rounds: None,
            dir: None,
            log: None,
        };
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
        if options.scenario == "all" && !options.modules.is_empty() {
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn words() {
        let options = parse("copies ifb --tasks 4 --dir /m").unwrap();
        assert_eq!((options.scenario.as_str(), options.tasks), ("copies", Some(4)));
        assert_eq!(options.modules, ["ifb"]);
        for wrong in ["", "copies --tasks", "copies --tasks 0", "copies --what", "all dummy"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
