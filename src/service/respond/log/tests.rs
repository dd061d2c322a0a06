//! Which responses are logged, through the whole service.

use super::*;
use crate::service::isolate::Isolate;
use crate::service::router::Service;
use crate::service::testing::{Call, TestRuntime, request};
use crate::statistics::{Counter, Counts};
use serde_json::Value;

/// The events that were logged, with their keys or paths, while each of `targets` was requested twice.
fn logged(log: &Value, targets: &[String], status: u16) -> Vec<(String, String)> {
    let runtime = TestRuntime::new();
    runtime.origin_answers(move |_| {
        let headers = [("content-type", "text/plain"), ("cache-control", "max-age=600")];
        (status, headers.into_iter().collect(), b"body".to_vec())
    });
    let bypass = json!(["/bypassed/**"]);
    let config = json!({ "service": "shop", "bypass": bypass, "log": log });
    let isolate = Isolate::new(&config);
    for _ in 0..2 {
        for target in targets {
            let service = Service::new(runtime.clone(), isolate.clone());
            runtime.run(service.handle(request("GET", target)));
            runtime.advance(50);
        }
    }
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let name = |line: &Value| text(line, "key") + &text(line, "path");
    runtime.lines().iter().map(|line| (text(line, "event"), name(line))).collect()
}

fn events(log: &Value, targets: &[&str], status: u16) -> Vec<String> {
    let targets: Vec<String> = targets.iter().map(|one| (*one).to_owned()).collect();
    logged(log, &targets, status).into_iter().map(|(event, _)| event).collect()
}

#[test]
fn each_kind_is_logged_as_configured() {
    let both = ["/products/1", "/bypassed/1"];
    assert_eq!(events(&json!({}), &both, 200), ["miss", "bypass", "bypass"]);
    let all = json!({ "hits": 1 });
    assert_eq!(events(&all, &both, 200), ["miss", "bypass", "hit", "bypass"]);
    let none = json!({ "misses": 0, "bypasses": 0 });
    assert_eq!(events(&none, &both, 200), [""; 0]);
}

#[test]
fn a_5xx_and_a_failure_are_always_logged() {
    let none = json!({ "misses": 0, "bypasses": 0 });
    let both = ["/products/1", "/bypassed/1"];
    // The origin lets its 503 be stored.
    assert_eq!(events(&none, &both, 503), ["miss", "bypass", "hit", "bypass"]);
}

#[test]
fn a_read_that_the_origin_gives_no_response_to_counts_for_its_type_and_operation() {
    let runtime = TestRuntime::new();
    runtime.fails(Call::Fetch, "no connection");
    let types = json!({
        "product": { "match": ["rest:/products/**", "graphql:Query.product"], "ttl": 60 },
        "long": { "match": ["rest:/products/**"], "ttl": 600 },
    });
    let isolate = Isolate::new(&json!({ "types": types }));
    let query = r#"{"query":"query GetProduct { product { id } }"}"#;
    for (method, target) in [("GET", "/products/1"), ("POST", "/graphql"), ("GET", "/other")] {
        let mut request = request(method, target);
        request.headers.set("content-type", "application/json");
        runtime.sends(method, query);
        runtime.run(Service::new(runtime.clone(), isolate.clone()).handle(request));
    }
    let totals = isolate.base.stats.totals();
    let errors = |counts: &Counts| counts.of(Counter::Errors);
    assert_eq!(totals.types.get("product").map(errors), Some(2));
    assert_eq!(totals.operations.get("GetProduct").map(errors), Some(1));
    assert_eq!(totals.paths.get("/products/1").map(errors), Some(1));
    assert_eq!(errors(&totals.total), 3);
    // Of two types, one has the counts, and the other is known to have matched.
    assert!(totals.types.get("long").is_none() && !totals.matched.lacks("long"));
    assert!(totals.matched.lacks("default"));
}

#[test]
fn the_responses_of_a_key_are_all_logged_or_none_is() {
    let targets: Vec<String> = (0..200).map(|n| format!("/products/{n}")).collect();
    let half = json!({ "misses": 0.5, "hits": 0.5 });
    let lines = logged(&half, &targets, 200);
    let of = |event: &str| -> Vec<&String> {
        lines.iter().filter(|(name, _)| name == event).map(|(_, key)| key).collect()
    };
    assert_eq!(of("miss"), of("hit"));
    assert!((60..140).contains(&of("miss").len()), "{}", of("miss").len());
}

#[test]
fn without_a_key_the_requests_are_sampled_one_by_one() {
    let targets: Vec<String> = (0..200).map(|_| "/bypassed/1".to_owned()).collect();
    let lines = logged(&json!({ "bypasses": 0.25 }), &targets, 200);
    assert!((60..140).contains(&lines.len()), "{} of 400", lines.len());
}

#[test]
fn purges_are_always_logged() {
    let runtime = TestRuntime::new();
    let log = json!({ "misses": 0, "bypasses": 0 });
    let isolate = Isolate::new(&json!({ "service": "shop", "log": log }));
    let service = Service::new(runtime.clone(), isolate);
    runtime.sends("PUT", "new");
    runtime.run(service.handle(request("PUT", "/products/1")));
    assert_eq!(runtime.lines().len(), 1);
    assert_eq!(runtime.lines()[0]["event"], "purge");
    runtime.fails(Call::LogAppend, "down");
    runtime.run(service.handle(request("PUT", "/products/1")));
    assert!(runtime.has_reported("purge-log-write"));
}

/// Sends a request, and the text as its body.
fn send(
    (runtime, isolate): (&TestRuntime, &Rc<Isolate>),
    (method, target, body): (&str, &str, &str),
    headers: &[(&str, &str)],
) {
    let mut request = request(method, target);
    headers.iter().for_each(|(name, value)| request.headers.set(name, *value));
    runtime.sends(method, body);
    runtime.run(Service::new(runtime.clone(), isolate.clone()).handle(request));
}

#[test]
fn a_read_that_is_not_looked_up_counts_for_its_type() {
    let runtime = TestRuntime::new();
    let types = json!({
        "product": { "match": ["rest:/products/**", "graphql:Query.product"], "ttl": 60 },
        "long": { "match": ["rest:/products/**"], "ttl": 600 },
        "never": { "match": ["graphql:Query.now"], "ttl": 0 },
    });
    let isolate = Isolate::new(&json!({ "types": types, "bypass": ["/products/live"] }));
    let send = |method, target, body, headers: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/json")], headers].concat();
        send((&runtime, &isolate), (method, target, body), &headers);
    };
    let cookie = [("cookie", "sid=1")];
    send("GET", "/products/1", "", &cookie);
    send("POST", "/graphql", r#"{"query":"{ product { id } }"}"#, &cookie);
    send("POST", "/graphql", r#"{"query":"{ now }"}"#, &[]);
    send("POST", "/graphql", r#"{"query":"{ other }"}"#, &cookie);
    // No type is known of these.
    send("POST", "/graphql", r#"{"query":"subscription { product { id } }"}"#, &cookie);
    send("POST", "/graphql", r#"{"query":"mutation { product { id } }"}"#, &cookie);
    send("POST", "/graphql", r#"{"query":"{"}"#, &cookie);
    send("GET", "/products/live", "", &cookie);
    runtime.fails(Call::Fetch, "no connection");
    send("GET", "/products/1", "", &cookie);
    let totals = isolate.base.stats.totals();
    let of = |name: &str| {
        let counts = totals.types.get(name).copied().unwrap_or_default();
        (counts.of(Counter::Bypass), counts.of(Counter::Errors))
    };
    assert_eq!((of("product"), of("never"), of("default")), ((2, 1), (1, 0), (1, 0)));
    assert_eq!(totals.types.sum().requests(), 5);
    assert!(totals.types.get("long").is_none() && !totals.matched.lacks("long"));
    assert_eq!(totals.total.requests(), 9);
    let config = isolate.service.as_ref().ok().unwrap().config.clone();
    assert_eq!(totals.typed.of(config.tagging), 9);
}

#[test]
fn the_types_of_a_batch_are_known_to_have_matched() {
    let runtime = TestRuntime::new();
    let types = json!({
        "product": { "match": ["graphql:Query.product"], "ttl": 60 },
        "me": { "match": ["graphql:Query.me"], "ttl": 60 },
        "never": { "match": ["graphql:Query.now"], "ttl": 0 },
    });
    let isolate = Isolate::new(&json!({ "types": types }));
    let lacking = || {
        let totals = isolate.base.stats.totals();
        assert!(totals.types.is_empty());
        ["product", "me", "never"].map(|name| totals.matched.lacks(name))
    };
    let send = |body| {
        let headers = [("content-type", "application/json")];
        send((&runtime, &isolate), ("POST", "/graphql", body), &headers);
    };
    send(r#"[{"query":"{ product { id } }"}]"#);
    assert_eq!(lacking(), [false, true, true], "looked up");
    send(r#"[{"query":"{ me { id } }"},{"query":"{ now }"}]"#);
    assert_eq!(lacking(), [false; 3], "passed through");
}
