//! What ends.

use super::attempt::Attempt;
use super::call::CallMark;
use super::module::StateSpan;
use super::request::Request;

/// [Marks](Attempt::marks) that those may take together who keep thousands of attempts: some hundred megabytes, which only made-up
/// recordings come near.
pub const MARKS_KEPT: usize = 4 << 20;

/// What a session hands out as soon as it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// An attempt returned.
    Attempt(Box<Attempt>),
    /// A module left a state.
    State(StateSpan),
    /// A request for a module has its answer, and its caller too where that is seen.
    Request(Box<Request>),
    /// A function that was asked for by name was entered or left, and no load was there that it belongs to.
    Call(CallMark),
}
