//! Devices for which udev loads modules.

/// A device that udev handles, as its event tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// `DEVPATH`: where it is below /sys.
    pub path: String,
    /// `SUBSYSTEM`, such as `pci`; absent if the event has none.
    pub subsystem: Option<String>,
    /// `MODALIAS`, by which its module is looked up; absent if the event has none.
    pub alias: Option<String>,
    /// `ACTION`: `add`, `change`, ...; absent if the event has none.
    pub action: Option<String>,
}
