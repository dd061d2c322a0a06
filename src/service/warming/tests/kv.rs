//! What warming writes to KV, and how much.

use super::*;
use crate::key::sha256_hex;

/// Every value of `kv.writes`; `None`: the default.
const WRITES: [Option<&str>; 3] = [None, Some("never"), Some("always")];

fn with_writes(writes: Option<&str>) -> Setup {
    let kv = writes.map_or(json!({}), |writes| json!({ "writes": writes }));
    Setup::with(&json!({ "kv": kv }))
}

fn counts(report: &WarmReport) -> (usize, usize, u64) {
    (report.warmed, report.already_fresh, report.kv_writes)
}

fn with_budget(mut body: Value, kv_writes: u64) -> Value {
    body["budget"] = json!({ "kv_writes": kv_writes });
    body
}

#[test]
fn what_is_fresh_only_in_this_isolate_is_written_within_the_budget() {
    for writes in [None, Some("never")] {
        let setup = with_writes(writes);
        let all = ["/products/1", "/products/2", "/products/3"];
        assert!(all.iter().all(|url| setup.get(url) == "MISS"), "{writes:?}");
        let none = setup.warm(&with_budget(urls(&all), 0));
        assert_eq!((counts(&none), setup.entries_in_kv()), ((0, 3, 0), 0), "{writes:?}");
        let one = setup.warm(&with_budget(urls(&all), 1));
        assert_eq!((counts(&one), setup.entries_in_kv()), ((0, 3, 1), 1), "{writes:?}");
        let rest = setup.warm(&urls(&all));
        assert_eq!((counts(&rest), setup.entries_in_kv()), ((0, 3, 2), 3), "{writes:?}");
        assert_eq!(counts(&setup.warm(&urls(&all))), (0, 3, 0), "{writes:?}");
        assert_eq!(setup.runtime.calls(Call::KvPut), 3, "{writes:?}");
    }
}

#[test]
fn a_part_hands_on_what_is_left_of_the_budget() {
    let setup = with_writes(None);
    let all: Vec<String> = (0..10).map(|n| format!("/products/{n}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(setup.get(all[0]), "MISS");
    let first = setup.warm(&with_budget(urls(&all), 9));
    assert_eq!(counts(&first), (7, 1, 8));
    let second = setup.warm(&first.remaining.unwrap());
    assert_eq!((counts(&second), setup.entries_in_kv()), ((2, 0, 1), 9));
}

#[test]
fn what_kv_has_already_costs_no_budget() {
    let here = with_writes(None);
    assert_eq!(counts(&here.warm(&urls(&["/products/1"]))), (1, 0, 1));
    assert_eq!(here.get("/products/2"), "MISS");
    assert_eq!(here.entries_in_kv(), 1);
    let neighbor = here.neighbor();
    let mut body = with_budget(urls(&["/products/1", "/products/2"]), 1);
    body["concurrency"] = json!(1);
    assert_eq!(counts(&neighbor.warm(&body)), (0, 2, 1));
    assert_eq!((here.entries_in_kv(), here.runtime.calls(Call::KvPut)), (2, 2));
}

#[test]
fn what_is_too_large_for_memory_is_written_too() {
    for writes in WRITES {
        let setup = with_writes(writes);
        setup.runtime.origin_answers(|_| {
            let headers = [("content-type", "text/plain")].into_iter().collect();
            (200, headers, vec![b'a'; limits::MEMORY_ENTRY_BYTES + 1])
        });
        let body = urls(&["/products/1"]);
        let none = setup.warm(&with_budget(urls(&["/products/2"]), 0));
        assert_eq!((counts(&none), setup.entries_in_kv()), ((1, 0, 0), 0), "{writes:?}");
        let report = setup.warm(&with_budget(body.clone(), 1));
        assert_eq!((counts(&report), setup.entries_in_kv()), ((1, 0, 1), 1), "{writes:?}");
        assert_eq!(counts(&setup.warm(&body)), (0, 1, 0), "{writes:?}");
        assert_eq!(setup.runtime.calls(Call::KvPut), 1, "{writes:?}");
        assert_eq!(setup.get("/products/1"), "HIT", "{writes:?}");
    }
}

#[test]
fn what_is_not_fresh_is_not_written() {
    let setup = with_writes(None);
    setup.runtime.origin_answers(|_| {
        let headers = [("cache-control", "max-age=0, stale-while-revalidate=600")];
        (200, headers.into_iter().collect(), b"body".to_vec())
    });
    assert_eq!(counts(&setup.warm(&urls(&["/texts/1"]))), (1, 0, 0));
    assert_eq!(setup.entries_in_kv(), 0);
}

#[test]
fn kv_that_is_slow_or_fails_changes_no_outcome_and_is_not_counted() {
    let setup = with_writes(None);
    assert_eq!(setup.get("/products/1"), "MISS");
    setup.runtime.takes(Call::KvPut, REQUEST_MILLIS + 1);
    let report = setup.warm(&urls(&["/products/1", "/products/2"]));
    assert_eq!((counts(&report), report.failed), ((1, 1, 0), 0));
    setup.runtime.works(Call::KvPut);
    setup.runtime.fails(Call::KvPut, "full");
    let body = with_budget(urls(&["/products/3", "/products/4"]), 1);
    assert_eq!(counts(&setup.warm(&body)), (2, 0, 0));
    setup.runtime.works(Call::KvPut);
    assert_eq!(counts(&setup.warm(&body)), (0, 2, 1), "they are tried again");
}

/// The members of a request that names a document by its hash.
fn by_hash(document: &str) -> Value {
    let hash = sha256_hex(document.as_bytes());
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

#[test]
fn documents_are_not_written() {
    const QUERY: &str = "query Q { a }";
    let all = json!([
        { "url": "/graphql", "body": { "query": QUERY, "extensions": by_hash(QUERY) } },
        { "url": "/graphql", "body": { "extensions": by_hash(QUERY) } },
    ]);
    let body = with_budget(json!({ "requests": all, "concurrency": 1 }), 0);
    for writes in WRITES {
        let setup = with_writes(writes);
        assert_eq!(counts(&setup.warm(&body)), (1, 1, 0), "{writes:?}");
        setup.runtime.advance(50);
        assert_eq!(setup.runtime.calls(Call::KvPut), 0, "{writes:?}");
    }
    // One that the origin has answered is written once a client asks for it by its hash, and not before.
    let setup = with_writes(None);
    let encoded = |text: &str| -> String { text.bytes().map(|b| format!("%{b:02X}")).collect() };
    let extensions = encoded(&by_hash(QUERY).to_string());
    let hash = format!("/graphql?extensions={extensions}");
    assert_eq!(setup.get(&format!("{hash}&query={}", encoded(QUERY))), "MISS");
    let documents = || {
        setup.runtime.advance(50);
        let keys = setup.runtime.kv_keys();
        keys.iter().filter(|key| key.starts_with("shop/documents/")).count()
    };
    assert_eq!((setup.warm(&body).failed, documents()), (0, 0));
    assert_eq!((setup.get(&hash), documents()), ("HIT".to_owned(), 1));
}
