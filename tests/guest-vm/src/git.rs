//! git in one repository, as if no user had ever configured it: commits are to have the same names everywhere.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::process;

/// Who made all commits, and when the first one was made; others follow by the hour.
const NAME: &str = "kmodtrace demo";
const EMAIL: &str = "demo@kmodtrace.invalid";
const BEGINNING: u64 = 1_700_000_000;

/// The time of the commit with this number.
fn time(number: usize) -> String {
    format!("{} +0000", BEGINNING + 3600 * number as u64)
}

/// Who makes the commit with this number, and when, as git stores them.
pub fn signature(number: usize) -> String {
    format!("{NAME} <{EMAIL}> {}", time(number))
}

/// A repository, by its working tree.
#[derive(Debug, Clone)]
pub struct Git {
    dir: PathBuf,
}

impl Git {
    /// The repository whose working tree this is, or will be.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf() }
    }

    /// The repository's working tree.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A command of git, to be run in the repository.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = process::command("git", arguments);
        command.current_dir(&self.dir);
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"] {
            command.env_remove(variable);
        }
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        for person in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{person}_NAME"), NAME);
            command.env(format!("GIT_{person}_EMAIL"), EMAIL);
            command.env(format!("GIT_{person}_DATE"), time(0));
        }
        command.env("LC_ALL", "C");
        command
    }

    /// Runs git in the repository.
    pub fn run(&self, arguments: &[&str]) -> Result<()> {
        process::captured(&mut self.command(arguments)).map(drop)
    }

    /// Runs git in the repository, and gives what it writes to its standard output.
    pub fn text(&self, arguments: &[&str]) -> Result<String> {
        process::text(&mut self.command(arguments))
    }
}
