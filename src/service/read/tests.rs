//! Reads through the whole service, over a runtime in memory.

use crate::http::{Headers, Request};
use crate::purge::{Pause, Record};
use crate::service::isolate::Isolate;
use crate::service::respond::{ADDED_HEADERS, Reply};
use crate::service::router::Service;
use crate::service::runtime::Clock as _;
use crate::service::testing::{Call, TestRuntime, request};
use crate::time::Timestamp;
use futures_util::future::join;
use serde_json::{Value, json};
use std::rc::Rc;

const TARGET: &str = "/products/1";

/// An origin whose responses have that `Cache-Control`, and one isolate in front of it.
struct Setup {
    runtime: TestRuntime,
    isolate: Rc<Isolate>,
}

fn setup(cache_control: &'static str) -> Setup {
    let runtime = TestRuntime::new();
    let setup = Setup { isolate: isolate(), runtime };
    setup.responds(200, cache_control);
    setup
}

fn isolate() -> Rc<Isolate> {
    let kv = json!({ "writes": "always", "timeout_ms": 100 });
    Isolate::new(&json!({ "service": "shop", "kv": kv, "log": { "hits": 1 } }))
}

impl Setup {
    fn responds(&self, status: u16, cache_control: &'static str) {
        self.runtime.origin_answers(move |_| {
            let headers = [("content-type", "text/plain"), ("cache-control", cache_control)];
            (status, headers.into_iter().collect(), b"body".to_vec())
        });
    }

    async fn handle(&self) -> Reply {
        self.handle_with(&[]).await
    }

    async fn handle_with(&self, headers: &[(&str, &str)]) -> Reply {
        let headers = headers.iter().copied().collect();
        self.send(Request { headers, ..request("GET", TARGET) }).await
    }

    async fn send(&self, request: Request) -> Reply {
        Service::new(self.runtime.clone(), self.isolate.clone()).handle(request).await
    }

    /// Sends a request. Returns `X-Cache` and `Cache-Status` of its response.
    fn get(&self) -> (String, String) {
        seen(&self.runtime.run(self.handle()))
    }

    fn asked(&self) -> usize {
        self.runtime.sent().len()
    }
}

fn seen(reply: &Reply) -> (String, String) {
    let headers = headers_of(reply);
    let of = |name| headers.get(name).unwrap_or_default().to_owned();
    (of("x-cache"), of("cache-status"))
}

#[test]
fn a_second_request_is_answered_from_memory_without_a_call() {
    let setup = setup("max-age=60");
    let (x_cache, status) = setup.get();
    assert_eq!(x_cache, "MISS");
    assert_eq!(status, "evergraph; fwd=miss; fwd-status=200; stored");
    setup.runtime.advance(50);
    let calls = |call| setup.runtime.calls(call);
    let before = (calls(Call::EdgeGet), calls(Call::KvGet), calls(Call::LogSince));
    let (x_cache, status) = setup.get();
    assert_eq!(x_cache, "HIT");
    assert_eq!(status, "evergraph; hit; ttl=60; detail=memory");
    assert_eq!(before, (calls(Call::EdgeGet), calls(Call::KvGet), calls(Call::LogSince)));
    let events: Vec<Value> =
        setup.runtime.lines().iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["miss", "hit"]);
}

#[test]
fn other_isolates_find_it_in_the_edge_cache_and_other_data_centers_in_kv() {
    let mut setup = setup("max-age=3600");
    setup.get();
    setup.runtime.advance(50);
    setup.isolate = isolate();
    assert!(setup.get().1.ends_with("detail=edge"));
    setup.isolate = isolate();
    setup.runtime.fails(Call::EdgeGet, "another data center");
    assert!(setup.get().1.ends_with("detail=kv"));
    assert!(setup.get().1.ends_with("detail=memory"), "it was taken into memory");
    assert_eq!(setup.asked(), 1);
}

#[test]
fn of_two_misses_one_asks_and_the_other_waits() {
    let setup = setup("max-age=60");
    setup.runtime.takes(Call::Fetch, 100);
    let (first, second) = setup.runtime.run(join(setup.handle(), setup.handle()));
    assert_eq!((seen(&first).0.as_str(), seen(&second).0.as_str()), ("MISS", "HIT"));
    assert_eq!(setup.asked(), 1);
}

#[test]
fn who_waits_for_the_origins_response_asks_no_store() {
    let setup = setup("max-age=60");
    setup.runtime.takes(Call::Fetch, 100);
    let later = async {
        setup.runtime.sleep(50).await;
        setup.handle().await
    };
    let began = setup.runtime.at();
    let (_, second) = setup.runtime.run(join(setup.handle(), later));
    assert_eq!(seen(&second), ("HIT".into(), "evergraph; hit; ttl=60; detail=memory".into()));
    assert_eq!((setup.asked(), setup.runtime.calls(Call::KvGet)), (1, 1));
    assert_eq!(setup.runtime.at().millis_since(began), 100);
}

/// One that asks the origin although the edge cache has a response holds up nobody who may use that.
#[test]
fn nobody_waits_for_the_origin_who_may_use_what_a_store_has() {
    let language = |one: &'static str| ("accept-language", one);
    let reload = [("cache-control", "max-age=0")];
    for (vary, leader, waiter) in [
        ("", reload.as_slice(), [].as_slice()),
        ("accept-language", &[language("fr")], &[language("en")]),
        ("accept-language", &[language("fr")], &[language("de")]),
    ] {
        let mut setup = setup("max-age=60");
        setup.runtime.origin_answers(move |_| {
            let headers = [("content-type", "text/plain"), ("cache-control", "max-age=60")];
            let vary = (!vary.is_empty()).then_some(("vary", vary));
            (200, headers.into_iter().chain(vary).collect(), b"body".to_vec())
        });
        for stored in ["de", "en"] {
            setup.runtime.run(setup.handle_with(&[language(stored)]));
            setup.runtime.advance(1_500);
        }
        setup.isolate = isolate();
        // Its replica may judge.
        setup.runtime.run(setup.send(request("GET", "/else")));
        setup.runtime.takes(Call::Fetch, 1_000);
        let later = async {
            setup.runtime.sleep(50).await;
            let reply = setup.handle_with(waiter).await;
            (seen(&reply).0, setup.runtime.at())
        };
        let began = setup.runtime.at();
        let (_, (x_cache, at)) = setup.runtime.run(join(setup.handle_with(leader), later));
        assert_eq!(x_cache, "HIT", "{leader:?}");
        assert!(at.millis_since(began) < 1_000, "{leader:?}");
    }
}

/// An entry that ends in the turn in which it was stored ends in KV too, which gets both.
#[test]
fn the_end_of_an_entry_reaches_kv_after_the_entry() {
    let setup = setup("max-age=600");
    let tag = Rc::new(std::cell::Cell::new("\"one\""));
    let shown = tag.clone();
    setup.runtime.origin_answers(move |_| {
        let headers = [("content-type", "text/plain"), ("cache-control", "max-age=600")];
        let etag = [("etag", shown.get()), ("content-length", "4")];
        (200, headers.into_iter().chain(etag).collect(), b"body".to_vec())
    });
    setup.runtime.run(setup.send(request("GET", "/else")));
    setup.runtime.advance(100);
    setup.get();
    tag.set("\"two\"");
    let headers: Headers = [("cache-control", "no-cache")].into_iter().collect();
    setup.runtime.run(setup.send(Request { headers, ..request("HEAD", TARGET) }));
    setup.runtime.advance(100);
    setup.runtime.fails(Call::EdgeGet, "another data center");
    let elsewhere = Setup { isolate: isolate(), runtime: setup.runtime.clone() };
    assert_eq!(elsewhere.get().0, "MISS");
}

/// It waits once, and then looks in the stores and asks the origin as if it had just come.
#[test]
fn who_has_waited_in_vain_looks_in_the_stores() {
    let setup = setup("max-age=60");
    setup.runtime.takes(Call::Fetch, 100);
    setup.runtime.fails(Call::Fetch, "down");
    let later = async {
        setup.runtime.sleep(50).await;
        setup.handle().await
    };
    setup.runtime.run(join(setup.handle(), later));
    assert_eq!(setup.runtime.calls(Call::KvGet), 2);
}

#[test]
fn nobody_waits_for_a_response_that_will_not_be_stored() {
    let setup = setup("no-store");
    setup.get();
    setup.runtime.takes(Call::Fetch, 100);
    let began = setup.runtime.at();
    setup.runtime.run(join(setup.handle(), setup.handle()));
    assert_eq!((setup.asked(), setup.runtime.at().millis_since(began)), (3, 100));
}

#[test]
fn requests_wait_for_one_after_a_response_that_failed() {
    let setup = setup("");
    setup.responds(404, "");
    assert!(setup.get().1.contains("detail=no-freshness"));
    setup.responds(200, "max-age=60");
    setup.runtime.takes(Call::Fetch, 100);
    let (first, second) = setup.runtime.run(join(setup.handle(), setup.handle()));
    assert_eq!((seen(&first).0.as_str(), seen(&second).0.as_str()), ("MISS", "HIT"));
    assert_eq!(setup.asked(), 2);
}

#[test]
fn a_stale_response_is_served_while_it_is_revalidated() {
    let setup = setup("max-age=1, stale-while-revalidate=60");
    setup.get();
    setup.runtime.advance(2_000);
    assert_eq!(setup.get().0, "STALE");
    setup.runtime.advance(50);
    assert_eq!((setup.asked(), setup.get().0.as_str()), (2, "HIT"));
}

#[test]
fn each_stale_response_is_revalidated_at_once() {
    let setup = setup("max-age=1, stale-while-revalidate=60");
    setup.get();
    for asked in 2..=4 {
        setup.runtime.advance(2_000);
        assert_eq!(setup.get().0, "STALE");
        setup.runtime.advance(50);
        assert_eq!((setup.asked(), setup.get().0.as_str()), (asked, "HIT"));
    }
}

#[test]
fn a_revalidation_that_stores_nothing_is_not_repeated_at_once() {
    let setup = setup("max-age=1, stale-while-revalidate=60");
    setup.get();
    setup.responds(500, "no-store");
    for _ in 0..2 {
        setup.runtime.advance(2_000);
        assert_eq!(setup.get().0, "STALE");
        setup.runtime.advance(50);
        assert_eq!(setup.asked(), 2);
    }
}

#[test]
fn a_stale_response_is_served_while_the_origin_fails() {
    let setup = setup("max-age=1, stale-if-error=60");
    setup.get();
    setup.runtime.advance(2_000);
    setup.responds(500, "no-store");
    assert_eq!(setup.get().0, "STALE");
    setup.runtime.fails(Call::Fetch, "down");
    assert_eq!(setup.get().0, "STALE");
    assert!(setup.runtime.has_reported("origin"));
    setup.runtime.advance(70_000);
    assert_eq!(setup.get().1, "evergraph; fwd=stale; detail=origin-failed");
}

#[test]
fn what_was_purged_is_not_served() {
    let setup = setup("max-age=600, stale-if-error=600");
    setup.get();
    setup.runtime.advance(50);
    setup.runtime.records(&Record::everything());
    setup.runtime.advance(60_000);
    assert_eq!(setup.get().1, "evergraph; fwd=miss; fwd-status=200; stored; detail=purged");
    setup.runtime.records(&Record::everything());
    setup.runtime.advance(60_000);
    setup.runtime.fails(Call::Fetch, "down");
    assert_eq!(setup.get().1, "evergraph; fwd=miss; detail=origin-failed");
}

#[test]
fn a_tier_that_is_late_races_the_origin() {
    let mut setup = setup("max-age=3600");
    setup.get();
    setup.runtime.advance(50);
    setup.runtime.fails(Call::EdgeGet, "another data center");
    setup.runtime.takes(Call::KvGet, 300);
    for (asking, detail) in [(1_000, "detail=kv"), (10, "fwd-status=200; stored")] {
        setup.isolate = isolate();
        setup.runtime.takes(Call::Fetch, asking);
        assert!(setup.get().1.ends_with(detail), "{detail}");
        assert!(setup.runtime.has_reported("kv-read"));
    }
}

fn headers_of(reply: &Reply) -> &Headers {
    match reply {
        Reply::Whole(response) => &response.headers,
        Reply::Origin { headers, .. } => headers,
        Reply::Untouched { .. } | Reply::Socket { .. } => panic!("{reply:?}"),
    }
}

/// A header that is not in the table of response headers is documented nowhere.
#[test]
fn only_headers_of_the_table_are_added() {
    let setup = setup("max-age=60");
    let service = Service::new(setup.runtime.clone(), setup.isolate.clone());
    let of_table: Vec<String> = ADDED_HEADERS
        .iter()
        .flat_map(|header| header.names)
        .map(|name| name.to_ascii_lowercase())
        .collect();
    let by_the_origin = ["content-type", "cache-control"];
    for (method, path) in
        [("GET", TARGET), ("GET", TARGET), ("POST", TARGET), ("GET", "/__evergraph/nothing")]
    {
        setup.runtime.sends(method, "");
        let reply = setup.runtime.run(service.handle(request(method, path)));
        for (name, _) in headers_of(&reply).iter() {
            let is_known = by_the_origin.contains(&name) || of_table.iter().any(|one| one == name);
            assert!(is_known, "{name} of {method} {path}");
        }
        setup.runtime.advance(50);
    }
}

#[test]
fn a_redirect_within_the_origin_leads_to_the_public_address_on_a_miss_and_a_hit() {
    let runtime = TestRuntime::new();
    let isolate = Isolate::new(&json!({ "origin": "https://api.example.com" }));
    runtime.origin_answers(|_| {
        let location = ("location", "https://api.example.com/b");
        let headers = [("cache-control", "max-age=60"), location];
        (301, headers.into_iter().collect(), Vec::new())
    });
    for expected in ["MISS", "HIT"] {
        let sent = request("GET", "/a");
        let public = format!("{}/b", sent.url.origin());
        let service = Service::new(runtime.clone(), isolate.clone());
        let reply = runtime.run(service.handle(sent));
        let headers = headers_of(&reply);
        assert_eq!(headers.get("x-cache"), Some(expected));
        assert_eq!(headers.get("location"), Some(&*public), "{expected}");
        runtime.advance(50);
    }
}

#[test]
fn a_lower_ttl_shortens_what_another_deployment_has_stored() {
    let deployed = |ttl: u64| {
        Isolate::new(&json!({
            "service": "shop",
            "kv": { "writes": "always", "timeout_ms": 100 },
            "types": { "product": { "match": ["rest:/products/**"], "ttl": ttl } },
        }))
    };
    for loses_edge in [false, true] {
        let setup = setup("max-age=60");
        let (old, new) = (deployed(7_200), deployed(60));
        let get = |isolate: &Rc<Isolate>| {
            let service = Service::new(setup.runtime.clone(), isolate.clone());
            let handling = async { service.handle(request("GET", TARGET)).await };
            seen(&setup.runtime.run(handling)).0
        };
        assert_eq!(get(&old), "MISS");
        setup.runtime.advance(30_000);
        if loses_edge {
            setup.runtime.fails(Call::EdgeGet, "evicted");
        }
        assert_eq!(get(&new), "HIT", "within the new ttl");
        setup.runtime.advance(31_000);
        assert_eq!(get(&new), "MISS", "after it, in memory");
        let another = deployed(20);
        setup.runtime.advance(30_000);
        assert_eq!(get(&another), "MISS", "after it, in a store");
        assert_eq!(get(&old), "HIT");
    }
}

/// Sends GraphQL, and lets the background work be done.
fn graphql(runtime: &TestRuntime, isolate: &Rc<Isolate>, body: &Value) -> String {
    runtime.sends("POST", body.to_string());
    let mut head = request("POST", "/graphql");
    head.headers.set("content-type", "application/json");
    let reply = runtime.run(Service::new(runtime.clone(), isolate.clone()).handle(head));
    runtime.advance(50);
    seen(&reply).0
}

#[test]
fn a_document_of_a_batch_is_shared_once_its_operation_is_answered() {
    let (runtime, isolate) = (TestRuntime::new(), isolate());
    let by_hash = |text: &str| {
        let hash = crate::key::sha256_hex(text.as_bytes());
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        json!({ "query": text, "extensions": extensions })
    };
    let is_shared = |text: &str| {
        let hash = crate::key::sha256_hex(text.as_bytes());
        runtime.kv_value(&format!("shop/documents/{hash}")).is_some()
    };
    let answer = json!({ "data": { "a": 1 } });
    runtime.origin_answers_json(200, &answer);
    graphql(&runtime, &isolate, &json!({ "query": "{ a }" }));
    assert_eq!(graphql(&runtime, &isolate, &json!([by_hash("{ a }")])), "HIT");
    assert!(is_shared("{ a }"), "from the cache");
    // Neither is stored, one of them because of an error.
    let refused = json!({ "errors": [{ "message": "no such field" }] });
    let body = json!([answer, refused]).to_string().into_bytes();
    runtime.origin_answers(move |_| {
        let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
        (200, headers.into_iter().collect(), body.clone())
    });
    let batch = json!([by_hash("{ b }"), by_hash("{ c }")]);
    assert_eq!(graphql(&runtime, &isolate, &batch), "MISS");
    assert_eq!((is_shared("{ b }"), is_shared("{ c }")), (true, false));
}

/// Another isolate pauses the cache, or ends the pause.
fn pause(runtime: &TestRuntime, pause: Pause) {
    runtime.records(&Record::of_pause(pause));
}

const PAUSED: &str = "evergraph; fwd=bypass; fwd-status=200; detail=paused";

#[test]
fn a_paused_isolate_passes_reads_through_and_learns_that_the_pause_has_ended() {
    let setup = setup("max-age=600, stale-while-revalidate=60, stale-if-error=600");
    setup.get();
    assert_eq!(setup.get().0, "HIT");
    pause(&setup.runtime, Pause::UNTIL_RESUMED);
    setup.runtime.advance(5_000);
    let began = setup.runtime.at();
    assert_eq!(setup.get().0, "MISS", "its replica was too old: it learns of the pause now");
    assert_eq!(setup.get(), ("BYPASS".to_owned(), PAUSED.to_owned()));
    setup.responds(500, "no-store");
    assert!(setup.get().1.contains("fwd-status=500"), "not even if the origin fails");
    setup.responds(200, "max-age=600");
    assert_eq!(setup.runtime.at(), began, "nobody waits for the log");
    pause(&setup.runtime, Pause::NONE);
    setup.runtime.advance(5_000);
    assert_eq!(setup.get().0, "BYPASS", "the end is learned in the background");
    setup.runtime.advance(50);
    assert_eq!(setup.get().0, "HIT", "what was stored before is still there");
}

#[test]
fn a_pause_ends_by_itself_without_the_log() {
    let setup = setup("max-age=600");
    setup.get();
    let until = setup.runtime.at().as_millis() + 9_000;
    pause(&setup.runtime, Pause::until(Timestamp::from_millis(until)));
    setup.runtime.advance(5_000);
    setup.get();
    assert_eq!(setup.get().0, "BYPASS");
    setup.runtime.fails(Call::LogSince, "down");
    setup.runtime.advance(4_000);
    assert_eq!(setup.get().0, "HIT");
}

#[test]
fn writes_purge_while_the_cache_is_paused() {
    let (runtime, isolate) = (TestRuntime::new(), isolate());
    runtime.origin_answers_json(200, &json!({ "data": { "updateProduct": { "id": 1 } } }));
    pause(&runtime, Pause::UNTIL_RESUMED);
    graphql(&runtime, &isolate, &json!({ "query": "{ a }" }));
    for (query, purges) in [("mutation { updateProduct { id } }", true), ("{ a }", false)] {
        let before = runtime.log_head();
        assert_eq!(graphql(&runtime, &isolate, &json!({ "query": query })), "BYPASS");
        assert_eq!(runtime.log_head() > before, purges, "{query}");
    }
    // A batch of queries, and one with a mutation.
    let batch = json!([{ "query": "{ a }" }, { "query": "{ b }" }]);
    assert_eq!(graphql(&runtime, &isolate, &batch), "BYPASS");
    let before = runtime.log_head();
    let batch = json!([{ "query": "{ a }" }, { "query": "mutation { updateProduct { id } }" }]);
    assert_eq!(graphql(&runtime, &isolate, &batch), "BYPASS");
    assert!(runtime.log_head() > before);
}

#[test]
fn the_client_of_a_graphql_miss_gets_the_age_and_what_no_cache_names() {
    let setup = setup("max-age=60");
    setup.runtime.origin_answers(|_| {
        let headers = [
            ("content-type", "application/json"),
            ("cache-control", "max-age=60, no-cache=\"x-own, etag\""),
            ("age", "50"),
            ("etag", "\"of the origin\""),
            ("x-own", "1"),
        ];
        (200, headers.into_iter().collect(), b"{\"data\":{\"a\":1}}".to_vec())
    });
    let query = || Request { ..request("GET", "/graphql?query=%7B%20a%20%7D") };
    let ask = || setup.runtime.run(setup.send(query()));
    let (miss, hit) = (ask(), ask());
    assert_eq!((seen(&miss).0.as_str(), seen(&hit).0.as_str()), ("MISS", "HIT"));
    let of = |reply: &Reply, name: &str| headers_of(reply).get(name).map(str::to_owned);
    assert_eq!(
        (of(&miss, "age").as_deref(), of(&miss, "x-own").as_deref()),
        (Some("50"), Some("1"))
    );
    assert_eq!((of(&hit, "age").as_deref(), of(&hit, "x-own")), (Some("50"), None));
    assert_ne!(of(&miss, "etag").as_deref(), Some("\"of the origin\""));
}
