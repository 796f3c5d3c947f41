//! The way of an attempt: its file, its inode, the duplicate check, the load, the init function.

use super::{LookUp, Part, Task, Visit};
use crate::model::{
    Collision, Device, Errno, FileId, Finished, GoingCause, Ktime, ModuleState, Name, Span, Syscall, TaskRef, Wait,
    WaitKind, unpacked,
};
use crate::records::event::ModuleRef;
use crate::session::World;
use crate::session::inodes::Key;
use crate::session::name_wait::Old;

impl Task {
    /// Takes the loader's own name, once.
    pub(super) fn take_name(&mut self, name: Name, world: &mut World) {
        if self.named {
            return;
        }
        if !name.is_empty() {
            self.attempt.module = Some(name);
        }
        if let Some(module) = &self.attempt.module {
            self.named = true;
            world.owners.enter(module);
        }
    }

    pub(super) fn file(&mut self, file: FileId) {
        if !self.named && !file.name.is_empty() {
            self.attempt.module = Some(module_of_file(&file.name).into());
        }
        if self.attempt.file.is_none() {
            self.attempt.file = Some(file);
        }
    }

    /// Its file lies there.
    pub(super) fn path(&mut self, path: String, world: &mut World) {
        if path.is_empty() {
            return;
        }
        if let Some(key) = self.attempt.file.as_ref().and_then(Key::from_file) {
            world.paths.tell(key, &path);
        }
        self.attempt.path = Some(path);
    }

    /// The task handles this device.
    pub(super) fn handles(&mut self, device: Option<Device>, world: &mut World) {
        if let Some(device) = &device {
            world.devices.tell(self.attempt.tid, &self.attempt.comm, device.clone());
        }
        self.attempt.device = device;
    }

    /// Another load of the same file may have told where it lies.
    pub(super) fn look_up_path(&mut self, world: &World) {
        if self.attempt.path.is_none()
            && let Some(file) = &self.attempt.file
            && let Some(key) = Key::from_file(file)
        {
            self.attempt.path = world.paths.of(key, &file.name).map(str::to_owned);
        }
    }

    pub(super) fn read(&mut self, time: Ktime, file: FileId, world: &mut World) {
        // What an init function reads, such as firmware, is not the module.
        if self.attempt.load.is_none() {
            self.reading = true;
            let key = Key::from_file(&file);
            self.file(file);
            self.lead(time, world);
            self.lead_unseen(time, key, world);
        }
    }

    pub(super) fn read_end(&mut self, ret: i64) {
        if std::mem::take(&mut self.reading) {
            self.attempt.read_bytes = u64::try_from(ret).ok();
        }
    }

    pub(super) fn visit(&mut self, time: Ktime, file: FileId, world: &mut World) {
        if self.visit.is_some() {
            self.broken = true;
            return;
        }
        let key = Key::from_file(&file);
        self.file(file);
        self.visit = Some(Visit {
            key,
            enter: time,
            part: Part::Undecided,
            inside: true,
        });
        if let Some(key) = key {
            world.inodes.enter(key);
        }
    }

    /// It leads: followers neither read nor load, so those say so too where `init_module_from_file` was not seen.
    pub(super) fn lead(&mut self, time: Ktime, world: &mut World) {
        let Some(visit) = &mut self.visit else { return };
        if visit.inside && visit.part == Part::Undecided {
            visit.part = Part::Leads;
            if let Some(key) = visit.key {
                world.inodes.lead(key, self.attempt.task(), time);
            }
        }
    }

    /// It leads, and `idempotent_init_module` around it is not watched: arm64 kernels have it inlined.
    pub(super) fn begin_unseen(&mut self, time: Ktime, world: &mut World) {
        if self.visit.is_none() {
            world.inodes.unseen();
            self.visit = Some(Visit {
                key: None,
                enter: time,
                part: Part::Leads,
                inside: true,
            });
        }
    }

    /// Its inode shows only as it reads.
    fn lead_unseen(&mut self, time: Ktime, key: Option<Key>, world: &mut World) {
        if let (Some(visit), Some(key)) = (&mut self.visit, key)
            && visit.inside
            && visit.key.is_none()
            && visit.part == Part::Leads
        {
            visit.key = Some(key);
            world.inodes.enter(key);
            world.inodes.lead(key, self.attempt.task(), time);
        }
    }

    /// Where `idempotent_init_module` is not watched, a follower shows by what it did not do: it never led, read or loaded, and succeeded
    /// all the same, or returned what a leader of its inode did. When its wait began was not seen.
    pub(super) fn follow_unseen(&mut self, errno: Errno, world: &World) {
        let own = self.visit.is_some() || self.attempt.load.is_some() || self.attempt.read_bytes.is_some();
        let finit = self.attempt.syscall == Some(Syscall::FinitModule);
        if own || self.reading || !finit || !world.inodes.are_unseen() {
            return;
        }
        let key = self.attempt.file.as_ref().and_then(Key::from_file);
        let leader = key.zip(self.attempt.start).and_then(|(key, start)| {
            let (task, module) = world.inodes.led(key, start, errno)?;
            Some((key, start, task.clone(), module.cloned()))
        });
        // The name of its file is not the name of what it shares, and a call that was turned away has none.
        if !self.named {
            self.attempt.module = None;
        }
        if leader.is_none() && errno != Errno::OK {
            return;
        }
        self.attempt.collided_with.get_or_insert(Collision::InFlight);
        let mut visit = Visit {
            key: None,
            enter: Ktime::default(),
            part: Part::Shares,
            inside: false,
        };
        if let Some((key, start, task, module)) = leader {
            (visit.key, visit.enter) = (Some(key), start);
            self.attempt.leader.get_or_insert(task);
            if !self.named {
                self.attempt.module = module;
            }
        }
        self.visit = Some(visit);
    }

    pub(super) fn end_visit(&mut self, time: Ktime, errno: Option<Errno>, world: &mut World) {
        let Some(visit) = self.visit.filter(|visit| visit.inside) else {
            return;
        };
        let mut part = visit.part;
        if part == Part::Undecided {
            let leader = visit.key.and_then(|key| world.inodes.leader(key, visit.enter, errno));
            // A file that is not open for reading is turned away before anything is shared.
            if leader.is_none() && errno == Some(Errno::EBADF) {
                part = Part::Neither;
            } else {
                part = Part::Shares;
                let (on, module) = leader.map_or((None, None), |(on, module)| (Some(on.clone()), module));
                // Its own file may have any name; what it shares is the leader's module.
                if !self.named
                    && let Some(module) = module
                {
                    self.attempt.module = Some(module.clone());
                }
                let span = Span {
                    start: visit.enter,
                    end: Some(time),
                };
                self.followed(Wait {
                    kind: WaitKind::SameInode,
                    span,
                    on,
                    module: None,
                    checks: None,
                });
                self.attempt.collided_with.get_or_insert(Collision::InFlight);
            }
        }
        if let Some(key) = visit.key {
            if part == Part::Leads
                && let Some(errno) = errno
            {
                world.inodes.result(key, &self.attempt, time, errno);
            }
            world.inodes.leave(key);
        }
        self.visit = Some(Visit {
            part,
            inside: false,
            ..visit
        });
    }

    pub(super) fn owner<'w>(&self, old: Option<Old>, world: &'w World) -> Option<&'w TaskRef> {
        world
            .owners
            .holder(self.attempt.module.as_deref()?, self.attempt.id, old?)
    }

    pub(super) fn look_up(&mut self, time: Ktime, module: ModuleRef, world: &mut World) {
        let old = Old::new(time, &module);
        self.take_name(module.name, world);
        if self.attempt.is_unload() {
            self.unloads = old
                .filter(|old| old.state.is_none_or(|state| state == ModuleState::Live))
                .map(|old| (time, old.address));
            if let (Some((time, address)), Some(name)) = (self.unloads, &self.attempt.module) {
                world.owners.unload(name, &self.attempt.task(), address, time);
            }
            return;
        }
        let closed = self.name_wait.look_up(time, old);
        self.waited(closed, world);
        let Some(name) = &self.attempt.module else { return };
        if let Some(old) = old {
            world.owners.lost_race(name, self.attempt.id);
            self.look_up = Some(LookUp::Found);
            if self.first_old.is_none() {
                self.first_old = Some(old);
                self.attempt.collided_with = self.attempt.collided_with.or(old.state.map(Collision::from));
            }
        } else {
            world.owners.load(name, &self.attempt.task(), time);
            self.look_up = Some(LookUp::Nothing);
            self.nothing_at = Some(time);
        }
    }

    pub(super) fn end_duplicate_check(&mut self, time: Ktime, errno: Errno, world: &World) {
        let interrupted = matches!(errno, Errno::ERESTARTSYS | Errno::EINTR);
        let closed = self.name_wait.give_up(time, interrupted);
        self.waited(closed, world);
    }

    pub(super) fn load_end(&mut self, time: Ktime, errno: Errno, world: &mut World, out: &mut Vec<Finished>) {
        match &mut self.attempt.load {
            Some(span) => span.end = Some(time),
            None => self.broken = true,
        }
        self.end_duplicate_check(time, errno, world);
        if let Some(Visit {
            key: Some(key),
            part: Part::Leads,
            inside: true,
            ..
        }) = self.visit
        {
            world.inodes.result(key, &self.attempt, time, errno);
        }
        self.finish_life(time, errno, world, out);
    }

    pub(super) fn init_end(&mut self, time: Ktime, errno: Errno, world: &mut World, out: &mut Vec<Finished>) {
        match &mut self.attempt.init {
            Some(init) => {
                init.span.end = Some(time);
                init.errno = Some(errno);
            }
            None => self.broken = true,
        }
        // do_init_module sets the state as soon as the init function is back.
        if errno == Errno::OK {
            self.change(ModuleState::Live, time, None, None, world, out);
        } else {
            self.change(ModuleState::Going, time, None, Some(GoingCause::FailedLoad), world, out);
        }
    }
}

/// The name that the loader gives a module of this file, nearly always: `nf-tables.ko.xz` is `nf_tables`.
fn module_of_file(file: &str) -> String {
    let stem = unpacked(file);
    stem.strip_suffix(".ko").unwrap_or(stem).replace('-', "_")
}
