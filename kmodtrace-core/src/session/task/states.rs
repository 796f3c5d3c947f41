//! The module's states, as the attempt that changes them tells them.

use super::{LookUp, Task};
use crate::model::{Errno, Finished, GoingCause, Ktime, ModuleAddress, ModuleState};
use crate::records::event::ModuleRef;
use crate::session::World;
use crate::session::module_states::Change;

impl Task {
    pub(super) fn change(
        &self,
        state: ModuleState,
        time: Ktime,
        address: Option<ModuleAddress>,
        cause: Option<GoingCause>,
        world: &mut World,
        out: &mut Vec<Finished>,
    ) {
        if let Some(name) = &self.attempt.module {
            world.lives.change(
                name,
                Change {
                    state,
                    time,
                    by: self.attempt.id,
                    address,
                    cause,
                },
                out,
            );
        }
    }

    pub(super) fn state(&self, world: &World) -> Option<ModuleState> {
        world.lives.state(self.attempt.module.as_deref()?, self.attempt.id)
    }

    pub(super) fn gone(&self, time: Ktime, world: &mut World, out: &mut Vec<Finished>) {
        if let Some(name) = &self.attempt.module {
            world.lives.gone(name, self.attempt.id, time, out);
        }
    }

    pub(super) fn address(&mut self, module: ModuleRef, world: &mut World) {
        self.take_name(module.name, world);
        if let (Some(name), Some(address)) = (&self.attempt.module, module.address) {
            world.owners.address(name, self.attempt.id, address);
        }
    }

    pub(super) fn add_unformed_end(&mut self, time: Ktime, errno: Errno, world: &mut World, out: &mut Vec<Finished>) {
        if errno == Errno::OK {
            self.went_ahead = true;
            self.change(
                ModuleState::Unformed,
                self.nothing_at.unwrap_or(time),
                None,
                None,
                world,
                out,
            );
        }
        self.end_duplicate_check(time, errno, world);
    }

    /// COMING, or later than it began.
    pub(super) fn coming(&mut self, time: Ktime, module: ModuleRef, world: &mut World, out: &mut Vec<Finished>) {
        self.went_ahead = true;
        let address = module.address;
        self.address(module, world);
        match self.state(world) {
            None => {
                if let Some(since) = self.nothing_at {
                    self.change(ModuleState::Unformed, since, address, None, world, out);
                }
                self.change(ModuleState::Coming, time, address, None, world, out);
            }
            Some(ModuleState::Unformed) => self.change(ModuleState::Coming, time, address, None, world, out),
            Some(ModuleState::Coming | ModuleState::Live | ModuleState::Going) => {}
        }
    }

    pub(super) fn module_state(&mut self, time: Ktime, module: ModuleRef, world: &mut World, out: &mut Vec<Finished>) {
        let address = module.address;
        match module.state {
            Some(ModuleState::Coming) => self.coming(time, module, world, out),
            Some(ModuleState::Live) => {
                self.address(module, world);
                self.change(ModuleState::Live, time, address, None, world, out);
            }
            Some(ModuleState::Going) => {
                self.take_name(module.name, world);
                self.going(time, address, world, out);
            }
            Some(ModuleState::Unformed) | None => {}
        }
    }

    /// GOING, since now or, for an unload, since its look-up: `try_stop_module` follows that at once.
    pub(super) fn going(
        &self,
        time: Ktime,
        address: Option<ModuleAddress>,
        world: &mut World,
        out: &mut Vec<Finished>,
    ) {
        if self.state(world) == Some(ModuleState::Going) {
            return;
        }
        if self.attempt.is_unload() {
            let (since, address) = match self.unloads {
                Some((since, address)) => (since, Some(address)),
                None => (time, address),
            };
            self.change(ModuleState::Going, since, address, Some(GoingCause::Unload), world, out);
        } else {
            self.change(
                ModuleState::Going,
                time,
                address,
                Some(GoingCause::FailedLoad),
                world,
                out,
            );
        }
    }

    pub(super) fn free(&mut self, time: Ktime, module: ModuleRef, world: &mut World, out: &mut Vec<Finished>) {
        let address = module.address;
        self.take_name(module.name, world);
        self.going(time, address, world, out);
        if let Some(name) = &self.attempt.module {
            world.lives.free(name, self.attempt.id, time);
        }
    }

    /// What is left to say about the module at the end of `load_module` or of the system call.
    pub(super) fn finish_life(&mut self, time: Ktime, errno: Errno, world: &mut World, out: &mut Vec<Finished>) {
        if self.attempt.is_unload() {
            if errno == Errno::OK && self.unloads.is_some() {
                // Without a record of the free this is the nearest thing; with one the module is gone already.
                self.going(time, None, world, out);
                self.gone(time, world, out);
            }
            return;
        }
        match self.state(world) {
            Some(ModuleState::Live) => {}
            Some(ModuleState::Coming) if errno == Errno::OK => {
                self.change(ModuleState::Live, time, None, None, world, out);
            }
            Some(_) => self.gone(time, world, out),
            None => {
                // It was on the list, and failed before it was COMING.
                if let (Some(since), Some(LookUp::Nothing), None) =
                    (self.nothing_at.take(), self.look_up, self.first_old)
                    && !self.went_ahead
                    && errno != Errno::OK
                {
                    self.change(ModuleState::Unformed, since, None, None, world, out);
                    self.gone(time, world, out);
                }
            }
        }
    }
}
