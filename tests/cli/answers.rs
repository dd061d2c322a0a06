//! What a Worker answers.

use serde_json::{Value, json};

const START: u64 = 1_795_924_800_000;

/// The status and the body. `None`: there is no such route.
pub fn answer(method: &str, route: &str, body: &str) -> Option<(u16, Value)> {
    let sent: Value = serde_json::from_str(body).unwrap_or_default();
    let answer = match (method, route) {
        ("GET", "stats") => stats(),
        ("GET", "health") => health(),
        ("GET", "audit") => audit(),
        ("GET", "config") => json!({ "service": "shop", "default": { "ttl": 300 } }),
        ("GET", "entries") => entry("gql/product/Product/public/4f0c21", 42),
        ("POST", "purge") if sent["tags"][0] == "a b" => {
            return Some((400, json!({ "error": "a tag has no spaces", "path": "tags[0]" })));
        }
        ("POST", "purge") if sent["preview"] == true => json!({
            "preview": true, "tags": 4, "patterns": 0,
            "entries": {
                "count": 2, "is_complete": true,
                "keys": ["shop/2/gql/product/Product/public/4f0c21", "shop/2/gql/product/Products/public/77ab90"],
            },
        }),
        ("POST", "purge") => json!({ "seq": 17, "tags": 4, "patterns": 0 }),
        ("POST", "pause") => {
            let until = sent["seconds"].as_u64().map(|seconds| START + seconds * 1_000);
            json!({ "seq": 18, "until": until })
        }
        ("POST", "resume") => json!({ "seq": 19 }),
        ("POST", "explain") => explanation(&sent),
        ("POST", "warm") => warmed(&sent),
        ("POST", "schema") => json!({ "types": 24, "changed": 3 }),
        ("POST", "documents") => json!({ "documents": 120, "added": 4, "bytes": 31_000 }),
        _ => return None,
    };
    Some((200, answer))
}

fn stats() -> Value {
    json!({
        "counted_by": "service", "window": 3_600, "since": START, "until": START + 3_600_000,
        "hits": 91_200, "stale": 800, "revalidated": 150, "misses": 6_850, "bypass": 3_000, "errors": 4,
        "total_requests": 102_004, "hit_rate": 0.9293,
        "avg_response_time_cached_ms": 3.1, "avg_response_time_uncached_ms": 148.0, "origin_ms_saved": 13_330_800,
        "by_tier": { "memory": 70_100, "edge": 18_900, "kv": 3_000 },
        "bytes": { "cached": 412_000_000, "uncached": 51_000_000 },
        "bypass_reasons": { "cookie-without-scope": 1_900, "mutation": 1_100 },
        "purges": 1_100, "purges_of_everything": { "total": 2 },
        "entries": { "count": 5_210, "bytes": 61_000_000 },
        "rows": [
            row("Products", 60_000, 0.97, 1_700),
            row("Product", 38_000, 0.88, 4_500),
            row("Reviews", 2_000, 0.1, 650),
        ],
        "recent_purges": [
            { "at": START, "source": "mutation", "seq": 16, "tags": 4, "patterns": 0, "all": false, "cause": "updateProduct" },
            { "at": START - 60_000, "source": "admin", "seq": 15, "tags": 0, "patterns": 0, "all": true, "cause": "ci" },
        ],
    })
}

/// Statistics with a name that would control a terminal.
pub fn evil_stats() -> Value {
    json!({ "rows": [row("\u{1b}[31mEvil\nName", 2_000, 0.1, 650)] })
}

fn row(name: &str, requests: u64, hit_rate: f64, misses: u64) -> Value {
    json!({
        "name": name, "hits": requests - misses, "stale": 0, "revalidated": 0, "misses": misses, "bypass": 0,
        "errors": 0, "total_requests": requests, "hit_rate": hit_rate, "bytes": requests * 4_100,
        "avg_cached_ms": 3.0, "avg_uncached_ms": 150.0,
    })
}

fn health() -> Value {
    json!({
        "state": "HEALTHY",
        "parts": {
            "edge_cache": { "state": "HEALTHY" }, "kv": { "state": "HEALTHY" },
            "origin": { "state": "HEALTHY" }, "purge_log": { "state": "HEALTHY" },
        },
        "alerts": [{ "alert": "hit-rate", "state": "ok", "value": 0.93, "threshold": 0.5, "since": START }],
        "paused": null,
    })
}

fn audit() -> Value {
    json!({ "changes": [
        { "at": START, "token": "ci", "role": "purge", "route": "POST purge", "detail": "patterns=0 seq=17 tags=4",
          "address": "203.0.113.4", "status": 200 },
        { "at": START - 86_400_000, "token": "token-1", "role": "admin", "route": "POST schema", "detail": "changed=3 types=24",
          "address": null, "status": 200 },
    ] })
}

fn entry(key: &str, age: u64) -> Value {
    json!({
        "key": format!("shop/2/{key}"), "type": "product", "name": "Product", "scope": "public",
        "stored_at": START, "age": age, "ttl": 7_200, "bytes": 1_840,
        "tags": ["Product", "Product:42", "type:product"], "tags_complete": true,
        "verdict": if age > 1_000 { "purged" } else { "valid" },
    })
}

/// A page of `GET entries?pattern=`: many entries for `gql/many/**`, else two.
pub fn page_of_entries(target: &str) -> Option<Value> {
    let query = target.strip_prefix("entries?pattern=")?;
    if !query.starts_with("gql%2Fmany") && !query.starts_with("gql/many") {
        let entries = [
            entry("gql/product/Product/public/4f0c21", 42),
            entry("gql/product/Products/public/77ab90", 1_310),
        ];
        return Some(json!({ "entries": entries, "cursor": null }));
    }
    let number = |name: &str| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(name));
        value.and_then(|value| value.trim_start_matches('c').parse::<usize>().ok())
    };
    let (limit, page) = (number("limit=")?, number("cursor=").unwrap_or(0));
    let entries: Vec<Value> =
        (0..limit).map(|n| entry(&format!("gql/many/{page}/{n}"), 1)).collect();
    Some(json!({ "entries": entries, "cursor": format!("c{}", page + 1) }))
}

fn explanation(sent: &Value) -> Value {
    let term = |value: Value, from: &str| json!({ "value": value, "from": from });
    if sent["url"] == "/bypassed" || sent["headers"]["cookie"].is_string() {
        return json!({
            "decision": "bypass", "request": { "form": "REST", "operation": null },
            "reason": {
                "word": "cookie-without-scope", "detail": "cookie-without-scope: sid",
                "meaning": "the request has a cookie that no scope covers",
                "remedy": "give each a `scope`; list the cookie in the scope's `ignore`, or in `ignore_cookies`",
            },
            "signals": [{ "signal": "cookie: sid", "covered_by": [], "not_covered_by": ["types.product"], "is_covered": false }],
            "types": [], "terms": null, "key": null, "tags": [], "purges": null, "entry": null, "warnings": [],
        });
    }
    json!({
        "decision": "lookup", "x_cache": "MISS",
        "request": { "form": "GraphQL by POST", "operation": { "kind": "query", "name": "Product" } },
        "reason": null,
        "signals": [{ "signal": "header: authorization", "covered_by": ["scopes.user"], "is_covered": true }],
        "types": [{ "name": "product", "matched_by": ["graphql:Query.product"] }],
        "terms": {
            "ttl": term(json!(7_200), "types.product"), "swr": term(json!(60), "types.product"),
            "scope": [term(json!("user"), "types.product")], "client_ttl": term(Value::Null, ""),
        },
        "key": "shop/2/gql/product/Product/user-91be/4f0c21", "tags": ["type:product", "op:Product"],
        "purges": null,
        "entry": {
            "tier": "edge", "stored_at": START, "age": 42, "ttl": 7_200, "freshness": "purged", "verdict": "purged",
            "purged_by": { "seq": 16, "by": "tag Product:42" }, "bytes": 1_840, "tags": [],
        },
        "warnings": [],
    })
}

/// A part of a warming: one request at a time.
fn warmed(sent: &Value) -> Value {
    if sent["top"] == 99 {
        let result = json!({ "url": "/graphql", "operation": "Product", "outcome": "failed", "reason": "origin-failed", "ms": 30 });
        return json!({ "warmed": 0, "already_fresh": 0, "failed": 1, "kv_writes": 0, "results": [result], "remaining": null });
    }
    if sent["top"] == 98 {
        return json!({
            "warmed": 1, "already_fresh": 0, "skipped": 2, "failed": 0, "kv_writes": 1, "results": [],
            "remaining": { "requests": [{ "url": "/a" }] }, "stopped": "origin-failing",
        });
    }
    let requests = sent["requests"].as_array().cloned().unwrap_or_default();
    let remaining = requests.get(1..).filter(|rest| !rest.is_empty());
    let warmed = if requests.is_empty() { sent["top"].as_u64().unwrap_or(0) } else { 1 };
    let result = |name: &str, outcome: &str| json!({ "url": "/graphql", "operation": name, "outcome": outcome, "ms": 30 });
    if sent["top"] == 2 {
        let results = [result("Products", "warmed"), result("Product", "already_fresh")];
        return json!({ "warmed": 1, "already_fresh": 1, "failed": 0, "kv_writes": 1, "results": results, "remaining": null });
    }
    json!({
        "warmed": warmed, "already_fresh": 0, "failed": 0, "kv_writes": warmed,
        "results": [], "remaining": remaining.map(|rest| json!({ "requests": rest })),
    })
}
