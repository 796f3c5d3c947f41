//! Which function made the errno.

use super::tree::Call;
use crate::model::Errno;

/// The way of an errno through the functions of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrnoPath<'c> {
    /// From the outermost function that returned it to the innermost.
    pub chain: Vec<&'c Call>,
    /// From the outermost function of another task that returned it meanwhile, where none of its own did: work that the init
    /// function queued, and waited for.
    pub elsewhere: Vec<&'c Call>,
    /// It.
    pub errno: Errno,
}

/// Follows an errno from the outermost call of the loading task down; then through what other tasks called meanwhile. None where
/// no call returned it.
pub fn errno_path<'c>(own: &[&'c Call], others: &[&'c Call], errno: Errno) -> Option<ErrnoPath<'c>> {
    let chain = follow(own, errno);
    let inner = chain.last()?;
    // What ended later came too late to be it.
    let before: Vec<&Call> = others
        .iter()
        .filter(|call| call.start >= inner.start && (call.end.is_some() && call.end <= inner.end))
        .copied()
        .collect();
    Some(ErrnoPath {
        elsewhere: follow(&before, errno),
        chain,
        errno,
    })
}

/// Where several calls in one returned it the last one counts, for that is what its caller passed on. A call that returned
/// something else, or nothing, may have one in it that did: a driver's callback is called by the kernel, and work returns nothing.
fn follow<'c>(calls: &[&'c Call], errno: Errno) -> Vec<&'c Call> {
    let mut chain = Vec::new();
    let mut calls = calls.to_vec();
    loop {
        let returned = calls.iter().rev().find(|call| call.errno() == Some(errno.0));
        let Some(call) = returned.copied().or_else(|| within(&calls, errno)) else {
            return chain;
        };
        chain.push(call);
        calls = call.calls.iter().collect();
    }
}

/// The last call that returned it somewhere in calls that did not.
fn within<'c>(calls: &[&'c Call], errno: Errno) -> Option<&'c Call> {
    calls.iter().rev().find_map(|call| {
        let inner: Vec<&Call> = call.calls.iter().collect();
        let returned = inner.iter().rev().find(|call| call.errno() == Some(errno.0));
        returned.copied().or_else(|| within(&inner, errno))
    })
}

impl ErrnoPath<'_> {
    /// The function that made it: the innermost that returned it.
    pub fn maker(&self) -> Option<&Call> {
        self.elsewhere.last().or(self.chain.last()).copied()
    }
}
