//! What is sent and explained: configurations, requests in many forms, and what happens between them.

use crate::config::Algorithm;
use crate::engine::tests::{TestConfig, TestRequest};
use crate::http::{Headers, Method, Request, Url, to_base64url};
use crate::service::testing::signature_by;
use crate::time::Timestamp;
use serde_json::{Value, json};

/// A request with its body.
#[derive(Debug, Clone)]
pub struct Sent {
    pub request: Request,
    pub body: String,
}

pub fn request(method: Method, target: &str) -> Request {
    let url = Url::parse(&format!("http://h{target}")).unwrap();
    Request { method, url, headers: Headers::new() }
}

/// How a GraphQL query is sent, or what is sent in its place.
pub const FORMS: [&str; 13] = [
    "post",
    "post",
    "post",
    "get",
    "batch",
    "hash",
    "mutation",
    "put",
    "broken",
    "id",
    "id",
    "batch of ids",
    "id of a mutation",
];

/// What a request has in the place of a token.
pub const TOKENS: [&str; 6] = ["", "", "alice", "bob", "expired", "forged"];
pub const TOKEN_HEADER: &str = "x-token";
pub const JWT_SECRET: &str = "a secret of at least thirty-two bytes";

/// A document that is uploaded, beside the queries.
pub const MUTATION: &str = "mutation { updateF0 { id } }";

/// A configuration in which the scope `s0` goes by a claim.
pub fn by_claim(config: TestConfig) -> TestConfig {
    let mut json = config.json;
    json["scopes"]["s0"] = json!({ "by": ["jwt:sub"] });
    json["jwt"] = json!({ "algorithms": ["HS256"], "header": TOKEN_HEADER, "leeway": 0 });
    TestConfig { config: crate::config::parse(&json).unwrap(), json }
}

/// A token. Those of bob expire a few seconds after the test begins.
pub fn token(of: &str, begin: Timestamp) -> String {
    let expires = match of {
        "expired" => begin.as_millis() / 1_000 - 1,
        "bob" => begin.as_millis() / 1_000 + 4,
        _ => begin.as_millis() / 1_000 + 3_600,
    };
    let key = if of == "forged" { "another key" } else { JWT_SECRET };
    let parts = [json!({ "alg": "HS256" }), json!({ "sub": of, "exp": expires })];
    let signed = parts.map(|part| to_base64url(part.to_string().as_bytes())).join(".");
    let signature = to_base64url(&signature_by(Algorithm::Hs256, key, &signed));
    format!("{signed}.{signature}")
}

/// The id under which a document is uploaded.
pub fn id_of(document: &str) -> String {
    format!("id-{}", crate::key::sha256_hex(document.as_bytes()))
}

/// What is asked, in which form, and with whose token.
pub type Asked = (TestRequest, &'static str, &'static str);

/// The request of one of them. `begin` is when the test began.
pub fn sent((asked, form, whose): &Asked, config: &TestConfig, begin: Timestamp) -> Sent {
    let mut request = asked.request();
    if config.config.jwt.is_some() && !whose.is_empty() {
        request.headers.set(TOKEN_HEADER, token(whose, begin));
    }
    if !request.headers.contains("authorization") {
        // The key shows in the response.
        request.headers.set("evergraph-debug", "1");
        request.headers.set("authorization", "Bearer secret");
    }
    let Some(document) = asked.document() else {
        if *form == "put" {
            request.method = Method::Other("PUT".to_owned());
        }
        return Sent { request, body: String::new() };
    };
    request.headers.set("content-type", "application/json");
    let hash = crate::key::sha256_hex(document.as_bytes());
    let body = match *form {
        "get" => {
            request.method = Method::Get;
            request.headers.remove("content-type");
            let query = crate::http::form_encoded(&document);
            request.url.query = Some(format!("query={query}"));
            return Sent { request, body: String::new() };
        }
        "batch" => json!([{ "query": document }, { "query": "{ f0 }" }]),
        "hash" => {
            json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } })
        }
        "mutation" => json!({ "query": MUTATION }),
        "id" => json!({ "documentId": id_of(&document) }),
        "batch of ids" => json!([{ "documentId": id_of(&document) }, { "query": "{ f0 }" }]),
        "id of a mutation" => json!({ "documentId": id_of(MUTATION) }),
        "broken" => json!({ "query": "{ f0" }),
        _ => json!({
            "query": document,
            "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } },
        }),
    };
    Sent { request, body: body.to_string() }
}

/// The documents that are uploaded, by id.
pub fn manifest(asked_for: &[Asked]) -> Value {
    let documents = asked_for.iter().filter_map(|(asked, _, _)| asked.document());
    let documents = documents.chain([MUTATION.to_owned()]);
    documents.map(|text| (id_of(&text), json!(text))).collect::<serde_json::Map<_, _>>().into()
}

/// The admin route that a step calls, with its body.
pub fn admin_call(step: &str, asked_for: &[Asked]) -> Option<(&'static str, Value)> {
    Some(match step {
        "all" => ("purge", json!({ "all": true })),
        "soft" => ("purge", json!({ "all": true, "soft": true })),
        "tag" => ("purge", json!({ "tags": ["F0", "type:t0", "path:/a/b"] })),
        "pattern" => ("purge", json!({ "patterns": ["gql/*/*/public/*", "rest/**"] })),
        "pause" => ("pause", json!({ "seconds": 2 })),
        "resume" => ("resume", json!({})),
        "upload" => ("documents", manifest(asked_for)),
        _ => return None,
    })
}
