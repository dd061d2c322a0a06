//! The law of explanations: an explanation says what the request path then does, and changes nothing.

mod requests;
mod world;

use crate::engine::tests::{TestConfig, asked, made};
use crate::http::{Headers, Method};
use proptest::prelude::*;
use proptest::sample::select;
use requests::{FORMS, Sent, TOKENS, by_claim, request, sent};
use serde_json::{Value, json};
use std::rc::Rc;
use world::{Seen, World};

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
        config in (made(), any::<bool>()).prop_map(|(one, claims)| if claims { by_claim(one) } else { one }),
        asked_for in prop::collection::vec((asked(), select(&FORMS[..]), select(&TOKENS[..])), 1..4),
        is_uploaded in any::<bool>(),
        steps in prop::collection::vec((any::<prop::sample::Index>(), select(
            &["", "", "", "", "all", "tag", "soft", "pattern", "pause", "pause", "resume", "upload", "later", "restart", "restart"][..],
        ), any::<prop::sample::Index>()), 1..8),
        cache_control in select(&["", "max-age=60", "s-maxage=5, stale-while-revalidate=5", "no-store", "private"][..]),
    ) {
        let worlds = [(); 2].map(|()| World::new(&config.json, cache_control));
        let [world, twin] = &worlds;
        let begin = world.runtime.at();
        let sent = |which: &prop::sample::Index| sent(which.get(&asked_for), &config, begin);
        let first = is_uploaded.then_some("upload");
        worlds.iter().for_each(|one| one.step(first.unwrap_or_default(), &asked_for));
        for (which, step, another) in steps {
            worlds.iter().for_each(|one| one.step(step, &asked_for));
            // One that is explained, and not sent.
            world.explain(&sent(&another));
            let sent = sent(&which);
            let explained = world.explain(&sent);
            prop_assert_eq!(&explained, &world.explain(&sent), "explaining changes nothing");
            let seen = world.send(&sent);
            compare(&explained, &seen, &config);
            prop_assert_eq!(world.uncounted(&explained), [""; 0], "{}\n{:#}", config.json, explained);
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

/// The service passes most reads through, and one type is misspelled.
#[test]
fn a_type_that_matches_nothing_is_noticed_although_reads_pass_through() {
    let config = json!({
        "types": {
            "product": { "match": ["graphql:Query.product"], "ttl": 60 },
            "batched": { "match": ["graphql:Query.batched"], "ttl": 60 },
            "pages": { "match": ["rest:/pages/**"], "ttl": 60 },
            "misspelled": { "match": ["graphql:Query.serach"], "ttl": 60 },
        },
    });
    let world = World::new(&config, "");
    let sent = |target: &str, body: Value| {
        let method = if body.is_null() { Method::Get } else { Method::Post };
        let mut request = request(method, target);
        request.headers.set("cookie", "sid=1");
        request.headers.set("content-type", "application/json");
        Sent { request, body: if body.is_null() { String::new() } else { body.to_string() } }
    };
    let requests = [
        sent("/graphql", json!({ "query": "{ product { id } }" })),
        sent("/graphql", json!([{ "query": "{ batched { id } }" }])),
        sent("/graphql", json!({ "query": "{ broken" })),
        sent("/pages/1", Value::Null),
    ];
    let warnings = || {
        let explained = world.explain(&requests[0]);
        let warnings = explained["warnings"].as_array().cloned().unwrap_or_default();
        let of_types = warnings.iter().filter(|one| one["word"] == "type-never-matched");
        of_types
            .map(|one| one["message"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<String>>()
    };
    for _ in 0..250 {
        assert_eq!(warnings(), Vec::<String>::new());
        requests.iter().for_each(|one| drop(world.send(one)));
    }
    // Explanations use the numbers again for a minute.
    world.runtime.advance(60_000);
    assert_eq!(warnings(), ["types.misspelled has matched none of 1000 requests"]);
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
