//! Errnos of init functions.

use super::{Certainty, Origin, Translation};
use crate::analysis::causes::start;
use crate::model::{Attempt, Errno, Function, Stage};

const EPERM: Errno = Errno(1);

/// A symbol as the kernel prints it is followed by its module: `dm_init [dm_mod]`.
fn bare(symbol: &str) -> &str {
    symbol.split_once(' ').map_or(symbol, |(name, _)| name)
}

/// The init function failed, and so did the load. Nothing comes after it but clean-up.
pub(super) fn of(attempt: &Attempt, errno: Errno) -> Option<Origin> {
    let init = attempt.init.as_ref()?;
    let own = init.errno.filter(|own| *own != Errno::OK)?;
    if own == errno {
        // do_one_initcall says so itself of a function in initcall_blacklist=, before that tracepoint.
        let called = attempt
            .trail
            .iter()
            .any(|mark| mark.function == Function::InitcallStart);
        let mut origin = if own == EPERM && !called {
            let causes = vec![&start::INIT_BLACKLISTED, &start::INIT];
            Origin {
                certainty: Certainty::Gap {
                    after: "do_one_initcall",
                    before: "its return",
                },
                ..Origin::exact(errno, "do_one_initcall", causes, Stage::Init)
            }
        } else {
            let function = init.symbol.as_deref().map_or("do_one_initcall", bare);
            Origin::exact(errno, function.to_owned(), vec![&start::INIT], Stage::Init)
        };
        origin.through = vec!["do_init_module", "load_module"];
        return Some(origin);
    }
    // module: Override -EEXIST module return (7.x).
    let mut origin = Origin::exact(errno, "do_init_module", vec![&start::INIT_EXISTS], Stage::Init);
    if own != Errno::EEXIST {
        origin.causes = vec![&start::INIT];
    }
    origin.translated = Some(Translation {
        by: "do_init_module",
        from: own,
    });
    origin.through = vec!["load_module"];
    Some(origin)
}
