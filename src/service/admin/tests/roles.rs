//! Who may use which route, and what is said about it.

use super::super::routes::ROUTES;
use super::Setup;
use crate::admin::{ANY_PATH, Change, Role};
use crate::config::Algorithm;
use crate::http::{Request, Response, to_base64url};
use crate::jwt::KeySet;
use crate::service::context::Context;
use crate::service::testing::{Call, Components, TestRuntime, request, signature_by};
use serde_json::{Value, json};

const TOKENS: &str = "r:read:reader, p:purge:purger, a:admin:administrator";
const TEAM: &str = "https://team.cloudflareaccess.com";
const CERTS: &str = "https://team.cloudflareaccess.com/cdn-cgi/access/certs";

/// Requests that change nothing although they are no `GET`. Each needs only the role `read`.
const READING_POSTS: [&str; 1] = ["explain"];

fn setup() -> Setup {
    let setup = Setup { runtime: TestRuntime::with_statistics(), ..Setup::new() };
    setup.runtime.has_secrets(Some(TOKENS), None);
    setup
}

/// What the audit has, which writes what is pending.
fn stored(setup: &Setup) -> Vec<Change> {
    let trail = &setup.isolate.admin().audit;
    setup.runtime.run(trail.read(&setup.runtime, None, 1_000)).unwrap()
}

fn with_access(tokens: Option<&str>) -> Setup {
    let access = json!({
        "access_team": TEAM, "access_audience": "aud", "access_role": "purge",
        "access_admins": ["ann@example.com"],
    });
    let isolate = Components::new(&json!({ "service": "shop", "admin": access }));
    let setup = Setup { runtime: TestRuntime::new(), isolate };
    setup.runtime.has_secrets(tokens, None);
    setup.runtime.has_text(CERTS, "", &keys().0);
    setup
}

/// The team's key set, and the text of its key.
fn keys() -> (String, String) {
    let x = to_base64url(&[7; 32]);
    let set = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": x, "y": x, "kid": "k" }] });
    let keys = KeySet::parse(&set.to_string()).unwrap();
    (set.to_string(), keys.find(Algorithm::Es256, Some("k")).unwrap().text.clone())
}

/// A token of Access with these claims beside those that it needs.
fn assertion(setup: &Setup, more: Value) -> String {
    let expires = setup.runtime.at().as_millis() / 1_000 + 60;
    let mut claims = json!({ "iss": TEAM, "aud": ["other", "aud"], "exp": expires });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let header = json!({ "alg": "ES256", "kid": "k" });
    let signed = [header, claims].map(|part| to_base64url(part.to_string().as_bytes())).join(".");
    // Signatures of ES256 have 64 bytes, as `signature_by` makes them.
    format!("{signed}.{}", to_base64url(&signature_by(Algorithm::Es256, &keys().1, &signed)))
}

fn send(setup: &Setup, method: &str, path: &str, fields: &[(&str, &str)]) -> Response {
    let mut request: Request = request(method, &format!("/__evergraph/{path}"));
    fields.iter().for_each(|(name, value)| request.headers.set(name, *value));
    setup.runtime.sends(method, r#"{"tags":["Product"]}"#);
    let context = Context::new(setup.runtime.clone(), request);
    setup.runtime.run(setup.isolate.admin().respond(&context))
}

fn status(setup: &Setup, method: &str, path: &str, fields: &[(&str, &str)]) -> u16 {
    send(setup, method, path, fields).status
}

fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

#[test]
fn no_token_opens_a_route_of_a_higher_role() {
    let tokens = [(Role::Read, "reader"), (Role::Purge, "purger"), (Role::Admin, "administrator")];
    for route in ROUTES {
        for (role, token) in tokens {
            let setup = setup();
            let response = setup.send(route.method, route.path, Some(token), "");
            let is_forbidden = route.role.is_some_and(|needed| role < needed);
            assert_eq!(response.status == 403, is_forbidden, "{route:?} with {role:?}");
            if is_forbidden {
                let needed = route.role.unwrap().as_str();
                let error = json!({ "error": format!("use a token with the role {needed}") });
                assert_eq!(body(&response), error);
                let trail = &setup.isolate.admin().audit;
                assert_eq!((trail.denied.get().forbidden, setup.runtime.log_head()), (1, 0));
            }
        }
    }
}

#[test]
fn only_routes_for_other_caches_accept_their_forms_of_a_token() {
    let setup = Setup::new();
    setup.runtime.has_secrets(Some(TOKENS), None);
    for route in ROUTES.iter().filter(|route| route.role.is_some()) {
        let path = match route.path {
            ANY_PATH => "/some/path".to_owned(),
            path => format!("/__evergraph/{path}"),
        };
        let is_accepted = |field| {
            let mut request: Request = request(route.method, &path);
            let (name, value): (&str, &str) = field;
            request.headers.set(name, value);
            setup.runtime.sends(route.method, "");
            let context = Context::new(setup.runtime.clone(), request);
            setup.runtime.run(setup.isolate.admin().respond(&context)).status != 401
        };
        assert!(is_accepted(("authorization", "Bearer administrator")), "{route:?}");
        let without_scheme = is_accepted(("authorization", "administrator"));
        assert_eq!(without_scheme, route.path == "invalidation", "{route:?}");
        let by_fastly = route.path.starts_with("service/") || route.path == ANY_PATH;
        assert_eq!(is_accepted(("fastly-key", "administrator")), by_fastly, "{route:?}");
    }
}

#[test]
fn an_entry_that_cannot_be_used_opens_nothing_and_is_reported_once() {
    let setup = Setup::new();
    setup.runtime.has_secrets(Some("ci:reed:secret1, secret2"), None);
    for _ in 0..2 {
        assert_eq!(setup.send("GET", "stats", Some("secret1"), "").status, 401);
        assert_eq!(setup.send("GET", "stats", Some("ci:reed:secret1"), "").status, 401);
    }
    let health = body(&setup.send("GET", "health", Some("secret2"), ""));
    assert_eq!(health["deployment"]["admin_tokens"], 1);
    assert_eq!(health["deployment"]["unusable_admin_tokens"], json!([1]));
    let lines = setup.runtime.lines();
    let reports: Vec<_> = lines.iter().filter(|line| line["part"] == "admin-tokens").collect();
    assert_eq!(reports.len(), 1);
    assert!(!reports[0].to_string().contains("secret1"), "{reports:?}");
}

#[test]
fn after_twenty_failures_an_address_waits_even_with_the_right_token() {
    let setup = setup();
    let address = ("cf-connecting-ip", "203.0.113.4");
    let right = ("authorization", "Bearer administrator");
    let wrong = ("authorization", "Bearer guess");
    // Guesses count on public routes too, which show an administrator more.
    for n in 0..20 {
        let (path, expected) = if n % 2 == 0 { ("stats", 401) } else { ("health", 200) };
        assert_eq!(status(&setup, "GET", path, &[address, wrong]), expected, "{n}");
    }
    let limited = send(&setup, "GET", "stats", &[address, right]);
    assert_eq!(limited.status, 429);
    let seconds: u64 = limited.headers.get("retry-after").unwrap().parse().unwrap();
    assert!((50..=60).contains(&seconds), "{seconds}");
    assert_eq!(status(&setup, "GET", "stats", &[address]), 429);
    let health = send(&setup, "GET", "health", &[address, right]);
    assert!(health.status == 200 && body(&health).get("deployment").is_none());
    assert_eq!(status(&setup, "GET", "nothing", &[address, right]), 404);
    assert_eq!(status(&setup, "GET", "stats", &[("cf-connecting-ip", "203.0.113.5"), right]), 200);
    for _ in 0..30 {
        assert_eq!(status(&setup, "GET", "stats", &[wrong]), 401, "no address");
    }
    let denied = setup.isolate.admin().audit.denied.get();
    assert_eq!((denied.unauthorized, denied.limited), (40, 2));
    setup.runtime.advance(60_000);
    assert_eq!(status(&setup, "GET", "stats", &[address, right]), 200);
}

#[test]
fn a_request_without_a_token_is_no_attempt() {
    for setup in [setup(), with_access(Some(TOKENS))] {
        let address = ("cf-connecting-ip", "203.0.113.4");
        for n in 0..30 {
            // As a page of another site makes a browser send it, so it could lock out whoever opens that page.
            let image = format!("stats?{n}");
            assert_eq!(status(&setup, "GET", &image, &[address]), 401);
            assert_eq!(status(&setup, "POST", "purge", &[address]), 401);
        }
        let denied = setup.isolate.admin().audit.denied.get();
        assert_eq!((denied.unauthorized, denied.limited), (60, 0));
        let right = ("authorization", "Bearer administrator");
        assert_eq!(status(&setup, "GET", "stats", &[address, right]), 200);
    }
}

#[test]
fn a_session_of_access_opens_with_and_without_tokens() {
    for tokens in [None, Some(TOKENS)] {
        let setup = with_access(tokens);
        let of = |claims: Value| self::assertion(&setup, claims);
        let bob = of(json!({ "email": "bob@example.com" }));
        let ann = of(json!({ "email": "Ann@example.com" }));
        let robot = of(json!({ "common_name": "robot.access", "sub": "" }));
        fn assertion(token: &str) -> (&str, &str) {
            ("cf-access-jwt-assertion", token)
        }
        let get = |path: &str, token: &str| status(&setup, "GET", path, &[assertion(token)]);
        assert_eq!(get("stats", &bob), 200);
        assert_eq!(get("stats", &robot), 200);
        assert_eq!(status(&setup, "GET", "stats", &[]), 401);
        assert_eq!(status(&setup, "GET", "health", &[]), 200);
        let json = ("content-type", "application/json; charset=utf-8");
        assert_eq!(status(&setup, "DELETE", "schema", &[assertion(&bob), json]), 403);
        assert_eq!(status(&setup, "DELETE", "schema", &[assertion(&ann), json]), 200);
        for (more, expected) in [
            (json, 200),
            (("evergraph-admin", "1"), 200),
            (("content-type", "text/plain"), 403),
            (("content-type", "text/plain; application/json"), 403),
            (("evergraph-admin", ""), 403),
        ] {
            let fields = [assertion(&bob), more];
            assert_eq!(status(&setup, "POST", "purge", &fields), expected, "{more:?}");
        }
        let changes = setup.runtime.lines();
        let names: Vec<_> = changes.iter().filter(|line| line["event"] == "admin").collect();
        assert_eq!(names[0]["token"], "Ann@example.com");
        assert_eq!(
            (&names[1]["token"], &names[1]["role"]),
            (&json!("bob@example.com"), &json!("purge"))
        );
        // A token that is sent decides.
        let wrong = [assertion(&ann), ("authorization", "Bearer x")];
        assert_eq!(status(&setup, "GET", "stats", &wrong), 401);
        let reader = [assertion(&ann), ("authorization", "Bearer reader"), json];
        let expected = if tokens.is_some() { 403 } else { 401 };
        assert_eq!(status(&setup, "DELETE", "schema", &reader), expected);
    }
}

#[test]
fn a_token_that_is_not_of_the_application_opens_nothing() {
    let setup = with_access(None);
    let good = assertion(&setup, json!({ "email": "ann@example.com" }));
    for (name, bad) in [
        ("audience", assertion(&setup, json!({ "aud": ["other"] }))),
        ("issuer", assertion(&setup, json!({ "iss": "https://evil.cloudflareaccess.com" }))),
        ("expired", assertion(&setup, json!({ "exp": 1_000 }))),
        ("no end", assertion(&setup, json!({ "exp": null }))),
        ("signature", format!("{}.{}", good.rsplit_once('.').unwrap().0, to_base64url(&[1; 64]))),
        ("nothing", String::new()),
    ] {
        let address = ("cf-connecting-ip", "203.0.113.4");
        for _ in 0..25 {
            let fields = [("cf-access-jwt-assertion", bad.as_str()), address];
            assert_eq!(status(&setup, "GET", "stats", &fields), 401, "{name}");
        }
    }
    // Without `[admin]` the header means nothing.
    let plain = super::Setup::new();
    assert_eq!(status(&plain, "GET", "stats", &[("cf-access-jwt-assertion", &good)]), 401);
    plain.runtime.has_secrets(None, None);
    assert_eq!(status(&plain, "GET", "stats", &[("cf-access-jwt-assertion", &good)]), 404);
}

#[test]
fn every_route_that_is_no_get_is_a_change_or_only_reads() {
    for route in ROUTES.iter().filter(|route| route.method != "GET") {
        assert_ne!(route.is_change(), READING_POSTS.contains(&route.path), "{route:?}");
    }
}

#[test]
fn a_change_is_logged_and_stored_with_the_name_of_its_token() {
    let setup = setup();
    let fields = [("authorization", "Bearer purger"), ("cf-connecting-ip", "203.0.113.4")];
    let at = setup.runtime.at().as_millis();
    assert_eq!(status(&setup, "POST", "purge", &fields), 200);
    let line = json!({
        "event": "admin", "token": "p", "role": "purge", "route": "POST purge",
        "detail": "patterns=0 seq=1 tags=1", "status": 200,
    });
    assert!(setup.runtime.lines().contains(&line), "{:?}", setup.runtime.lines());
    assert_eq!(setup.runtime.calls(Call::Statistics), 0, "the response did not wait for it");
    setup.runtime.advance(1_000);
    assert_eq!(setup.runtime.calls(Call::Statistics), 1);
    let stored = stored(&setup);
    assert_eq!((stored.len(), stored[0].at, stored[0].token.as_str()), (1, at, "p"));
    assert_eq!(stored[0].address.as_deref(), Some("203.0.113.4"));
    setup.send("POST", "purge", Some("administrator"), r#"{"all":true,"soft":true}"#);
    setup.send("POST", "purge", Some("administrator"), r#"{"tags":"not a list"}"#);
    setup.send("POST", "purge", Some("reader"), r#"{"all":true}"#);
    setup.send("GET", "stats", Some("administrator"), "");
    let audit = body(&setup.send("GET", "audit", Some("reader"), ""));
    let changes = audit["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{audit}");
    assert_eq!(changes[0]["detail"], "everything, soft patterns=0 seq=2 tags=0");
    assert_eq!(audit["denied"], json!({ "unauthorized": 0, "forbidden": 1, "limited": 0 }));
    let earlier = body(&setup.send("GET", "audit?limit=1&before=2", Some("reader"), ""));
    assert_eq!(earlier["changes"], json!([changes[1]]));
    for (query, path) in [("limit=0", "limit"), ("limit=1001", "limit"), ("before=x", "before")] {
        let bad = setup.send("GET", &format!("audit?{query}"), Some("reader"), "");
        assert_eq!((bad.status, &body(&bad)["path"]), (400, &json!(path)), "{query}");
    }
}

#[test]
fn the_audit_shows_the_numbers_of_a_purge_in_the_form_of_another_cache() {
    let setup = setup();
    let fields = [("authorization", "Bearer purger"), ("surrogate-key", "a b")];
    for (method, path, expected) in [
        ("POST", "service/x/purge/Product", "patterns=0 seq=1 tags=1"),
        ("POST", "service/x/purge", "patterns=0 seq=2 tags=2"),
        ("POST", "service/x/purge_all", "everything patterns=0 seq=3 tags=0"),
        ("PURGE", "souin", "patterns=0 seq=4 tags=2"),
    ] {
        assert!(status(&setup, method, path, &fields) < 300, "{path}");
        setup.runtime.advance(1_000);
        let details: Vec<_> = stored(&setup).into_iter().map(|change| change.detail).collect();
        assert_eq!(details[0], expected, "{path}");
    }
}

#[test]
fn slashes_before_an_admin_path_are_told_so_whatever_the_token() {
    let setup = setup();
    for token in ["", "Bearer wrong", "Bearer administrator"] {
        let mut request: Request = request("POST", "//__evergraph/purge");
        request.headers.set("authorization", token);
        let context = Context::new(setup.runtime.clone(), request);
        let response = setup.runtime.run(setup.isolate.admin().respond(&context));
        assert_eq!(response.status, 404, "{token:?}");
        let message = body(&response)["error"].to_string();
        assert!(message.contains("did you mean /__evergraph/"), "{message}");
    }
}

#[test]
fn a_wrong_token_is_told_from_none() {
    let setup = setup();
    for (token, is_wrong) in [(None, false), (Some("wrong"), true)] {
        let response = setup.send("GET", "stats", token, "");
        let message = body(&response)["error"].to_string();
        assert_eq!(message.contains("the token is wrong"), is_wrong, "{message}");
    }
}

#[test]
fn changes_of_a_second_are_one_call_and_those_that_wait_are_bounded() {
    let setup = setup();
    let purge = || setup.send("POST", "purge", Some("purger"), r#"{"tags":["a"]}"#);
    let calls = setup.runtime.calls(Call::Statistics);
    for _ in 0..3 {
        assert_eq!(purge().status, 200);
        setup.runtime.advance(300);
    }
    setup.runtime.advance(1_000);
    assert_eq!(setup.runtime.calls(Call::Statistics), calls + 1);
    setup.runtime.fails(Call::Statistics, "down");
    for _ in 0..11 {
        (0..100).for_each(|_| drop(purge()));
        setup.runtime.advance(1_000);
    }
    setup.runtime.works(Call::Statistics);
    let changes = stored(&setup);
    // A thousand of the last 1,100, and none of the three before, which are older.
    assert_eq!(changes.len(), 1_000);
    assert!(changes[0].detail.contains("seq=1103"), "{}", changes[0].detail);
    assert!(changes[999].detail.contains("seq=104 "), "{}", changes[999].detail);
    assert_eq!(changes[0].id, 1_003, "those given up have no number");
}

#[test]
fn an_audit_that_fails_delays_nothing_and_is_written_later() {
    let setup = setup();
    setup.runtime.takes(Call::Statistics, 60_000);
    let before = setup.runtime.at();
    assert_eq!(setup.send("POST", "purge", Some("purger"), r#"{"tags":["a"]}"#).status, 200);
    assert_eq!(setup.runtime.at(), before);
    setup.runtime.advance(10_000);
    assert!(setup.runtime.has_reported("audit"));
    setup.runtime.works(Call::Statistics);
    setup.send("POST", "purge", Some("purger"), r#"{"tags":["b"]}"#);
    setup.runtime.advance(1_000);
    let details: Vec<_> = stored(&setup).into_iter().map(|change| change.detail).collect();
    assert_eq!(details, ["patterns=0 seq=2 tags=1", "patterns=0 seq=1 tags=1"]);
    setup.runtime.fails(Call::Statistics, "down");
    assert_eq!(setup.send("GET", "audit", Some("reader"), "").status, 503);
    let unbound = Setup::new();
    let changed = unbound.send("POST", "purge", Some("secret"), r#"{"tags":["c"]}"#);
    assert_eq!((changed.status, unbound.runtime.tasks()), (200, 0));
    assert_eq!(unbound.send("GET", "audit", Some("secret"), "").status, 501);
}

#[test]
fn a_change_is_stored_once_however_late_the_reply_comes() {
    let setup = setup();
    let purge = || setup.send("POST", "purge", Some("purger"), r#"{"tags":["a"]}"#).status;
    setup.runtime.statistics_replies_take(6_000);
    for millis in [7_000, 1_000, 1_000] {
        // The first call has failed before the second begins, and the third begins during the second.
        assert_eq!(purge(), 200);
        setup.runtime.advance(millis);
    }
    assert!(setup.runtime.has_reported("audit"));
    setup.runtime.statistics_replies_take(0);
    let seqs = |changes: Vec<Change>| -> Vec<String> {
        changes.into_iter().map(|change| change.detail).collect()
    };
    let numbered = |seq: u64| format!("patterns=0 seq={seq} tags=1");
    assert_eq!(seqs(stored(&setup)), [3, 2, 1].map(numbered));
    setup.runtime.advance(10_000);
    assert_eq!(purge(), 200);
    setup.runtime.advance(1_000);
    assert_eq!(seqs(stored(&setup)), [4, 3, 2, 1].map(numbered));
}

#[test]
fn changes_during_a_call_are_one_call_a_second_and_none_is_lost_if_it_is_cut_off() {
    let setup = setup();
    let purge = || setup.send("POST", "purge", Some("purger"), r#"{"tags":["a"]}"#).status;
    let calls = || setup.runtime.calls(Call::Statistics);
    setup.runtime.statistics_replies_take(2_000);
    for _ in 0..30 {
        assert_eq!(purge(), 200);
        setup.runtime.advance(90);
    }
    setup.runtime.advance(4_000);
    assert_eq!(calls(), 3, "30 changes in 2.7 s");
    setup.runtime.takes(Call::Statistics, 2_000);
    purge();
    setup.runtime.advance(1_500);
    setup.runtime.cuts_off();
    setup.runtime.works(Call::Statistics);
    purge();
    setup.runtime.advance(4_000);
    assert_eq!(stored(&setup).len(), 32);
}
