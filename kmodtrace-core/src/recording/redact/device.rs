//! What udev knows of a device.

use kmodtrace_common::record;

use super::Redactor;
use crate::records::decode::{properties, text};

impl Redactor {
    /// Of the properties those stay that a device is told by. MODALIAS is what the kernel makes of the hardware's model, and says nothing of
    /// the single piece; where the device is may have its serial number.
    pub(super) fn uevent(&mut self, uevent: &mut record::Uevent) {
        let mut message = Vec::new();
        for (key, value) in properties(uevent) {
            match key {
                b"DEVPATH" => message.extend([b"DEVPATH=", self.device(&text(value)).as_bytes(), b"\0"].concat()),
                b"SUBSYSTEM" | b"MODALIAS" | b"ACTION" => message.extend([key, b"=", value, b"\0"].concat()),
                _ => {}
            }
        }
        uevent.len = u32::try_from(message.len()).unwrap_or(u32::MAX);
        for (byte, new) in uevent
            .text
            .iter_mut()
            .zip(message.into_iter().chain(std::iter::repeat(0)))
        {
            *byte = new;
        }
    }

    fn device(&mut self, path: &str) -> String {
        let (front, below) = path
            .strip_prefix("/devices")
            .map_or(("", path), |below| ("/devices", below));
        front.to_owned() + &self.folders(below, "device-")
    }
}
