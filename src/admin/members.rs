//! Reading the members of a JSON body, and saying which of them is wrong.

use crate::json::names_are_unique;
use crate::limits;
use serde_json::{Map, Value};

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyError {
    /// The path of the faulty member, such as `tags[1]`; empty for the whole body.
    pub path: String,
    /// What is wrong, and what is expected.
    pub message: String,
}

/// The members of a body that is an object and has no members but the known ones.
pub(super) fn members(body: &[u8], known: &[&str]) -> Result<Map<String, Value>, BodyError> {
    let members = match json(body)? {
        Value::Object(members) => members,
        other => return Err(bad("", format!("expected an object, found {}", brief(&other)))),
    };
    only_known("", &members, known)?;
    Ok(members)
}

/// The value of a body, none of whose objects has two members of one name: only one of them would count.
pub(super) fn json(body: &[u8]) -> Result<Value, BodyError> {
    let value =
        serde_json::from_slice(body).map_err(|error| bad("", format!("expected JSON: {error}")))?;
    match names_are_unique(body) {
        Ok(_) => Ok(value),
        Err(_) => Err(bad("", "two members have one name; name each once".to_owned())),
    }
}

/// The same for a body that may be empty, which counts as an object without members.
pub(super) fn optional_members(
    body: &[u8],
    known: &[&str],
) -> Result<Map<String, Value>, BodyError> {
    match body.trim_ascii() {
        [] => Ok(Map::new()),
        body => members(body, known),
    }
}

/// Refuses a member that is not known. `path` is that of the object, with a dot at its end.
pub(super) fn only_known(
    path: &str,
    members: &Map<String, Value>,
    known: &[&str],
) -> Result<(), BodyError> {
    match members.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let message = format!("unknown; known are {}", known.join(", "));
            Err(bad(&format!("{path}{unknown}"), message))
        }
    }
}

/// A member that is true or false, and false if it is absent.
pub(super) fn flag(members: &Map<String, Value>, key: &str) -> Result<bool, BodyError> {
    match members.get(key) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(bad(key, format!("expected true or false, found {}", brief(other)))),
    }
}

/// A member that is a whole number from `least` to `most`, if it is there.
pub(super) fn number(
    path: &str,
    value: Option<&Value>,
    (least, most): (u64, u64),
) -> Result<Option<u64>, BodyError> {
    let Some(value) = value else { return Ok(None) };
    match whole(value).filter(|number| (least..=most).contains(number)) {
        Some(number) => Ok(Some(number)),
        None => Err(bad(path, format!("expected a whole number from {least} to {most}"))),
    }
}

/// A whole number of at least 0, however it is written: `60.0` is one too, as in JSON Schema.
fn whole(value: &Value) -> Option<u64> {
    let is_whole = |number: &f64| number.fract() == 0.0 && *number >= 0.0;
    value.as_u64().or_else(|| value.as_f64().filter(is_whole).map(|number| number as u64))
}

/// A member that is a list of strings, and empty if it is absent.
pub(super) fn texts<'a>(
    members: &'a Map<String, Value>,
    key: &str,
) -> Result<Vec<&'a str>, BodyError> {
    let items = match members.get(key) {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(other) => {
            return Err(bad(key, format!("expected a list of strings, found {}", brief(other))));
        }
    };
    if items.len() > limits::PURGE_ITEMS {
        return Err(bad(key, format!("at most {} at once", limits::PURGE_ITEMS)));
    }
    items.iter().enumerate().map(|(index, item)| text(&format!("{key}[{index}]"), item)).collect()
}

/// A string.
pub(super) fn text<'a>(path: &str, value: &'a Value) -> Result<&'a str, BodyError> {
    value.as_str().ok_or_else(|| bad(path, format!("expected a string, found {}", brief(value))))
}

/// An error at a path.
pub(super) fn bad(path: &str, message: String) -> BodyError {
    BodyError { path: path.to_owned(), message }
}

/// The kind of a value, for messages: the value itself could be very long.
pub(super) fn brief(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
