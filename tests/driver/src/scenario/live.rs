//! A module that is there already.

use anyhow::Result;

use crate::call::{Call, no_args};
use crate::expect::{Collision, Expect};
use crate::failure;
use crate::stage::Stage;

const ROUNDS: usize = 10;

/// Loads it again and again, from its file and from memory, one after another.
pub(super) fn again(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    stage.load(&module)?;
    let refused = Expect::refused(Collision::Live, None)
        .errno(libc::EEXIST)
        .case("live", failure::already_live(stage.kernel));
    for _ in 0..stage.rounds(ROUNDS) {
        for call in [Call::finit(&module, no_args()), Call::init(&module, no_args())] {
            stage.run(Some(&module.name), call, &refused)?;
        }
    }
    stage.unload(&module)
}
