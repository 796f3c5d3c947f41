//! The kernels of the test matrix: a row for each, with the properties that the tests ask for. No test asks for a name.

/// A kernel of the matrix: what it is called, where it comes from, and what is true of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property that tests ask for")]
pub struct Flavour {
    /// The name users type.
    pub name: &'static str,
    /// The Debian suite that ships it.
    pub suite: &'static str,
    /// The package that depends on the suite's newest kernel of this kind.
    pub(super) package: &'static str,
    /// Whether the suite has security updates, which carry the newest kernel.
    pub(super) security: bool,
    /// The row whose downloaded kernel it is, where it is the same one booted in another way.
    pub(super) kernel_of: Option<&'static str>,
    /// Parameters of its command line.
    pub(super) append: &'static str,
    /// Whether demo, bench, the console and the bisect tests use it: one kernel is enough for them.
    pub everyday: bool,
    /// Whether modules of our own are built for it: its headers suit the compiler of the machines they are built on.
    pub fixtures: bool,
    /// Whether its source is known to build with our small configuration.
    pub builds: bool,
    /// Whether programs can resolve the symbols of a stack: `bpf_snprintf`, 5.13.
    pub symbols: bool,
    /// Whether programs are told which link runs them: `bpf_get_attach_cookie`, 5.15.
    pub cookies: bool,
    /// Whether Debian built it with modules whose init function has the kernel load another one: `stm_core`, from 6.12 on.
    pub requesting: bool,
    /// Whether links of kprobe.multi are gone without any grace period: from 7.2 on.
    pub detaches_at_once: bool,
    /// Whether every scenario is made on it. If not, those in which tasks wait for each other, and the corpus: another row with
    /// nearly the same kernel has them all.
    pub every_scenario: bool,
    /// What of the bad input is tried on it.
    pub bad_input: BadInput,
    /// Whether drill is tried on it.
    pub drill: bool,
}

/// Cases of bad input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadInput {
    /// All of them.
    All,
    /// Those in which the kernel has a part. The others try kmodtrace alone, and one kernel is enough for them.
    OfTheKernel,
    /// None: another row with nearly the same kernel has tried them.
    Not,
}

/// What most rows have in common.
const USUAL: Flavour = Flavour {
    name: "",
    suite: "",
    package: "linux-image-cloud-amd64",
    security: true,
    kernel_of: None,
    append: "",
    everyday: false,
    fixtures: false,
    builds: false,
    symbols: true,
    cookies: true,
    requesting: true,
    detaches_at_once: false,
    every_scenario: true,
    bad_input: BadInput::OfTheKernel,
    drill: true,
};

/// The test matrix, the oldest kernel first. The kernels of sid and of backports move, so they go by the suite's name.
pub static MATRIX: [Flavour; 7] = [
    Flavour {
        name: "5.10",
        suite: "bullseye",
        symbols: false,
        cookies: false,
        requesting: false,
        ..USUAL
    },
    Flavour {
        name: "6.1",
        suite: "bookworm",
        everyday: true,
        fixtures: true,
        builds: true,
        requesting: false,
        ..USUAL
    },
    Flavour {
        name: "6.12",
        suite: "trixie",
        // A tracer begins and ends on it in half the time that it takes on the older ones.
        bad_input: BadInput::All,
        ..USUAL
    },
    // Preempts everywhere, where the same kernel otherwise does so in few places.
    Flavour {
        name: "6.12-full",
        suite: "trixie",
        kernel_of: Some("6.12"),
        append: "preempt=full",
        every_scenario: false,
        bad_input: BadInput::Not,
        drill: false,
        ..USUAL
    },
    // PREEMPT_RT: also what holds a spinlock is preempted.
    Flavour {
        name: "rt",
        suite: "trixie",
        package: "linux-image-rt-amd64",
        every_scenario: false,
        bad_input: BadInput::Not,
        drill: false,
        ..USUAL
    },
    Flavour {
        name: "sid",
        suite: "sid",
        security: false,
        detaches_at_once: true,
        ..USUAL
    },
    Flavour {
        name: "backports",
        suite: "trixie-backports",
        security: false,
        detaches_at_once: true,
        every_scenario: false,
        bad_input: BadInput::Not,
        drill: false,
        ..USUAL
    },
];
