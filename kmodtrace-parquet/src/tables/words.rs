//! Values of rows, as columns have them.

use std::borrow::Cow;

use serde::Serialize;

use crate::column::Text;

/// Text that is there or not.
pub(super) fn text(text: Option<&str>) -> Text<'_> {
    text.map(Cow::Borrowed)
}

/// Text that is empty where it was not seen.
pub(super) fn seen(text: &str) -> Text<'_> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

/// A variant as JSON has it.
pub(super) fn word<'r>(variant: impl Serialize) -> Text<'r> {
    let value = serde_json::to_value(variant).ok()?;
    value.as_str().map(|word| Cow::Owned(word.to_owned()))
}

/// A list of variants, or of texts.
pub(super) fn words<'r>(variants: &[impl Serialize]) -> Vec<Cow<'r, str>> {
    variants.iter().filter_map(word).collect()
}
