use super::*;
use crate::config;
use crate::service::context::Purpose;
use crate::service::testing::{Call, TestRuntime, request};
use serde_json::json;

fn documents() -> Rc<UploadedDocuments> {
    let config = json!({ "service": "shop", "kv": { "timeout_ms": 100 } });
    let config = Rc::new(config::parse(&config).unwrap());
    UploadedDocuments::new(config, Rc::default(), Rc::default())
}

fn find(runtime: &TestRuntime, documents: &Rc<UploadedDocuments>, id: &str) -> Option<Rc<str>> {
    let context = Context::new(runtime.clone(), request("GET", "/graphql"));
    runtime.run(documents.document(&context, id))
}

/// The same for an explanation, which must not change what requests find.
fn explain(runtime: &TestRuntime, documents: &Rc<UploadedDocuments>, id: &str) -> Option<Rc<str>> {
    let purpose = Purpose::Explain { body: Rc::default() };
    let request = request("GET", "/graphql");
    let context = Context { purpose, ..Context::new(runtime.clone(), request) };
    runtime.run(documents.document(&context, id))
}

fn upload(
    runtime: &TestRuntime,
    documents: &UploadedDocuments,
    body: &serde_json::Value,
    replaces: bool,
) -> Result<Upload, UploadError> {
    let amounts = &documents.config.limits.amounts;
    let newer = Manifest::read(body.to_string().as_bytes(), amounts, runtime.at()).unwrap();
    runtime.run(documents.upload(runtime, newer, replaces))
}

#[test]
fn an_upload_adds_to_the_stored_documents_or_replaces_them() {
    let runtime = TestRuntime::new();
    let documents = documents();
    let first = upload(&runtime, &documents, &json!({ "1": "{ a }", "2": "{ b }" }), false);
    assert_eq!(first.unwrap(), Upload { documents: 2, added: 2, bytes: 10 });
    let second = upload(&runtime, &documents, &json!({ "2": "{ c }", "3": "{ d }" }), false);
    assert_eq!(second.unwrap(), Upload { documents: 3, added: 2, bytes: 15 });
    assert_eq!(find(&runtime, &documents, "2").as_deref(), Some("{ c }"));
    let third = upload(&runtime, &documents, &json!({ "4": "{ e }" }), true);
    assert_eq!(third.unwrap(), Upload { documents: 1, added: 1, bytes: 5 });
    assert_eq!(find(&runtime, &documents, "2"), None);
}

#[test]
fn other_isolates_load_them_at_the_first_id_and_look_again_after_a_minute() {
    let runtime = TestRuntime::new();
    let (here, elsewhere) = (documents(), documents());
    upload(&runtime, &here, &json!({ "1": "{ a }" }), false).unwrap();
    assert_eq!(find(&runtime, &elsewhere, "1").as_deref(), Some("{ a }"));
    upload(&runtime, &here, &json!({ "2": "{ b }" }), false).unwrap();
    assert_eq!(find(&runtime, &elsewhere, "2"), None, "not looked for yet");
    runtime.advance(FRESH_MILLIS);
    assert_eq!(find(&runtime, &elsewhere, "2"), None, "looked for in the background");
    runtime.advance(10);
    assert_eq!(find(&runtime, &elsewhere, "2").as_deref(), Some("{ b }"));
}

#[test]
fn an_explanation_finds_what_a_request_would_find() {
    let runtime = TestRuntime::new();
    let (here, elsewhere) = (documents(), documents());
    let in_both = |id: &str| {
        let explained = explain(&runtime, &elsewhere, id);
        assert_eq!(find(&runtime, &elsewhere, id), explained, "{id}");
        explained.is_some()
    };
    assert!(!in_both("1"));
    upload(&runtime, &here, &json!({ "1": "{ a }" }), false).unwrap();
    assert!(!in_both("1"), "KV had none a moment ago");
    runtime.advance(FRESH_MILLIS);
    assert!(!in_both("1"), "looked for in the background");
    runtime.advance(10);
    assert!(in_both("1"));
    let another = documents();
    runtime.fails(Call::KvGet, "down");
    assert_eq!(find(&runtime, &another, "1"), None);
    runtime.works(Call::KvGet);
    assert_eq!(explain(&runtime, &another, "1"), None, "KV failed a moment ago");
    runtime.advance(RETRY_MILLIS);
    assert!(explain(&runtime, &another, "1").is_some());
}

#[test]
fn the_first_read_is_waited_for_and_not_repeated_at_once_if_it_fails() {
    let runtime = TestRuntime::new();
    let (here, elsewhere) = (documents(), documents());
    upload(&runtime, &here, &json!({ "1": "{ a }" }), false).unwrap();
    let reads = runtime.calls(Call::KvGet);
    runtime.takes(Call::KvGet, 100 * PATIENCE + 1);
    assert_eq!(find(&runtime, &elsewhere, "1"), None);
    assert!(runtime.has_reported("kv-read"));
    runtime.takes(Call::KvGet, 100 * PATIENCE - 1);
    assert_eq!(find(&runtime, &elsewhere, "1"), None);
    assert_eq!(runtime.calls(Call::KvGet), reads + 1, "too soon");
    runtime.advance(RETRY_MILLIS);
    assert_eq!(find(&runtime, &elsewhere, "1").as_deref(), Some("{ a }"));
}

#[test]
fn documents_stay_in_use_while_kv_fails_or_has_garbage() {
    let runtime = TestRuntime::new();
    let documents = documents();
    upload(&runtime, &documents, &json!({ "1": "{ a }" }), false).unwrap();
    runtime.set_kv("shop/manifest", "garbage");
    runtime.advance(FRESH_MILLIS);
    assert!(find(&runtime, &documents, "1").is_some());
    runtime.advance(10);
    assert!(runtime.has_reported("kv-value"));
    runtime.fails(Call::KvGet, "down");
    runtime.advance(FRESH_MILLIS);
    assert!(find(&runtime, &documents, "1").is_some());
    runtime.advance(10);
    assert!(find(&runtime, &documents, "1").is_some());
}

#[test]
fn an_upload_is_stored_whole_or_not_at_all() {
    let runtime = TestRuntime::new();
    let documents = documents();
    runtime.fails(Call::KvPut, "full");
    let body = json!({ "1": "{ a }" });
    let refused = upload(&runtime, &documents, &body, false);
    assert!(matches!(refused, Err(UploadError::NotStored(_))), "{refused:?}");
    assert_eq!(find(&runtime, &documents, "1"), None);
    runtime.fails(Call::KvGet, "down");
    let refused = upload(&runtime, &documents, &body, false);
    assert!(matches!(refused, Err(UploadError::NotRead(_))), "{refused:?}");
    // What is to be replaced need not be read.
    runtime.works(Call::KvPut);
    assert!(upload(&runtime, &documents, &body, true).is_ok());
}
