//! An origin that shows every signal of a request in its response.

use crate::http::Headers;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The signals that this origin uses.
pub const HEADERS: [&str; 3] = ["authorization", "x-tenant", "x-region"];
pub const COOKIES: [&str; 2] = ["sid", "theme"];
/// The parts that can be asked for, by GraphQL and by REST.
pub const PARTS: [&str; 3] = ["open", "mine", "stray"];

/// The signals that a request has for an origin which also takes commas and spaces between cookies
/// for separators.
pub fn told(headers: &Headers) -> BTreeMap<String, String> {
    let headers_of = HEADERS.into_iter().filter_map(|name| Some((name, headers.get(name)?)));
    let cookies = headers.get("cookie").unwrap_or_default().split([';', ',', ' ']);
    let cookies = cookies.filter_map(|pair| pair.split_once('='));
    headers_of
        .chain(cookies.filter(|(name, _)| COOKIES.contains(name)))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What the origin answers to a request of this kind: everything that says who is asking, in every
/// part, and by REST as something that everybody may keep.
pub fn echo(path: &str, headers: &Headers, body: &[u8]) -> Option<(Headers, Value)> {
    let mut fields: Headers = [("content-type", "application/json")].into_iter().collect();
    let told = json!({ "__typename": "Echo", "told": told(headers) });
    if path.starts_with("/signals/") {
        fields.set("cache-control", "max-age=60");
        return Some((fields, told));
    }
    let text = String::from_utf8_lossy(body);
    let parts = PARTS.into_iter().filter(|part| text.contains(&format!("{part}Signals")));
    let data: Map<String, Value> =
        parts.map(|part| (format!("{part}Signals"), told.clone())).collect();
    if data.contains_key("mineSignals") {
        fields.set("cache-control", "private");
    }
    (!data.is_empty()).then(|| (fields, json!({ "data": data })))
}
