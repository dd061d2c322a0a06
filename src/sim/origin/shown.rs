//! What a response of the API shows.

use super::entities::{product, user};
use serde_json::Value;

/// The objects in an answer of this API.
pub fn objects(body: &Value) -> Vec<&Value> {
    match body.get("data") {
        None => vec![body],
        Some(data) => data
            .as_object()
            .into_iter()
            .flat_map(|data| data.values())
            .flat_map(|value| match value {
                Value::Array(items) => items.iter().collect(),
                one => vec![one],
            })
            .filter(|value| value.is_object())
            .collect(),
    }
}

/// What an answer shows, in few words.
pub fn brief(body: &[u8]) -> String {
    let Ok(parsed) = serde_json::from_slice::<Value>(body) else {
        return String::from_utf8_lossy(body).chars().take(200).collect();
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let shown = objects(&parsed).into_iter().filter(|object| object["id"].is_string());
    let shown = shown.map(|object| {
        let entity = match object["__typename"].as_str() {
            Some("User") => user(&text(&object["id"])),
            _ => product(&text(&object["id"])),
        };
        format!("{entity} at version {}", object["v"])
    });
    match shown.collect::<Vec<_>>() {
        none if none.is_empty() => parsed.to_string(),
        some => some.join(", "),
    }
}
