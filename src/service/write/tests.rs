//! Writes through the whole service, over a runtime in memory.

use crate::http::Headers;
use crate::service::isolate::Isolate;
use crate::service::respond::Reply;
use crate::service::router::Service;
use crate::service::testing::{Call, TestRuntime, request};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::rc::Rc;

fn isolate(more: &Value) -> Rc<Isolate> {
    let mut config = json!({ "service": "shop" });
    let more = more.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(more);
    Isolate::new(&config)
}

/// Sends a write. Returns the response's headers.
fn post(runtime: &TestRuntime, isolate: &Rc<Isolate>) -> Headers {
    runtime.sends("POST", "{}");
    let service = Service::new(runtime.clone(), isolate.clone());
    match runtime.run(service.handle(request("POST", "/products/1"))) {
        Reply::Whole(response) => response.headers,
        Reply::Origin { headers, .. } => headers,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_write_is_purged_before_its_response_which_has_the_records_token() {
    let (runtime, isolate) = (TestRuntime::new(), isolate(&json!({})));
    let headers = post(&runtime, &isolate);
    assert_eq!(runtime.log_head(), 1);
    assert!(headers.contains("evergraph-purge"));
    let status = headers.get("cache-status");
    assert_eq!(status, Some("evergraph; fwd=method; fwd-status=200; detail=method"));
    assert_eq!(headers.get("x-cache"), Some("BYPASS"));
}

#[test]
fn a_write_is_sent_once() {
    let (runtime, isolate) = (TestRuntime::new(), isolate(&json!({})));
    post(&runtime, &isolate);
    let sent = runtime.sent();
    assert_eq!(sent.iter().map(|one| one.may_retry).collect::<Vec<_>>(), [false]);
}

#[test]
fn a_purge_that_the_log_does_not_take_is_pending_and_obeyed() {
    let (runtime, isolate) = (TestRuntime::new(), isolate(&json!({})));
    runtime.fails(Call::LogAppend, "down");
    let headers = post(&runtime, &isolate);
    assert!(headers.get("cache-status").unwrap().ends_with("detail=purge-pending"));
    assert!(!headers.contains("evergraph-purge"));
    runtime.works(Call::LogAppend);
    runtime.advance(30_000);
    assert!(runtime.log_head() >= 1, "it was recorded later");
}

#[test]
fn without_waiting_the_response_leaves_before_the_purge_is_recorded() {
    let (runtime, isolate) = (TestRuntime::new(), isolate(&json!({ "purge": { "wait": false } })));
    runtime.takes(Call::LogAppend, 500);
    let began = runtime.at();
    assert!(!post(&runtime, &isolate).contains("evergraph-purge"));
    assert_eq!(runtime.at(), began);
    runtime.advance(1_000);
    assert_eq!(runtime.log_head(), 1);
}

#[test]
fn a_write_that_the_origin_does_late_is_purged_again_when_it_is_done() {
    let timeout = json!({ "origin_timeout": { "write_ms": 1_000 } });
    let (runtime, isolate) = (TestRuntime::new(), isolate(&timeout));
    runtime.takes(Call::Fetch, 3_000);
    let headers = post(&runtime, &isolate);
    assert!(headers.get("cache-status").unwrap().ends_with("detail=origin-failed"));
    let at_once = runtime.log_head();
    assert!(at_once >= 1);
    runtime.advance(10_000);
    assert!(runtime.log_head() > at_once);
}

#[test]
fn with_a_faulty_configuration_a_write_purges_everything() {
    let (runtime, isolate) = (TestRuntime::new(), isolate(&json!({ "colour": "red" })));
    let status = post(&runtime, &isolate).get("cache-status").unwrap().to_owned();
    assert_eq!(status, "evergraph; fwd=bypass; fwd-status=200; detail=config-error");
    assert!(runtime.log_head() >= 1);
}

/// Names and values of headers that decide something somewhere, and others.
fn any_header() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        "[a-z]{1,8}",
        proptest::sample::select(vec![
            "accept",
            "authorization",
            "cache-control",
            "content-encoding",
            "content-type",
            "cookie",
            "evergraph-debug",
            "if-match",
            "if-none-match",
            "range",
            "upgrade",
            "x-http-method-override",
        ])
        .prop_map(str::to_owned),
    ];
    let value = prop_oneof![
        "[ -~]{0,12}",
        proptest::sample::select(vec!["GET", "gzip", "no-store", "text/html", "websocket"])
            .prop_map(str::to_owned),
    ];
    (name, value)
}

proptest! {
    #[test]
    fn whatever_its_headers_are_a_mutation_purges(
        headers in proptest::collection::vec(any_header(), 0..5),
        is_batch: bool,
    ) {
        let (runtime, isolate) = (TestRuntime::new(), isolate(&json!({})));
        let mutation = r#"{"query":"mutation { updateProduct(id: 1) { id } }"}"#;
        let batch = format!(r#"[{{"query":"{{ a }}"}},{mutation}]"#);
        runtime.sends("POST", if is_batch { &batch } else { mutation });
        let mut request = request("POST", "/graphql");
        request.headers.set("content-type", "application/json");
        headers.iter().for_each(|(name, value)| request.headers.set(name, value.clone()));
        runtime.run(Service::new(runtime.clone(), isolate).handle(request));
        runtime.advance(1_000);
        prop_assert!(runtime.log_head() >= 1);
    }
}

/// Whether the document of a mutation that is sent with its hash is in KV, after the origin's answer.
fn is_shared_after(answer: &Value) -> bool {
    let runtime = TestRuntime::new();
    let isolate = isolate(&json!({ "kv": { "writes": "always" } }));
    runtime.origin_answers_json(200, answer);
    let text = "mutation { a }";
    let hash = crate::key::sha256_hex(text.as_bytes());
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    runtime.sends("POST", json!({ "query": text, "extensions": extensions }).to_string());
    let mut head = request("POST", "/graphql");
    head.headers.set("content-type", "application/json");
    let service = Service::new(runtime.clone(), isolate);
    let reply = runtime.run(service.handle(head));
    assert!(reply.is_success());
    runtime.advance(10);
    runtime.kv_value(&format!("shop/documents/{hash}")).is_some()
}

#[test]
fn a_document_that_the_origin_refuses_with_200_is_not_shared() {
    assert!(is_shared_after(&json!({ "data": { "a": 1 } })));
    let errors = json!([{ "message": "no such field" }]);
    assert!(!is_shared_after(&json!({ "errors": errors })));
    assert!(!is_shared_after(&json!({ "data": null, "errors": errors })));
}
