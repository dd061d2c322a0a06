//! Whether bytes that were not understood can hold a mutation.

use crate::http::percent_decoded;

/// Whether bytes that were not understood can hold a mutation: the keyword has no other spelling
/// in GraphQL, and in JSON only one with escapes.
pub fn may_hold_mutation(body: &[u8]) -> bool {
    contains_mutation_keyword(body) || contains(body, b"\\u")
}

/// The same of the query of a URL.
pub fn url_may_hold_mutation(url_query: &str) -> bool {
    contains_mutation_keyword(&percent_decoded(url_query.as_bytes()))
}

/// The same of bytes in which the document is not written as JSON, as it is in a URL.
fn contains_mutation_keyword(bytes: &[u8]) -> bool {
    // In UTF-16 or UTF-32 every letter has a zero beside it.
    contains(bytes, b"mutation") || bytes.contains(&0)
}

pub(super) fn contains(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}
