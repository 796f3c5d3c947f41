//! A finding: what is told of a session beyond its numbers, in the same words everywhere.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::Evidence;
use crate::text::{Names, printable, write_wrapped};

macro_rules! names {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $advice:literal;)+) => {
        /// What can be found, in the order in which it is told.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        #[schemars(rename = "FindingName")]
        pub enum Name {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As users see it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What to do.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)+ }
            }
        }
    };
}

names! {
    /// Attempts and requests waited for each other in a circle.
    Deadlock = "deadlock",
        "load the requested module before the one whose init function requests it, or move the request out of the init function";
    /// Starting the helper of a request asks for the same again, which starts it again.
    HelperRecursion = "helper-recursion",
        "the program in /proc/sys/kernel/modprobe cannot run here: install a modprobe of this architecture";
    /// A request got none of the slots in five seconds.
    ThrottleExhausted = "throttle-exhausted",
        "request fewer modules at once, or find out why modprobe is slow: each slot is one modprobe";
    /// The caller of a request dropped its errno.
    ErrnoDropped = "errno-dropped",
        "the caller replaced the real error: see what the request returned";
    /// Tasks got EBUSY because of what somebody else's load or unload came to.
    BusyInherited = "busy-inherited",
        "see the load or unload that was in the way; a retry after it ends returns the module's own errno";
    /// The init function said EEXIST, which modprobe takes for success.
    ExistHidden = "exist-hidden",
        "the module is not loaded: its init function should return another errno";
    /// Arguments had no effect.
    ParametersIgnored = "parameters-ignored",
        "set the parameters in modprobe.d, so that the first load gets them, or write to /sys/module/NAME/parameters";
    /// A load was given a parameter that the module does not have.
    ParameterUnknown = "parameter-unknown",
        "see modinfo -p for the module's parameters, and correct the options line in modprobe.d or on the kernel command line";
    /// A signal ended loads.
    KilledBySignal = "killed-by-signal",
        "find out who sends it: udev kills workers that exceed its event timeout (udev.event_timeout=)";
    /// A load went on after its task had been sent `SIGKILL`.
    KilledButLoading = "killed-but-loading",
        "whoever sends it gains nothing: the kernel ends the task when its call returns; raise the timeout, or speed up the load";
    /// An init function fails again and again.
    InitFailsAgain = "init-fails-again",
        "if the hardware is absent, blacklist the module in modprobe.d";
    /// One module has been loaded from two files.
    TwoFiles = "two-files",
        "remove all files but one and run depmod";
    /// Many tasks load one module at a time.
    Herd = "herd",
        "load it once, earlier: with modules-load.d or in the initramfs";
    /// Many waited for one at a time.
    PileUp = "pile-up",
        "speed up the load that all wait for, or load the module once, earlier";
    /// A load waited for other people's asynchronous work.
    AsyncOfOthers = "async-of-others",
        "load it earlier, or enable asynchronous probing (async_probe)";
    /// Others waited for `module_mutex` during grace periods of RCU.
    MutexAcrossRcu = "mutex-across-rcu",
        "avoid the failing loads: each holds module_mutex for an RCU grace period, which blocks all others";
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Finding {
    /// Which one.
    pub id: Name,
    /// The module, or the name of a request; null when it is about all of them.
    pub module: Option<String>,
    /// In words.
    pub sentence: String,
    /// The numbers of the sentence; times in nanoseconds.
    pub numbers: BTreeMap<&'static str, u64>,
    /// Attempts that show it.
    pub attempts: Evidence,
    /// Requests that show it.
    pub requests: Evidence,
    /// What to do.
    pub advice: &'static str,
}

impl Finding {
    /// Whether it is shown: what is about all modules is when no names were asked for.
    pub fn is_about(&self, modules: &Names) -> bool {
        modules.take(self.module.as_deref())
    }

    /// Time that it cost, in nanoseconds: the greatest of its times. 0 where it is not about time.
    pub fn cost_ns(&self) -> u64 {
        let times = self.numbers.iter().filter(|(name, _)| name.ends_with("_ns"));
        times.map(|(_, long)| *long).max().unwrap_or_default()
    }

    /// In one line: `herd: SENTENCE (attempts 1, 2 and 40 more); ADVICE`.
    pub fn text(&self) -> String {
        let shown = [self.attempts.text("attempt"), self.requests.text("request")];
        let shown: Vec<String> = shown.into_iter().flatten().collect();
        let sentence = printable(&self.sentence);
        format!("{}: {sentence} ({}); {}", self.id.name(), shown.join("; "), self.advice)
    }
}

/// Writes each finding as a paragraph of lines no longer than these columns. Nothing where there is none.
pub fn write_findings(findings: &[Finding], columns: usize, out: &mut impl Write) -> io::Result<()> {
    for finding in findings {
        let sentence = format!("{}: {}", finding.id.name(), finding.sentence);
        paragraph(&sentence, "", columns, out)?;
        for shown in [finding.attempts.text("attempt"), finding.requests.text("request")] {
            shown.map_or(Ok(()), |shown| paragraph(&shown, "  ", columns, out))?;
        }
        paragraph(finding.advice, "  ", columns, out)?;
    }
    Ok(())
}

fn paragraph(text: &str, first: &str, columns: usize, out: &mut impl Write) -> io::Result<()> {
    write_wrapped(text, first, "  ", columns, out)
}
