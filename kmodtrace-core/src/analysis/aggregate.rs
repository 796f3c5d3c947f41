//! What finished attempts, states and requests add up to, for each module and each name requested. A pure fold: order does
//! not matter, memory grows with the number of names and not with that of attempts.

use std::collections::BTreeMap;

use crate::analysis::histogram::Histogram;
use crate::analysis::stages::each_stage;
use crate::model::{
    Attempt, Collision, Errno, Finished, Helper, Ktime, ModuleState, Name, Note, Request, Role, Stage, StateSpan,
    WaitKind, entry_or, ret_text,
};
use crate::text::Names;

/// Names of modules kept, and names of requests, each: a distribution has some thousand modules, but users can ask for any name.
pub(crate) const KEPT: usize = 8_192;
/// Where those go that are too many.
const OTHERS: &str = "(others)";

/// How calls ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// All of them.
    pub count: u64,
    /// Those whose return was seen, by what the caller got.
    pub outcomes: BTreeMap<Errno, u64>,
    /// Those whose return was not seen.
    pub unfinished: u64,
}

impl Calls {
    fn add(&mut self, attempt: &Attempt) {
        self.count += 1;
        match attempt.errno {
            Some(errno) => *self.outcomes.entry(errno).or_default() += 1,
            None => self.unfinished += 1,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.unfinished += other.unfinished;
        for (errno, count) in &other.outcomes {
            *self.outcomes.entry(*errno).or_default() += count;
        }
    }

    /// Those that succeeded.
    pub fn ok(&self) -> u64 {
        self.outcomes.get(&Errno::OK).copied().unwrap_or_default()
    }

    /// Those that returned an error.
    pub fn failed(&self) -> u64 {
        self.count - self.unfinished - self.ok()
    }
}

/// Time that modules of one name spent in one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateTimes {
    /// How often it was in the state, a state that lasted when the events ended included.
    pub spans: u64,
    /// Nanoseconds, of the spans that ended.
    pub total_ns: u64,
    /// The longest of those; none when none ended.
    pub longest_ns: Option<u64>,
}

/// One module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleStats {
    /// `init_module` and `finit_module`.
    pub loads: Calls,
    /// `delete_module`.
    pub unloads: Calls,
    /// Nanoseconds of each wait of its loads, by kind.
    pub waits: BTreeMap<WaitKind, Histogram>,
    /// Loads by the first thing that stood in their way.
    pub collisions: BTreeMap<Collision, u64>,
    /// Nanoseconds from entry to return of the loads that went ahead themselves.
    pub load: Histogram,
    /// Nanoseconds of its init function.
    pub init: Histogram,
    /// Nanoseconds that its loads spent in each stage, of those whose entry and return were seen.
    pub stages: BTreeMap<Stage, u64>,
    /// Its life.
    pub states: BTreeMap<ModuleState, StateTimes>,
    /// Bytes read from files, or handed over, by loads that failed.
    pub wasted_bytes: u64,
}

/// Requests of one name. Times are in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestStats {
    /// All of them.
    pub count: u64,
    /// Those whose answer was seen, by [`ret_text`].
    pub outcomes: BTreeMap<String, u64>,
    /// Those whose answer was not seen.
    pub unfinished: u64,
    /// The waits for a slot, those for nothing included.
    pub slot: Histogram,
    /// Their helpers.
    pub helper: HelperTimes,
    /// From beginning to answer.
    pub total: Histogram,
}

/// The parts of a helper's time, each where both its ends were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelperTimes {
    /// Until a kworker took it up.
    pub queue: Histogram,
    /// Until its task began.
    pub fork: Histogram,
    /// Until it began to run its program.
    pub exec: Histogram,
    /// Until it ended.
    pub run: Histogram,
}

/// Everything that finished so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aggregates {
    /// By name. An attempt that failed before its module had one is under none.
    pub modules: BTreeMap<Option<Name>, ModuleStats>,
    /// By what was requested. A request whose beginning was not seen has an empty name.
    pub requests: BTreeMap<Name, RequestStats>,
    /// Attempts whose entry was not seen.
    pub entry_not_seen: u64,
    /// Attempts whose exit was lost.
    pub exit_not_seen: u64,
    /// Attempts that had not returned when the events ended.
    pub in_flight: u64,
    most: Most,
}

/// Names of modules that are told apart, and names of requests: those that came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Most(usize);

impl Default for Most {
    fn default() -> Self {
        Self(KEPT)
    }
}

impl Aggregates {
    /// Nothing yet. It will tell apart this many names of modules, and of requests, those that come first; all others are one.
    pub fn of_at_most(names: usize) -> Self {
        Self {
            most: Most(names.min(KEPT)),
            ..Self::default()
        }
    }

    /// Nanoseconds that loads of these modules spent in each stage.
    pub fn stages(&self, names: &Names) -> BTreeMap<Stage, u64> {
        let mut all: BTreeMap<Stage, u64> = BTreeMap::new();
        let modules = self.modules.iter().filter(|(name, _)| names.take(name.as_deref()));
        for (stage, long) in modules.flat_map(|(_, stats)| &stats.stages) {
            let sum = all.entry(*stage).or_default();
            *sum = sum.saturating_add(*long);
        }
        all
    }
}

impl Aggregates {
    /// Adds what a session handed out.
    pub fn add(&mut self, finished: &Finished) {
        match finished {
            Finished::Attempt(attempt) => self.add_attempt(attempt),
            Finished::State(span) => self.add_state(span),
            Finished::Request(request) => kept(&mut self.requests, self.most.0, &request.name).add(request),
            Finished::Call(_) => {}
        }
    }

    fn add_attempt(&mut self, attempt: &Attempt) {
        for note in &attempt.notes {
            match note {
                Note::EntryNotSeen => self.entry_not_seen += 1,
                Note::ExitNotSeen => self.exit_not_seen += 1,
                Note::InFlight => self.in_flight += 1,
                Note::InnerMissing | Note::RecordsLost => {}
            }
        }
        let stats = kept(&mut self.modules, self.most.0, &attempt.module);
        if attempt.is_unload() {
            stats.unloads.add(attempt);
        } else {
            stats.add_load(attempt);
        }
    }

    fn add_state(&mut self, span: &StateSpan) {
        let stats = kept(&mut self.modules, self.most.0, &Some(span.module.clone()));
        let times = stats.states.entry(span.state).or_default();
        times.spans += 1;
        if let Some(duration) = span.span.duration() {
            times.total_ns = times.total_ns.saturating_add(duration.0);
            times.longest_ns = times.longest_ns.max(Some(duration.0));
        }
    }
}

/// Those of this name, or of all others where there are too many.
pub(crate) fn kept<'s, Key: Ord + Clone + From<Name>, Stats: Default>(
    all: &'s mut BTreeMap<Key, Stats>,
    most: usize,
    name: &Key,
) -> &'s mut Stats {
    entry_or(all, most, name.clone(), |_| Name::new(OTHERS).into()).or_default()
}

impl StateTimes {
    fn merge(&mut self, other: Self) {
        self.spans += other.spans;
        self.total_ns = self.total_ns.saturating_add(other.total_ns);
        self.longest_ns = self.longest_ns.max(other.longest_ns);
    }
}

impl ModuleStats {
    /// The time that it spent in a state.
    pub fn state(&self, state: ModuleState) -> StateTimes {
        self.states.get(&state).copied().unwrap_or_default()
    }

    /// Adds another module's, to speak of both together.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            loads,
            unloads,
            waits,
            collisions,
            load,
            init,
            stages,
            states,
            wasted_bytes,
        } = other;
        self.loads.merge(loads);
        self.unloads.merge(unloads);
        for (kind, histogram) in waits {
            self.waits.entry(*kind).or_default().merge(histogram);
        }
        for (state, count) in collisions {
            *self.collisions.entry(*state).or_default() += count;
        }
        self.load.merge(load);
        self.init.merge(init);
        for (stage, nanos) in stages {
            let total = self.stages.entry(*stage).or_default();
            *total = total.saturating_add(*nanos);
        }
        for (state, times) in states {
            self.states.entry(*state).or_default().merge(*times);
        }
        self.wasted_bytes = self.wasted_bytes.saturating_add(*wasted_bytes);
    }

    fn add_load(&mut self, attempt: &Attempt) {
        self.loads.add(attempt);
        for wait in &attempt.waits {
            if let Some(duration) = wait.span.duration() {
                self.waits.entry(wait.kind).or_default().record(duration.0);
            }
        }
        each_stage(attempt, |span| {
            let total = self.stages.entry(span.stage).or_default();
            *total = total.saturating_add(span.duration.0);
        });
        if let Some(collision) = attempt.collided_with {
            *self.collisions.entry(collision).or_default() += 1;
        }
        if attempt.role == Some(Role::Leader)
            && let Some(duration) = attempt.duration()
        {
            self.load.record(duration.0);
        }
        if let Some(duration) = attempt.init.as_ref().and_then(|init| init.span.duration()) {
            self.init.record(duration.0);
        }
        if attempt.failed() {
            self.wasted_bytes = self.wasted_bytes.saturating_add(attempt.bytes().unwrap_or_default());
        }
    }
}

impl RequestStats {
    /// Adds those of another name, to speak of both together.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            count,
            outcomes,
            unfinished,
            slot,
            helper,
            total,
        } = other;
        self.count += count;
        for (outcome, count) in outcomes {
            *self.outcomes.entry(outcome.clone()).or_default() += count;
        }
        self.unfinished += unfinished;
        self.slot.merge(slot);
        self.helper.queue.merge(&helper.queue);
        self.helper.fork.merge(&helper.fork);
        self.helper.exec.merge(&helper.exec);
        self.helper.run.merge(&helper.run);
        self.total.merge(total);
    }

    fn add(&mut self, request: &Request) {
        self.count += 1;
        match request.ret {
            Some(ret) => *self.outcomes.entry(ret_text(ret)).or_default() += 1,
            None => self.unfinished += 1,
        }
        if let Some(duration) = request.slot.and_then(|slot| slot.span.duration()) {
            self.slot.record(duration.0);
        }
        if let Some(helper) = &request.helper {
            self.helper.add(helper);
        }
        record(&mut self.total, request.start, request.end);
    }
}

impl HelperTimes {
    fn add(&mut self, helper: &Helper) {
        record(&mut self.queue, Some(helper.span.start), helper.taken_up);
        record(&mut self.fork, helper.taken_up, helper.forked);
        record(&mut self.exec, helper.forked, helper.runs);
        record(&mut self.run, helper.runs, helper.ended);
    }
}

fn record(histogram: &mut Histogram, from: Option<Ktime>, to: Option<Ktime>) {
    if let (Some(from), Some(to)) = (from, to) {
        histogram.record(to.since(from).0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::graph::fixture::{attempt, request};

    #[test]
    fn names_that_are_too_many_are_others() {
        let mut all = Aggregates::default();
        for id in 0..KEPT as u64 + 10 {
            all.add(&Finished::Attempt(Box::new(attempt(id, &format!("m{id}"), 0, 1))));
            all.add(&Finished::Request(Box::new(request(id, &format!("m{id}"), 0, 1, 0))));
        }
        assert_eq!((all.modules.len(), all.requests.len()), (KEPT + 1, KEPT + 1));
        assert_eq!(all.modules[&Some(OTHERS.into())].loads.count, 10);
        assert_eq!(all.requests[OTHERS].count, 10);
    }

    #[test]
    fn the_names_that_come_first_stay_apart() {
        let mut all = Aggregates::of_at_most(2);
        for (id, name) in ["z", "y", "a", "z", "b"].into_iter().enumerate() {
            all.add(&Finished::Attempt(Box::new(attempt(id as u64, name, 0, 1))));
        }
        let counts: Vec<_> = all
            .modules
            .iter()
            .map(|(name, stats)| (name.as_deref(), stats.loads.count))
            .collect();
        assert_eq!(counts, [(Some(OTHERS), 2), (Some("y"), 1), (Some("z"), 2)]);
    }
}
