use super::*;
use crate::http::{Method, Url};
use proptest::prelude::*;
use serde_json::json;

fn config() -> Config {
    crate::config::parse(&json!({ "service": "shop", "origin": "https://api.example.com" }))
        .unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs.iter().copied().collect()
}

fn request(method: &str, path: &str) -> Request {
    Request {
        method: Method::parse(method),
        url: Url::parse(&format!("https://api.example.com{path}")).unwrap(),
        headers: Headers::new(),
    }
}

fn tags(command: &PurgeCommand) -> Vec<&str> {
    command.tags.iter().map(Tag::as_str).collect()
}

#[test]
fn tags_in_headers_are_separated_by_commas_or_spaces() {
    for (name, value) in [
        ("surrogate-key", "/books/1, /books"),
        ("xkey", "/books /books/1"),
        ("cache-tag", "/books,/books/1"),
    ] {
        let command = purge_by_headers(&headers(&[(name, value)])).unwrap().unwrap();
        assert_eq!(tags(&command), ["/books", "/books/1"], "{name}");
        assert!(!command.soft && !command.all);
    }
    assert_eq!(purge_by_headers(&Headers::new()), None);
    let soft = headers(&[("xkey", "a"), ("fastly-soft-purge", "1")]);
    assert!(purge_by_headers(&soft).unwrap().unwrap().soft);
    for faulty in [" , ", "é"] {
        let error = purge_by_headers(&headers(&[("xkey", faulty)])).unwrap().unwrap_err();
        assert_eq!(error.path, "xkey", "{faulty:?}");
    }
}

#[test]
fn fastly_names_keys_in_the_body() {
    let read = |body: &str| purge_of_keys(body.as_bytes(), &Headers::new());
    assert_eq!(tags(&read(r#"{"surrogate_keys":["a","b"]}"#).unwrap()), ["a", "b"]);
    for (body, path) in [
        ("", ""),
        (r#"{"surrogate_keys":"a"}"#, "surrogate_keys"),
        (r#"{"surrogate_keys":["a",1]}"#, "surrogate_keys[1]"),
        (r#"{"keys":["a"]}"#, "keys"),
        (r#"{"surrogate_keys":[]}"#, "surrogate_keys"),
        (r#"{"surrogate_keys":["a b"]}"#, "surrogate_keys"),
    ] {
        assert_eq!(read(body).unwrap_err().path, path, "{body}");
    }
}

#[test]
fn apollo_router_names_subgraphs_types_and_tags() {
    let read = |list: serde_json::Value| purge_of_invalidations(list.to_string().as_bytes());
    let command = read(json!([
        { "kind": "type", "subgraph": "products", "type": "Product" },
        { "kind": "cache_tag", "subgraphs": ["posts"], "cache_tag": "user-42" },
    ]));
    let command = command.unwrap();
    assert_eq!((tags(&command), command.all), (vec!["Product", "user-42"], false));
    assert!(read(json!([{ "kind": "subgraph", "subgraph": "products" }])).unwrap().all);
    for faulty in [
        json!([]),
        json!({ "kind": "subgraph" }),
        json!([{ "kind": "subgraph" }]),
        json!([{ "kind": "planet", "subgraph": "a" }]),
        json!([{ "kind": "subgraph", "subgraph": "a" }, { "kind": "type", "subgraph": "a" }]),
    ] {
        assert!(read(faulty.clone()).is_err(), "{faulty}");
    }
    let second = json!([
        { "kind": "subgraph", "subgraph": "a" },
        { "kind": "type", "subgraph": "a", "type": "a b" },
    ]);
    assert_eq!(read(second).unwrap_err().path, "[1]");
}

#[test]
fn varnish_names_the_path_of_the_request() {
    let purge = purge_of_path(&config(), &request("PURGE", "/api/%70roducts/1?page=2"));
    assert_eq!((tags(&purge), purge.patterns.len()), (vec!["path:/api/products/1"], 0));
    let ban = ban_of_path(&config(), &request("BAN", "/api/products/")).unwrap();
    assert_eq!(ban.patterns[0].as_str(), "rest/*/api~products~*/**");
    let ban = ban_of_path(&config(), &request("BAN", "/")).unwrap();
    assert_eq!(ban.patterns[0].as_str(), "rest/**");
}

proptest! {
    /// A ban reaches the keys of all paths below, however long, and those of no sibling.
    #[test]
    fn a_ban_reaches_what_is_below(
        path in "(/[a-z0-9é%~*]{1,40}){1,5}",
        below in "(/[a-z0-9é*]{1,40}){1,3}",
    ) {
        let key = |path: &str| format!("rest/default/{}/public/00", name_segment(path));
        let mut request = request("BAN", "/");
        request.url.path = path.clone();
        let path = request.url.comparable_path();
        let ban = ban_of_path(&config(), &request).unwrap();
        let matches = |path: &str| ban.patterns[0].matches(&key(path));
        let (inside, sibling) = (path.clone() + &below, path.clone() + "x" + &below);
        prop_assert!(matches(&inside));
        if path.len() < 30 && path.is_ascii() && !path.contains('%') {
            prop_assert!(!matches(&sibling));
        }
    }
}
