use super::*;
use crate::config;
use crate::service::testing::{Call, TestRuntime, request};
use serde_json::json;

const TEXT: &str = "{ a }";

fn documents(writes: &str) -> Rc<HashedDocuments> {
    let kv = json!({ "writes": writes, "timeout_ms": 100 });
    let config = Rc::new(config::parse(&json!({ "service": "shop", "kv": kv })).unwrap());
    HashedDocuments::new(config, Rc::default())
}

/// A client sends the document with its hash, and the origin answers.
fn answered(runtime: &TestRuntime, documents: &Rc<HashedDocuments>) {
    documents.learn(&hash(), &TEXT.into());
    documents.note_answered(runtime, &hash());
}

fn find(runtime: &TestRuntime, documents: &Rc<HashedDocuments>, hash: &str) -> Option<Rc<str>> {
    let context = Context::new(runtime.clone(), request("GET", "/graphql"));
    runtime.run(documents.document(&context, hash))
}

fn hash() -> String {
    sha256_hex(TEXT.as_bytes())
}

fn key() -> String {
    format!("shop/documents/{}", hash())
}

#[test]
fn a_document_goes_to_kv_in_the_background_and_other_isolates_find_it_there() {
    let runtime = TestRuntime::new();
    let here = documents("always");
    answered(&runtime, &here);
    assert_eq!(runtime.kv_value(&key()), None, "not before the client has its response");
    runtime.advance(10);
    assert_eq!(runtime.kv_value(&key()).unwrap(), TEXT.as_bytes());
    let elsewhere = documents("always");
    assert_eq!(find(&runtime, &elsewhere, &hash()).as_deref(), Some(TEXT));
    assert_eq!(find(&runtime, &elsewhere, &hash()).as_deref(), Some(TEXT));
    runtime.advance(10);
    assert_eq!(runtime.calls(Call::KvGet), 1, "the second time it is in the isolate");
    assert_eq!(runtime.calls(Call::KvPut), 1, "it came from KV");
}

#[test]
fn kv_writes_decides_when_a_document_is_written() {
    for (writes, when_learned, when_asked_for) in
        [("always", 1, 1), ("second-request", 0, 1), ("never", 0, 0)]
    {
        let runtime = TestRuntime::new();
        let documents = documents(writes);
        answered(&runtime, &documents);
        runtime.advance(10);
        assert_eq!(runtime.calls(Call::KvPut), when_learned, "{writes}");
        assert!(find(&runtime, &documents, &hash()).is_some());
        runtime.advance(10);
        assert_eq!(runtime.calls(Call::KvPut), when_asked_for, "{writes}");
    }
}

#[test]
fn a_text_that_is_not_of_the_hash_is_not_used() {
    let runtime = TestRuntime::new();
    runtime.set_kv(&key(), "{ other }");
    assert_eq!(find(&runtime, &documents("always"), &hash()), None);
    assert!(runtime.has_reported("kv-value"));
}

#[test]
fn a_store_that_fails_or_is_slow_is_as_if_it_had_nothing() {
    let runtime = TestRuntime::new();
    runtime.set_kv(&key(), TEXT);
    runtime.takes(Call::KvGet, 101);
    assert_eq!(find(&runtime, &documents("always"), &hash()), None);
    runtime.works(Call::KvGet);
    runtime.fails(Call::KvGet, "down");
    assert_eq!(find(&runtime, &documents("always"), &hash()), None);
    assert!(runtime.has_reported("kv-read"));
    assert_eq!(find(&TestRuntime::without_kv(), &documents("always"), &hash()), None);
}

#[test]
fn a_write_that_failed_is_made_again_when_the_document_is_used() {
    let runtime = TestRuntime::new();
    let documents = documents("always");
    runtime.fails(Call::KvPut, "down");
    answered(&runtime, &documents);
    runtime.advance(10);
    assert!(runtime.has_reported("kv-write"));
    runtime.works(Call::KvPut);
    answered(&runtime, &documents);
    runtime.advance(10);
    assert!(runtime.kv_value(&key()).is_some());
}

#[test]
fn a_large_document_is_not_kept() {
    let runtime = TestRuntime::new();
    let documents = documents("always");
    let text: Rc<str> = "x".repeat(LARGEST_BYTES + 1).into();
    documents.learn("large", &text);
    documents.note_answered(&runtime, "large");
    runtime.advance(10);
    assert_eq!(runtime.calls(Call::KvPut), 0);
    assert_eq!(find(&runtime, &documents, "large"), None);
}

#[test]
fn a_document_that_the_origin_has_not_answered_is_not_written() {
    let runtime = TestRuntime::new();
    for writes in ["always", "second-request"] {
        let documents = documents(writes);
        documents.learn(&hash(), &TEXT.into());
        for _ in 0..3 {
            assert!(find(&runtime, &documents, &hash()).is_some(), "{writes}");
            runtime.advance(10);
        }
        assert_eq!(runtime.calls(Call::KvPut), 0, "{writes}");
    }
}

#[test]
fn a_document_is_written_only_if_the_day_has_a_write_left() {
    let (runtime, kv) = (TestRuntime::new(), Rc::new(KvClient::new(Some(1), Rc::default())));
    let config = config::parse(&json!({ "service": "shop", "kv": { "writes": "always" } }));
    let documents = HashedDocuments::new(Rc::new(config.unwrap()), kv);
    answered(&runtime, &documents);
    runtime.advance(10);
    // The only one is reserved.
    assert_eq!((runtime.calls(Call::LogClaim), runtime.calls(Call::KvPut)), (1, 0));
    assert!(find(&runtime, &documents, &hash()).is_some());
}
