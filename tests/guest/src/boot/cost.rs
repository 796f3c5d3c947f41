//! What tracing costs a boot: boots with it and without, in turn, and how long each took to the default target.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use guest_vm::image::{Image, Initramfs};

use super::{COLLECT, WHOLE, booted};
use crate::guest::Tally;

/// Boots of each kind.
const BOOTS: usize = 3;

/// What tracing may add, beyond what untraced boots differ among themselves.
const MOST: f64 = 1.02;

/// Boots and compares.
pub(super) fn run(tool: &Path, tally: &mut Tally) -> Result<usize> {
    let image = Image::make(Initramfs::InitramfsTools, &[tool], &[WHOLE[0].enable, COLLECT].concat())?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..BOOTS {
        for (times, name, word) in [(&mut without, "untraced", "kmodtrace=off"), (&mut with, "traced", "")] {
            let append = format!("{} {word}", WHOLE[0].append);
            let (out, _) = booted(&image, name, &append, false, tally)?;
            ensure!(out.join("boot.kmt").exists() == word.is_empty(), "{name}: it is not");
            times.push(finished(&out)?);
        }
    }
    without.sort_by(f64::total_cmp);
    with.sort_by(f64::total_cmp);
    let ratio = with[BOOTS / 2] / without[BOOTS / 2];
    let noise = without[BOOTS - 1] / without[0];
    tally.lines.push(format!(
        "to the default target, in seconds: untraced {without:.1?}, traced {with:.1?}; medians traced over untraced {ratio:.3}, \
         the slowest over the fastest untraced {noise:.3}"
    ));
    ensure!(ratio <= MOST * noise, "a traced boot takes {ratio:.3} times as long");
    Ok(0)
}

/// Seconds from the kernel's start to the default target, as systemd says.
fn finished(out: &Path) -> Result<f64> {
    let text = fs::read_to_string(out.join("finished")).context("the guest left no time")?;
    let micros = text.trim_end().strip_prefix("FinishTimestampMonotonic=");
    let micros: f64 = micros.and_then(|micros| micros.parse().ok()).context(text)?;
    ensure!(micros > 0.0, "the default target was not reached");
    Ok(micros / 1e6)
}
