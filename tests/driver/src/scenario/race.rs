//! Tasks that load and unload one module as they like.

use anyhow::{Result, ensure};

use crate::call::{Call, Made, no_args};
use crate::expect::Expect;
use crate::stage::Stage;
use crate::task::together;
use crate::watch;

const TASKS: usize = 4;
const ROUNDS: usize = 10;

/// What a load may get: it is in, or it meets one that is in, or on its way in or out.
const LOAD: &[i32] = &[0, libc::EEXIST, libc::EBUSY];
/// What an unload may get: it is out, or there is none, or it is on its way in or out, or just being held by a
/// notifier or a reader of sysfs.
const UNLOAD: &[i32] = &[0, libc::ENOENT, libc::EBUSY, libc::EWOULDBLOCK];

/// Each task has a file of its own, or no file, so that no load shares another's result: as many loads as unloads
/// succeed, but for the one that is left at the end.
pub(super) fn unload(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    let tasks = stage.tasks(TASKS);
    let rounds = stage.rounds(ROUNDS);
    let copies = module.copies(tasks)?;
    let plans = copies.iter().enumerate().map(|(n, copy)| {
        let load = if n % 2 == 0 {
            Call::finit_copy(copy)
        } else {
            Call::init(&module, no_args())
        };
        [load, Call::delete(&module.c_name)].repeat(rounds)
    });
    let calls: Vec<(Call, Made)> = together(plans)?.into_iter().flatten().collect();

    let mut loaded = 0_i64;
    for (call, made) in &calls {
        let (step, may) = if matches!(call, Call::Delete { .. }) {
            (-1, UNLOAD)
        } else {
            (1, LOAD)
        };
        loaded += if made.errno == Some(0) { step } else { 0 };
        stage.note(Some(&module.name), *call, made, &Expect::nothing().one_of(may))?;
    }
    let left = watch::module_state(&module.name)?;
    ensure!(
        loaded == i64::from(left.is_some()),
        "{loaded} more loads than unloads succeeded; it is {left:?} now"
    );
    if left.is_some() {
        stage.unload(&module)?;
    }
    Ok(())
}
