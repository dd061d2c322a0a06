//! The law of explanations: an explanation says what the request path then does, and changes nothing.

use crate::engine::tests::{TestConfig, TestRequest, asked, made};
use crate::http::{Headers, Method, Request, Url};
use crate::service::isolate::Isolate;
use crate::service::respond::Reply;
use crate::service::router::Service;
use crate::service::testing::{Call, SentRequest, TestRuntime};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;

/// A world with one isolate.
struct World {
    runtime: TestRuntime,
    isolate: RefCell<Rc<Isolate>>,
    config: Value,
}

/// A response as the client sees it.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

/// A request with its body.
#[derive(Debug, Clone)]
struct Sent {
    request: Request,
    body: String,
}

impl World {
    fn new(config: &Value, cache_control: &'static str) -> Self {
        let runtime = TestRuntime::new();
        runtime.origin_answers(move |sent| answer(sent, cache_control));
        let isolate = RefCell::new(Isolate::new(config));
        Self { runtime, isolate, config: config.clone() }
    }

    fn send(&self, sent: &Sent) -> Seen {
        self.runtime.sends(sent.request.method.as_str(), &sent.body);
        let service = Service::new(self.runtime.clone(), self.isolate.borrow().clone());
        let reply = self.runtime.run(service.handle(sent.request.clone()));
        // An explanation takes no time, so that ages are the same afterwards. All other requests are over
        // when their background work is.
        if !sent.request.url.path.ends_with("/explain") {
            self.runtime.advance(50);
        }
        match reply {
            Reply::Whole(response) => Seen {
                status: response.status,
                headers: response.headers,
                body: response.body.to_vec(),
            },
            Reply::Origin { status, headers, .. } => Seen { status, headers, body: vec![] },
            Reply::Untouched { .. } | Reply::Socket { .. } => {
                Seen { status: 101, headers: Headers::new(), body: vec![] }
            }
        }
    }

    /// Another isolate takes over, with the same stores.
    fn restart(&self) {
        self.isolate.replace(Isolate::new(&self.config));
    }

    fn admin(&self, route: &str, body: &Value) -> Value {
        let mut request = request(Method::Post, &format!("/__evergraph/{route}"));
        request.headers.set("authorization", "Bearer secret");
        let seen = self.send(&Sent { request, body: body.to_string() });
        assert_eq!(seen.status, 200, "{body}: {}", String::from_utf8_lossy(&seen.body));
        serde_json::from_slice(&seen.body).unwrap()
    }

    /// Explains a request. Nothing is written, and the origin is not asked.
    fn explain(&self, sent: &Sent) -> Value {
        // The edge cache gets what the log has said, for other isolates.
        const WRITES: [Call; 5] =
            [Call::KvPut, Call::KvDelete, Call::LogAppend, Call::LogIntend, Call::Fetch];
        let writes = || WRITES.map(|call| self.runtime.calls(call));
        let before = (writes(), self.runtime.sent().len());
        let mut headers = serde_json::Map::new();
        headers.insert("accept".to_owned(), json!([]));
        // The token of a debug request is not judged in an explanation. Without it the request is the same.
        let is_debug = sent.request.headers.get("authorization") == Some("Bearer secret");
        let of_debug =
            |name: &str| is_debug && ["authorization", "evergraph-debug"].contains(&name);
        for (name, value) in sent.request.headers.iter().filter(|(name, _)| !of_debug(name)) {
            let list = headers.entry(name).or_insert_with(|| json!([]));
            list.as_array_mut().unwrap().push(json!(value));
        }
        let url = &sent.request.url;
        let mut described = json!({
            "method": sent.request.method.as_str(),
            "url": format!("{}{}", url.origin(), url.target()),
            "headers": headers,
        });
        if !sent.body.is_empty() {
            described["body"] = json!(sent.body);
        }
        let explained = self.admin("explain", &described);
        assert_eq!((writes(), self.runtime.sent().len()), before, "{described}");
        explained
    }
}

fn request(method: Method, target: &str) -> Request {
    let url = Url::parse(&format!("http://h{target}")).unwrap();
    Request { method, url, headers: Headers::new() }
}

/// The origin: GraphQL fields are objects of one type, and REST resources are JSON.
fn answer(sent: &SentRequest, cache_control: &str) -> (u16, Headers, Vec<u8>) {
    let mut headers: Headers = [("content-type", "application/json")].into_iter().collect();
    if !cache_control.is_empty() {
        headers.set("cache-control", cache_control);
    }
    let one = json!({ "data": { "f0": { "__typename": "F0", "id": "1" } } });
    let body = match serde_json::from_slice::<Value>(&sent.body) {
        Ok(Value::Array(all)) => Value::Array(vec![one; all.len()]),
        _ if sent.url.contains("/graphql") => one,
        _ => json!({ "id": 1 }),
    };
    (200, headers, body.to_string().into_bytes())
}

/// How a GraphQL query is sent, or what is sent in its place.
const FORMS: [&str; 9] =
    ["post", "post", "post", "get", "batch", "hash", "mutation", "put", "broken"];

fn sent(asked: &TestRequest, form: &str) -> Sent {
    let mut request = asked.request();
    if !request.headers.contains("authorization") {
        // The key shows in the response.
        request.headers.set("evergraph-debug", "1");
        request.headers.set("authorization", "Bearer secret");
    }
    let Some(document) = asked.document() else {
        if form == "put" {
            request.method = Method::Other("PUT".to_owned());
        }
        return Sent { request, body: String::new() };
    };
    request.headers.set("content-type", "application/json");
    let hash = crate::key::sha256_hex(document.as_bytes());
    let body = match form {
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
        "mutation" => json!({ "query": "mutation { updateF0 { id } }" }),
        "broken" => json!({ "query": "{ f0" }),
        _ => json!({
            "query": document,
            "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } },
        }),
    };
    Sent { request, body: body.to_string() }
}

/// The value of a parameter of the last member of `Cache-Status`.
fn status_parameter(headers: &Headers, name: &str) -> Option<String> {
    let status = headers.get("cache-status")?;
    let found = status.split("; ").find_map(|one| one.strip_prefix(&format!("{name}=")))?;
    Some(found.trim_matches('"').to_owned())
}

/// A response without what changes by the second: explaining may have read the log, which the twin reads
/// later.
fn without_time(mut seen: Seen) -> Seen {
    let status = seen.headers.get("cache-status").unwrap_or_default().to_owned();
    let kept = status.split("; ").filter(|one| !one.starts_with("ttl="));
    seen.headers.set("cache-status", kept.collect::<Vec<_>>().join("; "));
    ["age", "date", "evergraph-purge"].iter().for_each(|name| seen.headers.remove(name));
    seen
}

/// Compares an explanation with the response that followed.
fn compare(explained: &Value, seen: &Seen, config: &TestConfig) {
    let context = format!("{}\n{explained:#}\n{seen:?}", config.json);
    let x_cache = seen.headers.get("x-cache").unwrap_or_default().replace("REVALIDATED", "MISS");
    let detail = status_parameter(&seen.headers, "detail");
    if explained["decision"] == "batch" {
        let operations = explained["operations"].as_array().unwrap();
        let all_hit = operations.iter().all(|one| one["x_cache"] == "HIT");
        assert_eq!(all_hit, x_cache == "HIT", "{context}");
        return;
    }
    assert_eq!(explained["x_cache"], x_cache, "{context}");
    let reason = &explained["reason"];
    match x_cache.as_str() {
        "BYPASS" => assert_eq!(json!(detail), reason["detail"], "{context}"),
        "HIT" | "STALE" => {
            assert_eq!(json!(detail), explained["entry"]["tier"], "{context}");
            let ttl = status_parameter(&seen.headers, "ttl").unwrap();
            // The second may have changed between the two.
            let (ttl, left) = (ttl.parse::<i64>().unwrap(), &explained["entry"]["ttl_left"]);
            assert!([ttl, ttl + 1].contains(&left.as_i64().unwrap()), "{context}");
            assert!(reason.is_null(), "{context}");
            assert_ne!(explained["entry"]["verdict"], "purged", "{context}");
        }
        // The explanation cannot know what the origin answers; but it knows of the entry, and why the
        // last response was not stored if the next one will not be either.
        _ => {
            if let Some(word) = reason["word"].as_str() {
                assert_eq!(detail.as_deref(), Some(word), "{context}");
            }
            if detail.as_deref() == Some("purged") {
                assert_eq!(explained["entry"]["verdict"], "purged", "{context}");
                assert!(!explained["entry"]["purged_by"].is_null(), "{context}");
            }
        }
    }
    if let Some(key) = seen.headers.get("evergraph-key") {
        assert_eq!(explained["key"], key, "{context}");
        let tags = seen.headers.get("evergraph-tags").unwrap_or_default();
        for tag in explained["tags"].as_array().unwrap() {
            let tag = tag.as_str().unwrap();
            assert!(tags.split([',', ' ']).any(|one| one == tag), "{tag} {context}");
        }
    }
    let is_write = explained["decision"] == "write";
    assert_eq!(is_write, !explained["purges"].is_null(), "{context}");
    if seen.headers.contains("evergraph-purge") {
        assert!(is_write, "{context}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_explanation_says_what_the_request_path_does_and_changes_nothing(
        config in made(),
        asked_for in prop::collection::vec((asked(), select(&FORMS[..])), 1..4),
        steps in prop::collection::vec((any::<prop::sample::Index>(), select(
            &["", "", "", "", "all", "tag", "soft", "pattern", "later", "restart", "restart"][..],
        ), any::<prop::sample::Index>()), 1..8),
        cache_control in select(&["", "max-age=60", "s-maxage=5, stale-while-revalidate=5", "no-store", "private"][..]),
    ) {
        let (world, twin) =
            (World::new(&config.json, cache_control), World::new(&config.json, cache_control));
        for (which, purge, another) in steps {
            let (asked, form) = which.get(&asked_for);
            let sent = sent(asked, form);
            let (is_later, restarts) = (purge == "later", purge == "restart");
            let purge = match purge {
                "all" => json!({ "all": true }),
                "soft" => json!({ "all": true, "soft": true }),
                "tag" => json!({ "tags": ["F0", "type:t0", "path:/a/b"] }),
                "pattern" => json!({ "patterns": ["gql/*/*/public/*", "rest/**"] }),
                _ => Value::Null,
            };
            if !purge.is_null() {
                world.admin("purge", &purge);
                twin.admin("purge", &purge);
            }
            if is_later {
                [&world, &twin].iter().for_each(|one| one.runtime.advance(3_000));
            }
            if restarts {
                [&world, &twin].iter().for_each(|one| one.restart());
            }
            // One that is explained, and not sent.
            let (other, form) = another.get(&asked_for);
            world.explain(&self::sent(other, form));
            let explained = world.explain(&sent);
            prop_assert_eq!(&explained, &world.explain(&sent), "explaining changes nothing");
            let seen = world.send(&sent);
            compare(&explained, &seen, &config);
            let (seen, twins) = (without_time(seen), without_time(twin.send(&sent)));
            prop_assert_eq!(seen, twins, "a request is answered as if nothing was explained");
        }
        let asked_of_origin = world.runtime.sent().len();
        prop_assert_eq!(asked_of_origin, twin.runtime.sent().len());
        prop_assert_eq!(world.runtime.kv_keys(), twin.runtime.kv_keys());
    }
}

#[test]
fn a_purge_is_named_by_the_part_that_names_the_entry() {
    let config = json!({ "types": { "f": { "match": ["graphql:Query.f0"], "ttl": 60 } } });
    let world = World::new(&config, "");
    let mut request = request(Method::Post, "/graphql");
    request.headers.set("content-type", "application/json");
    let query =
        Sent { request, body: json!({ "query": "query Q { f0 { __typename id } }" }).to_string() };
    for (purge, by) in [
        (json!({ "tags": ["F0:1"] }), "tag F0:1"),
        (json!({ "types": ["f"] }), "tag type:f"),
        (json!({ "patterns": ["gql/f/**"] }), "pattern gql/f/**"),
        (json!({ "all": true }), "everything"),
    ] {
        world.send(&query);
        assert_eq!(world.explain(&query)["entry"]["purged_by"], Value::Null);
        let seq = world.admin("purge", &purge)["seq"].clone();
        let explained = world.explain(&query);
        assert_eq!(explained["entry"]["purged_by"], json!({ "seq": seq, "by": by }));
        assert_eq!(explained["reason"]["word"], "purged");
    }
    let explained = world.explain(&query);
    assert_eq!(explained["request"]["document"], "query Q { f0 { __typename id } }");
    assert_eq!(explained["types"], json!([{ "name": "f", "matched_by": ["graphql:Query.f0"] }]));
    assert_eq!(explained["terms"]["ttl"], json!({ "value": 60, "from": "types.f" }));
}

/// Otherwise whoever may explain could guess the tokens of others, without limit.
#[test]
fn an_explanation_does_not_tell_whether_an_explained_token_is_right() {
    let world = World::new(&json!({}), "");
    world.runtime.has_secrets(Some("secret, ops:admin:administrator"), None);
    let explained = |token: &str| {
        let mut request = request(Method::Get, "/api/1");
        request.headers.set("evergraph-debug", "1");
        request.headers.set("authorization", format!("Bearer {token}"));
        world.explain(&Sent { request, body: String::new() })
    };
    let right = explained("administrator");
    assert_eq!(right["signals"], explained("guess-of-a-token")["signals"]);
    assert_eq!(right["reason"], explained("guess-of-a-token")["reason"]);
    assert_eq!(right["signals"][0]["signal"], "header: authorization", "{right:#}");
}

#[test]
fn an_answer_that_was_not_stored_has_its_reason_also_if_the_next_one_may_be() {
    let config = json!({ "service": "shop", "origin": "https://api.example" });
    let world = World::new(&config, "");
    let status = Rc::new(std::cell::Cell::new(404_u16));
    let answered = status.clone();
    world.runtime.origin_answers(move |sent| {
        let max_age = if sent.url.ends_with("fresh") { "max-age=60" } else { "" };
        (answered.get(), [("cache-control", max_age)].into_iter().collect(), b"no".to_vec())
    });
    let sent = |target: &str| {
        let mut request = request(Method::Get, target);
        request.headers.set("accept", "*/*");
        Sent { request, body: String::new() }
    };
    let explained = |target: &str| world.explain(&sent(target))["reason"]["word"].clone();
    assert_eq!(explained("/missing"), Value::Null, "nothing is known yet");
    world.send(&sent("/missing"));
    assert_eq!(explained("/missing"), "no-freshness");
    status.set(401);
    world.send(&sent("/fresh"));
    assert_eq!(explained("/fresh"), "status");
    status.set(200);
    world.send(&sent("/fresh"));
    assert_eq!(explained("/fresh"), Value::Null, "it is stored");
    world.admin("purge", &json!({ "all": true }));
    assert_eq!(explained("/fresh"), "purged", "the 401 was before");
    // What is remembered of a 404 lets nobody wait in vain, and ends.
    world.runtime.advance(60_000);
    assert_eq!(explained("/missing"), Value::Null);
}
