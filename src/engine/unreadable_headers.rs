//! Request headers with bytes that are not UTF-8.
//!
//! The runtime replaces such bytes, so two different values may look the same. They must not be
//! part of a key, identify a client, or be read by a decision.

use super::header_use::{HeaderUse, header_use};
use crate::config::Config;
use crate::http::Headers;

/// Whether such a header may affect the response or a decision.
pub fn has_unreadable_key_header(config: &Config, headers: &Headers) -> bool {
    let counts = |name| header_use(config, name) != HeaderUse::None;
    headers.unreadable_names().into_iter().any(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn counts(name: &str, value: &str) -> bool {
        let config = crate::config::parse(&json!({
            "vary": ["x-keyed"],
            "ignore_headers": ["*"],
            "jwt": { "algorithms": ["HS256"], "header": "x-token" },
            "scopes": { "user": { "by": ["header:x-user"] } },
            "types": { "t": { "match": ["rest:/t"], "ttl": 1, "vary": ["user-agent-class"] } },
        }))
        .unwrap();
        has_unreadable_key_header(
            &config,
            &[(name, value), ("x-other", "plain")].into_iter().collect(),
        )
    }

    #[test]
    fn what_no_decision_reads_does_not_count() {
        for name in ["referer", "user-agent", "x-client-build", "sec-ch-ua", "x-forwarded-for"] {
            assert!(!counts(name, "caf\u{FFFD}"), "{name}");
        }
    }

    #[test]
    fn what_may_say_who_asks_or_belongs_to_a_key_or_is_read_counts() {
        for name in [
            "authorization",
            "cookie",
            "x-token",
            "x-user",
            "x-keyed",
            "user-agent-class",
            "accept",
            "if-none-match",
            "if-range",
            "range",
            "origin",
            "content-type",
            "cache-control",
        ] {
            assert!(counts(name, "caf\u{FFFD}"), "{name}");
            assert!(!counts(name, "caf\u{E9}"), "{name}");
        }
    }
}
