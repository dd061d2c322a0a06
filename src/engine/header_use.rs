//! What the value of a request header may change about a read.
//!
//! A header that changes nothing may have any bytes ([`super::unreadable_headers`]), and JavaScript need not
//! look at it before it gives an answer again (docs/decisions/0054-hits-that-do-not-enter-wasm.md). Headers
//! in the `Vary` of an entry count for that entry in any case.

use crate::config::{Config, TokenPlace};
use crate::http::{fields, is_neutral};

/// What the value of a request header may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderUse {
    /// Nothing.
    None,
    /// The decision about the request, or the response. It is the same for the same value.
    Value,
    /// More than that: the request asks for something besides the response, or says what only the log can
    /// judge.
    More,
}

/// What the value of a request header may change. `name` is in lower case.
pub fn header_use(config: &Config, name: &str) -> HeaderUse {
    let asks_for_more = [fields::ASKS_FOR_MORE, fields::METHOD_OVERRIDES];
    if name.starts_with("evergraph-") || asks_for_more.iter().any(|set| set.contains(&name)) {
        return HeaderUse::More;
    }
    let is_token = config
        .jwt
        .as_ref()
        .is_some_and(|jwt| matches!(&jwt.place, TokenPlace::Header(header) if header == name));
    if is_token || fields::IDENTITY.contains(&name) || config.keys_by_header(name) {
        return HeaderUse::Value;
    }
    // Every header that a decision reads is neutral, so any other name matters only to the origin.
    let is_unread = match is_neutral(name) {
        true => !fields::READ_THOUGH_NEUTRAL.contains(&name),
        false => config.ignores_header(name),
    };
    if is_unread { HeaderUse::None } else { HeaderUse::Value }
}

#[cfg(test)]
mod tests;
