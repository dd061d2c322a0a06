use crate::config::{Config, parse};
use serde_json::{Value, json};

fn config(value: &Value) -> Config {
    parse(value).unwrap_or_else(|faults| panic!("{value}: {faults:?}"))
}

fn base() -> Value {
    json!({
        "service": "shop",
        "origin": "http://origin",
        "types": {
            "product": {
                "match": ["rest:/api/products/**"],
                "ttl": 60,
                "scope": "user",
                "tags": ["catalog"],
            },
        },
        "scopes": { "user": { "by": ["header:authorization"] } },
        "jwt": { "header": "authorization", "algorithms": ["HS256"] },
        "mutations": { "rules": { "publish": ["catalog"] } },
        "resources": [{ "path": "/api/products/:id", "tags": ["Product:{id}"] }],
    })
}

/// The base with another value at a path such as `/types/product/ttl`.
fn with(path: &str, value: &Value) -> Value {
    let mut changed = base();
    let mut place = &mut changed;
    for name in path.split('/').skip(1) {
        place = &mut place[name];
    }
    *place = value.clone();
    changed
}

/// Changes that affect tags.
fn changes_that_count() -> Vec<(&'static str, Value)> {
    vec![
        ("/origin", json!("http://other")),
        ("/bypass", json!(["/health"])),
        ("/tag_headers", json!(["x-keys"])),
        ("/same", json!([["Post", "PostType"]])),
        ("/graphql/paths", json!(["/api/graphql"])),
        ("/graphql/inject", json!(false)),
        ("/graphql/keys", json!({ "Product": "sku" })),
        ("/default/tags", json!(["a"])),
        ("/default/scope", json!("user")),
        ("/types/product/match", json!(["rest:/api/products/*"])),
        ("/types/product/ttl", json!("origin")),
        ("/types/product/scope", json!("public")),
        ("/types/product/tags", json!([])),
        ("/types/product/ignore_case", json!(true)),
        ("/types/other", json!({ "match": ["graphql:Other"], "ttl": 60 })),
        ("/scopes/user/by", json!(["cookie:session"])),
        ("/scopes/other", json!({ "by": [] })),
        ("/mutations/policy", json!("entity")),
        ("/mutations/rules", json!({ "publish": [] })),
        ("/mutations/rules/archive", json!(["catalog"])),
        ("/resources", json!([])),
        ("/resources", json!([{ "path": "/api/products/:id", "tags": ["Product:{$.id}"] }])),
        ("/resources", json!([{ "path": "/api/products/*", "tags": ["Product"] }])),
    ]
}

/// Changes that do not.
fn changes_that_do_not_count() -> Vec<(&'static str, Value)> {
    vec![
        ("/service", json!("store")),
        ("/formerly", json!(["store"])),
        ("/ignore_cookies", json!(["_ga*"])),
        ("/ignore_headers", json!(["x-build"])),
        ("/vary", json!(["store"])),
        ("/graphql/apq", json!("origin")),
        ("/graphql/schema", json!("introspect")),
        ("/rest/heuristic", json!(true)),
        ("/rest/client_directives", json!(false)),
        ("/rest/authorization", json!("origin")),
        ("/rest/cdn_cache_control", json!("keep")),
        ("/default/ttl", json!(5)),
        ("/types/product/ttl", json!(61)),
        ("/types/product/swr", json!(5)),
        ("/types/product/sie", json!(5)),
        ("/types/product/vary", json!(["store"])),
        ("/types/product/override", json!(true)),
        ("/types/product/client_ttl", json!(0)),
        ("/types/product/query", json!(["page"])),
        ("/types/product/statuses", json!({ "404": 5 })),
        ("/types/product/strip_set_cookie", json!(true)),
        ("/scopes/user/ignore", json!(["cookie:theme"])),
        ("/jwt/leeway", json!(5)),
        ("/origin_timeout/read_ms", json!(5)),
        ("/limits/refuse", json!(true)),
        ("/kv/writes", json!("never")),
        ("/purge/max_lag", json!(1)),
        ("/purge/settle", json!(1)),
    ]
}

#[test]
fn the_fingerprint_changes_with_what_decides_on_tags_and_with_nothing_else() {
    let own = config(&base()).tagging;
    assert!(own.is_known());
    assert_eq!(config(&base()).tagging, own);
    let mut seen = vec![own];
    for (path, value) in changes_that_count() {
        let tagging = config(&with(path, &value)).tagging;
        assert!(!seen.contains(&tagging), "{path} {value}");
        seen.push(tagging);
    }
    for (path, value) in changes_that_do_not_count() {
        assert_eq!(config(&with(path, &value)).tagging, own, "{path} {value}");
    }
}

/// A default that is written down changes nothing.
#[test]
fn a_default_that_is_written_down_is_the_same_rule() {
    let own = config(&base()).tagging;
    for (path, value) in [
        ("/graphql/paths", json!(["/graphql"])),
        ("/graphql/inject", json!(true)),
        ("/mutations/policy", json!("type")),
        ("/default/scope", json!("public")),
        ("/bypass", json!([])),
    ] {
        assert_eq!(config(&with(path, &value)).tagging, own, "{path}");
    }
}
