//! Sessions of `kmodtrace bisect` as they lie in a folder, and what fills them.
//!
//! ```text
//! SESSION/session.json        the terms, written once
//!         lock                held while something is written
//!         0001/step.json      what the step is about, written first
//!              01.kmt.part    a recording as it is written; what an interrupted run leaves
//!              01.kmt         a whole one
//!              01.console     what the command wrote
//!              01.report.json the report of the recording; can be made again
//!              01.json        how the run ended, written last: a run without it was interrupted
//!              01.out/        what a guest left besides its recordings
//!              verdict.json   what was told
//!              mark.json      what the user said of it
//! ```
//!
//! Every file, and the folder of a step, is made beside its place as `.new`, brought to the disk and renamed, so none is ever half there.

pub(crate) mod git;
pub(crate) mod run;
pub(crate) mod samples;
pub(crate) mod session;
mod store;
