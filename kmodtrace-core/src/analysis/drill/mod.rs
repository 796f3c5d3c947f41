//! Inside a module that is being loaded: which of its own functions was called by whom, what each returned, and which of them
//! made the errno.

mod elsewhere;
mod json;
mod load;
mod outside;
mod say;
mod slow;
mod text;
mod tree;

pub use elsewhere::Elsewhere;
pub use json::json;
pub use load::Load;
pub use outside::OUTSIDE;
pub use say::{Cause, Names, cause};
pub use slow::{Step, slowest};
pub use text::{Limits, write_text};
pub use tree::{Call, Spent, forest};

/// The programs at the entry and the return of functions of modules that are asked for by name: the same for each, in no plan.
pub const MODULE_PROGRAMS: [&str; 2] = ["kprobe_call", "kretprobe_call"];
/// Those at functions of the kernel itself.
pub const KERNEL_PROGRAMS: [&str; 2] = ["kprobe_outside", "kretprobe_outside"];
/// The one that sees tasks lose and get the processor.
pub const SWITCH_PROGRAM: &str = "raw_tp_call_switch";
/// The global that hides addresses.
pub const KEY_GLOBAL: &str = "CALL_KEY";
