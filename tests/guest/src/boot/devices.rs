//! The devices that udev loaded for, against what sysfs says of them.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use crate::compare::few;
use crate::observed::Report;

/// Of a hundred loads by udev, so many have their device.
const SHARE: usize = 95;

/// Compares the devices of udev's loads with `PATH/modalias ALIAS` lines of sysfs. Gives a line about them.
pub(super) fn check(report: &Report, sysfs: &str) -> Result<String> {
    let alias = |line: &'_ str| {
        let (path, alias) = line.split_once("/modalias ")?;
        Some((path.to_owned(), alias.to_owned()))
    };
    let sysfs: BTreeMap<String, String> = sysfs.lines().filter_map(alias).collect();
    let by_udev: Vec<_> = report
        .attempts
        .iter()
        .filter(|attempt| attempt.comm == "(udev-worker)")
        .collect();
    let devices: Vec<_> = by_udev.iter().filter_map(|attempt| attempt.device.as_ref()).collect();
    let compared = devices
        .iter()
        .filter_map(|device| Some((*device, sysfs.get(&device.path)?)));
    let (same, others): (Vec<_>, Vec<_>) = compared.partition(|(device, alias)| device.alias.as_ref() == Some(alias));
    let others: Vec<String> = others.iter().map(|other| format!("{other:?}")).collect();
    ensure!(others.is_empty(), "sysfs has other aliases: {}", few(&others));
    ensure!(!same.is_empty(), "no device of a load is in sysfs");
    ensure!(
        devices.len() * 100 >= by_udev.len() * SHARE,
        "{} of {} loads by udev have their device",
        devices.len(),
        by_udev.len()
    );
    Ok(format!(
        "devices: {} of {} loads by udev; {} have the alias that sysfs has",
        devices.len(),
        by_udev.len(),
        same.len()
    ))
}
