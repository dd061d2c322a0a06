use super::routes::ROUTES;
use crate::http::Response;
use crate::service::context::Context;
use crate::service::testing::{Call, Components, TestRuntime, request};
use serde_json::{Value, json};
use std::collections::BTreeSet;

struct Setup {
    runtime: TestRuntime,
    isolate: Components,
}

impl Setup {
    fn new() -> Self {
        let config = json!({ "service": "shop", "origin": "https://api.example.com" });
        Self { runtime: TestRuntime::new(), isolate: Components::new(&config) }
    }

    fn send(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Response {
        let mut request = request(method, &format!("/__evergraph/{path}"));
        if let Some(token) = token {
            request.headers.set("authorization", format!("Bearer {token}"));
        }
        self.runtime.sends(method, body);
        let context = Context::new(self.runtime.clone(), request);
        self.runtime.run(self.isolate.admin().respond(&context))
    }

    fn json(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let response = self.send(method, path, Some("secret"), body);
        (response.status, serde_json::from_slice(&response.body).unwrap())
    }
}

#[test]
fn the_table_has_each_route_once_and_says_what_it_does() {
    let mut seen = BTreeSet::new();
    for route in ROUTES {
        assert!(seen.insert((route.method, route.path)), "{route:?}");
        assert!(route.doc.ends_with('.') && route.doc.len() < 100, "{route:?}");
        let of_path = ROUTES.iter().filter(|other| other.path == route.path);
        assert!(of_path.clone().all(|other| other.needs_token == route.needs_token), "{route:?}");
    }
}

#[test]
fn each_route_of_the_table_has_a_handler() {
    for route in ROUTES {
        let setup = Setup::new();
        let response = setup.send(route.method, route.path, Some("secret"), "");
        assert!(![404, 405].contains(&response.status), "{route:?}: {}", response.status);
    }
}

#[test]
fn requests_without_the_right_token_or_method_are_refused() {
    let setup = Setup::new();
    for route in ROUTES.iter().filter(|route| route.needs_token) {
        for token in [None, Some("wrong")] {
            let response = setup.send(route.method, route.path, token, "");
            assert_eq!(response.status, 401, "{route:?}");
            assert!(response.headers.contains("www-authenticate"));
        }
    }
    assert_eq!(setup.send("GET", "health", None, "").status, 200);
    let wrong_method = setup.send("PUT", "schema", Some("secret"), "");
    assert_eq!(wrong_method.status, 405);
    assert_eq!(wrong_method.headers.get("allow"), Some("DELETE, GET, HEAD, POST"));
    let (status, body) = setup.json("GET", "nothing", "");
    let error = body["error"].as_str().unwrap();
    assert!(status == 404 && error.starts_with("no such route; there are "), "{error}");
    for route in ROUTES {
        assert_eq!(error.matches(&format!(" {}", route.path)).count(), 1, "{route:?}: {error}");
    }
    setup.runtime.has_secrets(None, None);
    assert_eq!(setup.send("GET", "health", None, "").status, 404, "there are no routes");
}

#[test]
fn a_purge_is_recorded_or_refused_whole() {
    let setup = Setup::new();
    let response = setup.send("POST", "purge", Some("secret"), r#"{"tags":["Product:42"]}"#);
    assert_eq!(response.status, 200);
    assert!(response.headers.contains("evergraph-purge"));
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body, json!({ "seq": 1, "tags": 1, "patterns": 0 }));
    let (status, body) = setup.json("POST", "purge", r#"{"tags":["a b"]}"#);
    assert_eq!((status, &body["path"]), (400, &json!("tags[0]")));
    assert_eq!(setup.runtime.log_head(), 1);
    setup.runtime.fails(Call::LogAppend, "down");
    assert_eq!(setup.json("POST", "purge", r#"{"all":true}"#).0, 503);
}

#[test]
fn documents_are_uploaded_and_counted() {
    let setup = Setup::new();
    let (status, body) = setup.json("POST", "documents", r#"{"1":"{ a }"}"#);
    assert_eq!((status, body), (200, json!({ "documents": 1, "added": 1, "bytes": 5 })));
    let (status, body) = setup.json("GET", "documents", "");
    assert_eq!((status, body), (200, json!({ "documents": 1, "bytes": 5 })));
    let (status, body) = setup.json("POST", "documents?replace=2", r#"{"1":"{ a }"}"#);
    assert_eq!((status, &body["path"]), (400, &json!("replace")));
    setup.runtime.fails(Call::KvPut, "full");
    assert_eq!(setup.json("POST", "documents", r#"{"2":"{ b }"}"#).0, 503);
    let without_kv = Setup { runtime: TestRuntime::without_kv(), ..Setup::new() };
    assert_eq!(without_kv.json("GET", "documents", "").0, 503);
}

#[test]
fn a_schema_is_put_in_force_shown_and_ended() {
    let setup = Setup::new();
    assert_eq!(setup.json("GET", "schema", "").1, json!({ "source": "none", "types": 0 }));
    let (status, body) = setup.json("POST", "schema", "type Query { a: Int }");
    assert_eq!((status, &body["changed"]), (200, &json!(null)));
    assert_eq!(setup.json("GET", "schema", "").1["source"], "upload");
    let (status, body) = setup.json("POST", "schema", "type Query {");
    assert_eq!(status, 400);
    assert!(body["path"].as_str().unwrap().starts_with("line "), "{body}");
    assert_eq!(setup.json("DELETE", "schema", "").0, 200);
    assert_eq!(setup.json("GET", "schema", "").1["source"], "none");
}

#[test]
fn stats_name_breakers_and_limits() {
    let setup = Setup::new();
    let (status, body) = setup.json("GET", "stats?window=60", "");
    assert_eq!((status, &body["hits"]), (200, &json!(0)));
    assert_eq!(body["breakers"]["kv"], "closed");
    assert_eq!(body["limits"]["tokens"]["highest"], 0);
    for window in ["0", "3601", "x"] {
        let (status, body) = setup.json("GET", &format!("stats?window={window}"), "");
        assert_eq!((status, &body["path"]), (400, &json!("window")), "{window}");
    }
}

#[test]
fn health_names_the_parts_that_fail() {
    let setup = Setup::new();
    let state = |part: Option<&str>| {
        let (status, body) = setup.json("GET", "health", "");
        let state = part.map_or(&body["state"], |part| &body["parts"][part]["state"]).clone();
        (status, state)
    };
    assert_eq!(state(None), (200, json!("HEALTHY")));
    setup.runtime.fails(Call::KvGet, "down");
    assert_eq!(state(None), (200, json!("DEGRADED")));
    assert_eq!(state(Some("kv")), (200, json!("failing")));
    setup.runtime.fails(Call::Fetch, "refused");
    assert_eq!(state(None), (503, json!("DOWN")));
    setup.runtime.works(Call::KvGet);
    setup.runtime.takes(Call::LogSince, 60_000);
    assert_eq!(state(Some("purge_log")), (503, json!("failing")));
}

#[test]
fn health_shows_an_administrator_the_deployment() {
    let config = json!({ "service": "shop", "on_deploy": { "purge": ["type:introspection"] } });
    let setup = Setup { runtime: TestRuntime::new(), isolate: Components::new(&config) };
    let public = setup.send("GET", "health", None, "");
    let public: Value = serde_json::from_slice(&public.body).unwrap();
    assert!(public.get("deployment").is_none(), "{public}");
    setup.runtime.has_secrets(Some("old, secret"), None);
    let shown = setup.json("GET", "health", "").1["deployment"].clone();
    assert_eq!(
        shown,
        json!({
            "version": null,
            "bindings": { "CACHE_KV": true, "PURGE_LOG": true, "VERSION_METADATA": false },
            "admin_tokens": 2,
            "on_deploy": {
                "state": "absent",
                "reason": "VERSION_METADATA is not bound, so nothing is purged",
            },
            "placement": { "state": "ok" },
        })
    );
    setup.runtime.deploys("v1");
    // The first request reads the log, and records the purge in the background.
    setup.json("GET", "health", "");
    setup.runtime.advance(300);
    let mut request = request("GET", "/__evergraph/health");
    request.headers.set("authorization", "Bearer secret");
    request.headers.set("cf-placement", "remote-LHR");
    let context = Context::new(setup.runtime.clone(), request);
    let response = setup.runtime.run(setup.isolate.admin().respond(&context));
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    let shown = &body["deployment"];
    assert_eq!((&shown["version"], &shown["on_deploy"]["state"]), (&json!("v1"), &json!("ok")));
    assert_eq!(shown["placement"]["state"], "smart");
    assert_eq!(setup.runtime.log_head(), 1);
}
