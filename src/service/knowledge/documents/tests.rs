use super::*;
use crate::engine::{GraphQlRequest, read_graphql};
use crate::key::sha256_hex;
use crate::service::testing::{Call, Components, TestRuntime, request};
use serde_json::{Value, json};

const TEXT: &str = "query Q($id: ID) { product(id: $id) { id } }";

struct Setup {
    runtime: TestRuntime,
    isolate: Components,
}

impl Setup {
    fn new(apq: &str) -> Self {
        let config = json!({ "service": "shop", "graphql": { "apq": apq } });
        Self { runtime: TestRuntime::new(), isolate: Components::new(&config) }
    }

    fn resolve(&self, body: &Value) -> Result<Operation, Unresolved> {
        let mut request = request("POST", "/graphql");
        request.headers.set("content-type", "application/json");
        let body = body.to_string();
        let read = read_graphql(&self.isolate.config, &request, Some(body.as_bytes()));
        let Ok(GraphQlRequest::One(query)) = read else { panic!("{body}") };
        let context = Context::new(self.runtime.clone(), request);
        let knowledge = &self.isolate.knowledge;
        let schema = knowledge.schemas.for_request(&context);
        self.runtime.run(knowledge.documents.resolve(&context, query, &schema))
    }
}

fn hash() -> String {
    sha256_hex(TEXT.as_bytes())
}

fn by_hash(hash: &str) -> Value {
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } })
}

fn with_text(body: Value) -> Value {
    let mut body = body;
    body["query"] = json!(TEXT);
    body
}

fn sent(rewritten: Option<RewrittenRequest>) -> Value {
    match rewritten {
        Some(RewrittenRequest::Json(json)) => serde_json::from_str(&json).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hash_is_known_once_a_client_has_sent_its_document() {
    let setup = Setup::new("own");
    assert!(matches!(setup.resolve(&by_hash(&hash())), Err(Unresolved::Unknown)));
    assert!(setup.resolve(&with_text(by_hash(&hash()))).is_ok());
    let Ok(operation) = setup.resolve(&by_hash(&hash())) else { panic!() };
    assert_eq!(&*operation.document, TEXT);
    // The origin need not know the hash.
    assert_eq!(sent(operation.without_addition())["query"], TEXT);
    let full_request = operation.full_request().unwrap();
    assert!(full_request.answers_client);
    assert_eq!(sent(Some(full_request.rewritten))["query"], TEXT);
}

#[test]
fn with_hashes_of_the_origins_a_request_goes_on_as_it_is() {
    let setup = Setup::new("origin");
    let unknown = setup.resolve(&by_hash(&hash()));
    assert!(matches!(unknown, Err(Unresolved::Uncacheable(_))));
    assert!(setup.resolve(&with_text(by_hash(&hash()))).is_ok());
    let Ok(operation) = setup.resolve(&by_hash(&hash())) else { panic!() };
    assert!(operation.without_addition().is_none() && operation.full_request().is_none());
}

#[test]
fn an_id_is_known_once_its_document_was_uploaded() {
    let setup = Setup::new("own");
    let body = json!({ "documentId": "4f0c" });
    assert!(matches!(setup.resolve(&body), Err(Unresolved::Uncacheable(_))));
    let manifest = json!({ "4f0c": TEXT }).to_string();
    let amounts = &setup.isolate.config.limits.amounts;
    let newer = crate::graphql::Manifest::read(manifest.as_bytes(), amounts, setup.runtime.at());
    let uploading = setup.isolate.knowledge.uploaded.upload(&setup.runtime, newer.unwrap(), false);
    setup.runtime.run(uploading).unwrap();
    let Ok(operation) = setup.resolve(&body) else { panic!() };
    assert_eq!(&*operation.document, TEXT);
    assert!(operation.full_request().is_none(), "the origin knows its ids");
}

#[test]
fn variables_that_the_operation_does_not_declare_are_left_out_of_what_may_be_stored() {
    let setup = Setup::new("own");
    let Ok(plain) = setup.resolve(&with_text(json!({ "variables": { "id": 1 } }))) else {
        panic!()
    };
    assert!(plain.without_addition().is_none(), "the client's own request");
    let body = with_text(json!({ "variables": { "id": 1, "x": 2 } }));
    let Ok(operation) = setup.resolve(&body) else { panic!() };
    assert!(operation.can_be_keyed());
    assert_eq!(sent(operation.without_addition())["variables"], json!({ "id": 1 }));
}

#[test]
fn a_document_that_cannot_be_analyzed_is_left_to_the_origin() {
    let setup = Setup::new("own");
    let refused = setup.resolve(&json!({ "query": "{ a" }));
    assert!(matches!(refused, Err(Unresolved::Uncacheable(_))));
}

#[test]
fn documents_are_found_while_kv_fails() {
    let setup = Setup::new("own");
    setup.runtime.fails(Call::KvGet, "down");
    setup.runtime.fails(Call::KvPut, "down");
    assert!(setup.resolve(&with_text(by_hash(&hash()))).is_ok());
    assert!(setup.resolve(&by_hash(&hash())).is_ok());
}
