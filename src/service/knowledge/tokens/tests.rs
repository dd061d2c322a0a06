use super::*;
use crate::config::{self, Algorithm};
use crate::http::{Request, to_base64url};
use crate::jwt::KeySet;
use crate::service::context::Purpose;
use crate::service::testing::{Call, TestRuntime, request, signature_by};
use crate::time::Timestamp;
use serde_json::json;
use std::cell::RefCell;

const SECRET: &str = "a secret of at least thirty-two bytes";
const KEYS_URL: &str = "https://issuer.example/keys";

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn tokens(algorithms: &[&str]) -> Tokens {
    let mut jwt = json!({ "algorithms": algorithms, "leeway": 0 });
    if algorithms.contains(&"ES256") {
        jwt["jwks"] = json!(KEYS_URL);
    }
    let scopes = json!({ "user": { "by": ["jwt:sub"] } });
    Tokens::new(Rc::new(config::parse(&json!({ "scopes": scopes, "jwt": jwt })).unwrap()))
}

/// A token of alice, signed with a key.
fn token(algorithm: Algorithm, key_id: &str, key: &str, expires: Timestamp) -> String {
    let header = json!({ "alg": algorithm.as_str(), "kid": key_id }).to_string();
    let claims = json!({ "sub": "alice", "exp": expires.as_millis() / 1_000 }).to_string();
    let signed = [header, claims].map(|part| to_base64url(part.as_bytes())).join(".");
    let signature = to_base64url(&signature_by(algorithm, key, &signed));
    format!("{signed}.{signature}")
}

fn with_token(text: &str) -> Request {
    let mut request = request("GET", "/graphql");
    request.headers.set("authorization", format!("Bearer {text}"));
    request
}

fn claims(runtime: &TestRuntime, tokens: &Tokens, text: &str) -> Claims {
    let context = Context::new(runtime.clone(), with_token(text));
    runtime.run(tokens.claims(&context))
}

fn is_alice(claims: &Claims) -> bool {
    claims.get("sub") == Some(&json!("alice"))
}

/// A key set with one key of that name, and the key's text.
fn key_set(id: &str) -> (String, String) {
    let x = to_base64url(&[id.len() as u8; 32]);
    let key = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": x, "kid": id });
    let set = json!({ "keys": [key] }).to_string();
    let keys = KeySet::parse(&set).unwrap();
    let text = keys.find(Algorithm::Es256, Some(id)).unwrap().text.clone();
    (set, text)
}

fn in_an_hour(runtime: &TestRuntime) -> Timestamp {
    at(runtime.at().as_millis() + 3_600_000)
}

#[test]
fn a_token_is_verified_once() {
    let runtime = TestRuntime::new();
    runtime.has_secrets(None, Some(SECRET));
    let tokens = tokens(&["HS256"]);
    let good = token(Algorithm::Hs256, "", SECRET, in_an_hour(&runtime));
    assert!(is_alice(&claims(&runtime, &tokens, &good)));
    assert!(is_alice(&claims(&runtime, &tokens, &good)));
    assert_eq!(runtime.calls(Call::Verify), 1);
    let forged = token(Algorithm::Hs256, "", "another key", in_an_hour(&runtime));
    assert_eq!(claims(&runtime, &tokens, &forged), Claims::Unverified);
    runtime.advance(3_600_000);
    assert_eq!(claims(&runtime, &tokens, &good), Claims::Unverified, "expired");
}

#[test]
fn an_explained_requests_token_is_not_remembered() {
    let runtime = TestRuntime::new();
    runtime.has_secrets(None, Some(SECRET));
    let tokens = tokens(&["HS256"]);
    let good = token(Algorithm::Hs256, "", SECRET, in_an_hour(&runtime));
    let explained = || {
        let purpose = Purpose::Explain { body: Rc::default() };
        let context = Context { purpose, ..Context::new(runtime.clone(), with_token(&good)) };
        is_alice(&runtime.run(tokens.claims(&context)))
    };
    assert!(explained() && explained());
    assert_eq!(runtime.calls(Call::Verify), 2);
    assert!(is_alice(&claims(&runtime, &tokens, &good)));
    assert_eq!(runtime.calls(Call::Verify), 3);
    assert!(explained(), "what others have proved counts");
    assert_eq!(runtime.calls(Call::Verify), 3);
}

#[test]
fn a_secret_that_is_short_or_missing_is_reported_once() {
    for secret in [None, Some("short")] {
        let runtime = TestRuntime::new();
        runtime.has_secrets(None, secret);
        let tokens = tokens(&["HS256"]);
        for _ in 0..2 {
            let text =
                token(Algorithm::Hs256, "", secret.unwrap_or_default(), in_an_hour(&runtime));
            assert_eq!(claims(&runtime, &tokens, &text), Claims::Unverified);
        }
        assert_eq!(runtime.lines().len(), 1);
        assert!(runtime.has_reported("jwt-key"));
    }
}

#[test]
fn requests_share_one_fetch_of_the_issuers_keys() {
    let runtime = TestRuntime::new();
    let (set, key) = key_set("a");
    runtime.has_text(KEYS_URL, "max-age=600", &set);
    runtime.takes(Call::FetchText, 50);
    let tokens = tokens(&["ES256"]);
    let text = token(Algorithm::Es256, "a", &key, in_an_hour(&runtime));
    let context = Context::new(runtime.clone(), with_token(&text));
    let both = futures_util::future::join(tokens.claims(&context), tokens.claims(&context));
    let (first, second) = runtime.run(both);
    assert!(is_alice(&first) && is_alice(&second));
    assert_eq!(runtime.calls(Call::FetchText), 1);
}

#[test]
fn a_withdrawn_key_proves_nothing_once_the_keys_are_fetched_again() {
    let runtime = TestRuntime::new();
    let (set, key) = key_set("a");
    runtime.has_text(KEYS_URL, "max-age=600", &set);
    let tokens = tokens(&["ES256"]);
    let text = token(Algorithm::Es256, "a", &key, in_an_hour(&runtime));
    assert!(is_alice(&claims(&runtime, &tokens, &text)));
    runtime.has_text(KEYS_URL, "max-age=600", &key_set("other").0);
    assert!(is_alice(&claims(&runtime, &tokens, &text)), "the keys are still fresh");
    runtime.advance(600_000);
    assert_eq!(claims(&runtime, &tokens, &text), Claims::Unverified);
}

#[test]
fn an_issuer_that_fails_is_left_alone_for_a_while() {
    let runtime = TestRuntime::new();
    let tokens = tokens(&["ES256"]);
    let (set, key) = key_set("a");
    let text = token(Algorithm::Es256, "a", &key, in_an_hour(&runtime));
    runtime.fails(Call::FetchText, "down");
    for _ in 0..3 {
        assert_eq!(claims(&runtime, &tokens, &text), Claims::Unverified);
    }
    assert_eq!(runtime.calls(Call::FetchText), 1);
    assert!(runtime.has_reported("jwks"));
    runtime.works(Call::FetchText);
    runtime.has_text(KEYS_URL, "", &set);
    runtime.advance(1_000);
    assert!(is_alice(&claims(&runtime, &tokens, &text)));
}

#[test]
fn a_plan_that_needs_no_claims_has_no_token_verified() {
    let runtime = TestRuntime::new();
    let tokens = tokens(&["HS256"]);
    let context = Context::new(runtime.clone(), with_token("not a token"));
    let planned = runtime.run(tokens.plan_with_claims(&context, |_| Err(Bypass::TtlZero)));
    assert_eq!(planned.unwrap_err(), Bypass::TtlZero);
    let seen = RefCell::new(Vec::new());
    let plan = |claims: &Claims| {
        seen.borrow_mut().push(claims.clone());
        Err(Bypass::JwtUnverified)
    };
    let planned = runtime.run(tokens.plan_with_claims(&context, plan));
    assert_eq!(planned.unwrap_err(), Bypass::JwtUnverified);
    assert_eq!(seen.take(), [Claims::NotChecked, Claims::Unverified]);
}
