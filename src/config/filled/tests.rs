use super::*;
use crate::config::parse;
use proptest::prelude::*;

/// A configuration that has every key. Those of one table that exclude each other are in several tables.
fn with_every_key() -> Value {
    json!({
        "service": "shop",
        "formerly": ["store"],
        "origin": "https://api.example.com",
        "bypass": ["/health"],
        "ignore_cookies": ["_ga*"],
        "ignore_headers": ["x-app-*"],
        "vary": ["store"],
        "tag_headers": ["x-graphql-keys"],
        "same": [["Product", "ProductCard"]],
        "shadow": 0.5,
        "graphql": {
            "paths": ["/api/graphql"], "inject": false, "apq": "origin", "schema": "introspect",
            "keys": { "Product": ["sku"] },
        },
        "origin_timeout": { "read_ms": 5_000, "write_ms": 60_000 },
        "limits": {
            "bytes": 1_000, "tokens": 1_000, "depth": 10, "aliases": 10, "selections": 100,
            "operations": 2, "batch": 3, "values": 500, "memory_in_flight": 33_554_432, "refuse": true,
        },
        "rest": {
            "heuristic": true, "client_directives": false, "authorization": "origin",
            "cdn_cache_control": "keep",
        },
        "default": {
            "ttl": 10, "swr": 1, "sie": 2, "scope": "user", "vary": ["accept-language"], "tags": ["x"],
            "override": true, "client_ttl": 3,
        },
        "types": {
            "product": {
                "match": ["graphql:Product"], "ttl": 20, "swr": 1, "sie": 2, "scope": "user",
                "vary": ["accept-language"], "tags": ["y"], "override": true, "client_ttl": 3,
            },
            "page": {
                "match": ["rest:/pages/**"], "ttl": "origin", "query": ["page"], "ignore_case": true,
                "statuses": { "404": 30 }, "strip_set_cookie": true,
            },
            "search": { "match": ["rest:/search"], "ttl": 5, "query": { "except": ["utm_*"] } },
        },
        "scopes": { "user": { "by": ["header:authorization", "jwt:sub"], "ignore": ["cookie:theme"] } },
        "jwt": {
            "algorithms": ["RS256"], "jwks": "https://login.example.com/keys", "header": "authorization",
            "issuer": "https://login.example.com/", "audience": "shop", "leeway": 1,
        },
        "mutations": { "policy": "all", "rules": { "track*": [] } },
        "resources": [{ "path": "/pages/:id", "tags": ["Page:{id}"] }],
        "kv": { "timeout_ms": 10, "writes": "always", "min_ttl": 5, "writes_per_day": 100 },
        "purge": { "max_lag": 1, "wait": false, "settle": 2, "unreadable": "serve", "cookie": true, "methods": true },
        "log": { "hits": 0.5, "stale": 0, "misses": 0.25, "revalidated": 0, "bypasses": 0 },
        "on_deploy": { "purge": ["Product"] },
        "stats": { "requests_per_day": 5 },
        "warm": { "on": ["deploy", "purge-all"], "top": 7, "requests_per_minute": 30 },
        "admin": {
            "access_team": "https://team.cloudflareaccess.com", "access_audience": "4f0c",
            "access_role": "purge", "access_admins": ["ann@example.com"],
        },
        "alerts": {
            "hit_rate": 0.25, "min_lookups": 5, "errors_per_minute": 2,
            "webhook": "https://alerts.example.com",
        },
        "operator": { "url": "https://shop.example" },
    })
}

/// The paths of all tables in a value of a section, with `*` for chosen names.
fn tables<'v>(path: &str, value: &'v Value, found: &mut Vec<(String, &'v Map<String, Value>)>) {
    let Value::Object(table) = value else { return };
    found.push((path.to_owned(), table));
    for key in keys_of(path) {
        let Some(value) = table.get(key.name) else { continue };
        let path = path_of(path, key);
        match (key.value, value) {
            (ValueType::Map { .. }, Value::Object(named)) => {
                named.values().for_each(|one| tables(&format!("{path}.*"), one, found));
            }
            (ValueType::List(_), Value::Array(items)) => {
                items.iter().for_each(|one| tables(&path, one, found));
            }
            _ => tables(&path, value, found),
        }
    }
}

/// Whether a key of an empty section is written.
fn is_filled(section: &str, key: &Key) -> bool {
    let path = path_of(section, key);
    applies(&path, None) && default_of(&path, key).is_some()
}

#[test]
fn the_defaults_of_nothing_are_every_key_that_has_one() {
    let filled = with_defaults(&json!({}));
    for (path, keys) in SECTIONS.iter().filter(|(path, _)| !path.contains('*')) {
        let section = if path.is_empty() { Some(&filled) } else { filled.get(path) };
        let is_optional = matches!(*path, "jwt" | "resources");
        let Some(section) = section.filter(|section| section.is_object()) else {
            assert!(is_optional, "{path}");
            continue;
        };
        for key in keys.iter().filter(|key| is_filled(path, key)) {
            assert!(section.get(key.name).is_some(), "{path}.{}", key.name);
        }
    }
    assert_eq!(filled["kv"]["writes"], json!("second-request"));
    assert_eq!(filled["types"], json!({}));
    assert_eq!(parse(&filled), parse(&json!({})));
}

#[test]
fn a_configured_section_shows_its_other_keys() {
    let types = json!({
        "product": { "match": ["graphql:Product"], "ttl": 20 },
        "page": { "match": ["rest:/pages/**"], "ttl": "origin" },
    });
    let filled = with_defaults(&json!({ "types": types }));
    assert_eq!(filled["types"]["product"]["override"], json!(false));
    assert_eq!(filled["types"]["product"].get("ignore_case"), None);
    assert_eq!(filled["types"]["page"]["ignore_case"], json!(false));
}

#[test]
fn every_key_is_in_the_configuration_of_these_tests() {
    let all = with_every_key();
    parse(&all).unwrap();
    let mut found = Vec::new();
    tables("", &all, &mut found);
    for (path, keys) in SECTIONS {
        for key in *keys {
            let excluded = (*path, key.name) == ("jwt", "cookie");
            let has = |(other, table): &(String, &Map<_, _>)| {
                other == path && table.contains_key(key.name)
            };
            assert!(excluded || found.iter().any(has), "add {path}.{} to with_every_key", key.name);
        }
    }
}

#[test]
fn of_an_address_with_a_secret_only_the_origin_is_shown() {
    for address in [
        "https://hooks.example.com/services/T0/B1/secret",
        "https://user:secret@hooks.example.com/x?token=secret#secret",
        "https://hooks.example.com?secret",
    ] {
        let shown = shown(
            "alerts.webhook",
            ValueType::Text(&super::super::forms::NOT_EMPTY),
            &json!(address),
        );
        assert_eq!(shown, json!("https://hooks.example.com"), "{address}");
    }
}

/// Removes members of the tables, as the bits say, except those that others need.
fn without(value: &Value, bits: &mut impl Iterator<Item = bool>) -> Value {
    let Value::Object(table) = value else { return value.clone() };
    let kept = table.iter().filter_map(|(name, value)| {
        let needed =
            ["match", "ttl", "algorithms", "jwks", "jwt", "by", "path", "except", "scopes", "user"];
        let is_kept = needed.contains(&name.as_str()) || bits.next().unwrap_or(true);
        is_kept.then(|| (name.clone(), without(value, bits)))
    });
    Value::Object(kept.collect())
}

proptest! {
    #[test]
    fn read_back_it_is_the_same_configuration(
        bits in prop::collection::vec(prop::bool::weighted(0.7), 150),
        place in prop::bool::ANY,
    ) {
        let mut configured = with_every_key();
        if place {
            configured["jwt"]["cookie"] = json!("token");
            configured["jwt"].as_object_mut().unwrap().remove("header");
        }
        let configured = without(&configured, &mut bits.into_iter());
        let filled = with_defaults(&configured);
        let config = parse(&configured);
        prop_assume!(config.is_ok());
        prop_assert_eq!(parse(&filled), config);
        prop_assert_eq!(with_defaults(&filled), filled);
    }
}
