//! What a row is about, however it is drawn and wherever it stands.

/// A module by its name; the one without a name is that of loads that failed before they had one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(pub(super) Option<String>);

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Module(Name),
    /// The number of an attempt or a request.
    Id(u64),
    /// Its place in what the picture has.
    Place(usize),
}
