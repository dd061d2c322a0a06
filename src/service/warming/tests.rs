use super::*;
use crate::admin::{WarmRequests, read_warm};
use crate::http::Url;
use crate::service::isolate::Isolate;
use crate::service::router::Service;
use crate::service::testing::{Call, TestRuntime, request};
use serde_json::{Value, json};
use std::rc::Rc;

mod kv;

struct Setup {
    config: Value,
    runtime: TestRuntime,
    isolate: Rc<Isolate>,
}

impl Setup {
    fn new() -> Self {
        Self::with(&json!({}))
    }

    /// A service with these settings as well.
    fn with(settings: &Value) -> Self {
        let mut config = json!({
            "service": "shop",
            "origin": "https://api.example",
            "kv": { "writes": "never" },
            "types": { "product": { "match": ["rest:/products/**", "graphql:Query.*"], "ttl": 600 } },
        });
        let settings = settings.as_object().unwrap();
        config.as_object_mut().unwrap().extend(settings.clone());
        let (runtime, isolate) = (TestRuntime::new(), Isolate::new(&config));
        let setup = Self { config, runtime, isolate };
        setup.runtime.origin_answers(|sent| {
            let status = if sent.url.contains("down") { 503 } else { 200 };
            let json = [("content-type", "application/json")].into_iter().collect();
            (status, json, br#"{"data":{"a":1}}"#.to_vec())
        });
        setup.runtime.sends("POST", "the body of the call itself");
        setup
    }

    /// Another isolate of the same data center.
    fn neighbor(&self) -> Self {
        let (config, runtime) = (self.config.clone(), self.runtime.of_isolate(2));
        let isolate = Isolate::new(&config);
        Self { config, runtime, isolate }
    }

    /// How many entries KV has, once everything in the background is done.
    fn entries_in_kv(&self) -> usize {
        self.runtime.advance(50);
        self.runtime.kv_keys().iter().filter(|key| key.starts_with("shop/2/")).count()
    }

    fn warm(&self, body: &Value) -> WarmReport {
        let host = Url::parse("https://shop.example/__evergraph/warm").unwrap();
        let command = read_warm(&host, body.to_string().as_bytes()).unwrap();
        let WarmRequests::Listed(requests) = command.requests else { panic!("{command:?}") };
        let Ok(service) = &self.isolate.service else { panic!() };
        let warmer = &service.admin.warmer;
        let warming = warmer.warm(&self.runtime, requests, command.at_once, command.budget);
        self.runtime.run(warming)
    }

    fn get(&self, target: &str) -> String {
        let mut request = request("GET", target);
        request.headers.set("accept", "*/*");
        let service = Service::new(self.runtime.clone(), self.isolate.clone());
        let reply = self.runtime.run(service.handle(request));
        let headers = match reply {
            Reply::Whole(response) => response.headers,
            Reply::Origin { headers, .. } => headers,
            other => panic!("{other:?}"),
        };
        headers.get("x-cache").unwrap_or_default().to_owned()
    }
}

fn urls(urls: &[&str]) -> Value {
    let requests: Vec<Value> = urls.iter().map(|url| json!({ "url": url })).collect();
    json!({ "requests": requests })
}

fn outcomes(report: &WarmReport) -> Vec<(WarmOutcome, Option<&str>)> {
    report.results.iter().map(|one| (one.outcome, one.reason.as_deref())).collect()
}

#[test]
fn what_is_warmed_answers_clients_and_is_in_kv() {
    let setup = Setup::new();
    let query = json!({ "query": "query Q { a }" });
    let body = json!({ "requests": [
        { "url": "/products/1" },
        { "url": "/graphql", "body": query },
    ] });
    let report = setup.warm(&body);
    assert_eq!((report.warmed, report.kv_writes, report.remaining), (2, 2, None));
    assert_eq!(report.results[1].operation.as_deref(), Some("Q"));
    setup.runtime.advance(50);
    let in_kv = |kind: &str| setup.runtime.kv_keys().iter().any(|key| key.contains(kind));
    assert!(in_kv("/rest/product/") && in_kv("/gql/product/Q/"), "{:?}", setup.runtime.kv_keys());
    assert_eq!(setup.get("/products/1"), "HIT");
    let sent = setup.runtime.sent();
    assert_eq!(
        (sent[0].method.as_str(), sent[0].url.as_str()),
        ("GET", "https://api.example/products/1")
    );
    assert!(sent[1].method == "POST" && sent[1].body.starts_with(br#"{"#), "its own body");
    let again = setup.warm(&body);
    assert_eq!((again.already_fresh, again.warmed, again.kv_writes), (2, 0, 0));
    assert_eq!(setup.runtime.sent().len(), 2);
}

#[test]
fn what_is_not_looked_up_is_skipped_and_never_sent() {
    let setup = Setup::new();
    let post = |query: &str| json!({ "url": "/graphql", "body": { "query": query } });
    let batch = json!([{ "query": "{ a }" }, { "query": "{ b }" }]);
    let report = setup.warm(&json!({ "requests": [
        post("mutation { a }"),
        post("subscription { a }"),
        { "url": "/products/1", "method": "POST", "body": "{}" },
        { "url": "/products/1", "headers": { "cookie": "sid=1" } },
        { "url": "/graphql", "body": "mutation { broken" },
        { "url": "/graphql", "body": batch },
        { "url": "/__evergraph/stats" },
    ] }));
    let reasons: Vec<_> =
        outcomes(&report).into_iter().map(|(_, reason)| reason.unwrap()).collect();
    let expected =
        ["mutation", "subscription", "method", "cookie-without-scope: sid", "unparsable"];
    assert_eq!(reasons[..5], expected);
    assert_eq!(reasons[5..], ["batch", "admin"]);
    assert_eq!((report.skipped, setup.runtime.sent().len()), (7, 0));
    assert_eq!(setup.runtime.log_head(), 0, "nothing was purged");
}

#[test]
fn an_origin_with_a_cache_status_of_its_own_changes_no_outcome() {
    let setup = Setup::new();
    setup.runtime.origin_answers(|sent| {
        let mut headers: Headers = [("content-type", "application/json")].into_iter().collect();
        headers.set("cache-status", "origin-proxy; fwd=miss; stored; detail=elsewhere, inner; hit");
        if sent.url.contains("private") {
            headers.set("cache-control", "private");
        }
        (200, headers, br#"{"data":{"a":1}}"#.to_vec())
    });
    let report = setup.warm(&urls(&["/products/1", "/products/private"]));
    let expected = [(WarmOutcome::Warmed, None), (WarmOutcome::Skipped, Some("private"))];
    assert_eq!(outcomes(&report), expected);
    assert_eq!(report.kv_writes, 1);
}

#[test]
fn a_call_does_a_part_and_says_what_is_left() {
    let setup = Setup::new();
    let all: Vec<String> = (0..20).map(|n| format!("/products/{n}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let (mut body, mut warmed, mut calls) = (urls(&all), 0, 0);
    while !body.is_null() {
        let report = setup.warm(&body);
        warmed += report.warmed;
        calls += 1;
        body = report.remaining.unwrap_or_default();
    }
    assert_eq!((warmed, calls, setup.runtime.sent().len()), (20, 3, 20));
}

#[test]
fn a_call_that_takes_too_long_begins_nothing_more() {
    let setup = Setup::new();
    setup.runtime.takes(Call::Fetch, 9_000);
    let mut body = urls(&["/products/1", "/products/2", "/products/3", "/products/4"]);
    body["concurrency"] = json!(1);
    let report = setup.warm(&body);
    assert_eq!((report.warmed, report.stopped), (3, None));
    assert_eq!(report.remaining.unwrap()["requests"], json!([{ "url": "/products/4" }]));
}

#[test]
fn a_request_that_takes_too_long_has_failed() {
    let setup = Setup::new();
    setup.runtime.takes(Call::Fetch, REQUEST_MILLIS + 1);
    let report = setup.warm(&urls(&["/products/1"]));
    assert_eq!(outcomes(&report), [(WarmOutcome::Failed, Some("timeout"))]);
}

#[test]
fn an_origin_that_fails_is_left_alone() {
    let setup = Setup::new();
    let mut body = urls(&["/products/1", "/down/1", "/down/2", "/down/3", "/products/2"]);
    body["concurrency"] = json!(1);
    let report = setup.warm(&body);
    assert_eq!((report.warmed, report.failed), (1, 3));
    assert_eq!(report.stopped, Some(WarmStop::OriginFailing));
    assert_eq!(report.remaining.unwrap()["requests"], json!([{ "url": "/products/2" }]));
    assert_eq!(setup.runtime.sent().len(), 4);
}

#[test]
fn budgets_hold() {
    for concurrency in [1, 6] {
        let setup = Setup::new();
        setup.runtime.takes(Call::Fetch, 100);
        let mut body = urls(&["/products/1", "/products/2", "/products/3"]);
        body["budget"] = json!({ "requests": 2, "kv_writes": 1 });
        body["concurrency"] = json!(concurrency);
        let report = setup.warm(&body);
        assert_eq!((report.warmed, report.kv_writes), (2, 1), "{concurrency} at once");
        assert_eq!((report.stopped, report.remaining), (Some(WarmStop::Budget), None));
        assert_eq!(setup.runtime.sent().len(), 2);
        assert_eq!(setup.entries_in_kv(), 1);
    }
}

#[test]
fn warming_shares_a_miss_with_a_client_and_counts_as_no_traffic() {
    let setup = Setup::new();
    setup.runtime.takes(Call::Fetch, 100);
    let report = setup.warm(&urls(&["/products/1", "/products/1"]));
    assert_eq!((report.warmed, report.already_fresh), (1, 1));
    assert_eq!(setup.runtime.sent().len(), 1);
    assert_eq!(setup.isolate.base.stats.totals().total.requests(), 0);
}

#[test]
fn a_stale_response_is_fetched_again() {
    let setup = Setup::new();
    setup.runtime.origin_answers(|_| {
        let headers = [("cache-control", "max-age=1, stale-while-revalidate=600")];
        (200, headers.into_iter().collect(), b"body".to_vec())
    });
    assert_eq!(setup.warm(&urls(&["/texts/1"])).warmed, 1);
    setup.runtime.advance(2_000);
    assert_eq!(setup.warm(&urls(&["/texts/1"])).warmed, 1);
    assert_eq!(setup.get("/texts/1"), "HIT");
}

#[test]
fn warming_does_not_make_popular_what_it_fetches() {
    let setup = Setup::new();
    let query = json!({ "url": "/graphql", "body": { "query": "query Q { a }" } });
    let body = json!({ "requests": [{ "url": "/products/1" }, query] });
    assert_eq!((setup.warm(&body).warmed, setup.warm(&body).already_fresh), (2, 2));
    let popular = || setup.runtime.run(setup.isolate.base.reports.popular(&setup.runtime, 9));
    assert_eq!(popular(), []);
    assert_eq!(setup.get("/products/1"), "HIT");
    assert_eq!(popular().len(), 1, "a client's request counts");
}

#[test]
fn warming_compares_nothing_with_the_origin() {
    let setup = Setup::with(&json!({ "shadow": 1 }));
    let body = urls(&["/products/1"]);
    assert_eq!((setup.warm(&body).warmed, setup.warm(&body).already_fresh), (1, 1));
    setup.runtime.advance(1_000);
    assert_eq!(setup.runtime.sent().len(), 1);
    assert_eq!(setup.get("/products/1"), "HIT");
    setup.runtime.advance(1_000);
    assert_eq!(setup.runtime.sent().len(), 2, "a client's hit is compared");
}

#[test]
fn what_another_cache_says_of_a_response_is_not_taken_for_our_own_outcome() {
    let setup = Setup::new();
    setup.runtime.origin_answers(|sent| {
        let mut headers: Headers =
            [("cache-status", "shield; fwd=miss; stored; detail=shielded")].into_iter().collect();
        if !sent.url.ends_with("/1") {
            headers.set("cache-control", "no-store");
        }
        (200, headers, b"{}".to_vec())
    });
    let report = setup.warm(&urls(&["/products/1", "/products/2"]));
    assert_eq!(
        outcomes(&report),
        [(WarmOutcome::Warmed, None), (WarmOutcome::Skipped, Some("no-store"))]
    );
}

#[test]
fn only_failures_in_a_row_end_a_call_and_what_is_fresh_costs_no_budget() {
    let setup = Setup::new();
    let alternating =
        ["/down/1", "/products/1", "/down/2", "/products/2", "/down/3", "/products/3", "/down/4"];
    let mut body = urls(&alternating);
    body["concurrency"] = json!(1);
    let report = setup.warm(&body);
    assert_eq!((report.warmed, report.failed, report.stopped), (3, 4, None));
    let mut body = urls(&["/products/1", "/products/2", "/products/4", "/products/5"]);
    body["concurrency"] = json!(1);
    body["budget"] = json!({ "requests": 1 });
    let report = setup.warm(&body);
    assert_eq!((report.already_fresh, report.warmed), (2, 1));
    assert_eq!(report.stopped, Some(WarmStop::Budget));
}

#[test]
fn an_origin_whose_failure_is_hidden_by_a_stale_response_has_failed() {
    let setup = Setup::new();
    setup.runtime.origin_answers(|_| {
        let headers = [("cache-control", "max-age=1, stale-if-error=600")];
        (200, headers.into_iter().collect(), b"body".to_vec())
    });
    assert_eq!(setup.warm(&urls(&["/texts/1"])).warmed, 1);
    setup.runtime.advance(2_000);
    setup.runtime.origin_answers(|_| (503, Headers::new(), Vec::new()));
    let report = setup.warm(&urls(&["/texts/1"]));
    assert_eq!((report.failed, report.skipped), (1, 0), "{:?}", outcomes(&report));
}
