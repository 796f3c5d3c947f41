//! Which device each worker of udev handles: told with its first load for it.

use super::recent::Recent;
use crate::model::{Device, Tid};

/// Workers kept: udevd has no more at a time, unless it is told to (`udev.children_max`).
const KEPT: usize = 4_096;

/// The devices, by the worker.
#[derive(Debug, Default)]
pub(super) struct Devices(Recent<Tid, (String, Device), KEPT>);

impl Devices {
    /// A worker of this name handles it from now on.
    pub(super) fn tell(&mut self, tid: Tid, comm: &str, device: Device) {
        self.0.tell(tid, (comm.to_owned(), device));
    }

    /// What the worker handles. A task of another name is another one with its number.
    pub(super) fn of(&self, tid: Tid, comm: &str) -> Option<&Device> {
        let (worker, device) = self.0.get(tid)?;
        (worker == comm).then_some(device)
    }
}
