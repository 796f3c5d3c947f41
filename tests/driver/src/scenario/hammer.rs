//! Storms: many more tasks than processors call at once, round after round. Tasks that share a processor are preempted inside
//! the tracer's programs, and a kernel that then skips a program shows it here.

use anyhow::{Result, ensure};

use crate::call::{Call, Made, no_args};
use crate::expect::{Collision, Expect};
use crate::failure;
use crate::library::{Copy, Module};
use crate::stage::Stage;
use crate::task::together;

const TASKS: usize = 64;
const ROUNDS: usize = 10;

/// What a load may get that nobody keeps from coming first: it is in, or it meets one that is.
const LOAD: &[i32] = &[0, libc::EEXIST];
/// What a load may get whose init function fails, in its own task or in the one that it waited for.
const FAILS: &[i32] = &[libc::ENODEV, libc::EBUSY];

/// Each task loads a module that is LIVE, once a round, without a pause.
pub(super) fn live(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    stage.load(&module)?;
    let rounds = stage.rounds(ROUNDS);
    let copies = module.copies(stage.tasks(TASKS))?;
    let plans = own(&module, &copies).into_iter().map(|call| vec![call; rounds]);
    let refused = Expect::refused(Collision::Live, None)
        .errno(libc::EEXIST)
        .case("live", failure::already_live(stage.kernel));
    for (call, made) in together(plans)?.into_iter().flatten() {
        stage.note(Some(&module.name), call, &made, &refused)?;
    }
    stage.unload(&module)
}

/// The tasks of a round load a module that is not there: one of them gets it in.
pub(super) fn absent(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    let copies = module.copies(stage.tasks(TASKS))?;
    for round in 0..stage.rounds(ROUNDS) {
        let errnos = storm(stage, &module, &own(&module, &copies), LOAD)?;
        let loaded = count(&errnos, 0);
        ensure!(loaded == 1, "{loaded} tasks loaded {} in round {round}", module.name);
        stage.unload(&module)?;
    }
    Ok(())
}

/// With one file for all of them, those that share a load get its result.
pub(super) fn file(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    let calls = vec![Call::finit(&module, no_args()); stage.tasks(TASKS)];
    for round in 0..stage.rounds(ROUNDS) {
        let errnos = storm(stage, &module, &calls, LOAD)?;
        ensure!(count(&errnos, 0) > 0, "no task loaded {} in round {round}", module.name);
        stage.unload(&module)?;
    }
    Ok(())
}

/// Nobody gets it in.
pub(super) fn failing(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("acpi_cpufreq")?;
    let copies = module.copies(stage.tasks(TASKS))?;
    for round in 0..stage.rounds(ROUNDS) {
        let errnos = storm(stage, &module, &own(&module, &copies), FAILS)?;
        let ran = count(&errnos, libc::ENODEV);
        ensure!(
            ran > 0,
            "no task ran the init function of {} in round {round}",
            module.name
        );
    }
    Ok(())
}

/// A call for each copy: every second goes through memory in its place, so that no two share a file.
fn own(module: &Module, copies: &[Copy]) -> Vec<Call> {
    let call = |(n, copy)| {
        if n % 2 == 0 {
            Call::finit_copy(copy)
        } else {
            Call::init(module, no_args())
        }
    };
    copies.iter().enumerate().map(call).collect()
}

/// Makes all calls at once, and logs them. Gives what each got.
fn storm(stage: &mut Stage<'_>, module: &Module, calls: &[Call], may: &[i32]) -> Result<Vec<Option<i32>>> {
    let done: Vec<(Call, Made)> = together(calls.iter().map(|call| vec![*call]))?
        .into_iter()
        .flatten()
        .collect();
    for (call, made) in &done {
        stage.note(Some(&module.name), *call, made, &Expect::nothing().one_of(may))?;
    }
    Ok(done.iter().map(|(_, made)| made.errno).collect())
}

fn count(errnos: &[Option<i32>], errno: i32) -> usize {
    errnos.iter().filter(|got| **got == Some(errno)).count()
}
