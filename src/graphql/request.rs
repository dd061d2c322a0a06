//! The forms in which a GraphQL request comes (GraphQL over HTTP, draft).
//!
//! In scope: POST with a JSON object, and GET. Any other form is left unread, with a word on
//! whether it may be a mutation.

use crate::http::{Headers, form_pairs};
use serde_json::{Map, Value};

/// A request that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The document.
    pub document: String,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// The variables.
    pub variables: Option<Map<String, Value>>,
    /// Whatever else the request says, as canonical text: the origin may heed it.
    pub others: String,
}

/// What a request is.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// A document to run.
    Query(Query),
    /// Something that Evergraph leaves to the origin.
    Unread {
        /// Why.
        reason: Unread,
        /// Whether the origin may run a mutation for it.
        may_be_mutation: bool,
    },
}

/// Why a request is left unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is not JSON, or not an object with the right members.
    Unparsable,
    /// Its content type is not JSON.
    ContentType,
    /// Its body is compressed.
    ContentEncoding,
    /// It has several operations in a list.
    Batch,
    /// It names a document that it does not bring.
    Persisted,
    /// It has parts in its URL and parts in its body.
    QueryInUrl,
}

impl Unread {
    /// The reason as `Cache-Status`, logs and docs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unparsable => "unparsable",
            Self::ContentType => "content-type",
            Self::ContentEncoding => "content-encoding",
            Self::Batch => "batch",
            Self::Persisted => "persisted",
            Self::QueryInUrl => "query-in-url",
        }
    }
}

/// The members of a request that a URL may hold as well.
const MEMBERS: [&str; 7] =
    ["query", "operationName", "variables", "extensions", "documentId", "doc_id", "id"];

/// Reads a GET. A GET runs no mutation, for servers must refuse it; but its document counts.
pub fn read_get(url_query: Option<&str>) -> Form {
    let unread = |reason| Form::Unread { reason, may_be_mutation: false };
    let Some(pairs) = form_pairs(url_query.unwrap_or_default()) else {
        return unread(Unread::Unparsable);
    };
    let mut members = Map::new();
    for (name, value) in pairs {
        if !MEMBERS.contains(&name.as_str()) {
            continue;
        }
        if members.contains_key(&name) {
            return unread(Unread::Unparsable); // which of the two counts differs by server
        }
        if hides_a_number(value.as_bytes()) {
            return unread(Unread::Unparsable);
        }
        let structured = matches!(name.as_str(), "variables" | "extensions") && !value.is_empty();
        let value = match structured.then(|| serde_json::from_str(&value)) {
            Some(Ok(parsed)) => parsed,
            Some(Err(_)) => return unread(Unread::Unparsable),
            None if value.is_empty() && name != "query" => continue,
            None => Value::String(value),
        };
        members.insert(name, value);
    }
    match read_members(members) {
        Form::Unread { reason, .. } => unread(reason),
        form => form,
    }
}

/// Reads a POST.
pub fn read_post(headers: &Headers, url_query: Option<&str>, body: &[u8]) -> Form {
    let unread = |reason, may_be_mutation| Form::Unread { reason, may_be_mutation };
    if headers.members("content-encoding").any(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return unread(Unread::ContentEncoding, true);
    }
    if !is_json(headers.get("content-type").unwrap_or_default()) {
        return unread(Unread::ContentType, true);
    }
    let in_url = form_pairs(url_query.unwrap_or_default());
    let in_url = in_url.is_none_or(|pairs| {
        pairs.iter().any(|(name, _)| MEMBERS.contains(&name.as_str()) && name != "id")
    });
    if in_url {
        return unread(Unread::QueryInUrl, true);
    }
    if hides_a_number(body) {
        return unread(Unread::Unparsable, may_hide_mutation(body));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => match read_members(members) {
            Form::Unread { reason: Unread::Persisted, .. } => unread(Unread::Persisted, true),
            Form::Unread { reason, .. } => unread(reason, may_hide_mutation(body)),
            form => form,
        },
        Ok(Value::Array(items)) => {
            let brings_its_document = |item: &Value| {
                let document = item.get("query").and_then(Value::as_str);
                document.is_some_and(|document| !document.trim().is_empty())
            };
            let persisted = !items.iter().all(brings_its_document);
            unread(Unread::Batch, persisted || may_hide_mutation(body))
        }
        _ => unread(Unread::Unparsable, may_hide_mutation(body)),
    }
}

/// Whether bytes that were not understood can hold a mutation: the keyword has no other spelling
/// in GraphQL, and in JSON only one with escapes.
pub fn may_hide_mutation(body: &[u8]) -> bool {
    contains(body, b"mutation") || contains(body, b"\\u")
}

fn contains(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}

fn read_members(mut members: Map<String, Value>) -> Form {
    let unread = |reason| Form::Unread { reason, may_be_mutation: true };
    // Some servers take members in any case, and then the last one counts.
    let in_other_case = |key: &String| {
        let known = ["query", "operationName", "variables", "extensions"];
        known.iter().any(|name| key.eq_ignore_ascii_case(name) && key != name)
    };
    if members.keys().any(in_other_case) {
        return unread(Unread::Persisted);
    }
    let document = match members.remove("query") {
        Some(Value::String(document)) if document.trim().is_empty() => {
            return unread(Unread::Persisted);
        }
        Some(Value::String(document)) => document,
        None | Some(Value::Null) => return unread(Unread::Persisted),
        Some(_) => return unread(Unread::Unparsable),
    };
    let operation_name = match members.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return unread(Unread::Unparsable),
    };
    let variables = match members.remove("variables") {
        None | Some(Value::Null) => None,
        Some(Value::Object(variables)) => Some(variables),
        Some(_) => return unread(Unread::Unparsable),
    };
    match members.get_mut("extensions") {
        None | Some(Value::Null) => {}
        // What clients say of themselves, and of the document that is here, changes nothing.
        Some(Value::Object(extensions)) => {
            extensions.remove("clientLibrary");
            extensions.remove("persistedQuery");
        }
        Some(_) => return unread(Unread::Unparsable),
    }
    let empty = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    members.retain(|_, value| !empty(value));
    let others = Value::Object(members).to_string();
    Form::Query(Query { document, operation_name, variables, others })
}

/// Whether JSON could spell the object that serde_json takes for a number of any length: then two
/// different texts would be one value.
fn hides_a_number(json: &[u8]) -> bool {
    const TOKEN: &[u8] = b"serde_json::private";
    if !contains(json, b"\\u") {
        return contains(json, TOKEN);
    }
    let mut plain = Vec::with_capacity(json.len());
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let escaped = json.get(at..at + 6).and_then(|escape| {
            let digits = std::str::from_utf8(escape.strip_prefix(b"\\u00")?).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        plain.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 6 } else { 1 };
    }
    contains(&plain, TOKEN)
}

/// `application/json`, in UTF-8 where it says so.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    is_json
        && parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset")
                || value.trim().trim_matches('"').to_ascii_lowercase().replace('-', "") == "utf8"
        })
}

/// Whether a browser asks for a page (GraphiQL).
pub fn wants_html(headers: &Headers) -> bool {
    headers.members("accept").any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "text/html" || kind == "application/xhtml+xml"
    })
}

/// The kinds of answer that a request accepts, in the order of its wishes: requests that share
/// it get the same kind from any server. White space, case and the weights' own numbers do not
/// count.
pub fn accepted_kinds(headers: &Headers) -> String {
    let mut ranges: Vec<(u32, String)> = headers
        .members("accept")
        .map(|range| {
            let mut weight = 1000;
            let mut kind = String::new();
            for part in range.split(';').map(str::trim) {
                match part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")) {
                    Some(q) => weight = thousandths(q),
                    None => {
                        kind.push_str(&part.to_ascii_lowercase());
                        kind.push(';');
                    }
                }
            }
            if weight == 0 {
                kind.push_str("q=0");
            }
            (weight, kind)
        })
        .collect();
    ranges.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    ranges.into_iter().map(|(_, kind)| kind).collect::<Vec<_>>().join(",")
}

/// A weight (RFC 9110 §12.4.2) in thousandths; a broken one counts as whole.
fn thousandths(q: &str) -> u32 {
    let weight: f32 = q.trim().parse().unwrap_or(1.0);
    // Clamped to 0..=1 before, so the number fits.
    (weight.clamp(0.0, 1.0) * 1000.0) as u32
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
