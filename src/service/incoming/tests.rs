//! Whose admin tokens are judged, through the whole service.

use crate::engine::{fails_open, replace_token};
use crate::http::{Headers, Request};
use crate::service::isolate::Isolate;
use crate::service::respond::Reply;
use crate::service::router::Service;
use crate::service::testing::{TestRuntime, request};
use serde_json::{Value, json};
use std::rc::Rc;

const DEBUG: (&str, &str) = ("evergraph-debug", "1");
const BEARER: (&str, &str) = ("authorization", "Bearer secret");
const FASTLY: (&str, &str) = ("fastly-key", "secret");
const ADDRESS: (&str, &str) = ("cf-connecting-ip", "203.0.113.4");

struct World {
    runtime: TestRuntime,
    isolate: Rc<Isolate>,
}

impl World {
    fn new(more: Value) -> Self {
        let mut config = json!({ "types": { "api": { "match": ["rest:/api/**"], "ttl": 60 } } });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let runtime = TestRuntime::new();
        runtime.has_secrets(Some("secret"), None);
        Self { runtime, isolate: Isolate::new(&config) }
    }

    /// The status and the headers of the response.
    fn send(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> (u16, Headers) {
        self.runtime.sends(method, r#"{"all":true}"#);
        let service = Service::new(self.runtime.clone(), self.isolate.clone());
        match self.runtime.run(service.handle(made(method, path, fields))) {
            Reply::Whole(response) => (response.status, response.headers),
            Reply::Origin { status, headers, .. } => (status, headers),
            other => panic!("{other:?}"),
        }
    }

    /// The response, and the headers that the origin saw if it was asked.
    fn seen(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> (u16, Headers, Option<Headers>) {
        let before = self.runtime.sent().len();
        let (status, headers) = self.send(method, path, fields);
        (status, headers, self.runtime.sent().into_iter().nth(before).map(|sent| sent.headers))
    }

    /// Whether the origin is asked for a request that Wasm failed at.
    fn is_rescued(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> bool {
        let tokens = || Some("secret".to_owned());
        self.isolate.rescued_request(made(method, path, fields), tokens).is_some()
    }
}

fn made(method: &str, path: &str, fields: &[(&str, &str)]) -> Request {
    let mut request = request(method, path);
    fields.iter().for_each(|(name, value)| request.headers.set(name, *value));
    request
}

#[test]
fn a_debug_request_sends_its_token_as_bearer_and_in_no_other_way() {
    let world = World::new(json!({}));
    let (_, headers, seen) = world.seen("GET", "/api/1", &[DEBUG, BEARER]);
    assert!(headers.contains("evergraph-key"));
    assert!(!seen.unwrap().contains("authorization"));
    for other in [FASTLY, ("authorization", "secret")] {
        let (_, headers, seen) = world.seen("GET", "/api/2", &[DEBUG, other]);
        assert!(!headers.contains("evergraph-key"), "{other:?}");
        // It is the client's own, as without `Evergraph-Debug`.
        assert_eq!(seen.unwrap().get(other.0), Some("secret"), "{other:?}");
        for _ in 0..20 {
            world.send("GET", "/api/2", &[DEBUG, (other.0, "guess"), ADDRESS]);
        }
    }
    // Nor does it count as an attempt.
    let (_, headers) = world.send("GET", "/api/1", &[DEBUG, BEARER, ADDRESS]);
    assert!(headers.contains("evergraph-key"));
}

#[test]
fn an_admin_request_keeps_its_token_whatever_else_it_asks_for() {
    let world = World::new(json!({ "purge": { "methods": true } }));
    for token in [BEARER, FASTLY] {
        for (method, path) in [("PURGE", "/api/1"), ("BAN", "/api/1")] {
            for _ in 0..21 {
                let (status, _) = world.send(method, path, &[DEBUG, token, ADDRESS]);
                assert_eq!(status, 200, "{method} {path}");
            }
        }
    }
    for path in ["/__evergraph/purge", "/%5F_evergraph/purge", "/%5f%5fevergraph/purge"] {
        let (status, _) = world.send("POST", path, &[DEBUG, BEARER, ADDRESS]);
        assert_eq!(status, 200, "{path}");
    }
    assert!(world.runtime.sent().is_empty(), "the origin saw a token");
}

#[test]
fn while_an_address_waits_its_debug_tokens_are_not_judged() {
    let world = World::new(json!({}));
    let wrong = ("authorization", "Bearer guess");
    for _ in 0..20 {
        world.send("GET", "/api/guesses", &[DEBUG, wrong, ADDRESS]);
    }
    let told = |token: (&'static str, &'static str)| {
        let (status, mut headers, seen) = world.seen("GET", "/api/1", &[DEBUG, token, ADDRESS]);
        headers.remove("date");
        let seen = seen.unwrap().get("authorization").unwrap_or_default().to_owned();
        ((status, headers), seen)
    };
    let ((right, first), (wrong, seen)) = (told(BEARER), told(wrong));
    assert_eq!(right, wrong, "the response tells whether a guess is right");
    assert_eq!((right.1.get("x-cache"), &*seen), (Some("BYPASS"), "Bearer guess"));
    // The origin gets something else, the same each time, which cannot be told without the configured tokens
    // and a number of the isolate.
    assert_ne!(first, BEARER.1, "the origin saw the token");
    assert!(first.starts_with("Bearer ") && first.len() == BEARER.1.len(), "{first}");
    assert_eq!(told(BEARER).1, first);
    world.runtime.has_secrets(Some("secret,another"), None);
    assert_ne!(told(BEARER).1, first);
    world.runtime.has_secrets(Some("secret"), None);
    world.runtime.advance(60_000);
    assert!(world.send("GET", "/api/1", &[DEBUG, BEARER, ADDRESS]).1.contains("evergraph-key"));
}

#[test]
fn nothing_of_a_token_is_left_in_its_stand_in() {
    for name in ["authorization", "fastly-key"] {
        for (before, scheme) in [("Bearer  of words", "Bearer "), ("x", ""), ("bearer", "")] {
            let mut headers: Headers = [("fastly-key", "other")].into_iter().collect();
            headers.set(name, before);
            replace_token(&mut headers, 1, "x");
            let after = headers.get(name).unwrap();
            let scheme = if name == "authorization" { scheme } else { "" };
            let rest = after.strip_prefix(scheme).unwrap();
            assert_eq!(after.len(), before.len());
            assert!(rest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{after}");
        }
    }
}

#[test]
fn a_users_own_token_reaches_the_origin_however_often_it_is_sent_with_the_debug_header() {
    let world = World::new(json!({}));
    for token in ["Bearer of-alice", "Bearer eyJh.eyJz.c2ln", "Basic YTpi"] {
        for _ in 0..25 {
            let fields = [DEBUG, ("authorization", token), ADDRESS];
            let (status, _, seen) = world.seen("GET", "/api/1", &fields);
            assert_eq!((status, seen.unwrap().get("authorization")), (200, Some(token)));
        }
    }
}

#[test]
fn while_the_methods_that_purge_are_off_an_admin_token_does_not_reach_the_origin_with_them() {
    let world = World::new(json!({}));
    for method in ["PURGE", "BAN"] {
        for fields in [&[BEARER][..], &[FASTLY], &[DEBUG, BEARER]] {
            let (status, _, seen) = world.seen(method, "/api/1", fields);
            assert_eq!((status, seen), (501, None), "{method} {fields:?}");
            assert!(!world.is_rescued(method, "/api/1", fields), "{method} {fields:?}");
        }
        // Other requests with these methods are for the origin.
        for own in [&[][..], &[("authorization", "Bearer of-alice")], &[("fastly-key", "no")]] {
            let (status, _, seen) = world.seen(method, "/api/1", own);
            assert_eq!(status, 200, "{method} {own:?}");
            assert!(own.iter().all(|(name, value)| {
                seen.as_ref().and_then(|seen| seen.get(name)) == Some(*value)
            }));
            assert!(world.is_rescued(method, "/api/1", own), "{method} {own:?}");
        }
    }
    let status = |token| world.send("PURGE", "/api/1", &[token, ADDRESS]).0;
    (0..20).for_each(|_| assert_eq!(status(("fastly-key", "guess")), 200));
    // From here on nothing tells whether a token is right, and the origin sees none that is.
    let (status, _, seen) = world.seen("PURGE", "/api/1", &[FASTLY, ADDRESS]);
    assert_eq!(status, 200);
    let sent = seen.unwrap();
    assert!(sent.get("fastly-key").is_some_and(|key| key != FASTLY.1 && key.len() == 6));
    // A purger of the origin with a token of its own does not close the admin routes.
    assert_eq!(world.send("GET", "/__evergraph/stats", &[BEARER, ADDRESS]).0, 200);
}

#[test]
fn with_a_faulty_configuration_a_purges_token_does_not_reach_the_origin() {
    let faulty = World::new(json!({ "colour": "red" }));
    let switched_on = World::new(json!({ "colour": "red", "purge": { "methods": true } }));
    let unclear = World::new(json!({ "purge": { "methods": "yes" } }));
    for method in ["PURGE", "BAN"] {
        for fields in [&[BEARER][..], &[FASTLY], &[DEBUG, BEARER]] {
            for world in [&faulty, &switched_on, &unclear] {
                let (status, _, seen) = world.seen(method, "/api/1", fields);
                assert_eq!((status, seen), (503, None), "{method} {fields:?}");
                assert!(!world.is_rescued(method, "/api/1", fields), "{method} {fields:?}");
            }
        }
        for fields in [&[][..], &[("authorization", "Bearer of-alice")], &[("fastly-key", "no")]] {
            // The methods are the origin's, unless they are switched on.
            assert_eq!(faulty.send(method, "/api/1", fields).0, 200, "{method} {fields:?}");
            assert!(faulty.is_rescued(method, "/api/1", fields), "{method} {fields:?}");
            for world in [&switched_on, &unclear] {
                assert_eq!(world.send(method, "/api/1", fields).0, 503, "{method} {fields:?}");
                assert!(!world.is_rescued(method, "/api/1", fields), "{method} {fields:?}");
            }
        }
    }
    assert_eq!(switched_on.send("POST", "/api/1", &[BEARER]).0, 200);
    assert!(switched_on.is_rescued("GET", "/api/1", &[BEARER]));
}

#[test]
fn with_a_faulty_configuration_tokens_cannot_be_guessed_by_purging() {
    let world = World::new(json!({ "colour": "red" }));
    let status = |token| world.send("PURGE", "/api/1", &[token, ADDRESS]).0;
    assert_eq!(status(FASTLY), 503);
    for _ in 0..20 {
        assert_eq!(status(("fastly-key", "guess")), 200);
    }
    let (status_of_right, _, seen) = world.seen("PURGE", "/api/1", &[FASTLY, ADDRESS]);
    assert_eq!(status_of_right, 200, "the response tells that a guess is right");
    assert_ne!(seen.unwrap().get("fastly-key"), Some(FASTLY.1), "the origin saw the token");
    world.runtime.advance(60_000);
    assert_eq!(status(FASTLY), 503);
}

/// Spellings that some server or proxy takes for the path of an admin route.
const SPELLINGS: [&str; 12] = [
    "/__evergraph",
    "//__evergraph/purge",
    "///__evergraph/stats",
    "//__evergraph",
    "/__evergraph%2fpurge",
    "/__evergraph%252Fpurge",
    "/%2f__evergraph/purge",
    "/%5f%5fevergraph%5cpurge",
    "/__EVERGRAPH/purge",
    "/__evergraph;v=1/purge",
    "/__evergraph%20/purge",
    "/api/..%2f__evergraph/purge",
];

#[test]
fn no_spelling_of_an_admin_path_brings_a_token_to_the_origin() {
    let valid = World::new(json!({ "purge": { "methods": true } }));
    let faulty = World::new(json!({ "colour": "red" }));
    let socket = ("upgrade", "websocket");
    for path in SPELLINGS.iter().chain(&["/__evergraph/purge", "/__evergraph/*"]) {
        for method in ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PURGE"] {
            for fields in [&[BEARER][..], &[FASTLY], &[DEBUG, BEARER], &[socket, BEARER]] {
                for world in [&valid, &faulty] {
                    let (_, _, seen) = world.seen(method, path, fields);
                    assert_eq!(seen, None, "{method} {path} {fields:?}");
                    assert!(!world.is_rescued(method, path, fields), "{method} {path} {fields:?}");
                }
                assert!(!fails_open(&made(method, path, fields)), "{method} {path}");
            }
        }
    }
}

#[test]
fn the_page_without_its_slash_is_a_redirect_to_it() {
    let world = World::new(json!({}));
    for (method, target, location) in [
        ("GET", "/__evergraph", Some("/__evergraph/")),
        ("HEAD", "/__evergraph?lang=en", Some("/__evergraph/?lang=en")),
        ("POST", "/__evergraph", None),
        ("GET", "//__evergraph", None),
    ] {
        let (status, headers) = world.send(method, target, &[]);
        assert_eq!(headers.get("location"), location, "{method} {target}");
        assert_eq!(status, if location.is_some() { 308 } else { 404 }, "{method} {target}");
    }
}

#[test]
fn the_runtime_sends_no_admin_request_to_the_origin_by_itself() {
    for path in ["/__evergraph/stats", "/%5F_evergraph/stats", "/__evergraph/", "/__evergraph"] {
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert!(!fails_open(&request(method, path)), "{method} {path}");
        }
    }
    for method in ["PURGE", "BAN"] {
        assert!(!fails_open(&request(method, "/api/1")), "{method}");
    }
    assert!(fails_open(&request("GET", "/__evergraph-docs")));
}
