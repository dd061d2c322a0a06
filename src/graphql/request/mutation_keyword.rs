//! Whether bytes that could not be read may contain a mutation.

use crate::http::percent_decoded;

/// `true` if a body that could not be read may contain a mutation. The keyword has only one
/// spelling in GraphQL; in JSON, escapes can hide it.
pub fn may_hold_mutation(body: &[u8]) -> bool {
    contains_mutation_keyword(body) || contains(body, b"\\u")
}

/// `true` if the query of a URL may contain a mutation.
pub fn url_may_hold_mutation(url_query: &str) -> bool {
    contains_mutation_keyword(&percent_decoded(url_query.as_bytes()))
}

/// `true` if the bytes contain the keyword, not escaped as in JSON.
fn contains_mutation_keyword(bytes: &[u8]) -> bool {
    // In UTF-16 and UTF-32, every letter comes with a zero byte.
    contains(bytes, b"mutation") || bytes.contains(&0)
}

pub(super) fn contains(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}
