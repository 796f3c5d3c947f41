//! Numbers that carry their unit and owner, so that a tid cannot be taken for a tgid or an instant for a span.

use serde::{Deserialize, Serialize};

macro_rules! unit {
    ($($(#[doc = $doc:literal])+ $name:ident($inner:ty);)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
            #[serde(transparent)]
            pub struct $name(pub $inner);
        )+
    };
}

unit! {
    /// A task: what `gettid` returns.
    Tid(u32);
    /// A thread group: what `getpid` returns.
    Tgid(u32);
    /// An instant of `CLOCK_MONOTONIC`, in nanoseconds.
    Ktime(u64);
    /// A span of time in nanoseconds.
    Nanos(u64);
    /// An inode number. Unique within a device only.
    Inode(u64);
    /// Stands for the address of a `struct module` in the kernel, and means nothing outside of its recording. Used again after a free.
    ModuleAddress(u64);
}

impl Ktime {
    /// The span since `earlier`; zero when `earlier` is later, as records of two CPUs may have it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }
}
