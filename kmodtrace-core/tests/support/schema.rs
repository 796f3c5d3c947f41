//! So much of JSON Schema as schemars writes for our reports.

use serde_json::Value;

/// Everything about `value` that `schema` does not allow, each with its path.
pub(crate) fn violations(value: &Value, schema: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    check(value, schema, schema, "$", &mut wrong);
    wrong
}

fn check(value: &Value, schema: &Value, root: &Value, path: &str, wrong: &mut Vec<String>) {
    let whole = with_target(schema, root);
    let Some(schema) = whole.as_ref().unwrap_or(schema).as_object() else {
        return;
    };
    for (key, rule) in schema {
        match key.as_str() {
            "$ref" => match target(rule, root) {
                Some(target) => check(value, target, root, path, wrong),
                None => wrong.push(format!("{path}: {rule} leads nowhere")),
            },
            "anyOf" | "oneOf" => {
                let any = rule.as_array().into_iter().flatten().any(|branch| {
                    let mut inner = Vec::new();
                    check(value, branch, root, path, &mut inner);
                    inner.is_empty()
                });
                if !any {
                    wrong.push(format!("{path}: {value} is none of {rule}"));
                }
            }
            "type" if !types(rule).any(|name| is(value, name)) => {
                wrong.push(format!("{path}: {value} is no {rule}"));
            }
            "const" if value != rule => wrong.push(format!("{path}: {value} is not {rule}")),
            "enum" if !rule.as_array().is_some_and(|all| all.contains(value)) => {
                wrong.push(format!("{path}: {value} is not in {rule}"));
            }
            "minimum" if value.is_number() && value.as_f64() < rule.as_f64() => {
                wrong.push(format!("{path}: {value} is below {rule}"));
            }
            "required" if value.is_object() => {
                for name in rule.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if value.get(name).is_none() {
                        wrong.push(format!("{path}: {name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, inner) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        Some(schema) => check(inner, schema, root, &format!("{path}.{name}"), wrong),
                        None => wrong.push(format!("{path}: {name} is not in the schema")),
                    }
                }
            }
            "additionalProperties" | "items" => {
                let members: Vec<&Value> = match value {
                    Value::Array(items) if key == "items" => items.iter().collect(),
                    Value::Object(fields) if key != "items" => fields.values().collect(),
                    _ => Vec::new(),
                };
                for inner in members {
                    check(inner, rule, root, &format!("{path}[]"), wrong);
                }
            }
            _ => {}
        }
    }
}

fn target<'r>(reference: &Value, root: &'r Value) -> Option<&'r Value> {
    root.pointer(reference.as_str()?.strip_prefix('#')?)
}

/// A schema whose fields are its own and those of the one that it refers to: either alone knows too few. None where it is no such.
fn with_target(schema: &Value, root: &Value) -> Option<Value> {
    let (own, required) = (
        schema.get("properties")?.as_object()?,
        schema.get("required")?.as_array()?,
    );
    let mut whole = target(schema.get("$ref")?, root)?.clone();
    whole.get_mut("properties")?.as_object_mut()?.extend(own.clone());
    whole
        .get_mut("required")?
        .as_array_mut()?
        .extend(required.iter().cloned());
    Some(whole)
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    rule.as_array()
        .map_or(std::slice::from_ref(rule), Vec::as_slice)
        .iter()
        .filter_map(Value::as_str)
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
