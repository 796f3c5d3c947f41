//! QEMU while it runs.

use std::{os::unix::process::ExitStatusExt as _, process::Child, thread, time::Duration};

use anyhow::{Context as _, Result};

/// A running QEMU, ended with the value.
pub(crate) struct Machine(pub(crate) Child);

impl Machine {
    /// Whether it has ended.
    pub(crate) fn is_off(&mut self) -> Result<bool> {
        Ok(self.0.try_wait().context("cannot ask for qemu's state")?.is_some())
    }

    /// Whether it has ended by a signal that nobody sent it: a fault of its own.
    pub(crate) fn crashed(&mut self) -> Result<bool> {
        let status = self.0.try_wait().context("cannot ask for qemu's state")?;
        Ok(status.is_some_and(|status| status.signal().is_some()))
    }

    /// Ends it if it still runs. Whether it had no complaint of its own.
    pub(crate) fn end(&mut self) -> Result<bool> {
        // All ports closed: it is about to exit by itself, and restores the terminal while it does.
        for _ in 0..20 {
            if let Some(status) = self.0.try_wait().context("cannot ask for qemu's state")? {
                return Ok(status.success());
            }
            thread::sleep(Duration::from_millis(50));
        }
        self.0.kill().context("cannot end qemu")?;
        self.0.wait().context("cannot wait for qemu")?;
        Ok(true)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
