//! From the bytes that kmodtrace's BPF programs write to who loaded which kernel module, how long each load took, what it waited for,
//! and where its errno was made; and from there to what people and programs read of it.
//!
//! # Constraints
//!
//! - Bytes come in, values go out, and time comes from events: there is no aya, tokio, clap, terminal, clock or file system here, and
//!   no unsafe code. A live session and a replay of its recording are the same calls.
//! - Input may be damaged or hostile. It ends in an error that says where, not in a panic, and takes bounded memory.
//! - What was not observed is `None` or a line in [`plan::Coverage`], never 0.
//!
//! # The flow
//!
//! [`records`] makes events of bytes and brings them into the order of their times, and [`session`] makes attempts, requests and states
//! of them: the [`model`]. [`pipeline::Pipeline`] is both together. [`recording`] keeps records in a file. [`plan`] says which of the
//! kernel's functions can be watched, by what [`kernel`] tells of it. [`analysis`] answers questions about what finished, [`report`]
//! writes the answers, [`compare`] puts runs beside runs, and [`monitor`] is all of it at one instant.
//!
//! # The slowest load of a recording
//!
//! ```
//! use std::fs::File;
//!
//! use kmodtrace_core::model::Finished;
//! use kmodtrace_core::pipeline::Pipeline;
//! use kmodtrace_core::recording::Reader;
//!
//! let mut recording = Reader::new(File::open("tests/recordings/6.1-stock-storm.kmt")?)?;
//! let mut pipeline = Pipeline::default();
//! while let Some(record) = recording.next_record()? {
//!     pipeline.push(record)?;
//! }
//! let (finished, _loss) = pipeline.finish();
//! let loads = finished.iter().filter_map(|finished| match finished {
//!     Finished::Attempt(attempt) if !attempt.is_unload() => Some(attempt),
//!     _ => None,
//! });
//! let slowest = loads.max_by_key(|load| load.duration()).ok_or("nothing was loaded")?;
//!
//! // Another task loaded xfs. This one waited for it, and got -EEXIST.
//! println!("{:?} by {}: {:?}, {:?}", slowest.module, slowest.comm, slowest.duration(), slowest.errno);
//! # assert_eq!((slowest.module.as_deref(), slowest.comm.as_str()), (Some("xfs"), "modprobe"));
//! # assert_eq!(slowest.errno.map(|errno| errno.to_string()).as_deref(), Some("EEXIST"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod analysis;
pub mod compare;
pub mod kernel;
pub mod measures;
pub mod model;
pub mod monitor;
mod picture;
pub mod pipeline;
pub mod plan;
pub mod recording;
pub mod records;
pub mod report;
pub mod session;
pub mod text;
