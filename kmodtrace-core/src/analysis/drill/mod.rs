//! Inside a module that is being loaded: which of its own functions was called by whom, what each returned, and which of them
//! made the errno.

mod calls_outside_loads;
mod errno_path;
mod json;
mod kernel_functions;
mod load;
mod slow;
mod text;
mod tree;
mod wording;

pub use calls_outside_loads::Elsewhere;
pub use errno_path::{ErrnoPath, errno_path};
pub use json::{schema, write_json};
pub use kernel_functions::OUTSIDE;
pub use load::Load;
pub use slow::{SlowStep, slowest};
pub use text::{TreeLimits, write_text};
pub use tree::{Call, Spent};
pub use wording::FunctionNames;

/// The programs at the entry and the return of functions of modules that are asked for by name: the same for each, in no plan.
pub const MODULE_PROGRAMS: [&str; 2] = ["kprobe_call", "kretprobe_call"];
/// Those at functions of the kernel itself.
pub const KERNEL_PROGRAMS: [&str; 2] = ["kprobe_outside", "kretprobe_outside"];
/// The one that sees tasks lose and get the processor.
pub const SWITCH_PROGRAM: &str = "raw_tp_call_switch";
