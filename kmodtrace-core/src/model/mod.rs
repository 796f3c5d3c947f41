//! What the rest speaks of: attempts, requests, modules and their states, tasks, waits, functions, errnos and times.

mod attempt;
mod call;
mod errno;
mod finished;
mod function;
mod ids;
mod log;
mod module;
mod note;
mod probed;
mod request;
mod span;
mod stage;
mod task;
mod units;
mod wait;
mod zero;

pub use attempt::{Attempt, Edge, FileId, Init, Mark, Role, SymbolLookUp, Syscall};
pub use call::{CallEdge, CallMark, OffCpu};
pub use errno::Errno;
pub use finished::Finished;
pub use function::Function;
pub(crate) use function::PlainEdge;
pub use ids::{AttemptId, RequestId};
pub use log::LogLine;
pub use module::{GoingCause, ModuleState, StateSpan};
pub use note::Note;
pub use probed::{CallSite, Outcome, ProbedFunction, Returns, SourceLine};
pub use request::{Caller, Helper, Request, SLOTS, SlotWait, ret_text};
pub use span::Span;
pub use stage::Stage;
pub use task::{Parent, TaskRef, kind_of_task};
pub use units::{Inode, Ktime, ModuleAddress, Nanos, Tgid, Tid};
pub use wait::{Collision, Wait, WaitKind};
pub use zero::{Zero, calendar};
