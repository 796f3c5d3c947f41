//! The views.

/// A view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tab {
    #[default]
    Modules,
    Now,
    Module,
    Graph,
    Requests,
    Findings,
    TimeLine,
    Probes,
}

impl Tab {
    pub(super) const ALL: [Self; 8] = [
        Self::Modules,
        Self::Now,
        Self::Module,
        Self::Graph,
        Self::Requests,
        Self::Findings,
        Self::TimeLine,
        Self::Probes,
    ];

    /// Its title, and a shorter one.
    pub(super) const fn titles(self) -> [&'static str; 2] {
        match self {
            Self::Modules => ["Modules", "Mods"],
            Self::Now => ["Now", "Now"],
            Self::Module => ["Module", "Mod"],
            Self::Graph => ["Graph", "Graph"],
            Self::Requests => ["Requests", "Reqs"],
            Self::Findings => ["Findings", "Find"],
            Self::TimeLine => ["Time line", "Time"],
            Self::Probes => ["Probes", "Probes"],
        }
    }

    /// What it shows.
    pub(super) const fn help(self) -> &'static str {
        match self {
            Self::Modules => "Modules: a row for each",
            Self::Now => "Now: attempts in flight, and whom they wait for",
            Self::Module => "Module: the one the cursor is on",
            Self::Graph => "Graph: waiters below the one they wait for",
            Self::Requests => "Requests of the kernel, and its 50 slots",
            Self::Findings => "Findings; Enter opens the evidence",
            Self::TimeLine => "Time line: attempts as lanes",
            Self::Probes => "Probes, and what is not observed",
        }
    }

    /// The key that shows it.
    pub(super) fn number(self) -> usize {
        Self::ALL.iter().position(|tab| *tab == self).unwrap_or_default() + 1
    }

    /// The view so many places behind this one.
    pub(super) fn step(self, by: isize) -> Self {
        let places = Self::ALL.len().cast_signed();
        let at = Self::ALL
            .iter()
            .position(|tab| *tab == self)
            .unwrap_or_default()
            .cast_signed();
        Self::ALL[(at + by).rem_euclid(places).cast_unsigned()]
    }
}
