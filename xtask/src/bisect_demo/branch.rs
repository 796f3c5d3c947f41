//! The two histories of the demo: one whose regression shows in every boot, and one whose does not.

use anyhow::Result;
use guest_vm::kernel::build::{
    Fix,
    edit::{self, Substitution},
};

/// A branch of the demo's repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Branch {
    /// Whoever meets a GOING module waits, and loads it again.
    Steady,
    /// The same, in one boot of three.
    Intermittent,
}

/// Each waiter runs the init function that failed for the one it waited for: all eight do. On a good kernel one does, and a
/// second one in a run of three, which came when the first was gone.
const BAD: &str = "module(acpi_cpufreq).init.count>4";

/// Decided once, by whichever load asks first.
const ONE_BOOT_OF_THREE: &str = "#include <linux/random.h>

/* Whether a module that is going away is waited for: one boot in three does. */
static bool waits_for_going(void)
{
	static int waits = -1;

	if (READ_ONCE(waits) < 0)
		cmpxchg(&waits, -1, get_random_u32() % 3 == 0);
	return READ_ONCE(waits) > 0;
}

";

/// What `Fix::DontWaitForGoing` took away, under that condition.
const SOMETIMES: &[(&str, &[Substitution])] = &[
    (
        "finished_loading",
        &[(
            "MODULE_STATE_GOING",
            "(waits_for_going() ? MODULE_STATE_LIVE : MODULE_STATE_GOING)",
        )],
    ),
    (
        "add_unformed_module",
        &[
            (
                "== MODULE_STATE_UNFORMED",
                "== MODULE_STATE_UNFORMED\n\t\t    || (waits_for_going() && old->state != MODULE_STATE_LIVE)",
            ),
            ("= MODULE_STATE_UNFORMED;", "= MODULE_STATE_UNFORMED;\nagain:"),
            (
                "goto out_unlocked;",
                "goto out_unlocked;\n\t\t\telse if (waits_for_going())\n\t\t\t\tgoto again;",
            ),
        ],
    ),
];

impl Branch {
    /// What git calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Intermittent => "intermittent",
        }
    }

    /// What is bad, and how sure `kmodtrace bisect` is to be of it.
    pub(super) fn judgement(self) -> &'static [&'static str] {
        match self {
            // Storms collide as good as always: three that show nothing would be enough.
            Self::Steady => &["--bad-when", BAD, "--rate", "0.9"],
            Self::Intermittent => &["--bad-when", BAD, "--rate", "1/3", "--most-runs", "30"],
        }
    }

    /// How many storms a boot has, each of them a run: four, the fewest that show a difference. Where boots differ, storms of
    /// one boot say the same thing twice.
    pub(super) fn runs_a_boot(self) -> u32 {
        match self {
            Self::Steady => 4,
            Self::Intermittent => 1,
        }
    }

    /// The loader with the regression in it.
    pub(super) fn regression(self, loader: &str) -> Result<String> {
        match self {
            Self::Steady => Fix::DontWaitForGoing.revert(loader.to_owned()),
            Self::Intermittent => {
                let mut loader = edit::above_function(loader, "finished_loading", ONE_BOOT_OF_THREE)?;
                for (function, substitutions) in SOMETIMES {
                    loader = edit::in_function(&loader, function, substitutions)?;
                }
                Ok(loader)
            }
        }
    }
}
