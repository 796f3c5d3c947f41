//! Who leads the load of an inode (`idempotent_init_module`, kernel/module/main.c since 6.5).
//!
//! The entry of a follower may be seen before that of its leader: who was first is decided under `idem_lock`, behind
//! both. So a follower asks when it returns, and by then its leader is known.
//!
//! Where the compiler inlined that function, leaders show (`init_module_from_file`) and tasks inside do not: then leaders that have ended
//! are kept for whoever returns behind them.

use std::collections::VecDeque;

use crate::model::{Attempt, ByNumber, Errno, FileId, Inode, Ktime, Name, TaskRef};

/// Finished leaders kept for followers that have not returned yet.
const ENDED_KEPT: usize = 16;
/// Finished leaders kept where nobody knows whether followers are left: a storm loads some hundred modules at once.
const UNSEEN_KEPT: usize = 1024;

/// What the kernel compares, and the device besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    inode: Inode,
    dev: u32,
}

impl Key {
    /// None where the kernel gave no offsets to read it.
    pub(super) fn from_file(file: &FileId) -> Option<Self> {
        Some(Self {
            inode: file.inode?,
            dev: file.dev,
        })
    }
}

#[derive(Debug)]
struct Leader {
    task: TaskRef,
    start: Ktime,
    /// What it loads, once that is known.
    module: Option<Name>,
    end: Option<(Ktime, Errno)>,
}

/// One inode with tasks inside `idempotent_init_module`.
#[derive(Debug, Default)]
struct Load {
    tasks: usize,
    leaders: Vec<Leader>,
}

/// Inodes by the tasks inside: one is forgotten with its last task.
#[derive(Debug, Default)]
pub(super) struct Inodes {
    loads: ByNumber<Key, Load>,
    /// A task led without having entered.
    unseen: bool,
    /// Leaders that ended, where tasks are not seen to enter.
    ended: VecDeque<(Key, Leader)>,
}

impl Inodes {
    /// A task entered. Paired with [`Self::leave`].
    pub(super) fn enter(&mut self, key: Key) {
        self.loads.entry(key).or_default().tasks += 1;
    }

    /// The task returned, or its attempt ended.
    pub(super) fn leave(&mut self, key: Key) {
        let Some(load) = self.loads.get_mut(&key) else { return };
        load.tasks = load.tasks.saturating_sub(1);
        if load.tasks == 0 {
            let leaders = self.loads.remove(&key).map_or_else(Vec::new, |load| load.leaders);
            if self.unseen {
                self.ended.extend(leaders.into_iter().map(|leader| (key, leader)));
                let over = self.ended.len().saturating_sub(UNSEEN_KEPT);
                self.ended.drain(..over);
            }
        } else if load.leaders.iter().filter(|leader| leader.end.is_some()).count() > ENDED_KEPT
            && let Some(oldest) = load.leaders.iter().position(|leader| leader.end.is_some())
        {
            load.leaders.remove(oldest);
        }
    }

    /// The task leads.
    pub(super) fn lead(&mut self, key: Key, task: TaskRef, start: Ktime) {
        self.loads.entry(key).or_default().leaders.push(Leader {
            task,
            start,
            module: None,
            end: None,
        });
    }

    /// The leader has its result, and hands it to its followers.
    pub(super) fn result(&mut self, key: Key, leads: &Attempt, time: Ktime, errno: Errno) {
        let leader = self
            .loads
            .get_mut(&key)
            .and_then(|load| load.leaders.iter_mut().find(|leader| leader.task.attempt == leads.id));
        if let Some(leader) = leader
            && leader.end.is_none()
        {
            leader.module.clone_from(&leads.module);
            leader.end = Some((time, errno));
        }
    }

    /// Whom a follower waited for that was inside from `enter` to now: of the leaders that overlap, the first whose
    /// result it got, else the first. Without a result so far, whoever leads. With the name of its module once it has one.
    pub(super) fn leader(&self, key: Key, enter: Ktime, got: Option<Errno>) -> Option<(&TaskRef, Option<&Name>)> {
        let leaders = &self.loads.get(&key)?.leaders;
        let overlap = || {
            leaders
                .iter()
                .filter(|leader| leader.end.is_none_or(|(end, _)| end >= enter))
        };
        let same = overlap().find(|leader| got.is_some() && leader.end.map(|(_, errno)| errno) == got);
        same.or_else(|| overlap().min_by_key(|leader| leader.start))
            .map(|leader| (&leader.task, leader.module.as_ref()))
    }

    /// Tasks are not seen to enter.
    pub(super) fn unseen(&mut self) {
        self.unseen = true;
    }

    /// Whether tasks are not seen to enter.
    pub(super) fn are_unseen(&self) -> bool {
        self.unseen
    }

    /// The last leader of this inode that ended with `errno` at `start` or later: where followers are not seen to enter.
    pub(super) fn led(&self, key: Key, start: Ktime, errno: Errno) -> Option<(&TaskRef, Option<&Name>)> {
        let ended = self
            .ended
            .iter()
            .filter(|(known, _)| *known == key)
            .map(|(_, leader)| leader);
        let inside = self.loads.get(&key).into_iter().flat_map(|load| &load.leaders);
        let gave = |leader: &&Leader| leader.end.is_some_and(|(end, result)| end >= start && result == errno);
        ended
            .chain(inside)
            .filter(gave)
            .max_by_key(|leader| leader.start)
            .map(|leader| (&leader.task, leader.module.as_ref()))
    }

    /// Inodes known now.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.loads.len()
    }
}
