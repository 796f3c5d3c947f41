//! What is installed so that boots are traced: files of our own, links, and the command that rebuilds the initramfs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::step::Step;
use super::systemd;
use crate::cli::{BootEnable, InitramfsTool};
use crate::failure::{FAILED, failure};

/// The program that the texts of hooks and units start: this one takes its place.
pub(super) const PROGRAM: &str = "/usr/bin/kmodtrace";
/// What they start it with: options follow it.
const TRACE: &str = "kmodtrace boot trace";

/// What is installed for tracing boots.
#[derive(Debug)]
pub(crate) struct Installed {
    /// Files and links, then commands.
    pub(crate) steps: Vec<Step>,
    /// Which tool makes the initramfs.
    pub(crate) tool: InitramfsTool,
}

/// What the texts of hooks and units say besides.
#[derive(Clone, Debug, Default)]
struct Wishes {
    /// Boots whose recordings are kept.
    keep: u32,
    /// Whether only the next boot is traced.
    once: bool,
    /// Bytes that a recording may have.
    max_size: u64,
    /// What options of the tracer its recordings get.
    labels: String,
}

/// A tool that makes initramfs images.
struct Maker {
    tool: InitramfsTool,
    /// A program that is there where the tool is.
    found_by: &'static str,
    /// Files, as path, text and whether they are executable.
    files: &'static [(&'static str, &'static str, bool)],
    rebuild: &'static [&'static str],
}

/// One for each tool, in the order in which they are looked for: Debian's may be there beside another one only in part.
const MAKERS: &[Maker] = &[
    Maker {
        tool: InitramfsTool::Dracut,
        found_by: "dracut",
        // The unit and the program lie there as they do in the real root, so that its systemd knows the unit that it takes over.
        files: &[(
            "/etc/dracut.conf.d/kmodtrace.conf",
            "install_items+=\" /usr/bin/kmodtrace /etc/systemd/system/kmodtrace-boot.service \
             /etc/systemd/system/sysinit.target.wants/kmodtrace-boot.service \"\n",
            false,
        )],
        rebuild: &["dracut", "--force", "--regenerate-all"],
    },
    Maker {
        tool: InitramfsTool::Mkinitcpio,
        found_by: "mkinitcpio",
        files: &[
            (
                "/etc/initcpio/install/kmodtrace",
                include_str!("hooks/mkinitcpio-install"),
                false,
            ),
            (
                "/etc/initcpio/hooks/kmodtrace",
                include_str!("hooks/mkinitcpio-hook"),
                false,
            ),
            (
                "/etc/mkinitcpio.conf.d/kmodtrace.conf",
                include_str!("hooks/mkinitcpio.conf"),
                false,
            ),
        ],
        rebuild: &["mkinitcpio", "-P"],
    },
    Maker {
        tool: InitramfsTool::InitramfsTools,
        found_by: "update-initramfs",
        files: &[
            (
                "/etc/initramfs-tools/hooks/kmodtrace",
                include_str!("hooks/initramfs-tools-hook"),
                true,
            ),
            (
                "/etc/initramfs-tools/scripts/init-top/kmodtrace",
                include_str!("hooks/initramfs-tools-init-top"),
                true,
            ),
        ],
        rebuild: &["update-initramfs", "-u"],
    },
    Maker {
        tool: InitramfsTool::None,
        found_by: "",
        files: &[],
        rebuild: &[],
    },
];

/// Everything that belongs to tracing boots with this tool, with this program.
fn installed(maker: &Maker, program: &str, wishes: &Wishes) -> Installed {
    let files = maker.files.iter();
    let files = files.map(|(path, text, runs)| Step::File(PathBuf::from(path), (*text).to_owned(), *runs));
    let mut steps = systemd::units(wishes.keep, wishes.once);
    steps.extend(files);
    let trace = format!("{TRACE} --max-size {}K{}", wishes.max_size >> 10, wishes.labels);
    for step in &mut steps {
        if let Step::File(_, text, _) = step {
            *text = text.replace(TRACE, &trace).replace(PROGRAM, program);
        }
    }
    if !maker.rebuild.is_empty() {
        steps.push(Step::Run(maker.rebuild.to_vec()));
    }
    Installed {
        steps,
        tool: maker.tool,
    }
}

/// This program, by a path that shells and units take as it is.
fn this_program() -> Result<String> {
    let path = std::env::current_exe().context("cannot tell which program this is")?;
    let text = path.to_string_lossy().into_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) {
        return Ok(text);
    }
    Err(failure(
        FAILED,
        format!("{text}: hooks and units cannot start a program with such a path; move it to /usr/local/bin"),
    ))
}

/// Whether a program of that name can be found.
fn is_there(program: &str) -> bool {
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
        .iter()
        .any(|folder| Path::new(folder).join(program).exists())
}

/// What is to be installed for tracing boots on this system.
pub(crate) fn enable(args: &BootEnable) -> Result<Installed> {
    let program = this_program()?;
    let maker = MAKERS.iter().find(|maker| match args.initramfs {
        InitramfsTool::Auto => maker.found_by.is_empty() || is_there(maker.found_by),
        asked => maker.tool == asked,
    });
    let maker = maker.context("no such tool")?;
    if !maker.found_by.is_empty() && !is_there(maker.found_by) {
        let text = format!(
            "{} is not there: --initramfs auto takes the tool that is",
            maker.found_by
        );
        return Err(failure(FAILED, text));
    }
    let wishes = Wishes {
        keep: args.keep,
        once: args.once,
        max_size: args.max_size,
        labels: args.labels.options(),
    };
    Ok(installed(maker, &program, &wishes))
}

/// What is installed now, whatever it was installed for; none where nothing is.
pub(crate) fn disable() -> Option<Installed> {
    let there = |step: &Step| match step {
        Step::File(path, ..) | Step::Link(path, _) => fs::symlink_metadata(path).is_ok(),
        Step::Run(_) => false,
    };
    let maker = MAKERS
        .iter()
        .find(|maker| maker.files.iter().any(|(path, ..)| Path::new(path).exists()));
    let maker = maker.or(MAKERS.last())?;
    let mut all = installed(maker, PROGRAM, &Wishes::default());
    if !all.steps.iter().any(there) {
        return None;
    }
    all.steps.retain(|step| there(step) || matches!(step, Step::Run(_)));
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_ours_and_no_name_of_a_hook_has_a_dot() {
        for maker in MAKERS {
            for step in installed(maker, PROGRAM, &Wishes::default()).steps {
                let path = match step {
                    Step::File(path, ..) | Step::Link(path, _) => path,
                    Step::Run(_) => continue,
                };
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                assert!(
                    path.starts_with("/etc") && name.starts_with("kmodtrace"),
                    "{}",
                    path.display()
                );
                assert!(
                    !path.starts_with("/etc/initramfs-tools") || !name.contains('.'),
                    "{name}"
                );
            }
        }
    }

    /// Else the initramfs would have the program in one place and start it in another.
    #[test]
    fn a_program_elsewhere_is_started_there() {
        for maker in MAKERS {
            for step in installed(maker, "/opt/k/kmodtrace", &Wishes::default()).steps {
                if let Step::File(path, text, _) = step {
                    assert!(!text.contains("/usr/bin"), "{}: {text}", path.display());
                }
            }
        }
    }

    #[test]
    fn the_last_maker_is_none_and_needs_nothing() {
        assert!(
            MAKERS
                .last()
                .is_some_and(|maker| maker.found_by.is_empty() && maker.files.is_empty())
        );
    }
}
