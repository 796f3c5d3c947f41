//! What udevd tells a worker of the device that it is to handle: `KEY=VALUE`, a NUL behind each.

use kmodtrace_common::record;

use super::text;
use crate::model::Device;

/// The properties of a message. One that was cut is left out.
pub(crate) fn properties(record: &record::Uevent) -> impl Iterator<Item = (&[u8], &[u8])> {
    let len = usize::try_from(record.len).unwrap_or(usize::MAX);
    let kept = record.text.get(..len).unwrap_or(&record.text);
    let properties = kept.split_inclusive(|byte| *byte == 0);
    properties.filter_map(|property| property.strip_suffix(b"\0").and_then(split))
}

/// The device; none where the message names none.
pub(super) fn device(record: &record::Uevent) -> Option<Device> {
    let mut device = Device::default();
    for (key, value) in properties(record) {
        match key {
            b"DEVPATH" => device.path = text(value),
            b"SUBSYSTEM" => device.subsystem = Some(text(value)),
            b"MODALIAS" => device.alias = Some(text(value)),
            b"ACTION" => device.action = Some(text(value)),
            _ => {}
        }
    }
    Some(device).filter(|device| !device.path.is_empty())
}

fn split(property: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = property.iter().position(|byte| *byte == b'=')?;
    let (key, value) = property.split_at(at);
    Some((key, value.get(1..)?))
}
