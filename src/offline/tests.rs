//! Recorded requests through the shipped service.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::http::{Headers, Method, Request, Url};
use crate::time::Timestamp;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;

const START: u64 = 1_800_000_000_000;

fn recorded(at: u64, query: &str, response: &str) -> Rc<Recorded> {
    let headers = |pairs: &[(&str, &str)]| pairs.iter().copied().collect::<Headers>();
    let json = headers(&[("content-type", "application/json")]);
    Rc::new(Recorded {
        at: Timestamp::from_millis(START + at),
        millis: 100,
        request: Request {
            method: Method::Post,
            url: Url::parse("https://shop.example/graphql").unwrap(),
            headers: json.clone(),
        },
        body: json!({ "query": query }).to_string().into_bytes().into(),
        response: RecordedResponse {
            status: 200,
            headers: json,
            body: Some(response.as_bytes().into()),
        },
    })
}

const READ: &str = "{ product(id: 1) { __typename id price } }";
const WRITE: &str = "mutation { updateProduct(id: 1) { __typename id price } }";

fn product(field: &str, price: u32) -> String {
    format!(r#"{{"data":{{"{field}":{{"__typename":"Product","id":"1","price":{price}}}}}}}"#)
}

/// What became of each request: `X-Cache`, and the body.
fn run(purges: Purges, requests: &[Rc<Recorded>]) -> (Vec<(String, String)>, Usage) {
    let config =
        json!({ "default": { "ttl": 60 }, "graphql": { "paths": ["/graphql"], "inject": false } });
    run_with(&config, purges, requests)
}

fn run_with(
    config: &Value,
    purges: Purges,
    requests: &[Rc<Recorded>],
) -> (Vec<(String, String)>, Usage) {
    let world = World::new(config, Timestamp::from_millis(START), purges, STORE_BYTES).unwrap();
    let answers: Rc<RefCell<Vec<Answer>>> = Rc::default();
    for request in requests {
        let answers = answers.clone();
        world.send(request, move |answer| answers.borrow_mut().push(answer));
    }
    world.run_until(Timestamp::from_millis(START + 600_000));
    let answers = answers.borrow();
    let shown = answers.iter().map(|answer| {
        let cache = answer.headers.get("x-cache").unwrap_or_default().to_owned();
        (cache, String::from_utf8_lossy(&answer.body).into_owned())
    });
    let outcome = (shown.collect(), world.usage());
    world.end();
    outcome
}

fn story() -> Vec<Rc<Recorded>> {
    vec![
        recorded(0, READ, &product("product", 5)),
        recorded(1_000, READ, &product("product", 5)),
        recorded(2_000, WRITE, &product("updateProduct", 7)),
        recorded(3_000, READ, &product("product", 7)),
        recorded(4_000, READ, &product("product", 7)),
    ]
}

#[test]
fn a_read_after_a_write_shows_the_write() {
    let (answers, usage) = run(Purges::Recorded, &story());
    let caches: Vec<&str> = answers.iter().map(|(cache, _)| cache.as_str()).collect();
    assert_eq!(caches, ["MISS", "HIT", "BYPASS", "MISS", "HIT"]);
    assert_eq!(answers[4].1, product("product", 7));
    assert_eq!((usage.origin_requests, usage.origin_millis, usage.log_records), (3, 300, 1));
}

#[test]
fn without_purges_a_read_after_a_write_is_stale() {
    let (answers, usage) = run(Purges::Ignored, &story());
    let caches: Vec<&str> = answers.iter().map(|(cache, _)| cache.as_str()).collect();
    assert_eq!(caches, ["MISS", "HIT", "BYPASS", "HIT", "HIT"]);
    assert_eq!(answers[4].1, product("product", 5));
    assert_eq!((usage.origin_requests, usage.log_records), (2, 0));
}

#[test]
fn requests_that_overlap_share_one_request_to_the_origin() {
    let reads: Vec<_> = (0..3).map(|n| recorded(n * 10, READ, &product("product", 5))).collect();
    let (answers, usage) = run(Purges::Recorded, &reads);
    assert_eq!((answers.len(), usage.origin_requests), (3, 1));
}

/// A token that nobody has signed.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9.eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg";

/// The recording's own service has accepted the tokens, and their keys are not in the recording.
#[test]
fn tokens_count_as_valid() {
    let config = json!({
        "default": { "ttl": 60, "scope": "person" },
        "graphql": { "paths": ["/graphql"], "inject": false },
        "jwt": { "algorithms": ["HS256"] },
        "scopes": { "person": { "by": ["jwt:sub"] } },
    });
    let with_token = |at| {
        let mut request = (*recorded(at, READ, &product("product", 5))).clone();
        request.request.headers.set("authorization", format!("Bearer {TOKEN}"));
        Rc::new(request)
    };
    let (answers, _) = run_with(&config, Purges::Recorded, &[with_token(0), with_token(1_000)]);
    let caches: Vec<&str> = answers.iter().map(|(cache, _)| cache.as_str()).collect();
    assert_eq!(caches, ["MISS", "HIT"]);
}

/// `purge.settle`: what was purged is purged again, so that nothing stays that was read from a lagging copy.
#[test]
fn purges_are_repeated_after_the_time_to_settle() {
    let config = json!({
        "default": { "ttl": 60 }, "graphql": { "paths": ["/graphql"], "inject": false },
        "purge": { "settle": 10 },
    });
    let requests = [
        recorded(0, WRITE, &product("updateProduct", 7)),
        recorded(1_000, READ, &product("product", 5)),
        recorded(30_000, READ, &product("product", 7)),
    ];
    let (answers, usage) = run_with(&config, Purges::Recorded, &requests);
    assert_eq!((usage.log_records, answers[2].1.as_str()), (2, &*product("product", 7)));
}
