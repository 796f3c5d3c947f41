//! The waits of an attempt: each span of its time is listed once, under the outermost reason to sleep.

use super::{KEPT, Part, Task};
use crate::model::{Errno, Function, Ktime, Name, RequestId, Span, SymbolLookUp, TaskRef, Wait, WaitKind};
use crate::records::event::{Fact, SymbolFact};
use crate::session::World;
use crate::session::name_wait::Closed;

impl Task {
    /// A wait begins whose end is told as well, or shows in what the task does next.
    pub(in crate::session) fn begin_wait(
        &mut self,
        kind: WaitKind,
        time: Ktime,
        on: Option<TaskRef>,
        module: Option<Name>,
    ) {
        let known = self.open_waits.len();
        self.open_waits.retain(|wait| wait.kind != kind);
        self.broken |= self.open_waits.len() < known;
        self.open_waits.push(Wait {
            kind,
            span: Span::from(time),
            on,
            module,
            checks: None,
        });
    }

    /// It ends. False when it was not seen to begin.
    pub(in crate::session) fn end_wait(&mut self, kind: WaitKind, time: Ktime) -> bool {
        let Some(at) = self.open_waits.iter().position(|wait| wait.kind == kind) else {
            return false;
        };
        let mut wait = self.open_waits.remove(at);
        wait.span.end = Some(time);
        self.list(wait);
        true
    }

    /// The attempt asks for another module.
    pub(in crate::session) fn request(&mut self, time: Ktime, id: RequestId, name: Name) {
        self.end_wait(WaitKind::Request, time);
        self.end_dependency(time);
        self.begin_wait(WaitKind::Request, time, None, Some(name));
        if self.attempt.requests.len() < KEPT {
            self.attempt.requests.push(id);
        } else {
            self.broken = true;
        }
    }

    /// What the task does now ends what it cannot have done meanwhile: a request, and, but for taking `module_mutex`
    /// and looking once more, the wait for a dependency.
    pub(super) fn move_on(&mut self, time: Ktime, fact: &Fact) {
        self.end_wait(WaitKind::Request, time);
        match fact {
            Fact::Symbol(_) | Fact::MutexEnter(_) | Fact::Exit(Function::ModuleMutex, _) => {}
            _ => self.end_dependency(time),
        }
    }

    /// A symbol was looked up (`resolve_symbol_wait`, kernel/module/main.c): its module may still be COMING.
    pub(super) fn symbol(&mut self, time: Ktime, symbol: SymbolFact, world: &World) {
        let SymbolFact { ret, name, owner } = symbol;
        let errno = Errno::from_ret(ret);
        let again = self.awaited_symbol.as_ref() == Some(&name);
        if !again || errno != Errno::EBUSY {
            // Nothing else is looked up meanwhile, so another symbol says that it gave up on this one.
            self.end_dependency(time);
        }
        if !again && errno == Errno::EBUSY {
            let loads = owner
                .as_deref()
                .and_then(|owner| world.owners.loading(owner, self.attempt.id));
            self.begin_wait(WaitKind::Dependency, time, loads.cloned(), owner.clone());
            self.awaited_symbol = Some(name.clone());
        }
        self.keep_symbol(SymbolLookUp {
            time,
            name,
            owner,
            errno,
        });
    }

    pub(super) fn end_dependency(&mut self, time: Ktime) {
        self.awaited_symbol = None;
        self.end_wait(WaitKind::Dependency, time);
    }

    /// A wait for the load of the same file or name is over.
    pub(super) fn waited(&mut self, closed: Option<Closed>, world: &World) {
        if let Some(Closed {
            start,
            end,
            checks,
            old,
        }) = closed
        {
            let on = self.owner(old, world).cloned();
            let span = Span { start, end: Some(end) };
            self.followed(Wait {
                kind: WaitKind::SameName,
                span,
                on,
                module: None,
                checks,
            });
        }
    }

    /// Lists a wait for another load of the same module: whom it was for leads.
    pub(super) fn followed(&mut self, wait: Wait) {
        if self.attempt.leader.is_none() {
            self.attempt.leader.clone_from(&wait.on);
        }
        self.list(wait);
    }

    /// Lists a wait that is over. What was listed from within it is part of it; where lost records make two overlap, the
    /// later one begins where the earlier one ended.
    pub(super) fn list(&mut self, mut wait: Wait) {
        let waits = &mut self.attempt.waits;
        while waits.pop_if(|inner| inner.span.start >= wait.span.start).is_some() {}
        if let Some(earlier) = waits.last().and_then(|earlier| earlier.span.end) {
            wait.span.start = wait.span.start.max(earlier);
        }
        if wait.span.end.is_some_and(|end| end < wait.span.start) {
            return;
        }
        if waits.len() < KEPT {
            // Nearly all have one, and thousands of attempts are remembered.
            waits.reserve_exact(usize::from(waits.is_empty()));
            waits.push(wait);
        } else {
            self.broken = true;
        }
    }

    /// Since when, why and for whom the task sleeps right now.
    pub(in crate::session) fn pending(&self, world: &World) -> Option<Wait> {
        let same_name = self.name_wait.pending().map(|(start, old)| Wait {
            kind: WaitKind::SameName,
            span: Span::from(start),
            on: self.owner(old, world).cloned(),
            module: None,
            checks: None,
        });
        let told = self.open_waits.iter().cloned().chain(same_name);
        told.min_by_key(|wait| wait.span.start)
            .or_else(|| self.pending_visit(world))
    }

    fn pending_visit(&self, world: &World) -> Option<Wait> {
        let visit = self
            .visit
            .filter(|visit| visit.inside && visit.part == Part::Undecided)?;
        let on = visit
            .key
            .and_then(|key| world.inodes.leader(key, visit.enter, None))
            .map(|(leader, _)| leader.clone());
        Some(Wait {
            kind: WaitKind::SameInode,
            span: Span::from(visit.enter),
            on,
            module: None,
            checks: None,
        })
    }
}
