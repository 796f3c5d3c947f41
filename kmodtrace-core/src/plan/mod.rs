//! Which hooks this kernel gets: a catalogue of what is wanted, the facts of the kernel, and what follows from both.
//!
//! Pure and total: no version numbers, no attempts at attaching. Where the kernel refuses a hook later, the driver says so
//! with [`Plan::refuse`] and gets the next candidate.

mod catalogue;
mod check;
mod coverage;
mod existence;
mod globals;
mod judge;
mod observe;
mod questions;
mod resolve;
mod spec;
mod symbol;
mod text;
mod verdict;

pub use catalogue::{CATALOGUE, programs};
pub use check::{CHECK_SCHEMA, CheckReport, KernelName, ProbeReport, ProbeStatus, Refusal, check};
pub use coverage::{Coverage, Observed};
pub use existence::{Existence, Sign, Trace};
pub use globals::{GLOBALS, GlobalSource, GlobalSpec, GlobalValue, KEYS, values};
pub use questions::questions;
pub use resolve::{Attachment, Choice, Plan, PlannedProbe, RETURNS, resolve};
pub use spec::{Attach, AttachStage, Candidate, Family, Hook, Mechanism, ProbeSpec, Want};
pub use text::render;
pub use verdict::{Feasibility, verdict};
