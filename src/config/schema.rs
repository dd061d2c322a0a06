//! The JSON Schema of the configuration, from the tables of keys. Editors complete and validate
//! `evergraph.toml` with it.
//!
//! Not in scope: what a schema cannot express, such as a scope that is not defined. The parser checks
//! everything.

use super::key::{DefaultValue, Key, TextForm, ValueType};
use super::keys::SECTIONS;
use serde_json::{Map, Value, json};

/// The schema (draft 7, which editors for TOML support).
pub fn json_schema() -> Value {
    let mut schema = of_section("");
    if let Value::Object(root) = &mut schema {
        root.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        root.insert("title".to_owned(), json!("Evergraph's configuration"));
        root.insert("description".to_owned(), json!("docs/configuration.md describes each key."));
    }
    schema
}

/// A table with the keys of a section.
fn of_section(path: &str) -> Value {
    let keys =
        SECTIONS.iter().find(|(section, _)| *section == path).map_or(&[][..], |(_, keys)| keys);
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), of_key(path, key))).collect();
    let is_required = |key: &&Key| key.default == DefaultValue::Required;
    let required: Vec<&str> = keys.iter().filter(is_required).map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Value::Object(schema), false) = (&mut schema, required.is_empty()) {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn of_key(section: &str, key: &Key) -> Value {
    let path = match section {
        "" => key.name.to_owned(),
        section => format!("{section}.{}", key.name),
    };
    let mut schema = of_type(&path, key.value);
    let default = match key.default {
        DefaultValue::Flag(flag) => Some(json!(flag)),
        DefaultValue::Number(number) => Some(json!(number)),
        DefaultValue::Hundredths(number) => Some(json!(number as f64 / 100.0)),
        DefaultValue::Text(text) => Some(json!(text)),
        DefaultValue::List(list) => Some(json!(list)),
        DefaultValue::Required | DefaultValue::None | DefaultValue::Described(_) => None,
    };
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), json!(key.doc));
        schema.extend(default.map(|default| ("default".to_owned(), default)));
    }
    schema
}

/// The schema of a value at a path, where `*` stands for a name that the user chooses.
fn of_type(path: &str, value: ValueType) -> Value {
    match value {
        ValueType::Flag => json!({ "type": "boolean" }),
        ValueType::Number { least, most, .. } => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        ValueType::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        ValueType::Choice(choices) => json!({ "type": "string", "enum": choices }),
        ValueType::Text(form) => of_text(form),
        ValueType::List(items) => json!({ "type": "array", "items": of_type(path, *items) }),
        ValueType::NonEmptyList(items) => {
            json!({ "type": "array", "items": of_type(path, *items), "minItems": 1 })
        }
        ValueType::Section => of_section(path),
        ValueType::Map { names, values } => json!({
            "type": "object",
            "patternProperties": { names.pattern: of_type(&format!("{path}.*"), *values) },
            "additionalProperties": false,
        }),
        ValueType::OneOf(types) => {
            let types: Vec<Value> = types.iter().map(|one| of_type(path, *one)).collect();
            json!({ "anyOf": types })
        }
    }
}

fn of_text(form: &TextForm) -> Value {
    match form.pattern {
        "" => json!({ "type": "string", "examples": form.examples }),
        pattern => json!({ "type": "string", "pattern": pattern, "examples": form.examples }),
    }
}
