//! When the running kernel preempts its own code: which probes miss calls depends on it.

use std::fs;

use kmodtrace_core::kernel::facts::Preemption;

/// What the kernel says of itself; none where nothing that can be read tells.
pub(super) fn read(release: &str, version: &str) -> Option<Preemption> {
    built(version).unwrap_or_else(|| {
        in_force(&text("/sys/kernel/debug/sched/preempt"))
            .or_else(|| asked(&text("/proc/cmdline")))
            .or_else(|| configured(&text(&format!("/boot/config-{release}"))))
            .or_else(|| configured(&text(&format!("/lib/modules/{release}/config"))))
    })
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// What `uname -v` says (init/Makefile of the kernel); none for `PREEMPT_DYNAMIC`, which is chosen at boot.
#[expect(clippy::option_option, reason = "whether it is told here, and what")]
fn built(version: &str) -> Option<Option<Preemption>> {
    let has = |word: &str| version.split_whitespace().any(|found| found == word);
    if has("PREEMPT_RT") {
        Some(Some(Preemption::Rt))
    } else if has("PREEMPT_DYNAMIC") {
        None
    } else if has("PREEMPT") {
        Some(Some(Preemption::Full))
    } else {
        Some(Some(Preemption::None))
    }
}

/// The word in brackets of `none voluntary (full) lazy` (`sched_dynamic_show`, kernel/sched/debug.c).
fn in_force(text: &str) -> Option<Preemption> {
    let (_, rest) = text.split_once('(')?;
    Preemption::from_word(rest.split_once(')')?.0)
}

/// `preempt=` of the kernel's command line. The kernel goes by the last one.
fn asked(text: &str) -> Option<Preemption> {
    let words = text.split_whitespace();
    let last = words.filter_map(|word| word.strip_prefix("preempt=")).next_back()?;
    Preemption::from_word(last)
}

/// The default of the kernel's configuration.
fn configured(text: &str) -> Option<Preemption> {
    let has = |option: &str| text.lines().any(|line| line.strip_suffix("=y") == Some(option));
    [
        ("CONFIG_PREEMPT_NONE", Preemption::None),
        ("CONFIG_PREEMPT_VOLUNTARY", Preemption::None),
        ("CONFIG_PREEMPT_LAZY", Preemption::Lazy),
        ("CONFIG_PREEMPT", Preemption::Full),
    ]
    .into_iter()
    .find_map(|(option, preemption)| has(option).then_some(preemption))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_says_how_it_was_built() {
        let built = |version| built(version).flatten();
        assert_eq!(
            built("#1 SMP PREEMPT_RT Debian 6.12.57-1 (2025-11-05)"),
            Some(Preemption::Rt)
        );
        assert_eq!(built("#1 SMP PREEMPT Debian 1"), Some(Preemption::Full));
        assert_eq!(built("#1 SMP Debian 5.10.223-1"), Some(Preemption::None));
        assert_eq!(super::built("#1 SMP PREEMPT_DYNAMIC Debian 6.1.1"), None);
    }

    #[test]
    fn what_is_in_force_is_in_brackets() {
        assert_eq!(in_force("none voluntary (full)\n"), Some(Preemption::Full));
        assert_eq!(in_force("full (lazy)\n"), Some(Preemption::Lazy));
        assert_eq!(in_force("(voluntary) full"), Some(Preemption::None));
        assert_eq!(in_force(""), None);
    }

    #[test]
    fn the_command_line_may_ask() {
        assert_eq!(asked("quiet preempt=full preempt=none"), Some(Preemption::None));
        assert_eq!(asked("quiet preempt=fully"), None);
    }

    #[test]
    fn the_configuration_has_a_default() {
        let lazy = "# CONFIG_PREEMPT_VOLUNTARY is not set\nCONFIG_PREEMPT_LAZY=y\nCONFIG_PREEMPT_DYNAMIC=y\n";
        assert_eq!(configured(lazy), Some(Preemption::Lazy));
        assert_eq!(configured("CONFIG_PREEMPT=y\n"), Some(Preemption::Full));
        assert_eq!(configured("CONFIG_PREEMPT_DYNAMIC=y\n"), None);
    }
}
