//! The trail of an attempt: which edge of which function each of its facts tells.

use super::{CALLS_IN_FLIGHT, CALLS_KEPT, KEPT, Task};
use crate::model::{
    CallMark, Edge, Function, Ktime, LogLine, Mark, ModuleState, OffCpu, Parent, Signal, Span, SymbolLookUp,
};
use crate::records::event::{Fact, SignalSent};

/// Signals kept of one attempt: who sends one again and again says nothing new.
const SIGNALS_KEPT: usize = 16;

impl Task {
    /// Keeps what a fact tells of a function.
    pub(super) fn mark(&mut self, time: Ktime, fact: &Fact) {
        let Some((mut function, mut edge)) = edge_of(fact) else {
            return;
        };
        if let Fact::ModuleState(module) = fact
            && module.state == Some(ModuleState::Going)
        {
            if self.going_announced || self.notifiers_refused() {
                (function, edge) = (Function::KlpModuleGoing, Edge::Passed);
            }
            self.going_announced = true;
        }
        if (function, edge) == (Function::NotifierChainRobust, Edge::Enter) && self.is_last(Function::KlpModuleComing) {
            // Without CONFIG_LIVEPATCH it is the notifiers that tell of COMING, and klp_module_coming is not there.
            self.attempt.trail.pop();
        }
        if self.attempt.trail.len() < KEPT {
            self.attempt.trail.push(Mark { time, function, edge });
        } else {
            self.broken = true;
        }
    }

    /// Whether this function was entered, and nothing seen since.
    fn is_last(&self, function: Function) -> bool {
        let last = self.attempt.trail.last();
        last.is_some_and(|mark| mark.function == function && mark.edge == Edge::Enter)
    }

    /// Whether a notifier of COMING has just failed: those told before it are told GOING by the same call, and
    /// livepatch behind it (`prepare_coming_module`, kernel/module/main.c).
    fn notifiers_refused(&self) -> bool {
        self.attempt.trail.last().is_some_and(
            |mark| matches!(mark.edge, Edge::Exit(Some(..0)) if mark.function == Function::NotifierChainRobust),
        )
    }

    /// Keeps a symbol that was not there, or at last; what repeats within a wait for it is kept once.
    pub(super) fn keep_symbol(&mut self, symbol: SymbolLookUp) {
        let symbols = &mut self.attempt.symbols;
        let repeats = |last: &SymbolLookUp| last.name == symbol.name && last.errno == symbol.errno;
        if symbols.last().is_some_and(repeats) {
            return;
        }
        if symbols.len() < KEPT {
            symbols.push(symbol);
        } else {
            self.broken = true;
        }
    }

    /// A function that was asked for by name was entered or left. `of_all` counts those of all attempts in flight.
    pub(in crate::session) fn call(&mut self, mark: CallMark, of_all: &mut usize) {
        if *of_all < CALLS_IN_FLIGHT && self.attempt.calls.len() < CALLS_KEPT {
            *of_all += 1;
            self.attempt.calls.push(mark);
        } else {
            self.attempt.calls_dropped += 1;
        }
    }

    /// A signal was sent to the task.
    pub(in crate::session) fn signal(&mut self, time: Ktime, sent: SignalSent) {
        if self.attempt.signals.len() < SIGNALS_KEPT {
            self.attempt.signals.push(Signal {
                time,
                number: sent.number,
                sender: Parent {
                    tgid: sent.sender_tgid,
                    comm: sent.sender_comm,
                },
            });
        }
    }

    /// The task lost the processor.
    pub(in crate::session) fn off(&mut self, time: Ktime, preempted: bool) {
        if self.attempt.off_cpu.len() < CALLS_KEPT {
            self.attempt.off_cpu.push(OffCpu {
                span: Span { start: time, end: None },
                preempted,
            });
        }
    }

    /// It got it back. One that was not seen to lose it is at its beginning.
    pub(in crate::session) fn on(&mut self, time: Ktime) {
        if let Some(last) = self.attempt.off_cpu.last_mut().filter(|last| last.span.end.is_none()) {
            last.span.end = Some(time);
        }
    }

    /// Whether its module's init function runs.
    pub(in crate::session) fn runs_init(&self) -> bool {
        self.attempt.init.as_ref().is_some_and(|init| init.span.end.is_none())
    }

    /// The task wrote a line to the kernel log.
    pub(in crate::session) fn log(&mut self, time: Ktime, text: String) {
        // While it waits for a dependency it has nothing to say.
        self.end_dependency(time);
        if self.attempt.log.len() < KEPT {
            self.attempt.log.push(LogLine { time, text });
        } else {
            self.broken = true;
        }
    }
}

/// What a fact tells of a function. Of GOING, what its notifiers are told; that of livepatch looks the same.
fn edge_of(fact: &Fact) -> Option<(Function, Edge)> {
    use Edge::{Enter, Exit, Passed};
    use Function as F;
    Some(match fact {
        Fact::ReadEnter(_) => (F::KernelReadFile, Enter),
        Fact::ReadExit(ret) => (F::KernelReadFile, Exit(Some(*ret))),
        Fact::IdempotentEnter(_) => (F::IdempotentInitModule, Enter),
        Fact::IdempotentExit(ret) => (F::IdempotentInitModule, Exit(Some(*ret))),
        Fact::LeaderEnter => (F::InitModuleFromFile, Passed),
        Fact::LoadEnter => (F::LoadModule, Enter),
        Fact::LoadExit(ret) => (F::LoadModule, Exit(Some(*ret))),
        Fact::ModuleName(_) => (F::ModuleFrobArchSections, Passed),
        Fact::FindModule(_) => (F::FindModuleAll, Passed),
        Fact::WaitBegin(_) => (F::FinishedLoading, Enter),
        Fact::WaitEnd(_) => (F::FinishedLoading, Exit(None)),
        Fact::AddUnformedEnter(_) => (F::AddUnformedModule, Enter),
        Fact::AddUnformedExit(ret) => (F::AddUnformedModule, Exit(Some(*ret))),
        Fact::ModuleState(module) => match module.state? {
            ModuleState::Coming => (F::KlpModuleComing, Enter),
            ModuleState::Live | ModuleState::Going => (F::NotifierChain, Enter),
            ModuleState::Unformed => return None,
        },
        Fact::DoInitEnter(_) => (F::DoInitModule, Enter),
        Fact::DoInitExit(ret) => (F::DoInitModule, Exit(Some(*ret))),
        Fact::InitStart(_) => (F::DoOneInitcall, Enter),
        Fact::InitEnd(ret) => (F::DoOneInitcall, Exit(Some(*ret))),
        Fact::AsyncEnter => (F::AsyncSynchronizeFull, Enter),
        Fact::AsyncExit => (F::AsyncSynchronizeFull, Exit(None)),
        Fact::Teardown(_) => (F::ModSysfsTeardown, Passed),
        Fact::FreeEnter(_) => (F::FreeModule, Enter),
        Fact::FreeExit(_) => (F::FreeModule, Exit(None)),
        Fact::Symbol(symbol) => (F::ResolveSymbol, Exit(Some(symbol.ret))),
        Fact::MutexEnter(_) => (F::ModuleMutex, Enter),
        Fact::Enter(function) => (*function, Enter),
        // These return nothing, or nothing that is an errno.
        Fact::Exit(function @ (F::SynchronizeRcu | F::NotifierChain), _) => (*function, Exit(None)),
        Fact::Exit(function, ret) => (*function, Exit(Some(*ret))),
        Fact::Passed(function) => (*function, Passed),
        _ => return None,
    })
}
