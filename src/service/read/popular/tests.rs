use crate::http::Request;
use crate::service::isolate::Isolate;
use crate::service::router::Service;
use crate::service::testing::{Call, TestRuntime, request};
use crate::statistics::{Counter, PopularRequest, Tally};
use serde_json::{Value, json};
use std::rc::Rc;

struct Setup {
    runtime: TestRuntime,
    isolate: Rc<Isolate>,
}

impl Setup {
    fn new() -> Self {
        let isolate = Isolate::new(&json!({
            "service": "shop",
            "vary": ["store"],
            "types": {
                "page": { "match": ["rest:/pages/**"], "ttl": 60, "vary": ["x-api-key", "accept-language"] },
            },
        }));
        let runtime = TestRuntime::new();
        runtime.takes(Call::Fetch, 80);
        runtime.origin_answers_json(200, &json!({ "data": { "a": 1 } }));
        Self { runtime, isolate }
    }

    fn send(&self, request: Request) {
        let service = Service::new(self.runtime.clone(), self.isolate.clone());
        self.runtime.run(service.handle(request));
    }

    fn get(&self, target: &str, headers: &[(&str, &str)]) {
        let mut request = request("GET", target);
        headers.iter().for_each(|(name, value)| request.headers.set(name, *value));
        self.runtime.sends("GET", "");
        self.send(request);
    }

    fn query(&self, body: &Value, headers: &[(&str, &str)]) {
        let mut request = request("POST", "/graphql");
        request.headers.set("content-type", "application/json");
        headers.iter().for_each(|(name, value)| request.headers.set(name, *value));
        self.runtime.sends("POST", body.to_string());
        self.send(request);
    }

    fn popular(&self) -> Vec<PopularRequest> {
        self.runtime.run(self.isolate.base.reports.popular(&self.runtime, 10))
    }

    fn totals(&self) -> Tally {
        self.isolate.base.stats.totals()
    }
}

#[test]
fn public_reads_are_listed_with_what_their_key_depends_on() {
    let setup = Setup::new();
    let body = json!({ "query": "query A($n: Int) { a(n: $n) }", "variables": { "n": 1 } });
    for _ in 0..3 {
        setup.query(&body, &[("user-agent", "x")]);
    }
    setup.get("/pages/1?b=2&a=1", &[("accept", "text/html"), ("accept-language", "de")]);
    let [query, page] = setup.popular().try_into().unwrap();
    assert_eq!((query.count, query.misses, query.operation.as_deref()), (3, 1, Some("A")));
    assert_eq!((query.method.as_str(), query.url.as_str()), ("POST", "/graphql"));
    let names: Vec<&str> = query.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(!names.contains(&"user-agent"), "{names:?}");
    let language = ("accept-language".to_owned(), "de".to_owned());
    assert!(page.headers.contains(&language), "{:?}", page.headers);
    let sent: Value = serde_json::from_str(query.body.as_ref().unwrap()).unwrap();
    assert_eq!((&sent["query"], &sent["variables"]), (&body["query"], &body["variables"]));
    assert_eq!((page.url.as_str(), page.count, page.ms), ("/pages/1?b=2&a=1", 1, 80));
}

#[test]
fn hits_that_the_platform_gave_count_when_their_entry_has_ended() {
    let setup = Setup::new();
    setup.get("/pages/1", &[]);
    setup.get("/pages/1", &[]);
    setup.runtime.has_repeated(500);
    setup.runtime.advance(61_000);
    setup.get("/pages/1", &[]);
    let [page] = setup.popular().try_into().unwrap();
    assert_eq!((page.count, page.misses), (503, 2));
}

#[test]
fn nothing_of_a_request_that_says_who_is_asking_is_listed() {
    let setup = Setup::new();
    let body = json!({ "query": "{ a }" });
    for headers in [("cookie", "sid=1"), ("authorization", "Bearer x"), ("x-user", "7")] {
        setup.get("/pages/1", &[headers]);
        setup.query(&body, &[headers]);
    }
    setup.get("/other", &[("x-user", "7"), ("cache-control", "max-age=60")]);
    assert_eq!(setup.popular(), []);
}

#[test]
fn a_read_with_a_header_that_may_be_a_credential_is_not_listed_though_it_is_stored() {
    let setup = Setup::new();
    for _ in 0..2 {
        setup.get("/pages/1", &[("x-api-key", "secret")]);
        setup.query(&json!({ "query": "{ a }" }), &[("store", "de")]);
    }
    let totals = setup.totals();
    assert_eq!((totals.total.of(Counter::Hits), totals.total.of(Counter::Misses)), (2, 2));
    assert_eq!(setup.popular(), []);
}

#[test]
fn what_is_counted_has_its_operation_its_reason_and_the_origins_time() {
    let setup = Setup::new();
    let body = json!({ "query": "query Mine { a }" });
    setup.query(&body, &[("cookie", "sid=1")]);
    setup.query(&json!({ "query": "mutation Do { a }" }), &[]);
    setup.query(&body, &[]);
    setup.query(&body, &[]);
    let totals = setup.totals();
    let of = |name: &str, counter| totals.operations.get(name).unwrap().of(counter);
    assert_eq!((of("Mine", Counter::Bypass), of("Mine", Counter::Misses)), (1, 1));
    assert_eq!((of("Mine", Counter::Hits), of("Do", Counter::Bypass)), (1, 1));
    assert_eq!(of("Mine", Counter::SavedMillis), 80);
    assert_eq!(of("Mine", Counter::BytesCached), 16);
    let reasons: Vec<(&str, u64)> = totals.bypass_reasons().collect();
    assert_eq!(reasons, [("cookie-without-scope: sid", 1), ("mutation", 1)]);
    let purge = &totals.recent_purges.list()[0];
    assert_eq!((purge.source.as_str(), purge.cause.as_deref()), ("mutation", Some("a")));
}
