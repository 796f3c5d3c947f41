//! What every scenario has at hand.

use anyhow::{Result, bail};

use crate::call::{Call, Made, no_args};
use crate::expect::Expect;
use crate::kernel::Kernel;
use crate::library::{Library, Module};
use crate::log::Log;
use crate::options::Options;
use crate::task::Task;
use crate::watch;

/// The log, the modules and the options.
pub(crate) struct Stage<'a> {
    log: &'a mut Log,
    /// Where files are.
    pub(crate) library: &'a Library,
    /// What the arrangement depends on.
    pub(crate) kernel: &'a Kernel,
    options: &'a Options,
}

impl<'a> Stage<'a> {
    /// For one scenario.
    pub(crate) fn new(log: &'a mut Log, library: &'a Library, kernel: &'a Kernel, options: &'a Options) -> Self {
        Self {
            log,
            library,
            kernel,
            options,
        }
    }

    /// The module asked for, or the scenario's own.
    pub(crate) fn subject(&self, default: &str) -> Result<Module> {
        self.absent(self.options.modules.first().map_or(default, String::as_str))
    }

    /// The modules asked for, or the scenario's own.
    pub(crate) fn subjects(&self, default: &[&str]) -> Result<Vec<Module>> {
        match &self.options.modules[..] {
            [] => default.iter().map(|name| self.absent(name)).collect(),
            names => names.iter().map(|name| self.absent(name)).collect(),
        }
    }

    /// A module that must not be loaded yet, or nothing would be forced.
    pub(crate) fn absent(&self, wanted: &str) -> Result<Module> {
        let module = self.library.module(wanted)?;
        let state = watch::module_state(&module.name)?;
        if let Some(state) = state {
            bail!("{} is in the kernel already: {state}", module.name);
        }
        Ok(module)
    }

    /// How many tasks.
    pub(crate) fn tasks(&self, default: usize) -> usize {
        self.options.tasks.unwrap_or(default)
    }

    /// How many rounds.
    pub(crate) fn rounds(&self, default: usize) -> usize {
        self.options.rounds.unwrap_or(default)
    }

    /// Makes a call in a task of its own, waits for its return and logs it.
    pub(crate) fn run(&mut self, module: Option<&str>, call: Call, expect: &Expect) -> Result<Made> {
        let task = Task::start(call)?;
        self.finish(module, task, expect)
    }

    /// The same in a task that may not load modules.
    pub(crate) fn run_powerless(&mut self, module: Option<&str>, call: Call, expect: &Expect) -> Result<Made> {
        let task = Task::start_powerless(call)?;
        self.finish(module, task, expect)
    }

    /// Waits for a task's return and logs it.
    pub(crate) fn finish(&mut self, module: Option<&str>, task: Task, expect: &Expect) -> Result<Made> {
        let call = task.call;
        let made = task.finish()?;
        self.note(module, call, &made, expect)?;
        Ok(made)
    }

    /// Logs a call that was made.
    pub(crate) fn note(&mut self, module: Option<&str>, call: Call, made: &Made, expect: &Expect) -> Result<()> {
        self.log.call(call, module, made, expect)
    }

    /// Loads an image under a module's name, from a file that nobody else loads.
    pub(crate) fn run_image(&mut self, name: &str, case: &str, image: &[u8], expect: &Expect) -> Result<Made> {
        let file = self.library.variant(name, case, image)?;
        self.run(Some(name), Call::finit_file(&file, 0), expect)
    }

    /// Loads a module that nobody else loads.
    pub(crate) fn load(&mut self, module: &Module) -> Result<()> {
        self.run(
            Some(&module.name),
            Call::finit(module, no_args()),
            &Expect::leader().errno(0),
        )?;
        Ok(())
    }

    /// Unloads a module that nobody uses.
    pub(crate) fn unload(&mut self, module: &Module) -> Result<()> {
        self.run(
            Some(&module.name),
            Call::delete(&module.c_name),
            &Expect::nothing().errno(0),
        )?;
        Ok(())
    }
}
