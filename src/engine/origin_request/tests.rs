use super::super::evergraph_headers::{TokenCheck, check_debug_token, take_evergraph_headers};
use super::super::response::rewrite_location;
use super::*;
use crate::http::{Method, Url};
use proptest::prelude::*;

const ORIGIN: &str = "http://origin.internal:8080";

fn request(fields: &[(String, String)]) -> Request {
    Request {
        method: Method::Get,
        url: Url::parse("https://shop.example/api/products?page=1").unwrap(),
        headers: fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
    }
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn forwarded(fields: &[(String, String)], origin: Option<&str>) -> (TokenCheck, Headers) {
    let mut request = request(fields);
    let tokens = || Some("secret, graphs:read:r, bad:reader:x".to_owned());
    let debug = check_debug_token(&request, tokens);
    take_evergraph_headers(&mut request, "shop", debug);
    let headers = forwarded_headers(origin, &request, request.headers.clone());
    (debug, headers)
}

#[test]
fn an_administrators_token_is_taken_off_where_it_is_one() {
    let asks = ("evergraph-debug", "1");
    for (authorization, found) in [
        ("Bearer secret", TokenCheck::Right),
        ("Bearer r", TokenCheck::Right),
        ("Bearer alice", TokenCheck::Wrong),
        ("Bearer x", TokenCheck::Wrong),
        ("Basic secret", TokenCheck::Absent),
    ] {
        let fields = owned(&[asks, ("authorization", authorization)]);
        let (debug, headers) = forwarded(&fields, Some(ORIGIN));
        assert_eq!(debug, found, "{authorization}");
        let is_forwarded = headers.contains("authorization");
        assert_eq!(is_forwarded, found != TokenCheck::Right, "{authorization}");
        assert!(!headers.contains("evergraph-debug"));
    }
    let (debug, headers) = forwarded(&owned(&[("authorization", "Bearer secret")]), Some(ORIGIN));
    assert_eq!(debug, TokenCheck::Absent);
    assert!(headers.contains("authorization"));
}

#[test]
fn the_clients_name_for_the_host_is_evergraphs_word() {
    let fields = owned(&[("host", "shop.example"), ("x-forwarded-host", "evil.example")]);
    let (_, headers) = forwarded(&fields, Some(ORIGIN));
    assert_eq!(headers.get("host"), None);
    assert_eq!(headers.get_all("x-forwarded-host").collect::<Vec<_>>(), ["shop.example"]);
    assert_eq!(headers.get("x-forwarded-proto"), Some("https"));
    let (_, same) = forwarded(&fields, None);
    assert_eq!(same.get("host"), Some("shop.example"));
}

#[test]
fn the_origins_address_becomes_the_public_one_and_unreadable_bytes_stay() {
    for (location, expected) in [
        ("http://origin.internal:8080/a?b#c", "https://shop.example/a?b#c"),
        ("http://origin.internal:8080", "https://shop.example"),
        ("http://origin.internal:80801/a", "http://origin.internal:80801/a"),
        ("/caf\u{E9}", "/caf\u{E9}"),
        ("http://origin.internal:8080/caf\u{E9}", "https://shop.example/caf\u{E9}"),
        ("http://origin.internal:8080/caf\u{FFFD}", "http://origin.internal:8080/caf\u{FFFD}"),
    ] {
        let mut headers: Headers = [("location", location)].into_iter().collect();
        rewrite_location(Some(ORIGIN), &request(&[]), &mut headers);
        assert_eq!(headers.get("location"), Some(expected));
    }
}

proptest! {
    /// Whatever a client sends: none of Evergraph's own headers reaches the origin, and all others
    /// do.
    #[test]
    fn nothing_of_evergraphs_own_is_forwarded(
        fields in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "accept", "authorization", "cookie", "evergraph-debug", "evergraph-purge",
                    "host", "x-forwarded-host", "x-forwarded-proto", "x-user", "upgrade",
                ]),
                prop::sample::select(vec![
                    "1", "Bearer secret", "Bearer alice", "a=1; evergraph-purge=7; b=2",
                    "evergraph-purge=9", "sid=x", "shop.example",
                    "evergraph-purge-shop=9; evergraph-purge-other=8",
                ]),
            ),
            0..8,
        ),
        named in any::<bool>(),
    ) {
        let fields = owned(&fields);
        let (debug, headers) = forwarded(&fields, named.then_some(ORIGIN));
        for (name, value) in headers.iter() {
            prop_assert!(!name.starts_with("evergraph-"), "{name}");
            prop_assert!(name != "cookie" || !value.contains("evergraph-purge"), "{value}");
            let is_token = name == "authorization" && debug == TokenCheck::Right;
            prop_assert!(!is_token, "{value}");
        }
        let changed = ["evergraph-debug", "evergraph-purge", "cookie", "authorization", "host",
            "x-forwarded-host", "x-forwarded-proto"];
        let before = request(&fields).headers;
        for (name, _) in before.iter().filter(|(name, _)| !changed.contains(name)) {
            prop_assert!(headers.get_all(name).eq(before.get_all(name)));
        }
    }
}
