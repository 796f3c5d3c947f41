//! The functions of modules that somebody wants to see inside of: found in the modules' files before anything is attached.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use kmodtrace_core::analysis::drill::OUTSIDE;
use kmodtrace_core::kernel::btf;
use kmodtrace_core::model::{ProbedFunction, Returns};
use kmodtrace_core::recording::Header;
use kmodtrace_core::text::{Glob, printable};
use kmodtrace_module_file::{Described, Functions, Obstacle, describe, functions};

use super::attach::Tracer;
use super::calls::Calls;
use super::facts::BTF;
use super::module_file;
use crate::failure::{FAILED, failure, say};
use crate::notice::Notices;

/// So many functions are worth a warning: the kernel arms each by itself, and waits for a grace period of RCU for each that it lets
/// go of.
const MANY: usize = 500;

/// What will be attached to.
#[derive(Debug)]
pub(super) struct ModuleFunctions {
    /// The modules, by their names.
    pub(super) modules: Vec<String>,
    functions: Vec<ProbedFunction>,
    /// What the kernel's own functions return that are told with them.
    outside: BTreeMap<String, Returns>,
}

impl ModuleFunctions {
    /// Reads the modules' files, and says what of them can be probed. `glob` takes some of the functions.
    pub(super) fn find(modules: &[String], glob: Option<&str>, quiet: bool) -> Result<Self> {
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        let glob = glob.map(Glob::new);
        let mut asked = Self {
            modules: Vec::new(),
            functions: Vec::new(),
            outside: BTreeMap::new(),
        };
        let btf = (!modules.is_empty()).then(|| fs::read(BTF).ok()).flatten();
        for module in modules {
            let path = module_file::find(module, &release)?;
            let bytes = module_file::read(&path)?;
            let read = functions(&bytes).map_err(|error| failure(FAILED, format!("{}: {error}", path.display())))?;
            let taken = asked.add(&read, &path, glob.as_ref(), quiet)?;
            let taken = taken.iter().map(String::as_str).collect();
            let debug = module_file::debug(&path, &bytes);
            let described = describe(&bytes, &taken, btf.as_deref(), debug.as_deref())
                .map_err(|error| failure(FAILED, format!("{}: {error}", path.display())))?;
            if !quiet {
                tell(&read.name, &described);
            }
            asked.functions.extend(described.known);
        }
        if let Some(btf) = btf {
            let names = OUTSIDE.iter().copied().flatten().copied().collect();
            // Without it all of them return something unknown.
            asked.outside = btf::returns(&btf, None, &names).unwrap_or_default();
        }
        Ok(asked)
    }

    fn add(&mut self, read: &Functions, path: &Path, glob: Option<&Glob>, quiet: bool) -> Result<Vec<String>> {
        let is_loaded = is_loaded(&read.name);
        let asked = |name: &str| glob.is_none_or(|glob| glob.matches(name));
        let can = read.found.iter().filter(|function| !(is_loaded && function.init));
        let taken: Vec<_> = can.filter(|function| asked(&function.name)).collect();
        if taken.is_empty() {
            let text = format!("{}: it has no such function that can be probed", path.display());
            return Err(failure(FAILED, text));
        }
        if !quiet {
            let freed = read.found.iter().filter(|function| is_loaded && function.init).count();
            say(format_args!(
                "{}: {} of its {} functions; left out: {}",
                printable(&read.name),
                taken.len(),
                read.found.len() + read.left_out.len(),
                left_out(read, freed, glob)
            ));
            if !read.call_sites {
                say(format_args!(
                    "{}: nothing of it is traced by ftrace, or this kernel has none: it may refuse all of them",
                    printable(&read.name)
                ));
            }
        }
        self.modules.push(read.name.clone());
        Ok(taken.into_iter().map(|function| function.name.clone()).collect())
    }

    /// Attaches to them all, says what the kernel did not take, and tells the header which there are. Does nothing for no module.
    pub(super) fn attach(self, tracer: &mut Tracer, header: &mut Header, quiet: bool) -> Result<()> {
        if self.modules.is_empty() {
            return Ok(());
        }
        if self.functions.len() > MANY && !quiet {
            say(format_args!(
                "{} functions: attaching, loading and detaching take the kernel minutes; --functions takes some",
                self.functions.len()
            ));
        }
        let what = format!("attaching to {} functions", self.functions.len());
        let progress = Notices::new(quiet).begin(what, None);
        let mut calls = Calls::attach(&mut tracer.attached.ebpf, self.functions, &self.outside)?;
        drop(progress);
        header.functions = std::mem::take(&mut calls.known);
        for (name, why) in calls.refused.iter().filter(|_| !quiet) {
            say(format_args!("{name}: the kernel refused it: {why}"));
        }
        tracer.keep(calls);
        Ok(())
    }
}

/// What is not known of its functions.
fn tell(module: &str, described: &Described) {
    let name = printable(module);
    for note in &described.notes {
        say(format_args!("{name}: {note}"));
    }
    if !described.types {
        say(format_args!(
            "{name}: nothing tells what its functions return: errnos are guessed"
        ));
    }
    if !described.lines {
        say(format_args!(
            "{name}: no debugging information: no lines, and nothing of what is inlined"
        ));
    }
}

/// Whether the module has run its init function, whose code is freed then.
fn is_loaded(module: &str) -> bool {
    fs::read_to_string(format!("/sys/module/{module}/initstate")).is_ok_and(|state| state.trim() == "live")
}

/// How many functions are left out, by the reason.
fn left_out(read: &Functions, freed: usize, glob: Option<&Glob>) -> String {
    let count = |why: &Obstacle| read.left_out.iter().filter(|left| left.why == *why).count();
    let mut counted: Vec<(usize, String)> = Obstacle::ALL.iter().map(|why| (count(why), why.to_string())).collect();
    counted.push((freed, "freed: the module is loaded".to_owned()));
    let other = |glob: &Glob| {
        read.found
            .iter()
            .filter(|function| !glob.matches(&function.name))
            .count()
    };
    counted.push((glob.map_or(0, other), "not asked for".to_owned()));
    let counted = counted.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = counted.map(|(count, why)| format!("{count} ({why})")).collect();
    if parts.is_empty() {
        "none".to_owned()
    } else {
        parts.join(", ")
    }
}
