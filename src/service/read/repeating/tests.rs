//! What is told, and the law that a told answer is the answer to every request that is the same in all that
//! counts.

use crate::engine::HeaderUse;
use crate::http::{Headers, Request, Response};
use crate::purge::{Pause, Record};
use crate::service::answer_model::AnswerModel;
use crate::service::isolate::Isolate;
use crate::service::respond::Reply;
use crate::service::router::Service;
use crate::service::runtime::Clock as _;
use crate::service::testing::{TestRuntime, request};
use crate::tag::{Tag, TagSet};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::rc::Rc;

/// An isolate with a table, over an origin that varies its responses.
struct Setup {
    runtime: TestRuntime,
    isolate: Rc<Isolate>,
    table: AnswerModel,
}

/// A configuration with each kind of header: in keys, in scopes, ignored, and in the `Vary` of responses.
fn config() -> Value {
    json!({
        "service": "shop",
        "vary": ["x-keyed"],
        "ignore_headers": ["x-build"],
        "ignore_cookies": ["_ga"],
        "types": {
            "api": { "match": ["rest:/api/**", "graphql:Query.a"], "ttl": 60 },
            "mine": { "match": ["rest:/mine/**", "graphql:Query.mine"], "ttl": 60, "scope": "user" },
            "all": { "match": ["rest:/all/**", "graphql:Query.all"], "ttl": 60, "scope": "all", "tags": ["of-all"] },
            "free": { "match": ["rest:/free/**"], "ttl": "origin" },
        },
        "scopes": {
            "user": { "by": ["header:x-user", "cookie:session"], "ignore": ["header:x-theme"] },
            "all": { "by": [] },
        },
        "purge": { "max_lag": 8 },
    })
}

impl Setup {
    fn new(config: &Value, vary: &'static str) -> Self {
        let runtime = TestRuntime::new();
        runtime.origin_answers(move |sent| {
            let type_of = |body: &str| {
                if body.starts_with(['{', '[']) { "application/json" } else { "text/plain" }
            };
            let data = json!({ "data": { "a": 1, "mine": 2, "all": 3 } });
            let body = match sent.method.as_str() {
                "POST" if sent.body.starts_with(b"[{") => array_for(&sent.body, &data).to_string(),
                "POST" => data.to_string(),
                _ => format!("of {}", sent.url),
            };
            let headers = [
                ("content-type", type_of(&body)),
                ("cache-control", "max-age=60"),
                ("vary", vary),
                ("etag", "\"one\""),
                ("location", "http://127.0.0.1:4000/x"),
            ];
            (200, headers.into_iter().collect(), body.into_bytes())
        });
        Self { runtime, isolate: Isolate::new(config), table: AnswerModel::default() }
    }

    /// The service's response, which the table is told.
    fn ask(&self, request: &Request, body: &str) -> Response {
        self.runtime.sends(request.method.as_str(), body);
        drop(self.runtime.take_told());
        let service = Service::new(self.runtime.clone(), self.isolate.clone());
        let reply = self.runtime.run(service.handle(request.clone()));
        // What is stored after the response is stored now.
        self.runtime.advance(1);
        let response = match reply {
            Reply::Whole(response) => response,
            Reply::Origin { status, headers, .. } => Response { status, headers, body: [].into() },
            Reply::Untouched { .. } | Reply::Socket { .. } => {
                Response { status: 0, headers: Headers::new(), body: [].into() }
            }
        };
        if let Some(memo) = self.runtime.take_told() {
            self.table.remember(&self.isolate, request, body.as_bytes(), memo, &response);
        }
        response
    }

    fn of_table(&self, request: &Request, body: &str) -> Option<Response> {
        self.table.find(&self.isolate, request, body.as_bytes(), self.runtime.now())
    }

    /// Asks until the answer comes from memory, and the table has it.
    fn fill(&self, request: &Request) {
        (0..3).for_each(|_| drop(self.ask(request, "")));
        assert!(self.of_table(request, "").is_some());
    }
}

/// A response of that kind for each operation of a batch.
fn array_for(batch: &[u8], one: &Value) -> Value {
    let sent: Vec<Value> = serde_json::from_slice(batch).unwrap();
    sent.iter().map(|_| one.clone()).collect()
}

fn post(body: &Value) -> (Request, String) {
    let headers = [("content-type", "application/json")].into_iter().collect();
    (Request { headers, ..request("POST", "/graphql") }, body.to_string())
}

fn get(target: &str, fields: &[(&str, &str)]) -> Request {
    let headers = fields.iter().copied().collect();
    Request { headers, ..request("GET", target) }
}

fn shown(response: &Response, name: &str) -> String {
    response.headers.get(name).unwrap_or_default().to_owned()
}

#[test]
fn a_hit_from_memory_is_given_again_with_the_seconds_of_now() {
    let setup = Setup::new(&config(), "accept-language");
    let request = get("/api/1", &[]);
    setup.fill(&request);
    setup.runtime.advance(3_400);
    // Otherwise the request would be due in Wasm.
    setup.ask(&get("/api/2", &[]), "");
    let given = setup.of_table(&request, "").unwrap();
    assert_eq!(given, setup.ask(&request, ""));
    assert_eq!((shown(&given, "age"), shown(&given, "x-cache")), ("3".into(), "HIT".into()));
}

/// What happens, whether it ends the answer, and how it happens.
type End<'a> = (&'a str, bool, &'a dyn Fn(&Setup));

#[test]
fn what_ends_it() {
    let ends: [End<'_>; 5] = [
        ("a purge of it", true, &|setup| learn(setup, record_of("path:/api/1"))),
        ("a purge of something else", false, &|setup| learn(setup, record_of("path:/api/2"))),
        ("a purge of everything", true, &|setup| learn(setup, Record::everything())),
        ("a pause", true, &|setup| learn(setup, Record::of_pause(Pause::UNTIL_RESUMED))),
        ("that a request is due", true, &|setup| setup.runtime.advance(4_001)),
    ];
    for (what, is_end, end) in ends {
        let setup = Setup::new(&config(), "");
        let request = get("/api/1", &[]);
        setup.fill(&request);
        end(&setup);
        assert_eq!(setup.of_table(&request, "").is_none(), is_end, "{what}");
    }
}

/// A purge of one tag.
fn record_of(tag: &str) -> Record {
    let tags: TagSet = [Tag::of("", tag)].into_iter().collect();
    Record::of_tags(&tags, &config_of().same, config_of().tagging)
}

fn config_of() -> crate::config::Config {
    crate::config::parse(&config()).unwrap()
}

/// The log has a record, and the isolate learns of it by another request.
fn learn(setup: &Setup, record: Record) {
    setup.runtime.records(&record);
    setup.runtime.advance(6_100);
    setup.ask(&get("/api/other", &[]), "");
    setup.runtime.advance(500);
    setup.ask(&get("/api/other", &[]), "");
}

#[test]
fn what_is_logged_compared_or_asks_for_more_is_not_told() {
    for (key, value) in [("log", json!({ "hits": 1 })), ("shadow", json!(1))] {
        let mut config = config();
        config[key] = value;
        let setup = Setup::new(&config, "");
        let request = get("/api/1", &[]);
        (0..3).for_each(|_| drop(setup.ask(&request, "")));
        assert!(setup.of_table(&request, "").is_none(), "{key}");
    }
    let setup = Setup::new(&config(), "");
    for fields in [
        [("range", "bytes=0-1")],
        [("evergraph-debug", "0")],
        [("evergraph-purge", "7")],
        [("cookie", "evergraph-purge-shop=7")],
        [("if-match", "\"one\"")],
        [("x-http-method-override", "GET")],
    ] {
        let request = get("/all/1", &fields);
        (0..4).for_each(|_| drop(setup.ask(&request, "")));
        assert!(setup.of_table(&request, "").is_none(), "{fields:?}");
    }
    let request = get("/free/1", &[("cache-control", "max-age=30")]);
    (0..3).for_each(|_| drop(setup.ask(&request, "")));
    assert!(setup.of_table(&request, "").is_none(), "the client's directives count time");
}

#[test]
fn a_batch_is_given_again_until_one_of_its_entries_is_purged() {
    let batch = json!([{ "query": "{ a }" }, { "query": "{ all }" }]);
    for (record, is_end) in [
        (None, false),
        (Some(record_of("of-all")), true),
        (Some(Record::everything()), true),
        (Some(record_of("of-mine")), false),
    ] {
        let setup = Setup::new(&config(), "");
        let (request, body) = post(&batch);
        // One entry is older than the other, and a second passes at another time for it.
        let (first, alone) = post(&json!({ "query": "{ a }" }));
        setup.ask(&first, &alone);
        setup.runtime.advance(700);
        (0..3).for_each(|_| drop(setup.ask(&request, &body)));
        assert!(setup.of_table(&request, &body).is_some());
        setup.runtime.advance(600);
        let given = setup.of_table(&request, &body).unwrap();
        assert_eq!(shown(&given, "age"), "1");
        assert_eq!(given, setup.ask(&request, &body));
        if let Some(record) = record {
            learn(&setup, record);
            assert_eq!(setup.of_table(&request, &body).is_none(), is_end);
        }
    }
}

/// The entry that is older may live longer: then no moment tells both `Age` and `ttl`.
#[test]
fn a_batch_whose_seconds_are_of_two_entries_is_not_told() {
    let mut config = config();
    config["types"]["all"]["ttl"] = json!(30);
    let setup = Setup::new(&config, "");
    let (first, alone) = post(&json!({ "query": "{ a }" }));
    setup.ask(&first, &alone);
    setup.runtime.advance(700);
    let (request, body) = post(&json!([{ "query": "{ a }" }, { "query": "{ all }" }]));
    (0..3).for_each(|_| drop(setup.ask(&request, &body)));
    assert!(setup.of_table(&request, &body).is_none());
}

/// The fields of a request, by their names: most of those that anything reads, and some that nothing does.
fn fields() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let names = vec![
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "cache-control",
        "cdn-loop",
        "cf-connecting-ip",
        "cf-ipcountry",
        "content-encoding",
        "content-type",
        "cookie",
        "dnt",
        "expect",
        "forwarded",
        "from",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "origin",
        "pragma",
        "priority",
        "range",
        "referer",
        "save-data",
        "sec-ch-ua",
        "sec-fetch-mode",
        "te",
        "traceparent",
        "user-agent",
        "via",
        "x-api-key",
        "x-apollo-operation-name",
        "x-apollo-tracing",
        "x-build",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-user",
        "x-host",
        "x-http-method-override",
        "x-keyed",
        "x-original-url",
        "x-request-id",
        "x-requested-with",
        "x-theme",
        "x-user",
        "apollo-require-preflight",
        "upgrade",
    ];
    let values = vec![
        "1",
        "de",
        "text/html",
        "application/json",
        "no-cache",
        "max-age=0",
        "bytes=0-1",
        "\"one\"",
        "session=1",
        "session=2; _ga=3",
        "_ga=1",
        "gzip",
        "PUT",
        "caf\u{FFFD}",
        "",
        "http://x.example",
        "Wed, 21 Oct 2065 07:28:00 GMT",
        "websocket",
    ];
    let field = (prop::sample::select(names), prop::sample::select(values));
    prop::collection::vec(field, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever two requests send: if the table has the answer to the first, and gives it to the second,
    /// then the service gives the second the same.
    #[test]
    fn the_table_gives_what_the_service_would(
        path in prop::sample::select(vec![
            "/api/1", "/mine/1", "/all/1", "/free/1", "/other", "/graphql?query={a}", "/graphql",
        ]),
        is_batch in any::<bool>(),
        document in prop::sample::select(vec!["{ a }", "{ mine }", "{ all }", "{ other }"]),
        vary in prop::sample::select(vec!["", "accept-language", "user-agent, x-keyed", "x-forwarded-for"]),
        first in fields(),
        others in fields(),
        keeps in prop::bool::weighted(0.7),
        millis in 0_u64..2_500,
    ) {
        let setup = Setup::new(&config(), vary);
        let method = if path == "/graphql" { "POST" } else { "GET" };
        let query = json!({ "query": document });
        let sent = if is_batch { json!([query, { "query": "{ a }" }]) } else { query };
        let body = if path == "/graphql" { sent.to_string() } else { String::new() };
        let with = |fields: &[(&str, &str)]| {
            let mut headers: Headers = fields.iter().copied().collect();
            if method == "POST" && !headers.contains("content-type") {
                headers.set("content-type", "application/json");
            }
            Request { headers, ..request(method, path) }
        };
        let one = with(&first);
        (0..3).for_each(|_| drop(setup.ask(&one, &body)));
        setup.runtime.advance(millis);
        // What counts stays in most cases, so that the table is often asked.
        let counts = |name: &str| setup.isolate.header_use(name) != HeaderUse::None;
        let mut fields: Vec<(&str, &str)> =
            first.iter().copied().filter(|(name, _)| !keeps || counts(name)).collect();
        fields.extend(others.iter().copied().filter(|(name, _)| !keeps || !counts(name)));
        let other = with(&fields);
        for request in [&one, &other] {
            if let Some(given) = setup.of_table(request, &body) {
                prop_assert_eq!(given, setup.ask(request, &body));
            }
        }
    }
}
