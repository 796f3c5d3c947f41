//! One attempt in flight: what its records add up to.

mod load_path;
mod states;
mod trail;
mod waits;

use super::World;
use super::inodes::Key;
use super::name_wait::{NameWait, Old};
use crate::kernel::log::named_by;
use crate::model::{
    Attempt, AttemptId, Errno, Finished, Function, Init, Ktime, ModuleAddress, Name, Note, Parent, Role, Span, Syscall,
    Tgid, Tid, Wait, WaitKind,
};
use crate::records::event::{AttemptEnter, Fact};

/// Marks, waits, symbols, lines and requests kept of one attempt, each. Few attempts come near it: an init function that
/// does the same thing over and over, or a module that misses all its symbols.
const KEPT: usize = 1024;

/// Marks that there is room for from the beginning: as many as a load that waits has, and half of those of one that goes ahead.
const MARKS: usize = 16;

/// Entries and returns of functions that were asked for, kept of one attempt: a load of xfs has some thousand.
const CALLS_KEPT: usize = 1 << 16;
/// Those of all attempts in flight together: 40 MiB.
pub(super) const CALLS_IN_FLIGHT: usize = 1 << 20;

/// What the task is to the load of its inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Inside `idempotent_init_module`, and nothing said yet that it leads.
    Undecided,
    Leads,
    Shares,
    /// Turned away before it could do either.
    Neither,
}

/// A stay in `idempotent_init_module`.
#[derive(Clone, Copy, Debug)]
struct Visit {
    key: Option<Key>,
    enter: Ktime,
    part: Part,
    inside: bool,
}

/// The last answer to "is there an old module of this name?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LookUp {
    Nothing,
    Found,
}

/// An attempt in flight.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(super) struct Task {
    pub(super) attempt: Box<Attempt>,
    /// When the last of its records was seen.
    pub(super) active: Ktime,
    /// The session's count of losses when it began.
    pub(super) losses: u64,
    /// The name is the loader's own and stays; the name's owners know of this attempt.
    named: bool,
    visit: Option<Visit>,
    reading: bool,
    name_wait: NameWait,
    look_up: Option<LookUp>,
    /// The first old module that was found.
    first_old: Option<Old>,
    /// The last look-up that found nothing.
    nothing_at: Option<Ktime>,
    /// The module went on the list.
    went_ahead: bool,
    /// Waits that last, one of a kind.
    open_waits: Vec<Wait>,
    /// The symbol whose module is waited for.
    awaited_symbol: Option<Name>,
    /// The notifiers were told GOING.
    going_announced: bool,
    /// `delete_module`: its module, found LIVE.
    unloads: Option<(Ktime, ModuleAddress)>,
    broken: bool,
}

impl Task {
    /// An attempt whose entry was not seen, so far.
    pub(super) fn new(id: AttemptId, tid: Tid, tgid: Tgid, losses: u64) -> Self {
        let mut attempt = Box::new(Attempt::new(id, tid, tgid));
        attempt.trail.reserve(MARKS);
        Self {
            attempt,
            active: Ktime::default(),
            losses,
            named: false,
            visit: None,
            reading: false,
            name_wait: NameWait::default(),
            look_up: None,
            first_old: None,
            nothing_at: None,
            went_ahead: false,
            open_waits: Vec::new(),
            awaited_symbol: None,
            going_announced: false,
            unloads: None,
            broken: false,
        }
    }

    /// The system call was entered.
    pub(super) fn enter(&mut self, time: Ktime, enter: AttemptEnter, world: &mut World) {
        let AttemptEnter {
            syscall,
            flags,
            fd: _,
            image_bytes,
            args_len,
            cgroup_id,
            parent_tgid,
            comm,
            parent_comm,
            module,
        } = enter;
        let attempt = &mut self.attempt;
        attempt.start = Some(time);
        attempt.syscall = syscall;
        attempt.flags = flags;
        attempt.image_bytes = image_bytes;
        attempt.args_len = args_len;
        attempt.cgroup = Some(cgroup_id);
        attempt.parent = parent_tgid.map(|tgid| Parent {
            tgid,
            comm: parent_comm,
        });
        attempt.device = world.devices.of(attempt.tid, &comm).cloned();
        attempt.comm = comm;
        if let Some(module) = module {
            self.take_name(module, world);
        }
    }

    /// Something was seen inside the attempt. The facts of the system call itself and of nobody's do not come here.
    pub(super) fn inner(&mut self, time: Ktime, fact: Fact, world: &mut World, out: &mut Vec<Finished>) {
        self.move_on(time, &fact);
        self.mark(time, &fact);
        match fact {
            Fact::ReadEnter(file) => self.read(time, file, world),
            Fact::ReadExit(ret) => self.read_end(ret),
            Fact::File(file) => self.file(file),
            Fact::Arguments(len) => self.attempt.args_len = Some(len),
            Fact::IdempotentEnter(file) => self.visit(time, file, world),
            Fact::IdempotentExit(ret) => self.end_visit(time, Some(Errno::from_ret(ret)), world),
            Fact::LeaderEnter => {
                self.begin_unseen(time, world);
                self.lead(time, world);
            }
            Fact::LoadEnter => {
                self.lead(time, world);
                self.attempt.load = Some(Span::from(time));
            }
            Fact::LoadExit(ret) => self.load_end(time, Errno::from_ret(ret), world, out),
            Fact::ModuleName(name) => self.take_name(name, world),
            Fact::FindModule(module) => self.look_up(time, module, world),
            Fact::WaitBegin(name) => {
                self.take_name(name, world);
                self.name_wait.begin(time);
            }
            Fact::WaitEnd(end) => {
                let closed = self.name_wait.end(time, end.checks);
                self.broken |= closed.is_none();
                self.waited(closed, world);
            }
            Fact::DoInitEnter(module) => self.coming(time, module, world, out),
            Fact::InitStart(symbol) => {
                self.went_ahead = true;
                self.attempt.init = Some(Init {
                    span: Span::from(time),
                    errno: None,
                    symbol,
                });
            }
            Fact::ExitFunction(symbol) => self.attempt.exit_function = symbol,
            Fact::InitEnd(ret) => self.init_end(time, Errno::from_ret(ret), world, out),
            Fact::AsyncEnter => self.begin_wait(WaitKind::Async, time, None, None),
            Fact::AsyncExit => self.broken |= !self.end_wait(WaitKind::Async, time),
            Fact::Enter(Function::SynchronizeRcu) => self.begin_wait(WaitKind::Rcu, time, None, None),
            Fact::Exit(Function::SynchronizeRcu, _) => self.broken |= !self.end_wait(WaitKind::Rcu, time),
            Fact::Exit(Function::ModuleMutex, _) => self.broken |= !self.end_wait(WaitKind::Mutex, time),
            Fact::Symbol(symbol) => self.symbol(time, symbol, world),
            Fact::Caller { uid, capable } => (self.attempt.uid, self.attempt.capable) = (uid, capable),
            Fact::Path(path) => self.path(path, world),
            Fact::Uevent(device) => self.handles(device.map(|device| *device), world),
            Fact::ArgumentString(string) => self.attempt.args = Some(string),
            Fact::Ancestors(ancestors) => self.attempt.ancestors = parents(ancestors),
            Fact::ModuleState(module) => self.module_state(time, module, world, out),
            Fact::Teardown(module) => {
                self.take_name(module.name, world);
                if let Some(name) = &self.attempt.module {
                    world.lives.teardown(name, self.attempt.id, time, out);
                }
            }
            Fact::FreeEnter(module) => self.free(time, module, world, out),
            Fact::FreeExit(_) => {
                self.unloads = None;
                self.gone(time, world, out);
            }
            Fact::AddUnformedEnter(module) => self.address(module, world),
            Fact::AddUnformedExit(ret) => self.add_unformed_end(time, Errno::from_ret(ret), world, out),
            // What the others say is in their marks; what do_init_module returned, load_module returns right behind it.
            _ => {}
        }
    }

    /// What it is among the loads of its module, as far as is known.
    pub(super) fn role(&self) -> Option<Role> {
        if self.attempt.is_unload() {
            return None;
        }
        let part = self.visit.map(|visit| visit.part);
        let waited =
            self.attempt.waits.iter().any(|wait| wait.kind == WaitKind::SameName) || self.name_wait.pending().is_some();
        if self.went_ahead {
            return Some(Role::Leader);
        }
        if part == Some(Part::Shares) {
            return Some(Role::Follower);
        }
        match self.look_up {
            Some(LookUp::Nothing) if !waited => Some(Role::Leader),
            // Before 6.2 a waiter that finds nothing starts over; since then it gives up.
            Some(LookUp::Nothing) => match self.attempt.errno {
                Some(Errno::EBUSY | Errno::EEXIST | Errno::EINTR | Errno::ERESTARTSYS) | None => Some(Role::Follower),
                Some(_) => Some(Role::Leader),
            },
            Some(LookUp::Found) if !waited => Some(Role::Refused),
            Some(LookUp::Found) => Some(Role::Follower),
            None if waited => Some(Role::Follower),
            None => (part == Some(Part::Leads)).then_some(Role::Leader),
        }
    }

    /// Ends the attempt: it returned with this, or nobody saw it return.
    pub(super) fn finish(
        mut self,
        returned: Option<(Ktime, i64)>,
        note: Option<Note>,
        world: &mut World,
        out: &mut Vec<Finished>,
    ) {
        if let Some((time, ret)) = returned {
            let errno = Errno::from_ret(ret);
            self.attempt.end = Some(time);
            self.attempt.errno = Some(errno);
            self.end_wait(WaitKind::Request, time);
            self.end_dependency(time);
            self.end_duplicate_check(time, errno, world);
            self.end_visit(time, Some(errno), world);
            // What was lost may have said more.
            if note.is_none() {
                self.follow_unseen(errno, world);
            }
            self.finish_life(time, errno, world, out);
            if self.is_incomplete() {
                self.attempt.note(Note::InnerMissing);
            }
        } else if let Some(wait) = self.pending(world) {
            self.list(wait);
        }
        if let Some(note) = note {
            self.attempt.note(note);
        }
        if self.attempt.start.is_none() {
            self.attempt.note(Note::EntryNotSeen);
        }
        if self.attempt.module.is_none() {
            let mut lines = self.attempt.log.iter();
            self.attempt.module = lines.find_map(|line| named_by(&line.text)).map(Name::new);
        }
        self.look_up_path(world);
        self.attempt.role = self.role();
        if self.attempt.leader.is_none() && self.attempt.role != Some(Role::Leader) {
            self.attempt.leader = self.owner(self.first_old, world).cloned();
        }
        self.leave(world);
        out.push(Finished::Attempt(self.attempt));
    }

    /// Forgets it everywhere.
    fn leave(&mut self, world: &mut World) {
        if let Some(visit) = self.visit.take_if(|visit| visit.inside)
            && let Some(key) = visit.key
        {
            world.inodes.leave(key);
        }
        if self.named
            && let Some(name) = &self.attempt.module
        {
            let gave_up = self.attempt.role == Some(Role::Follower);
            world.owners.leave(name, self.attempt.id, self.active, gave_up);
        }
    }

    /// Brackets that opened without closing, and a load that succeeded without `load_module`.
    fn is_incomplete(&self) -> bool {
        let attempt = &self.attempt;
        let open = |span: Option<Span>| span.is_some_and(|span| span.end.is_none());
        let shares = self.visit.is_some_and(|visit| visit.part == Part::Shares);
        let nothing = attempt.load.is_none()
            && !shares
            && attempt.errno == Some(Errno::OK)
            && matches!(attempt.syscall, Some(Syscall::InitModule | Syscall::FinitModule));
        self.broken
            || self.reading
            || !self.open_waits.is_empty()
            || open(attempt.load)
            || open(attempt.init.as_ref().map(|init| init.span))
            || nothing
    }
}

fn parents(tasks: Vec<(Tgid, Name)>) -> Vec<Parent> {
    tasks.into_iter().map(|(tgid, comm)| Parent { tgid, comm }).collect()
}
