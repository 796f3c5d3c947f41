//! The functions of the loader whose entry or return a record tells, as the table of functions has them.

use kmodtrace_common::{kind, loader_functions};
use serde::{Deserialize, Serialize};

use super::stage::Stage;

/// What a load passes of functions, in the order in which it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) function: Function,
    /// Whether it is told of on every kernel: such a function comes next for certain.
    pub(crate) always: bool,
}

/// An edge of a function, of which a record tells nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlainEdge {
    /// It was entered, and its return is told too.
    Enter(Function),
    /// It was passed.
    Passed(Function),
    /// It returned something.
    Exit(Function),
}

macro_rules! way {
    (always $variant:ident) => {
        Some(Passed {
            function: Function::$variant,
            always: true,
        })
    };
    (perhaps $variant:ident) => {
        Some(Passed {
            function: Function::$variant,
            always: false,
        })
    };
    (beside $variant:ident) => {
        None
    };
}

macro_rules! edge {
    (enter $variant:ident) => {
        PlainEdge::Enter(Function::$variant)
    };
    (passed $variant:ident) => {
        PlainEdge::Passed(Function::$variant)
    };
    (exit $variant:ident) => {
        PlainEdge::Exit(Function::$variant)
    };
}

macro_rules! functions {
    ($($(#[$doc:meta])+ $id:ident $variant:ident $name:literal $args:literal $how:ident, $stage:ident $way:ident
        $(, $(#[$edge_doc:meta])+ $edge:ident $kind:ident $number:literal $group:ident $want:ident $(if $exists:ident)? $loses:literal)*;)+
    ) => {
        /// A function that a load, or an unload, passes through (kernel/module/main.c where nothing else is said).
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
        )]
        pub enum Function {
            $(#[doc = concat!("`", $name, "`")] #[serde(rename = $name)] $variant,)+
            /// The tracepoint `initcall_start`, in `do_one_initcall`.
            #[serde(rename = "initcall_start")]
            InitcallStart,
        }

        impl Function {
            /// All of them, roughly in the order in which a load passes them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+ Self::InitcallStart];

            /// As the kernel calls it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::InitcallStart => "initcall_start",
                }
            }

            /// The stage that its time belongs to.
            pub fn stage(self) -> Stage {
                match self {
                    $(Self::$variant => Stage::$stage,)+
                    Self::InitcallStart => Stage::Init,
                }
            }

            /// What a load passes, in order.
            pub(crate) fn way() -> impl Iterator<Item = Passed> {
                [$(way!($way $variant)),+].into_iter().flatten()
            }
        }

        impl PlainEdge {
            /// What a record of this kind tells, if it is of a plain edge.
            pub(crate) fn from_kind(kind: u16) -> Option<Self> {
                match kind {
                    $($(kind::$kind => Some(edge!($edge $variant)),)*)+
                    _ => None,
                }
            }
        }
    };
}

loader_functions!(functions);
