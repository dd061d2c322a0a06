use super::*;
use crate::config::{Identity, TypeTtl};
use crate::time::Ttl;
use serde_json::json;

fn faults(value: Value) -> Vec<String> {
    parse(&value).unwrap_err().iter().map(ToString::to_string).collect()
}

fn whole() -> Value {
    json!({
        "service": "shop",
        "origin": "http://127.0.0.1:4000",
        "bypass": ["/health", "/api/auth/**"],
        "ignore_cookies": ["csrftoken", "_ga*"],
        "same": [["Post", "PostType"]],
        "graphql": { "paths": ["/graphql"], "inject": true, "apq": "own", "schema": "none" },
        "default": { "ttl": 300 },
        "types": {
            "product": {
                "match": ["graphql:Product", "graphql:Query.products", "rest:/api/products/**", "operation:Catalog*"],
                "ttl": 7200, "swr": 60, "sie": 86400, "scope": "user", "tags": ["catalog"],
                "override": false, "client_ttl": 0,
            },
        },
        "scopes": { "user": { "by": ["header:Authorization", "cookie:session"] } },
        "mutations": { "policy": "type", "rules": { "publishCatalog": ["type:product"], "track*": [] } },
        "resources": [{ "path": "/api/products/:id", "tags": ["Product", "Product:{id}"] }],
        "kv": { "timeout_ms": 50, "writes": "always" },
        "purge": { "max_lag": 5, "wait": true, "settle": 2, "unreadable": "miss", "cookie": true },
    })
}

#[test]
fn reads_a_whole_configuration() {
    let config = parse(&whole()).unwrap();
    assert_eq!(config.types[0].matches.len(), 4);
    assert_eq!(config.types_of_operation("CatalogPage").len(), 1);
    assert_eq!(config.types_of_operation("Page").len(), 0);
    assert_eq!(config.types_of_answer(&["Product"]).len(), 1);
    assert_eq!(config.types_of_path("/api/products/1").len(), 1);
    assert!(config.resource_tags("/api/products/4%2C2").contains("Product:4%2C2"));
    assert_eq!(config.mutation_rule("trackVisit").unwrap().tags, []);
    assert_eq!(config.purge.settle, 2);
    assert_eq!(config.longest_lifetime().as_seconds(), 93_600);
    assert_eq!(
        config.scope("user").unwrap().by,
        [Identity::Header("authorization".into()), Identity::Cookie("session".into())]
    );
}

#[test]
fn an_empty_configuration_is_one() {
    let config = parse(&json!({})).unwrap();
    assert!(config.is_graphql("/graphql"));
    assert_eq!(config.default_type.ttl, TypeTtl::Seconds(Ttl::from_seconds(300)));
    assert_eq!((config.kv.timeout_ms, config.purge.max_lag), (50, 5));
    assert_eq!(config.purge.settle, 0);
}

#[test]
fn every_fault_is_named_by_its_path() {
    let faults = faults(json!({
        "servise": "x",
        "origin": "shop.example",
        "graphql": { "paths": "graphql", "apq": "mine" },
        "types": { "product": { "match": ["graphql:Product.name", "path:/x", 7], "ttl": -1, "scope": "nobody" }, "b": {} },
        "scopes": { "user": { "by": ["ip"] } },
        "mutations": { "rules": { "a b": ["x y"] } },
        "resources": [{ "path": "/p/:id", "tags": ["P:{ident}"] }, {}],
        "kv": { "timeout_ms": "50" },
        "purge": { "max_lag": 0, "settle": 61 },
    }));
    for path in [
        "servise: unknown key",
        "origin: expected scheme",
        "graphql.paths: expected a list",
        "graphql.apq: expected one of \"own\", \"origin\"",
        "types.product.match[0]: ",
        "types.product.match[1]: ",
        "types.product.match[2]: expected a string",
        "types.product.ttl: expected a whole number of seconds",
        "types.product.scope: no scope is named \"nobody\"",
        "types.b.match: ",
        "types.b.ttl: ",
        "scopes.user.by[0]: ",
        "mutations.rules.a b: ",
        "mutations.rules.a b[0]: ",
        "resources[0].tags[0]: ",
        "resources[1].path: ",
        "kv.timeout_ms: expected a whole number of milliseconds",
        "purge.max_lag: expected a whole number of seconds",
        "purge.settle: expected a whole number of seconds",
    ] {
        assert!(faults.iter().any(|fault| fault.starts_with(path)), "{path} not in {faults:#?}");
    }
}

#[test]
fn what_is_no_table_is_a_fault() {
    assert_eq!(faults(json!([])), ["expected a table, found []"]);
    assert_eq!(faults(json!({ "types": 1 })), ["types: expected a table, found 1"]);
    assert_eq!(faults(json!({ "types": { "default": { "match": [], "ttl": 1 } } })).len(), 1);
}

#[test]
fn a_service_that_was_renamed_keeps_its_log() {
    let config = |formerly: Value| json!({ "service": "store", "formerly": formerly });
    assert_eq!(parse(&config(json!(["shop", "old_shop"]))).unwrap().formerly, ["shop", "old_shop"]);
    for (value, log) in [
        (json!({}), "evergraph"),
        (json!({ "service": "store" }), "store"),
        (config(json!([])), "store"),
        (config(json!(["shop"])), "shop"),
        (config(json!(["shop", "later"])), "shop"),
        // With faults elsewhere, and with some of its own.
        (json!({ "service": "a b", "formerly": ["shop"], "ttl": 1 }), "shop"),
        (config(json!(["shop", "a b", "store"])), "shop"),
        (config(json!(["a b"])), "store"),
        (config(json!("shop")), "store"),
        (json!({ "service": "a b" }), "evergraph"),
    ] {
        assert_eq!(log_name_of(&value), log, "{value}");
    }
    for (formerly, path) in [
        (json!(["a/b"]), "formerly[0]: expected 1 to 64 letters"),
        (json!(["shop", "store"]), "formerly[1]: this is the service's name now"),
        (json!(["shop", "shop"]), "formerly[1]: \"shop\" is listed twice"),
        (json!("shop"), "formerly: expected a list of strings"),
    ] {
        let faults = faults(config(formerly));
        assert!(faults.iter().all(|fault| fault.starts_with(path)), "{path}: {faults:?}");
    }
}
