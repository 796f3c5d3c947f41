//! kprobe.multi: two links carry the probes of all functions, one their entries and one their returns.
//!
//! aya 0.14 loads no program for such a link. It makes the maps and everything else; here the object is read for the
//! instructions of the programs, which are loaded for kprobe.multi and put into an array. The one program behind each link jumps to
//! the one of the function at hand (the cookie of the attachment is its index), so a link is made once, however many programs
//! there are, and filling the array arms a probe in an instant.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::thread;

use anyhow::{Context as _, Result};
use aya::Ebpf;
use aya::maps::Map;
use aya_obj::Object;
use kmodtrace_core::plan::{Attachment, Mechanism, Plan, RETURNS};
use tracing::{debug, info};

use super::bpf::{Places, Refused, link_multi, load_multi, missed, put_program};
use super::facts::Gathered;

/// Dispatcher and array of a link, by their names in the object.
const ENTRIES: (&str, &str) = ("kprobe_multi", "ENTRIES");
const RETURN_SIDE: (&str, &str) = ("kretprobe_multi", "RETURNS");

/// Threads that load programs: as many as a small machine has processors.
const LOADERS: usize = 4;

/// Links that are made, and programs that are loaded for them. Dropping it detaches.
pub(crate) struct Multi {
    /// Before the programs, which nobody runs any more then.
    sides: Vec<Side>,
    programs: Programs,
}

/// One link.
struct Side {
    mechanism: Mechanism,
    array: OwnedFd,
    /// The functions behind it; the place of each is its index in the array.
    functions: Vec<String>,
    /// Functions that the kernel did not take, each with its reason.
    refused: BTreeMap<String, String>,
    link: Option<OwnedFd>,
}

impl Multi {
    /// Makes the links for what the plan has chosen, returns first: of two probes at one entry the kernel runs that first which came
    /// last, and the one of the return puts a place of its own where the one of the entry reads who called. Nothing is armed yet.
    /// None where the plan has no such probe.
    pub(crate) fn new(object: Object, ebpf: &Ebpf, kernel: &Gathered, plan: &Plan) -> Result<Option<Self>> {
        let wanted = || {
            let attachments = plan.chosen().flat_map(|(_, choice)| &choice.attach);
            attachments.filter(|attach| attach.mechanism.is_multi())
        };
        if wanted().next().is_none() {
            return Ok(None);
        }
        let object = relocated(object, ebpf)?;
        let names: BTreeSet<&str> = wanted().map(|attach| attach.program.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        thread::scope(|scope| {
            // Beside the links, and beside each other: of a privileged process the verifier holds no lock (`bpf_check`,
            // kernel/bpf/verifier.c), and programs take most of the time of a start.
            let parts = names.chunks(names.len().div_ceil(LOADERS));
            let object = &object;
            let start = |part| thread::Builder::new().spawn_scoped(scope, move || load_all(object, part));
            let running: io::Result<Vec<_>> = parts.map(start).collect();
            let running = running.context("cannot start a thread")?;
            let sides = Self::sides(object, ebpf, kernel, plan)?;
            let loaded = running.into_iter().flat_map(|part| part.join().unwrap_or_default());
            Ok(Some(Self {
                sides,
                programs: loaded.collect(),
            }))
        })
    }

    fn sides(object: &Object, ebpf: &Ebpf, kernel: &Gathered, plan: &Plan) -> Result<Vec<Side>> {
        let mut sides = Vec::new();
        for (mechanism, (dispatcher, array)) in [
            (Mechanism::KretprobeMulti, RETURN_SIDE),
            (Mechanism::KprobeMulti, ENTRIES),
        ] {
            let attachments = plan.chosen().flat_map(|(_, choice)| &choice.attach);
            let functions = attachments.filter(|attach| attach.mechanism == mechanism);
            let functions = functions.map(|attach| attach.target.clone()).collect();
            let map = ebpf
                .map(array)
                .with_context(|| format!("the BPF object has no map {array}"))?;
            let array = map_fd(map).context("not an array of programs")?.try_clone_to_owned();
            let mut side = Side {
                mechanism,
                array: array.context("no file for an array of programs")?,
                functions,
                refused: BTreeMap::new(),
                link: None,
            };
            match load(object, dispatcher) {
                Ok(dispatcher) => side.link(dispatcher.as_fd(), kernel, plan),
                Err(refused) => side.refuse_all(&refused.reason()),
            }
            sides.push(side);
        }
        Ok(sides)
    }

    /// From now on the program of this attachment runs.
    pub(crate) fn arm(&self, attachment: &Attachment) -> Result<(), String> {
        let Attachment {
            target,
            program,
            mechanism,
            ..
        } = attachment;
        let not_made = || format!("{target} was not part of the plan");
        let side = self.sides.iter().find(|side| side.mechanism == *mechanism);
        let side = side.ok_or_else(not_made)?;
        if let Some(reason) = side.refused.get(target) {
            return Err(reason.clone());
        }
        let index = side.functions.iter().position(|function| function == target);
        let index = index.and_then(|index| u32::try_from(index).ok()).ok_or_else(not_made)?;
        let program = self.programs.get(program).ok_or_else(not_made)?.as_ref()?;
        put_program(side.array.as_fd(), index, program.as_fd()).map_err(|error| error.to_string())
    }

    /// Files of the links, which know what they have missed.
    pub(crate) fn links(&self) -> Vec<OwnedFd> {
        let links = self.sides.iter().filter_map(|side| side.link.as_ref());
        links.filter_map(|link| link.try_clone().ok()).collect()
    }
}

impl Side {
    /// Links all functions; where the kernel refuses, those that it takes alone.
    fn link(&mut self, dispatcher: BorrowedFd<'_>, kernel: &Gathered, plan: &Plan) {
        let returns = self.mechanism == Mechanism::KretprobeMulti;
        let mut cookies: Vec<u64> = (0..self.functions.len() as u64).collect();
        let address = |function: &String| kernel.addresses.get(function).unwrap_or(0);
        let mut addresses: Vec<u64> = self.functions.iter().map(address).collect();
        if returns && plan.has_return_pool {
            pad(&mut addresses, &mut cookies, kernel.facts.environment.possible_cpus);
        }
        let link = |addresses: &[u64], cookies: &[u64]| {
            link_multi(
                dispatcher,
                &Places {
                    returns,
                    addresses,
                    cookies,
                },
            )
        };
        let error = match link(&addresses, &cookies) {
            Ok(made) => return self.link = Some(made),
            Err(error) => error,
        };
        info!("{}: {error}; each function by itself", self.mechanism.word());
        let mut taken: HashSet<u64> = HashSet::new();
        for (cookie, (function, address)) in (0..).zip(self.functions.iter().zip(&addresses)) {
            match link(&[*address], &[cookie]) {
                Ok(_closed_again) => {
                    taken.insert(cookie);
                }
                Err(error) => {
                    self.refused.insert(function.clone(), error.to_string());
                }
            }
        }
        let (addresses, cookies): (Vec<u64>, Vec<u64>) = addresses
            .into_iter()
            .zip(cookies)
            .filter(|(_, cookie)| taken.contains(cookie))
            .unzip();
        match link(&addresses, &cookies) {
            Ok(made) => self.link = Some(made),
            Err(error) => self.refuse_all(&error.to_string()),
        }
    }

    fn refuse_all(&mut self, reason: &str) {
        for function in &self.functions {
            self.refused
                .entry(function.clone())
                .or_insert_with(|| reason.to_owned());
        }
    }
}

/// Makes the pool of returns large enough: it has an instance for each function given, twice for each CPU (`fprobe_init_rethook`,
/// kernel/trace/fprobe.c). A function that is given again is probed once (`__ftrace_match_addr`, kernel/trace/ftrace.c), and counts.
fn pad(addresses: &mut Vec<u64>, cookies: &mut Vec<u64>, cpus: u32) {
    let (Some(&address), Some(&cookie)) = (addresses.first(), cookies.first()) else {
        return;
    };
    let wanted = RETURNS.div_ceil(cpus.max(1)) as usize;
    if addresses.len() < wanted {
        addresses.resize(wanted, address);
        cookies.resize(wanted, cookie);
    }
}

/// The object with the numbers of aya's maps in its instructions.
fn relocated(mut object: Object, ebpf: &Ebpf) -> Result<Object> {
    let maps = std::mem::take(&mut object.maps);
    let sections: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
    let known = maps.iter().map(|(name, map)| {
        // aya makes no map for the programs' read-only data where there are none.
        let Some(made) = ebpf.map(name) else { return Ok(None) };
        let fd = map_fd(made).with_context(|| format!("the map {name} is of a kind that is not known here"))?;
        Ok(Some((name.as_str(), fd.as_raw_fd(), map)))
    });
    let known: Vec<_> = known.filter_map(Result::transpose).collect::<Result<_>>()?;
    object
        .relocate_maps(known.into_iter(), &sections)
        .context("cannot put the maps into the programs")?;
    object
        .relocate_calls(&sections)
        .context("cannot put the functions of the programs together")?;
    object.sanitize_functions(aya::features());
    Ok(object)
}

/// Programs by their names, or why the kernel refused each.
type Programs = BTreeMap<String, Result<OwnedFd, String>>;

fn load_all(object: &Object, names: &[&str]) -> Programs {
    let loaded = names.iter().map(|name| {
        let program = load(object, name).map_err(|refused| refused.reason());
        ((*name).to_owned(), program)
    });
    loaded.collect()
}

fn load(object: &Object, name: &str) -> Result<OwnedFd, Refused> {
    let missing = || Refused {
        error: io::Error::from(io::ErrorKind::NotFound),
        log: format!("the BPF object has no program {name}"),
    };
    let program = object.programs.get(name).ok_or_else(missing)?;
    let function = object.functions.get(&program.function_key()).ok_or_else(missing)?;
    load_multi(name, &function.instructions, &object.license).inspect_err(|refused| debug!("{name}: {}", refused.log))
}

/// The file of a map of a kind that the programs use.
fn map_fd(map: &Map) -> Option<BorrowedFd<'_>> {
    match map {
        Map::Array(data)
        | Map::HashMap(data)
        | Map::LruHashMap(data)
        | Map::PerCpuArray(data)
        | Map::PerCpuHashMap(data)
        | Map::PerfEventArray(data)
        | Map::ProgramArray(data)
        | Map::RingBuf(data) => Some(data.fd().as_fd()),
        _ => None,
    }
}

/// What links have missed in all; what cannot be read counts nothing.
pub(crate) fn missed_by(links: &[OwnedFd]) -> u64 {
    links.iter().filter_map(|link| missed(link.as_fd()).ok()).sum()
}
