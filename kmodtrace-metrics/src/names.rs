//! Names that stand for others.

use std::borrow::Cow;

use kmodtrace_core::model::Errno;

/// What stands for all names that are too many.
pub(crate) const OTHERS: &str = "(others)";

/// The name of an errno. Numbers that Linux does not have are one.
pub(crate) fn errno_name(errno: Errno) -> Cow<'static, str> {
    match errno.name() {
        Cow::Borrowed(name) => Cow::Borrowed(name),
        Cow::Owned(_) => Cow::Borrowed(OTHERS),
    }
}
