//! Texts, which differ by `Accept-Language`, and of which the origin sends parts.

use super::entities::{ApiResponse, Entities, text};
use crate::http::Headers;
use crate::sim::environment::Environment;
use serde_json::json;

/// Lines that a text has, each of which says whose it is.
pub const LINES: usize = 40;
pub const LINE_BYTES: usize = 32;

/// What the origin answers about a text; none for another path.
pub fn text_answer(
    entities: &Entities,
    environment: &Environment,
    method: &str,
    path: &str,
    headers: &Headers,
) -> Option<ApiResponse> {
    let id = path.strip_prefix("/api/texts/")?;
    if method == "PUT" {
        let write = headers.get("x-write").and_then(|number| number.parse::<u64>().ok());
        let version = entities.write(environment, &json!(write), &text(id));
        let object = json!({ "__typename": "Text", "id": id, "v": version, "who": "", "service": entities.service });
        let json_type = [("content-type", "application/json")].into_iter().collect();
        return Some((200, json_type, object.to_string().into_bytes()));
    }
    let version = entities.version(&text(id), environment.now());
    let language = headers.get("accept-language").unwrap_or("en");
    let line = format!("{id} {language} {} {version:012}", entities.service);
    let body = format!("{line:.<width$}\n", width = LINE_BYTES - 1).repeat(LINES).into_bytes();
    let etag = format!("\"{version}-{language}\"");
    let mut fields: Headers =
        [("content-type", "text/plain"), ("vary", "accept-language"), ("accept-ranges", "bytes")]
            .into_iter()
            .collect();
    fields.set("etag", etag.as_str());
    if headers.get("if-none-match").is_some_and(|asked| asked == etag) {
        return Some((304, fields, Vec::new()));
    }
    let whole = headers.get("if-range").is_some_and(|known| known != etag);
    let range = headers.get("range").filter(|_| !whole && method == "GET").and_then(span);
    Some(match range {
        Some((first, last)) if first < body.len() => {
            let last = last.min(body.len() - 1);
            fields.set("content-range", format!("bytes {first}-{last}/{}", body.len()));
            (206, fields, body[first..=last].to_vec())
        }
        _ if method == "HEAD" => (200, fields, Vec::new()),
        _ => (200, fields, body),
    })
}

/// The bytes that `bytes=first-last` names.
pub fn span(range: &str) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let last = if last.is_empty() { usize::MAX } else { last.parse().ok()? };
    Some((first.parse().ok()?, last))
}
