//! What a Worker answers: the answers in answers.json, with the numbers that depend on the request. A test
//! compares their shapes with openapi.json (tests/e2e/cli/answers.test.mjs).

use evergraph::config::with_defaults;
use serde_json::{Value, json};

const ANSWERS: &str = include_str!("answers.json");
/// When the answers were given, in milliseconds since 1970.
const NOW: u64 = 1_795_924_800_000;

/// The status and the body. `None`: there is no such route.
pub fn answer(method: &str, route: &str, body: &str) -> Option<(u16, Value)> {
    let sent: Value = serde_json::from_str(body).unwrap_or_default();
    let answered = match (method, route) {
        ("GET", "stats") => named("stats"),
        ("GET", "health") => named("health"),
        ("GET", "audit") => named("audit"),
        ("GET", "config") => (200, with_defaults(&json!({ "service": "shop" }))),
        ("GET", "entries") => named("entry"),
        ("POST", "purge") if sent["tags"][0] == "a b" => named("refused purge"),
        ("POST", "purge") if sent["preview"] == true => counting_names("preview", &sent),
        ("POST", "purge") => counting_names("purge", &sent),
        ("POST", "pause") => pause(&sent),
        ("POST", "resume") => named("resume"),
        ("POST", "explain") if sent["url"] == "/bypassed" => named("bypass"),
        ("POST", "explain") if sent["headers"]["cookie"].is_string() => named("bypass"),
        ("POST", "explain") => named("lookup"),
        ("POST", "warm") => warmed(&sent),
        ("POST", "schema") => named("schema"),
        ("POST", "documents") => named("documents"),
        _ => return None,
    };
    Some(answered)
}

/// An answer of answers.json.
pub fn named(name: &str) -> (u16, Value) {
    let mut answers: Value = serde_json::from_str(ANSWERS).unwrap();
    let answer = &mut answers[name];
    let status = answer["status"].as_u64().unwrap();
    (u16::try_from(status).unwrap(), answer["body"].take())
}

/// The same with other members.
pub fn with(name: &str, members: &Value) -> Value {
    let (_, mut body) = named(name);
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body
}

/// A purge counts what was named.
fn counting_names(name: &str, sent: &Value) -> (u16, Value) {
    let count = |list: &str| sent[list].as_array().map_or(0, Vec::len);
    let tags: usize = ["tags", "types", "operations", "paths", "keys"].map(count).iter().sum();
    (200, with(name, &json!({ "tags": tags, "patterns": count("patterns") })))
}

fn pause(sent: &Value) -> (u16, Value) {
    let until = sent["seconds"].as_u64().map(|seconds| NOW + seconds * 1_000);
    (200, with("pause", &json!({ "until": until })))
}

/// Statistics with a name that would control a terminal.
pub fn evil_stats() -> Value {
    let (_, mut stats) = named("stats");
    stats["rows"][0]["name"] = json!("\u{1b}[31mEvil\nName");
    stats
}

/// A page of `GET entries?pattern=`: many entries for `gql/many/**`, else two.
pub fn page_of_entries(target: &str) -> Option<Value> {
    let query = target.strip_prefix("entries?pattern=")?;
    let (_, page) = named("entries");
    if !query.starts_with("gql%2Fmany") && !query.starts_with("gql/many") {
        return Some(page);
    }
    let number = |name: &str| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(name));
        value.and_then(|value| value.trim_start_matches('c').parse::<usize>().ok())
    };
    let (limit, cursor) = (number("limit=")?, number("cursor=").unwrap_or(0));
    let entry = |number: usize| {
        let mut entry = page["entries"][0].clone();
        entry["key"] = json!(format!("shop/2/gql/many/{cursor}/{number}"));
        entry
    };
    let entries: Vec<Value> = (0..limit).map(entry).collect();
    Some(json!({ "entries": entries, "cursor": format!("c{}", cursor + 1) }))
}

/// A part of a warming: one request at a time.
fn warmed(sent: &Value) -> (u16, Value) {
    match sent["top"].as_u64() {
        Some(99) => return named("failed"),
        Some(98) => return named("stopped"),
        Some(2) => return named("warmed in part"),
        _ => {}
    }
    let requests: &[Value] = sent["requests"].as_array().map_or(&[], Vec::as_slice);
    let rest = requests.get(1..).filter(|rest| !rest.is_empty());
    (200, with("warmed", &json!({ "remaining": rest.map(|rest| json!({ "requests": rest })) })))
}
