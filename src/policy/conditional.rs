//! Conditional requests (RFC 9110 §13) and entity tags (§8.8.3).

use crate::http::Headers;

/// A strong entity tag of Evergraph's own, from the body's bytes.
pub fn entity_tag(body: &[u8]) -> String {
    format!("\"eg-{:032x}\"", xxhash_rust::xxh3::xxh3_128(body))
}

/// Whether `If-None-Match` says that the client has this answer already: weak comparison, `*`
/// matches anything (§13.1.2).
pub fn not_modified(request: &Headers, etag: Option<&str>) -> bool {
    let Some(etag) = etag else { return false };
    // An entity tag may hold commas, so the list is searched tag by tag and not split.
    request.get_all("if-none-match").any(|value| {
        value.trim() == "*" || quoted(value).any(|candidate| Some(candidate) == quoted(etag).next())
    })
}

/// The quoted strings of a list, with what stands between their quotes.
fn quoted(list: &str) -> impl Iterator<Item = &str> {
    list.split('"').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(if_none_match: &str, etag: &str) -> bool {
        not_modified(&[("if-none-match", if_none_match)].into_iter().collect(), Some(etag))
    }

    #[test]
    fn compares_weakly() {
        assert!(
            matches("\"a\"", "\"a\"") && matches("W/\"a\"", "\"a\"") && matches("\"a\"", "W/\"a\"")
        );
        assert!(matches("\"x\", W/\"a,b\"", "\"a,b\"") && matches(" * ", "\"a\""));
        assert!(!matches("\"b\"", "\"a\"") && !matches("a", "\"a\"") && !matches("", "\"a\""));
    }

    #[test]
    fn own_tags_follow_the_body() {
        assert_eq!(entity_tag(b"a"), entity_tag(b"a"));
        assert_ne!(entity_tag(b"a"), entity_tag(b"b"));
    }
}
