//! Laws of a replay.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod memory;

use super::*;
use crate::cli::knowledge::Knowledge;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

fn candidate(name: &str, config: Value) -> Candidate {
    Candidate { name: name.to_owned(), config }
}

fn shop(ttl: u64) -> Candidate {
    candidate(
        &format!("ttl {ttl}"),
        json!({
            "graphql": { "paths": ["/graphql"] },
            "default": { "ttl": ttl },
            "rest": { "heuristic": false },
            "types": { "rest": { "match": ["rest:/api/**"], "ttl": ttl } },
            "resources": [{ "path": "/api/products/:id", "tags": ["Product", "Product:{id}"] }],
        }),
    )
}

fn replayed(file: &Path, candidates: Vec<Candidate>) -> Value {
    let mut session = Session::new(candidates, Knowledge::default(), &[]);
    session.replay(file, &|_| ()).unwrap();
    serde_json::to_value(session.finish(vec![file.display().to_string()])).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/har").join(name)
}

/// Runs with a log of these lines.
fn with_log<T>(lines: &[Value], run: impl FnOnce(&Path) -> T) -> T {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("evergraph-replay-{}-{number}.ndjson", std::process::id());
    let file = std::env::temp_dir().join(name);
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&file, text.join("\n")).unwrap();
    let result = run(&file);
    std::fs::remove_file(&file).unwrap();
    result
}

#[test]
fn both_browsers_show_what_purges_are_worth() {
    for name in ["chromium.har", "firefox.har"] {
        let report = replayed(&fixture(name), vec![shop(600), shop(0)]);
        assert_eq!((&report["replayed"], &report["is_complete"]), (&json!(20), &json!(true)));
        let [cached, uncached] = report["configurations"].as_array().unwrap().as_slice() else {
            panic!("{report}")
        };
        assert_eq!((&cached["hits"], &cached["stale_answers"]), (&json!(6), &json!([])), "{name}");
        let prevented = cached["prevented"].as_array().unwrap();
        let sum: u64 = prevented.iter().map(|one| one["count"].as_u64().unwrap()).sum();
        assert_eq!(sum, 9, "{name}: {prevented:?}");
        assert_eq!(cached["purge_log"]["records"], json!(3));
        assert_eq!((&uncached["hits"], &uncached["all_origin_requests"]), (&json!(0), &json!(20)));
        assert_eq!(uncached["prevented"], json!([]));
    }
}

#[test]
fn a_missing_declaration_shows_as_a_stale_answer() {
    let mut without = shop(600);
    without.config.as_object_mut().unwrap().remove("resources");
    let report = replayed(&fixture("chromium.har"), vec![without]);
    let stale = &report["configurations"][0]["stale_answers"];
    // The mutation does not name the REST path; the PUT does.
    assert_eq!(stale[0]["operation"], json!("GET /api/products/:id"), "{stale}");
    assert_eq!((&stale[0]["count"], &stale[0]["path"]), (&json!(2), &Value::Null), "{stale}");
    assert_eq!(stale[0]["example"]["path"], json!("price"), "{stale}");
}

/// A read that was sent before a write was answered may show either state.
#[test]
fn reads_that_overlap_a_write_are_not_judged() {
    let line = |at: u64, ms: u64, query: &str, price: u64| {
        let field = if query.starts_with("mutation") { "updateProduct" } else { "product" };
        json!({
            "at": 1_800_000_000_000 + at, "ms": ms, "method": "POST", "url": "https://h/graphql",
            "headers": { "content-type": "application/json" }, "body": { "query": query },
            "response": {
                "status": 200, "headers": { "content-type": "application/json" },
                "body": { "data": { field: { "__typename": "Product", "id": "1", "price": price } } },
            },
        })
    };
    let (read, write) = (
        "{ product { __typename id price } }",
        "mutation { updateProduct { __typename id price } }",
    );
    let lines = [
        line(0, 10, read, 1),
        line(1_000, 500, write, 2),
        line(1_200, 10, read, 2),
        line(2_000, 10, read, 2),
    ];
    let report = with_log(&lines, |file| replayed(file, vec![shop(600)]));
    let one = &report["configurations"][0];
    assert_eq!((&one["undecided"], &one["stale_answers"]), (&json!(1), &json!([])), "{one}");
    assert_eq!(one["prevented"][0]["count"], json!(1), "{one}");
}

#[test]
fn an_origin_that_changes_by_itself_is_noticed() {
    let line = |at: u64, stars: u64| {
        json!({
            "at": 1_800_000_000_000 + at, "ms": 5, "url": "https://h/api/stars",
            "response": {
                "status": 200, "headers": { "content-type": "application/json" }, "body": { "stars": stars },
            },
        })
    };
    let report = with_log(&[line(0, 1), line(1_000, 2)], |file| replayed(file, vec![shop(600)]));
    let stale = &report["configurations"][0]["stale_answers"][0];
    assert_eq!(
        (&stale["example"]["served"], &stale["example"]["recorded"]),
        (&json!("1"), &json!("2"))
    );
}

/// A `GET` of `/api/stars` after so many milliseconds: the headers and the body of its response.
fn star(at: u64, headers: Value, body: Value) -> Value {
    json!({
        "at": 1_800_000_000_000 + at, "ms": 5, "url": "https://h/api/stars",
        "response": { "status": 200, "headers": headers, "body": body },
    })
}

fn dated(at: u64, server_is_behind: u64) -> String {
    let millis = 1_800_000_000_000 + at - server_is_behind;
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_millis(millis))
}

/// A service whose REST responses live as long as the origin says.
fn by_origin() -> Candidate {
    candidate("by origin", json!({ "default": { "ttl": 60 } }))
}

#[test]
fn clocks_that_differ_do_not_shorten_lifetimes() {
    let line = |at| {
        let headers = json!({ "cache-control": "max-age=60", "date": dated(at, 120_000) });
        star(at, headers, json!({ "stars": 1 }))
    };
    let report = with_log(&[0, 1_000, 2_000].map(line), |file| replayed(file, vec![by_origin()]));
    let one = &report["configurations"][0];
    assert_eq!((&one["hits"], &one["misses"]), (&json!(2), &json!(1)), "{one}");
}

#[test]
fn a_304_begins_a_lifetime() {
    let hour = 3_600_000;
    let headers =
        |at| json!({ "cache-control": "max-age=60", "date": dated(at, 0), "etag": "\"1\"" });
    let mut second = star(hour, headers(hour), Value::Null);
    second["response"]["status"] = json!(304);
    second["headers"] = json!({ "if-none-match": "\"1\"" });
    let lines = [
        star(0, headers(0), json!({ "stars": 1 })),
        second,
        star(hour + 1_000, headers(hour + 1_000), json!({ "stars": 1 })),
    ];
    let report = with_log(&lines, |file| replayed(file, vec![by_origin()]));
    let one = &report["configurations"][0];
    let counts = ["misses", "revalidated", "hits"].map(|name| one[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1], "{one}");
    assert_eq!(one["hit_rate"], json!(0.6667), "as in GET stats: {one}");
}

/// A client that has an old copy gets a 304 from a cache that has it too. That is as stale as the body.
#[test]
fn conditional_requests_are_judged_by_their_bodies() {
    let headers = |etag: &str| json!({ "cache-control": "max-age=60", "etag": etag });
    let mut second = star(1_000, headers("\"2\""), json!({ "stars": 2 }));
    second["headers"] = json!({ "if-none-match": "\"1\"" });
    let lines = [star(0, headers("\"1\""), json!({ "stars": 1 })), second];
    let report = with_log(&lines, |file| replayed(file, vec![by_origin()]));
    let stale = &report["configurations"][0]["stale_answers"];
    assert_eq!(stale[0]["example"]["path"], json!("stars"), "{report}");
}

#[test]
fn something_that_was_deleted_and_is_still_served_is_stale() {
    let line = |at: u64, method: &str, status: u16| {
        json!({
            "at": 1_800_000_000_000 + at, "ms": 5, "method": method, "url": "https://h/api/products/1",
            "response": { "status": status, "headers": { "content-type": "application/json" }, "body": { "id": 1 } },
        })
    };
    let lines = [
        line(0, "GET", 200),
        line(1_000, "DELETE", 204),
        line(2_000, "GET", 404),
        line(3_000, "GET", 500),
    ];
    let report = with_log(&lines, |file| replayed(file, vec![shop(600)]));
    let one = &report["configurations"][0];
    assert_eq!(one["stale_answers"], json!([]));
    let prevented = &one["prevented"][0];
    assert_eq!(prevented["count"], json!(1), "{one}");
    let example = json!([prevented["example"]["served"], prevented["example"]["recorded"]]);
    assert_eq!(example, json!(["200", "404"]));
}

/// They take longer than any timeout, and the last one longer than the replay waits for its end.
#[test]
fn slow_responses_are_counted_and_no_failures() {
    let slow = |at| {
        let mut line = star(at, json!({ "cache-control": "max-age=6000" }), json!({ "stars": 1 }));
        line["ms"] = json!(600_000);
        line
    };
    let mut write = slow(800_000);
    (write["method"], write["url"]) = (json!("PUT"), json!("https://h/other"));
    let lines = [slow(0), slow(700_000), write];
    let report = with_log(&lines, |file| replayed(file, vec![by_origin()]));
    let one = &report["configurations"][0];
    assert_eq!((&one["requests"], &one["hits"]), (&json!(3), &json!(1)), "{one}");
}

/// Neighbors are sorted. What is further away is replayed late, and counted.
#[test]
fn entries_far_out_of_order_are_late() {
    let line = |at: u64| star(at, json!({}), json!({ "stars": 1 }));
    let mut lines: Vec<Value> = (0..300).map(|n| line(1_000 + (n ^ 1))).collect();
    lines.push(line(0));
    let report = with_log(&lines, |file| replayed(file, vec![by_origin()]));
    assert_eq!((&report["late"], &report["replayed"]), (&json!(1), &json!(301)));
}

/// Of a name that occurs twice, readers of JSON know one value alone.
#[test]
fn no_member_of_the_report_occurs_twice() {
    let mut session = Session::new(vec![by_origin()], Knowledge::default(), &[]);
    session.replay(&fixture("chromium.har"), &|_| ()).unwrap();
    let text = serde_json::to_string(&session.finish(Vec::new())).unwrap();
    assert_eq!(crate::json::names_are_unique(text.as_bytes()), Ok(()), "{text}");
}

#[test]
fn stale_answers_of_many_operations_are_all_counted() {
    let lines: Vec<Value> = (0..1_200_u64)
        .map(|n| {
            let mut line = star(n, json!({}), json!({ "stars": n }));
            line["url"] = json!(format!("https://h/api/stars-of-x{}", n % 600));
            line
        })
        .collect();
    let report = with_log(&lines, |file| replayed(file, vec![shop(600)]));
    let stale = report["configurations"][0]["stale_answers"].as_array().unwrap().clone();
    let sum: u64 = stale.iter().map(|one| one["count"].as_u64().unwrap()).sum();
    assert_eq!((sum, stale.len()), (600, 501));
    assert_eq!((&stale[0]["operation"], &stale[0]["count"]), (&json!("(others)"), &json!(100)));
}

/// What a client does in the property below.
#[derive(Debug, Clone, Copy)]
enum Step {
    Read(u8),
    List,
    Write(u8),
    RestRead(u8),
    RestWrite(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_u8).prop_map(Step::Read),
        2 => Just(Step::List),
        1 => (0..3_u8).prop_map(Step::Write),
        4 => (0..3_u8).prop_map(Step::RestRead),
        1 => (0..3_u8).prop_map(Step::RestWrite),
    ]
}

/// The log of a shop with three products, whose prices writes raise.
fn log_of(steps: &[(Step, u16)]) -> Vec<Value> {
    let (mut prices, mut at) = ([0_u64; 3], 1_800_000_000_000_u64);
    let mut lines = Vec::new();
    for (step, pause) in steps {
        at += 50 + u64::from(*pause);
        let product = |id: u8, prices: &[u64; 3]| json!({ "__typename": "Product", "id": id.to_string(), "price": prices[usize::from(id)] });
        let graphql = |query: String, data: Value| {
            ("POST", "/graphql".to_owned(), json!({ "query": query }), json!({ "data": data }))
        };
        let (method, path, body, answer) = match *step {
            Step::Read(id) => graphql(
                format!("{{ product(id: {id}) {{ __typename id price }} }}"),
                json!({ "product": product(id, &prices) }),
            ),
            Step::List => graphql(
                "{ products { __typename id price } }".to_owned(),
                json!({ "products": (0..3).map(|id| product(id, &prices)).collect::<Vec<_>>() }),
            ),
            Step::Write(id) => {
                prices[usize::from(id)] += 1;
                graphql(
                    format!("mutation {{ updateProduct(id: {id}) {{ __typename id price }} }}"),
                    json!({ "updateProduct": product(id, &prices) }),
                )
            }
            Step::RestRead(id) => {
                ("GET", format!("/api/products/{id}"), Value::Null, product(id, &prices))
            }
            Step::RestWrite(id) => {
                prices[usize::from(id)] += 1;
                ("PUT", format!("/api/products/{id}"), json!({}), product(id, &prices))
            }
        };
        lines.push(json!({
            "at": at, "ms": 20, "method": method, "url": format!("https://h{path}"), "body": body,
            "headers": { "content-type": "application/json" },
            "response": { "status": 200, "headers": { "content-type": "application/json" }, "body": answer },
        }));
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_configuration_that_caches_nothing_asks_the_origin_for_everything(
        steps in prop::collection::vec((step(), any::<u16>()), 1..40),
    ) {
        let report = with_log(&log_of(&steps), |file| replayed(file, vec![shop(0)]));
        let one = &report["configurations"][0];
        prop_assert_eq!(&one["hits"], &json!(0));
        prop_assert_eq!(&one["all_origin_requests"], &json!(steps.len()));
        prop_assert_eq!(&one["origin_load"], &json!(1.0));
        prop_assert_eq!(&one["bytes"], &Value::Null);
        prop_assert_eq!((&one["prevented"], &one["stale_answers"]), (&json!([]), &json!([])));
    }

    #[test]
    fn reads_after_writes_are_never_stale(
        steps in prop::collection::vec((step(), any::<u16>()), 1..60),
    ) {
        let report = with_log(&log_of(&steps), |file| replayed(file, vec![shop(600)]));
        let one = &report["configurations"][0];
        prop_assert_eq!(&one["stale_answers"], &json!([]), "{:?}", steps);
        prop_assert_eq!(&one["undecided"], &json!(0));
        // Every request is counted once, in each table.
        let all = |rows: &Value| rows.as_object().unwrap().values().map(|row| row["requests"].as_u64().unwrap()).sum::<u64>();
        prop_assert_eq!(all(&one["by_type"]), steps.len() as u64);
        prop_assert_eq!(all(&one["by_operation"]), steps.len() as u64);
    }
}
