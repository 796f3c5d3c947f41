//! Which names are asked for.

use super::Glob;

/// Names that match one of several patterns; all of them where there is no pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    globs: Vec<Glob>,
}

impl Names {
    /// Those that match one of these patterns, which [`Glob::new`] reads.
    pub fn matching(patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let globs = patterns.into_iter().map(|pattern| Glob::new(pattern.as_ref()));
        Self { globs: globs.collect() }
    }

    /// Whether every name is asked for.
    pub fn are_all(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether something with this name is asked for. What has no name is, unless names were given.
    pub fn take(&self, name: Option<&str>) -> bool {
        self.are_all() || name.is_some_and(|name| self.globs.iter().any(|glob| glob.matches(name)))
    }
}
