//! The configuration as it applies: what is configured, and the default of every other key.
//!
//! It has the names of `evergraph.toml`, and read back it is the same configuration. It is made from the
//! tables of keys, so no key can be forgotten.
//!
//! In scope: a configuration without faults. Not in scope: keys whose default is nothing, or needs words.

use super::key::{DefaultValue, Key, ValueType};
use super::keys::SECTIONS;
use crate::http::Url;
use crate::order;
use serde_json::{Map, Value, json};

/// Keys with an address of which only the origin is shown: the rest may be a secret.
const SHOWN_AS_ORIGIN: &[&str] = &["alerts.webhook"];

/// The configuration with the default of every key that is not configured.
pub fn with_defaults(configured: &Value) -> Value {
    section("", configured.as_object())
}

fn section(path: &str, configured: Option<&Map<String, Value>>) -> Value {
    let mut filled = Map::new();
    for key in keys_of(path) {
        let path = path_of(path, key);
        let value = match configured.and_then(|table| table.get(key.name)) {
            Some(value) => Some(shown(&path, key.value, value)),
            None if applies(&path, configured) => default_of(&path, key),
            None => None,
        };
        filled.extend(value.map(|value| (key.name.to_owned(), value)));
    }
    Value::Object(filled)
}

fn path_of(section: &str, key: &Key) -> String {
    if section.is_empty() { key.name.to_owned() } else { format!("{section}.{}", key.name) }
}

fn keys_of(path: &str) -> &'static [Key] {
    SECTIONS.iter().find(|(section, _)| *section == path).map_or(&[], |(_, keys)| keys)
}

/// A configured value, with the defaults of the sections in it.
fn shown(path: &str, value_type: ValueType, value: &Value) -> Value {
    match (value_type, value) {
        (ValueType::Section, Value::Object(table)) => section(path, Some(table)),
        (ValueType::Map { values, .. }, Value::Object(table)) => {
            let path = format!("{path}.*");
            let each =
                table.iter().map(|(name, value)| (name.clone(), shown(&path, *values, value)));
            Value::Object(order::object_of(each))
        }
        (ValueType::List(items) | ValueType::NonEmptyList(items), Value::Array(list)) => {
            list.iter().map(|item| shown(path, *items, item)).collect()
        }
        (ValueType::OneOf(types), Value::Object(_)) if types.contains(&ValueType::Section) => {
            shown(path, ValueType::Section, value)
        }
        (_, Value::String(address)) if SHOWN_AS_ORIGIN.contains(&path) => json!(origin_of(address)),
        _ => value.clone(),
    }
}

fn default_of(path: &str, key: &Key) -> Option<Value> {
    Some(match (key.default, key.value) {
        (DefaultValue::Flag(flag), _) => json!(flag),
        (DefaultValue::Number(number), _) => json!(number),
        (DefaultValue::Hundredths(number), _) => json!(number as f64 / 100.0),
        (DefaultValue::Text(text), _) => json!(text),
        (DefaultValue::List(list), _) => json!(list),
        (DefaultValue::None, ValueType::Section) => {
            // Such a section is optional as a whole.
            let is_optional = keys_of(path).iter().any(|key| key.default == DefaultValue::Required);
            return (!is_optional).then(|| section(path, None));
        }
        (DefaultValue::None, ValueType::Map { .. }) => json!({}),
        (DefaultValue::None, ValueType::List(_)) => json!([]),
        (DefaultValue::None | DefaultValue::Required | DefaultValue::Described(_), _) => {
            return None;
        }
    })
}

/// Whether a key may be written beside those that are configured.
fn applies(path: &str, configured: Option<&Map<String, Value>>) -> bool {
    let has = |key: &str| configured.is_some_and(|table| table.contains_key(key));
    match path {
        // A token is in one place.
        "jwt.header" => !has("cookie"),
        // These are refused for a type that matches no REST.
        "types.*.ignore_case" | "types.*.statuses" | "types.*.strip_set_cookie" => {
            let matches = configured.and_then(|table| table.get("match")).and_then(Value::as_array);
            let is_rest = |one: &Value| one.as_str().is_some_and(|text| text.starts_with("rest:"));
            matches.is_some_and(|matches| matches.is_empty() || matches.iter().any(is_rest))
        }
        // Where the origin may set them, 0 is something else than nothing.
        "default.swr" | "default.sie" | "types.*.swr" | "types.*.sie" => false,
        _ => true,
    }
}

/// Scheme and host of an address, without user and password.
fn origin_of(address: &str) -> String {
    let Some(url) = Url::parse(address) else { return "…".to_owned() };
    let host = url.host.rsplit('@').next().unwrap_or_default();
    format!("{}://{host}", url.scheme)
}

#[cfg(test)]
mod tests;
