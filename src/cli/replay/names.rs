//! How requests are named in the report, and which of them are writes.

use crate::graphql::may_hold_mutation;
use crate::http::{Method, Request, form_pairs};
use crate::offline::Recorded;
use serde_json::Value;

/// The longest name.
const NAME_LETTERS: usize = 80;

/// What a request is called, and whether it may write.
pub(super) struct RequestName {
    /// The operation's name, or the method and the path.
    pub operation: String,
    /// Whether the request may change something.
    pub is_write: bool,
}

/// Names a request.
pub(super) fn name_of(recorded: &Recorded) -> RequestName {
    let request = &recorded.request;
    if let Some((name, document)) = graphql_operation(request, &recorded.body) {
        let is_write = request.method == Method::Post && may_hold_mutation(document.as_bytes());
        return RequestName { operation: shortened(&name), is_write };
    }
    let path: Vec<&str> = request.url.path.split('/').map(without_id).collect();
    let operation = shortened(&format!("{} {}", request.method.as_str(), path.join("/")));
    RequestName { operation, is_write: !request.method.is_safe() }
}

/// The name and the document of a GraphQL request. `None` if it is none.
fn graphql_operation(request: &Request, body: &[u8]) -> Option<(String, String)> {
    let members = match request.method {
        Method::Post => serde_json::from_slice::<Value>(body).ok()?,
        Method::Get => {
            let pairs = form_pairs(request.url.query.as_deref()?)?;
            pairs.into_iter().map(|(name, value)| (name, Value::from(value))).collect()
        }
        _ => return None,
    };
    if let Value::Array(batch) = &members {
        let documents: Vec<&str> =
            batch.iter().filter_map(|one| one.get("query")?.as_str()).collect();
        return (!documents.is_empty())
            .then(|| (format!("batch of {}", batch.len()), documents.join("\n")));
    }
    let text =
        |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let is_graphql = members.get("extensions").is_some() || text("documentId").is_some();
    let document = match text("query") {
        Some(document) if document.contains('{') => document,
        None if is_graphql => "",
        _ => return None,
    };
    let name = text("operationName").or_else(|| first_name(document)).unwrap_or("anonymous");
    Some((name.to_owned(), document.to_owned()))
}

/// The name of the first operation of a document, if it has one.
fn first_name(document: &str) -> Option<&str> {
    let start = document.trim_start();
    let rest = ["query", "mutation", "subscription"]
        .iter()
        .find_map(|keyword| start.strip_prefix(keyword))?
        .trim_start();
    let name =
        rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next()?;
    (!name.is_empty()).then_some(name)
}

/// A segment of a path, or `:id` if it looks like one.
fn without_id(segment: &str) -> &str {
    let is_number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let is_hex = segment.len() >= 16
        && segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        && segment.bytes().any(|byte| byte.is_ascii_digit());
    if is_number || is_hex { ":id" } else { segment }
}

fn shortened(name: &str) -> String {
    name.chars().take(NAME_LETTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Headers, Url};
    use crate::offline::RecordedResponse;
    use crate::time::Timestamp;

    fn named(method: &str, url: &str, body: &str) -> (String, bool) {
        let response = RecordedResponse { status: 200, headers: Headers::new(), body: None };
        let request = Request {
            method: Method::parse(method),
            url: Url::parse(url).unwrap(),
            headers: Headers::new(),
        };
        let body = body.as_bytes().into();
        let recorded = Recorded { at: Timestamp::default(), millis: 0, request, body, response };
        let RequestName { operation, is_write } = name_of(&recorded);
        (operation, is_write)
    }

    #[test]
    fn names_operations_and_paths() {
        let graphql = "https://h/graphql";
        for (method, url, body, name, is_write) in [
            ("POST", graphql, r#"{"operationName":"A","query":"query A { a }"}"#, "A", false),
            ("POST", graphql, r#"{"query":" mutation B($x: ID) { b }"}"#, "B", true),
            ("POST", graphql, r#"{"query":"{ a }"}"#, "anonymous", false),
            (
                "POST",
                graphql,
                r#"[{"query":"{ a }"},{"query":"mutation { b }"}]"#,
                "batch of 2",
                true,
            ),
            ("POST", graphql, r#"{"extensions":{},"operationName":"C"}"#, "C", false),
            ("GET", "https://h/graphql?query=query+D%7Ba%7D", "", "D", false),
            ("GET", "https://h/search?query=lamp", "", "GET /search", false),
            ("GET", "https://h/api/products/42", "", "GET /api/products/:id", false),
            (
                "PUT",
                "https://h/u/0b5e9f8a-7a52-4f0e-8f3c-1f2d3c4b5a69/x",
                "{}",
                "PUT /u/:id/x",
                true,
            ),
            ("GET", "https://h/deadbeefdeadbeef/feed", "", "GET /deadbeefdeadbeef/feed", false),
        ] {
            assert_eq!(
                named(method, url, body),
                (name.to_owned(), is_write),
                "{method} {url} {body}"
            );
        }
    }
}
