//! `kmodtrace boot enable --once`: one boot is traced, and the next is as if kmodtrace had never been there.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use guest_vm::image::{Image, Initramfs};

use super::{COLLECT, WHOLE, booted, status};
use crate::guest::Tally;

const ENABLE: &str = "kmodtrace boot enable --once --initramfs initramfs-tools\n";

/// Boots twice, with the initramfs that the first boot leaves.
pub(super) fn run(tool: &Path, tally: &mut Tally) -> Result<usize> {
    let image = Image::make(Initramfs::InitramfsTools, &[tool], &[ENABLE, COLLECT].concat())?;
    let append = WHOLE[0].append;
    let (first, _) = booted(&image, "once", append, true, tally)?;
    let traced = status(&first)?;
    ensure!(
        traced.starts_with("boots are not traced") && traced.contains("this boot was traced: "),
        "the first boot: {traced}"
    );
    image.renew_initramfs()?;
    let (second, duration) = booted(&image, "once-again", append, false, tally)?;
    let untraced = status(&second)?;
    ensure!(
        untraced.starts_with("boots are not traced") && untraced.contains("of this boot there is no recording\n"),
        "the second boot: {untraced}"
    );
    let log = fs::read_to_string(second.join("dmesg")).context("the guest left no log")?;
    ensure!(
        !log.contains("kmodtrace: "),
        "something of it was started in the second boot"
    );
    let recording = |out: &Path| fs::read(out.join("boot.kmt")).context("the guest left no recording");
    ensure!(
        recording(&first)? == recording(&second)?,
        "the recording of the first boot was not kept"
    );
    tally
        .lines
        .push(format!("the second boot, untraced: {} s", duration.as_secs()));
    Ok(0)
}
