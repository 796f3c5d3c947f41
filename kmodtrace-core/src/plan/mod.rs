//! Which hooks this kernel gets: a catalogue of what is wanted, the facts of the kernel, and what follows from both.
//!
//! Pure and total: no version numbers, no attempts at attaching. Where the kernel refuses a hook later, the driver says so
//! with [`Plan::refuse`] and gets the next candidate.

mod catalogue;
mod globals;
mod judge;
mod resolve;
mod spec;

pub use catalogue::{CATALOGUE, programs};
pub use globals::{GLOBALS, GlobalSpec, GlobalValue, Source, values};
pub use resolve::{Attachment, Choice, Plan, PlannedProbe, resolve};
pub use spec::{Attach, Candidate, Hook, Mechanism, ProbeSpec, Stage, Want};
