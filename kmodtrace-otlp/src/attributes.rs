//! Attributes: names and values. What was not seen has none.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// Attributes of one thing.
#[derive(Debug, Default)]
pub(crate) struct Attributes(Vec<KeyValue>);

impl Attributes {
    /// Adds a text, where there is one.
    #[must_use]
    pub(crate) fn text(self, key: &str, value: Option<impl Into<String>>) -> Self {
        self.with(key, value.map(|value| Value::StringValue(value.into())))
    }

    /// Adds a number, where there is one. Larger ones than OpenTelemetry has are its largest.
    #[must_use]
    pub(crate) fn number(self, key: &str, value: Option<impl TryInto<i64>>) -> Self {
        self.with(
            key,
            value.map(|value| Value::IntValue(value.try_into().unwrap_or(i64::MAX))),
        )
    }

    /// Adds a yes or no, where that is known.
    #[must_use]
    pub(crate) fn flag(self, key: &str, value: Option<bool>) -> Self {
        self.with(key, value.map(Value::BoolValue))
    }

    fn with(mut self, key: &str, value: Option<Value>) -> Self {
        self.0.extend(value.map(|value| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        }));
        self
    }
}

impl From<Attributes> for Vec<KeyValue> {
    fn from(attributes: Attributes) -> Self {
        attributes.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// Words of a text between two of these characters that look like attributes.
    fn attributes(text: &str, quote: char) -> BTreeSet<&str> {
        let prefixes = ["kmodtrace.", "service.", "host.", "os.", "process.", "thread."];
        let words = text
            .split(quote)
            .filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)));
        words.filter(|word| !word.contains([' ', '{', 'N'])).collect()
    }

    #[test]
    fn documentation_has_each_attribute_and_no_other() {
        let code = [include_str!("traces.rs"), include_str!("resource.rs")].concat();
        let documented = include_str!("../../docs/opentelemetry.md").split("## Metrics").next();
        let documented = documented.unwrap_or_default();
        assert_eq!(attributes(&code, '"'), attributes(documented, '`'));
    }
}
