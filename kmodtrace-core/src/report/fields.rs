//! Measures as fields of a module's JSON, and what the schema says of each.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::Map;

use super::Outcomes;
use super::spread::{Spread, outcomes};
use crate::analysis::aggregate::ModuleStats;
use crate::analysis::histogram::Histogram;
use crate::measures::{MEASURES, Measure, Value};
use crate::plan::Coverage;

/// The measures that have a field in JSON, in the order of the table; null when nobody watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields(Vec<(&'static str, Option<Field>)>);

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Field {
    Number(u64),
    Times(Spread),
    Outcomes(Outcomes),
}

/// The name, the meaning and the measure of each field.
fn fields() -> impl Iterator<Item = (&'static str, &'static str, &'static Measure)> {
    MEASURES.iter().filter_map(|measure| {
        let (name, meaning) = measure.json?;
        Some((name, meaning, measure))
    })
}

impl Fields {
    pub(super) fn new(stats: &ModuleStats, coverage: &Coverage) -> Self {
        let none = Histogram::default();
        let field = |measure: &Measure| match measure.value {
            Value::Number(_, of) => of(stats).map(Field::Number),
            Value::Times(_, of) => Some(Field::Times(Spread::new(of(stats).unwrap_or(&none)))),
            Value::Outcomes(of) => Some(Field::Outcomes(outcomes(of(stats)))),
        };
        let observed = |measure: &Measure| field(measure).filter(|_| measure.is_observed(coverage));
        Self(fields().map(|(name, _, measure)| (name, observed(measure))).collect())
    }

    /// The distribution of this name; none where nobody watched.
    pub(super) fn times(&self, name: &str) -> Option<&Spread> {
        let (_, field) = self.0.iter().find(|(known, _)| *known == name)?;
        match field {
            Some(Field::Times(times)) => Some(times),
            _ => None,
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, field)| (name, field)))
    }
}

impl JsonSchema for Fields {
    fn schema_name() -> Cow<'static, str> {
        "Fields".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (name, meaning, measure) in fields() {
            let mut schema = match measure.value {
                Value::Number(..) => generator.subschema_for::<Option<u64>>(),
                Value::Times(..) if measure.observed.is_none() => generator.subschema_for::<Spread>(),
                Value::Times(..) => generator.subschema_for::<Option<Spread>>(),
                Value::Outcomes(_) => generator.subschema_for::<Option<Outcomes>>(),
            };
            schema.insert("description".to_owned(), meaning.into());
            properties.insert(name.to_owned(), schema.to_value());
            required.push(name);
        }
        json_schema!({"type": "object", "properties": properties, "required": required})
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_field_of_a_module_stands_twice() {
        let schema = crate::text::json_schema::<crate::report::Report>();
        let names = schema["$defs"]["ModuleRow"]["required"].as_array().unwrap();
        let all: BTreeSet<_> = names.iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(all.len(), names.len());
    }
}
