use super::*;
use crate::http::fields::{ASKS_FOR_MORE, READ_THOUGH_NEUTRAL};
use serde_json::json;

fn uses(names: &[&str]) -> Vec<HeaderUse> {
    let config = crate::config::parse(&json!({
        "vary": ["user-agent"],
        "ignore_headers": ["x-client-*"],
        "jwt": { "algorithms": ["HS256"], "header": "x-request-id" },
        "scopes": { "user": { "by": ["header:x-real-ip"] } },
        "types": { "t": { "match": ["rest:/t"], "ttl": 1, "vary": ["accept-language"] } },
    }))
    .unwrap();
    names.iter().map(|name| header_use(&config, name)).collect()
}

#[test]
fn what_nothing_reads_changes_nothing() {
    let names = ["referer", "sec-fetch-mode", "cf-ray", "traceparent", "x-client-build", "host"];
    assert_eq!(uses(&names), [HeaderUse::None; 6]);
}

#[test]
fn the_configuration_makes_neutral_headers_count() {
    let names = ["user-agent", "accept-language", "x-real-ip", "x-request-id"];
    assert_eq!(uses(&names), [HeaderUse::Value; 4]);
}

#[test]
fn unknown_headers_and_those_that_decisions_read_count() {
    let names = ["x-api-key", "cookie", "authorization", "x-forwarded-user"];
    assert_eq!(uses(&names), [HeaderUse::Value; 4]);
    assert!(uses(READ_THOUGH_NEUTRAL).iter().all(|of| *of == HeaderUse::Value));
    assert!(READ_THOUGH_NEUTRAL.iter().all(|name| is_neutral(name)));
}

#[test]
fn evergraphs_own_and_those_that_ask_for_more_are_for_wasm() {
    let names = ["evergraph-debug", "evergraph-purge", "evergraph-x", "x-http-method"];
    assert_eq!(uses(&names), [HeaderUse::More; 4]);
    assert!(uses(ASKS_FOR_MORE).iter().all(|of| *of == HeaderUse::More));
}
