use super::*;
use crate::service::testing::{Call, TestRuntime, request};
use serde_json::json;

fn client(json: &Value) -> Rc<OriginClient> {
    OriginClient::new(json, config::parse(json).ok().map(Rc::new))
}

fn context(runtime: &TestRuntime, method: &str, target: &str) -> Context<TestRuntime> {
    Context::new(runtime.clone(), request(method, target))
}

#[test]
fn requests_go_to_the_configured_origin_or_to_their_own_host() {
    let runtime = TestRuntime::new();
    let context = context(&runtime, "GET", "/a?b=1");
    for (config, url) in [
        (json!({ "origin": "https://api.example.com" }), "https://api.example.com/a?b=1"),
        (json!({}), "https://shop.example/a?b=1"),
    ] {
        runtime.run(client(&config).forward(&context, None, true)).unwrap();
        assert_eq!(runtime.sent().last().unwrap().url, url);
    }
    assert!(client(&json!({ "origin": "no URL" })).is_faulty());
}

#[test]
fn a_read_is_given_up_after_its_time_limit_and_counts_as_a_failure() {
    let runtime = TestRuntime::new();
    let origin = client(&json!({ "origin_timeout": { "read_ms": 1_000 } }));
    let context = context(&runtime, "GET", "/a");
    runtime.takes(Call::Fetch, 999);
    assert!(runtime.run(origin.forward_read(&context, None)).is_ok());
    runtime.takes(Call::Fetch, 1_001);
    let failure = runtime.run(origin.forward_read(&context, None)).unwrap_err();
    assert!(failure.timed_out);
    assert!(runtime.run(origin.probe(&runtime)).is_err());
    // A request that may write is not given up here.
    assert!(runtime.run(origin.forward(&context, None, false)).is_ok());
}

#[test]
fn health_is_what_the_last_request_showed_or_a_request_of_its_own() {
    let runtime = TestRuntime::new();
    let origin = client(&json!({ "origin": "https://api.example.com" }));
    let context = context(&runtime, "GET", "/a");
    runtime.origin_answers_json(500, &json!({}));
    runtime.run(origin.forward(&context, None, true)).unwrap();
    assert_eq!(runtime.run(origin.probe(&runtime)), Err("answered 500".to_owned()));
    assert_eq!(runtime.calls(Call::Fetch), 1, "the last request is proof enough");
    runtime.advance(HEALTH_MILLIS);
    // Any status shows that it answers.
    assert_eq!(runtime.run(origin.probe(&runtime)), Ok(()));
    assert_eq!(runtime.sent().last().unwrap().url, "https://api.example.com/");
    runtime.takes(Call::Fetch, 1_001);
    for _ in 0..2 {
        assert_eq!(runtime.run(origin.probe(&runtime)), Ok(()));
    }
    assert_eq!(runtime.calls(Call::Fetch), 2, "its outcome is noted");
    runtime.advance(HEALTH_MILLIS);
    assert!(runtime.run(origin.probe(&runtime)).is_err());
    runtime.works(Call::Fetch);
    runtime.fails(Call::Fetch, "refused");
    runtime.advance(HEALTH_MILLIS);
    assert_eq!(runtime.run(origin.probe(&runtime)), Err("refused".to_owned()));
    let own_host = client(&json!({}));
    assert_eq!(runtime.run(own_host.probe(&runtime)), Ok(()), "there is nothing to ask");
}

#[test]
fn a_request_for_what_is_stored_may_differ_from_the_clients() {
    let runtime = TestRuntime::new();
    let origin = client(&json!({}));
    let mut request = request("GET", "/a?utm=1");
    request.headers.set("x-client", "1");
    let context = Context::new(runtime.clone(), request);
    let fields = [("if-none-match", "\"1\"".to_owned())];
    runtime.run(origin.fetch_rest(&context, Some("/a"), &fields)).unwrap();
    let sent = runtime.sent().remove(0);
    assert_eq!(sent.url, "https://shop.example/a");
    assert_eq!(sent.headers.get("if-none-match"), Some("\"1\""));
    assert!(sent.may_retry);
}
