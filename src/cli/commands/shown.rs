//! Values of the Worker's answers as text.

use crate::cli::words::{count, span};
use serde_json::Value;

/// A member as a number; 0 if it is none.
pub fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_f64).map_or(0, |number| number.max(0.0) as u64)
}

/// A member as a share.
pub fn share(value: &Value, name: &str) -> f64 {
    value.get(name).and_then(Value::as_f64).unwrap_or(0.0)
}

/// A member as a text on one line. Empty if it is absent.
pub fn text(value: &Value, name: &str) -> String {
    value.get(name).map(shown).unwrap_or_default()
}

/// A value as a text on one line.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace('\n', " "),
        other => other.to_string(),
    }
}

/// The last millisecond that a date can name, in the year 9999.
const LAST_MILLIS: u64 = 253_402_300_799_999;

/// A member with the milliseconds since 1970 as a date in UTC: `2026-11-29 04:00:00`.
pub fn date(value: &Value, name: &str) -> String {
    let millis = number(value, name);
    if millis == 0 {
        return String::new();
    }
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(millis.min(LAST_MILLIS));
    let date = httpdate::fmt_http_date(at);
    // `Sun, 29 Nov 2026 04:00:00 GMT`
    let parts: Vec<&str> = date.split_whitespace().collect();
    match parts.as_slice() {
        [_, day, month, year, time, _] => format!("{day} {month} {year} {time}"),
        _ => date,
    }
}

/// The members of a list.
pub fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A member as a number for people.
pub fn counted(value: &Value, name: &str) -> String {
    count(number(value, name))
}

/// A member with milliseconds, for people.
pub fn millis(value: &Value, name: &str) -> String {
    span(number(value, name))
}
