//! What loads called inside their modules.

use std::io::{self, Write};

use kmodtrace_core::analysis::drill::{Elsewhere, Load, TreeLimits, schema, write_json, write_text};
use kmodtrace_core::model::{Attempt, Finished, MARKS_KEPT, ProbedFunction};
use kmodtrace_core::text::printable;
use serde_json::Value;

use super::{Printed, Writer};
use crate::failure::stderr;

/// Loads kept: of more the first ones are shown.
const LOADS: usize = 1_000;

/// Loads of the modules, and calls outside of loads.
pub(crate) struct Loads {
    modules: Vec<String>,
    /// The functions that were asked for, by their numbers.
    functions: Vec<ProbedFunction>,
    limits: TreeLimits,
    kept: Vec<Attempt>,
    /// What these take.
    marks: usize,
    more: u64,
    elsewhere: Elsewhere,
}

impl Loads {
    /// None so far.
    pub(crate) fn new(modules: Vec<String>, functions: Vec<ProbedFunction>, limits: TreeLimits) -> Self {
        Self {
            modules,
            functions,
            limits,
            kept: Vec::new(),
            marks: 0,
            more: 0,
            elsewhere: Elsewhere::default(),
        }
    }

    /// Only those that came to run something of the module: the others are for `report` and `why`.
    pub(crate) fn add(&mut self, finished: Finished) {
        match finished {
            Finished::Call(mark) => self.elsewhere.add(mark),
            Finished::Attempt(attempt) if self.is_load(&attempt) => {
                if self.kept.len() < LOADS && self.marks < MARKS_KEPT {
                    self.marks += attempt.marks();
                    self.kept.push(*attempt);
                } else {
                    self.more += 1;
                }
            }
            _ => {}
        }
    }

    fn is_load(&self, attempt: &Attempt) -> bool {
        let module = attempt.module.as_ref();
        let is_ours = module.is_some_and(|module| self.modules.iter().any(|known| known == module));
        is_ours && !attempt.is_unload() && (attempt.init.is_some() || !attempt.calls.is_empty())
    }

    fn loads(&self) -> impl Iterator<Item = Load<'_>> {
        self.kept.iter().map(|attempt| Load::new(attempt, &self.functions))
    }

    /// What is no load.
    fn write_rest(&self, mut out: &mut dyn Write) -> io::Result<()> {
        if self.more > 0 {
            writeln!(out, "and {} more loads", self.more)?;
        }
        for module in &self.modules {
            if !self
                .kept
                .iter()
                .any(|load| load.module.as_deref() == Some(module.as_str()))
            {
                writeln!(out, "{}: no load reached its init function", printable(module))?;
            }
        }
        self.elsewhere.write(&self.functions, &mut out)
    }
}

impl Printed for Loads {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|loads, mut out| {
            for load in loads.loads() {
                write_text(&load, loads.limits, &mut out)?;
            }
            loads.write_rest(out)
        }),
        Writer::json("A JSON object a line for each load", |loads, out| {
            for load in loads.loads() {
                write_json(&load, out)?;
            }
            out.flush()?;
            // There a line is a load.
            loads.write_rest(&mut stderr())
        }),
    ];

    fn schema() -> Value {
        schema()
    }
}
