use super::routes::ROUTES;
use crate::admin::ANY_PATH;
use crate::http::Response;
use crate::service::context::Context;
use crate::service::testing::{Call, Components, TestRuntime, request};
use serde_json::{Value, json};
use std::collections::BTreeSet;

mod explain;
mod judged_input;
mod probes;
mod roles;

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
        let path = match path {
            ANY_PATH => "/some/path".to_owned(),
            path => format!("/__evergraph/{path}"),
        };
        let mut request = request(method, &path);
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
        assert!(
            of_path.clone().all(|other| other.role.is_some() == route.role.is_some()),
            "{route:?}"
        );
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
    for route in ROUTES.iter().filter(|route| route.role.is_some()) {
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
    let listed = error.trim_start_matches("no such route; there are ").replace(" and ", ", ");
    let listed: Vec<&str> = listed.split(", ").collect();
    for route in ROUTES.iter().filter(|route| !["", ANY_PATH].contains(&route.path)) {
        let count = listed.iter().filter(|path| **path == route.path).count();
        assert_eq!(count, 1, "{route:?}: {error}");
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
    for (query, path) in [
        ("window=0", "window"),
        ("window=2592001", "window"),
        ("window=x", "window"),
        ("by=Type", "by"),
        ("window=60&by=", "by"),
    ] {
        let (status, body) = setup.json("GET", &format!("stats?{query}"), "");
        assert_eq!((status, &body["path"]), (400, &json!(path)), "{query}");
    }
}

#[test]
fn stats_are_of_the_service_or_of_the_isolate() {
    let own = Setup::new();
    let (_, body) = own.json("GET", "stats?by=type", "");
    assert_eq!((&body["counted_by"], &body["entries"]), (&json!("isolate"), &json!(null)));
    assert_eq!((&body["rows"], &body["fault"]), (&json!([]), &json!(null)));
    assert_eq!(own.json("POST", "purge", r#"{"all":true}"#).0, 200);
    let setup = Setup { runtime: TestRuntime::with_statistics(), ..own };
    let (_, body) = setup.json("GET", "stats?window=3600", "");
    assert_eq!((&body["counted_by"], &body["window"]), (&json!("service"), &json!(3_600)));
    assert_eq!(body["entries"], json!({ "count": 0, "bytes": 0 }));
    assert_eq!(body["purges_by_size"], json!({ "everything": 1 }));
    let purge = &body["recent_purges"][0];
    assert_eq!((&purge["source"], &purge["cause"]), (&json!("admin"), &json!("token-1")));
    assert!(body["rows"].is_null() && body["latency"]["cached"].as_array().unwrap().len() == 13);
    setup.runtime.fails(Call::Statistics, "down");
    let (status, body) = setup.json("GET", "stats", "");
    assert_eq!((status, &body["counted_by"]), (200, &json!("isolate")));
    assert_eq!((&body["fault"], &body["purges"]), (&json!("down"), &json!(1)));
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
    assert_eq!(state(Some("kv")), (200, json!("DOWN")));
    setup.runtime.fails(Call::Fetch, "refused");
    // The last probe of the origin counts for ten seconds.
    setup.runtime.advance(10_000);
    assert_eq!(state(None), (503, json!("DOWN")));
    setup.runtime.works(Call::KvGet);
    setup.runtime.takes(Call::LogSince, 60_000);
    assert_eq!(state(Some("purge_log")), (503, json!("DOWN")));
}

#[test]
fn metrics_are_of_the_service_or_of_the_isolate() {
    let setup = Setup { runtime: TestRuntime::with_statistics(), ..Setup::new() };
    let metrics = || {
        let response = setup.send("GET", "metrics", Some("secret"), "");
        assert_eq!(response.status, 200);
        let content_type = response.headers.get("content-type").map(str::to_owned);
        assert_eq!(content_type.as_deref(), Some("text/plain; version=0.0.4; charset=utf-8"));
        String::from_utf8(response.body.to_vec()).unwrap()
    };
    let text = metrics();
    for line in [
        r#"evergraph_counted_by{by="service"} 1"#,
        r#"evergraph_health{part="statistics"} 3"#,
        r#"evergraph_health{part="service"} 3"#,
        "evergraph_log_age_seconds 0",
        "evergraph_kv_entries 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing from\n{text}");
    }
    setup.runtime.fails(Call::Statistics, "down");
    setup.runtime.advance(60_000);
    let text = metrics();
    for line in [
        r#"evergraph_counted_by{by="none"} 1"#,
        r#"evergraph_health{part="statistics"} 1"#,
        r#"evergraph_health{part="service"} 3"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing from\n{text}");
    }
    for name in ["evergraph_kv_entries ", "evergraph_requests_total"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    let unbound = Setup::new().send("GET", "metrics", Some("secret"), "");
    let text = String::from_utf8(unbound.body.to_vec()).unwrap();
    for line in
        [r#"evergraph_counted_by{by="isolate"} 1"#, "# TYPE evergraph_requests_total counter"]
    {
        assert!(text.lines().any(|found| found == line), "{line} is missing from\n{text}");
    }
}

#[test]
fn without_the_statistics_object_alerts_are_those_of_the_isolate() {
    let setup = Setup::new();
    let kv = || setup.json("GET", "health", "").1["alerts"][2].clone();
    assert_eq!((&kv()["alert"], &kv()["state"]), (&json!("kv"), &json!("ok")));
    setup.runtime.fails(Call::KvGet, "down");
    // One failure opens no breaker.
    assert_eq!(kv()["state"], "ok");
    for _ in 0..5 {
        kv();
    }
    assert_eq!(kv()["state"], "firing");
    setup.runtime.works(Call::KvGet);
    kv();
    assert_eq!(kv()["state"], "ok");
}

#[test]
fn health_asks_the_statistics_object_rarely() {
    let setup = Setup { runtime: TestRuntime::with_statistics(), ..Setup::new() };
    for _ in 0..20 {
        assert_eq!(setup.json("GET", "health", "").1["parts"]["statistics"]["state"], "HEALTHY");
    }
    let calls = setup.runtime.calls(Call::Statistics);
    assert_eq!(calls, 1);
    setup.runtime.advance(10_000);
    setup.json("GET", "health", "");
    assert_eq!(setup.runtime.calls(Call::Statistics), 2);
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
            "bindings": { "CACHE_KV": true, "PURGE_LOG": true, "STATS": false, "VERSION_METADATA": false },
            "caller": { "name": "token-2", "role": "admin" },
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

#[test]
fn the_active_configuration_is_shown_with_its_defaults() {
    let setup = Setup::new();
    let (status, body) = setup.json("GET", "config", "");
    assert_eq!(status, 200);
    assert_eq!((&body["service"], &body["kv"]["timeout_ms"]), (&json!("shop"), &json!(50)));
    assert_eq!(setup.send("GET", "config", None, "").status, 401);
}

#[test]
fn the_description_of_the_routes_is_public() {
    let setup = Setup::new();
    let response = setup.send("GET", "openapi.json", None, "");
    assert_eq!(
        (response.status, response.headers.get("content-type")),
        (200, Some("application/json"))
    );
}

#[test]
fn a_pause_is_recorded_and_ended() {
    let setup = Setup::new();
    let until = setup.runtime.at().as_millis() + 600_000;
    let paused = setup.json("POST", "pause", r#"{"seconds":600}"#);
    assert_eq!(paused, (200, json!({ "seq": 1, "until": until })));
    assert!(setup.isolate.purges.view.is_paused(setup.runtime.at()));
    assert_eq!(setup.json("POST", "pause", "{}"), (200, json!({ "seq": 2, "until": null })));
    assert_eq!(setup.json("POST", "resume", ""), (200, json!({ "seq": 3 })));
    assert!(!setup.isolate.purges.view.is_paused(setup.runtime.at()));
    let lines: Vec<Value> =
        setup.runtime.lines().into_iter().filter(|line| line["event"] != "admin").collect();
    assert_eq!(lines[0], json!({ "event": "pause", "seq": 1, "until": until }));
    assert_eq!(lines[2], json!({ "event": "resume", "seq": 3 }));
    let stats = setup.json("GET", "stats", "").1;
    assert_eq!(stats["purges"], 0, "a pause is no purge");
}

#[test]
fn a_pause_that_is_malformed_or_not_taken_changes_nothing() {
    let setup = Setup::new();
    let (status, body) = setup.json("POST", "pause", r#"{"seconds":0}"#);
    assert_eq!((status, &body["path"]), (400, &json!("seconds")));
    let (status, body) = setup.json("POST", "resume", r#"{"now":true}"#);
    assert_eq!((status, &body["path"]), (400, &json!("now")));
    setup.runtime.fails(Call::LogAppend, "down");
    assert_eq!(setup.json("POST", "pause", "{}").0, 503);
    setup.runtime.works(Call::LogAppend);
    setup.runtime.advance(60_000);
    assert_eq!(setup.runtime.log_head(), 0, "it is not recorded later");
    assert!(!setup.isolate.purges.view.is_paused(setup.runtime.at()));
}

/// The key of an entry that was stored by a read of `/products/1`.
fn stored(setup: &Setup) -> String {
    setup.runtime.origin_answers(|_| {
        let headers = [("content-type", "text/html"), ("cache-control", "max-age=60")];
        (200, headers.into_iter().collect(), b"<script>1</script>".to_vec())
    });
    let isolate = setup.isolate.isolate.clone();
    for _ in 0..2 {
        let service = crate::service::Service::new(setup.runtime.clone(), isolate.clone());
        setup.runtime.run(service.handle(request("GET", "/products/1")));
        setup.runtime.advance(50);
    }
    let key = setup.runtime.kv_keys().into_iter().find(|key| key.starts_with("shop/2/rest/"));
    key.unwrap()
}

#[test]
fn entries_are_listed_with_what_kv_knows_of_them() {
    let setup = Setup::new();
    let key = stored(&setup);
    let (status, body) = setup.json("GET", "entries?pattern=rest/**&limit=10", "");
    assert_eq!((status, &body["cursor"]), (200, &json!(null)));
    let entry = &body["entries"][0];
    assert_eq!((&entry["key"], &entry["name"]), (&json!(key), &json!("products~1")));
    assert_eq!(
        (&entry["ttl"], &entry["bytes"], &entry["age"]),
        (&json!(60), &json!(18), &json!(0))
    );
    assert!(entry["tags"].as_array().unwrap().contains(&json!("path:/products/1")), "{entry}");
    assert_eq!((&entry["tags_complete"], &entry["verdict"]), (&json!(true), &json!("valid")));
    setup.json("POST", "purge", r#"{"paths":["/products/1"]}"#);
    let (_, body) = setup.json("GET", "entries", "");
    assert_eq!(body["entries"][0]["verdict"], "purged");
    for (query, path) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("pattern=x", "pattern"),
    ] {
        let (status, body) = setup.json("GET", &format!("entries?{query}"), "");
        assert_eq!((status, &body["path"]), (400, &json!(path)), "{query}");
    }
    setup.runtime.fails(Call::KvList, "down");
    assert_eq!(setup.json("GET", "entries", "").0, 503);
}

#[test]
fn one_entry_is_shown_and_its_body_only_to_an_admin() {
    let setup = Setup::new();
    setup.runtime.has_secrets(Some("secret,viewer:read:watch"), None);
    let key = stored(&setup);
    let path = format!("entries?key={key}");
    let (status, body) = setup.json("GET", &path, "");
    assert_eq!((status, &body["tier"], &body["status"]), (200, &json!("memory"), &json!(200)));
    assert_eq!(body["content_type"], "text/html");
    let shown = setup.send("GET", &format!("{path}&body=1"), Some("secret"), "");
    assert_eq!((shown.status, &*shown.body), (200, b"<script>1</script>".as_slice()));
    for (name, value) in [
        ("content-disposition", "attachment"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(shown.headers.get(name), Some(value));
    }
    assert_eq!(setup.send("GET", &path, Some("watch"), "").status, 200);
    assert_eq!(setup.send("GET", &format!("{path}&body=1"), Some("watch"), "").status, 403);
    assert_eq!(setup.json("GET", &format!("{path}&body=x"), "").1["path"], "body");
    let absent = format!("shop/2/rest/default/x/public/{:064x}", 0);
    assert_eq!(setup.json("GET", &format!("entries?key={absent}"), "").0, 404);
    for other in ["shop/documents/1", "other/2/rest/default/x/public/00", "outbox/shop/1"] {
        let (status, body) = setup.json("GET", &format!("entries?key={other}"), "");
        assert_eq!((status, &body["path"]), (400, &json!("key")), "{other}");
    }
}

#[test]
fn kv_that_fails_is_said_and_not_taken_for_one_without_the_entry() {
    let setup = Setup::new();
    let path = format!("entries?key=shop/2/rest/default/x/public/{:064x}", 0);
    setup.runtime.fails(Call::KvGet, "down");
    for _ in 0..7 {
        let (status, body) = setup.json("GET", &path, "");
        assert_eq!(status, 503, "{body}");
        assert!(body["error"].as_str().unwrap().starts_with("KV could not be read; try again"));
    }
    setup.runtime.works(Call::KvGet);
    setup.runtime.takes(Call::KvGet, 3_600_000);
    let began = setup.runtime.at();
    assert_eq!(setup.json("GET", &path, "").0, 503);
    assert!(setup.runtime.at().millis_since(began) <= 5_000);
    setup.runtime.works(Call::KvGet);
    setup.runtime.advance(5_000);
    assert_eq!(setup.json("GET", &path, "").0, 404);
    setup.runtime.fails(Call::KvList, "down");
    let (status, _) = setup.json("POST", "purge", r#"{"all":true,"preview":true}"#);
    assert_eq!((status, setup.runtime.log_head()), (503, 0), "nothing was purged");
}

#[test]
fn a_preview_purges_nothing() {
    let setup = Setup::new();
    let key = stored(&setup);
    let body = r#"{"paths":["/products/1"],"preview":true}"#;
    let entries = json!({ "count": 1, "maybe": 0, "keys": [key], "is_complete": true });
    let expected = json!({ "preview": true, "tags": 1, "patterns": 0, "entries": entries });
    assert_eq!(setup.json("POST", "purge", body), (200, expected));
    assert_eq!(setup.runtime.log_head(), 0);
    let (status, body) = setup.json("POST", "purge", r#"{"preview":true}"#);
    assert_eq!(
        (status, &body["path"]),
        (400, &json!("")),
        "an empty purge is refused all the same"
    );
}

#[test]
fn the_most_popular_reads_are_warmed() {
    let setup = Setup::new();
    let (status, body) = setup.json("POST", "warm", r#"{"top":5}"#);
    let hint = body["hint"].as_str().unwrap();
    assert!(status == 200 && hint.contains("STATS"), "{body}");
    stored(&setup);
    let (status, body) = setup.json("POST", "warm", r#"{"top":5}"#);
    assert_eq!((status, &body["already_fresh"]), (200, &json!(1)), "{body}");
    assert_eq!(body.get("hint"), None);
    setup.json("POST", "purge", r#"{"all":true}"#);
    let (_, body) = setup.json("POST", "warm", r#"{"top":5}"#);
    assert_eq!((&body["warmed"], &body["kv_writes"]), (&json!(1), &json!(1)), "{body}");
    assert_eq!(body["results"][0]["url"], "/products/1");
}
