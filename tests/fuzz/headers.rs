//! Requests and answers of REST with whatever fields: what is stored of them, and what is made of
//! what is stored.

use super::{Chance, fuzz};
use evergraph::config::{Config, parse};
use evergraph::engine::{
    FetchedResponse, Plan, ValidatedEntry, XCache, classify, completed, has_range, part_entry,
    part_key, plan_rest, response_from_entry, rest_entry, updated, validated_entry,
};
use evergraph::http::{Headers, Method, Request, Response, Url};
use evergraph::jwt::Claims;
use evergraph::policy::{
    CacheStatus, ContentRange, Freshness, ReceivedHead, Rule, freshness, is_about, is_head_of,
    not_modified, validators,
};
use evergraph::purge::{Mark, Verdict};
use evergraph::stored::{Entry, decode, encode};
use evergraph::time::{Timestamp, Ttl};
use serde_json::json;
use std::cell::Cell;

/// Mon, 21 Nov 2022 04:00:00 GMT
const NOW: u64 = 1_669_003_200;

const DATES: [&str; 9] = [
    "Mon, 21 Nov 2022 04:00:00 GMT",
    "Mon, 21 Nov 2022 03:00:00 GMT",
    "Mon, 21 Nov 2022 05:00:00 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "0",
    "é",
];

const TAGS: [&str; 10] =
    ["\"a\"", "W/\"a\"", "\"b\"", "\"a,b\"", "a", "\"", "*", "\"a", "W/", "\"eg-0\""];

const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "5",
    "60",
    "3600",
    "-1",
    "1.5",
    "0x10",
    "４",
    "2147483648",
    "99999999999999999999",
    "",
];

const DIRECTIVES: [&str; 24] = [
    "max-age=60",
    "max-age=60",
    "max-age=3600",
    "s-maxage=60",
    "max-age",
    "Max-Age=\"60\"",
    "no-cache",
    "no-cache=\"x-a, etag\"",
    "no-store",
    "private",
    "private=\"x-a\"",
    "public",
    "public",
    "must-revalidate",
    "proxy-revalidate",
    "must-understand",
    "stale-while-revalidate=60",
    "stale-if-error=60",
    "immutable",
    "max-stale",
    "min-fresh=5",
    "only-if-cached",
    "ext=\"no-store, private",
    "ext=\"\\\"\"",
];

const NAMES: [&str; 8] =
    ["x-a", "Accept", "origin", "accept-encoding", "cookie", "*", "cache-control", "etag"];

const RANGES: [&str; 12] = [
    "bytes=0-",
    "bytes=0-3",
    "bytes=2-5",
    "bytes=5-2",
    "bytes=-3",
    "bytes=-0",
    "bytes=7-",
    "bytes=0-1,3-4",
    "items=0-1",
    "bytes=0-99999999999999999999",
    "Bytes = 1 - 2 ",
    "bytes=",
];

const CONTENT_RANGES: [&str; 11] = [
    "bytes 0-3/10",
    "bytes 0-3/10",
    "bytes 2-5/10",
    "bytes 4-9/10",
    "bytes 5-9/10",
    "bytes 3-2/10",
    "bytes 0-10/10",
    "bytes */10",
    "bytes 0-3/*",
    "bytes 0-99999999999999/999999999999999",
    "0-3/10",
];

/// What an entry never has: fields of one connection, and of one client.
const NEVER_STORED: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "set-cookie",
    "content-length",
];

const STATUSES: [u16; 20] = [
    200, 200, 200, 200, 200, 203, 204, 206, 206, 301, 304, 404, 412, 416, 500, 503, 101, 599, 600,
    999,
];

/// What was reached, so that the laws are about something.
#[derive(Default)]
struct Reached {
    stored: Cell<usize>,
    parts: Cell<usize>,
    cuts: Cell<usize>,
    unmodified: Cell<usize>,
    validated_entry: Cell<usize>,
    completed: Cell<usize>,
}

fn count(reached: &Cell<usize>) {
    reached.set(reached.get() + 1);
}

#[test]
fn headers() {
    let configs = [
        json!({}),
        json!({}),
        json!({ "rest": { "heuristic": true, "authorization": "origin" } }),
        json!({ "types": { "t": { "match": ["rest:/**"], "ttl": 60 } } }),
        json!({ "types": { "t": { "match": ["rest:/**"], "ttl": 60, "override": true } } }),
        json!({ "types": { "t": { "match": ["rest:/**"], "ttl": "origin", "swr": 5,
            "strip_set_cookie": true, "statuses": { "404": 5 } } } }),
    ]
    .map(|config| parse(&config).unwrap());
    let reached = Reached::default();
    fuzz("headers", &[Vec::new()], |_, chance| {
        (0..4).for_each(|_| one(chance.pick(&configs), chance, &reached));
    });
    let Reached { stored, parts, cuts, unmodified, validated_entry, completed } = reached;
    for (what, reached) in
        [stored, parts, cuts, unmodified, validated_entry, completed].iter().enumerate()
    {
        assert!(reached.get() > 10, "law {what} was about {} cases", reached.get());
    }
}

/// A value that a sender could mean, or nearly, or not at all.
fn value(chance: &mut Chance, name: &str) -> String {
    let mut members: Vec<String> = Vec::new();
    for _ in 0..1 + chance.below(3) {
        let member = match name {
            "cache-control" | "cdn-cache-control" | "surrogate-control" => {
                chance.pick(&DIRECTIVES).to_string()
            }
            "date" | "expires" | "last-modified" | "if-modified-since" => {
                chance.pick(&DATES).to_string()
            }
            "etag" | "if-none-match" => chance.pick(&TAGS).to_string(),
            "if-range" => match chance.below(2) {
                0 => chance.pick(&TAGS).to_string(),
                _ => chance.pick(&DATES).to_string(),
            },
            "age" | "content-length" => chance.pick(&NUMBERS).to_string(),
            "vary" | "connection" => chance.pick(&NAMES).to_string(),
            "range" => chance.pick(&RANGES).to_string(),
            "content-range" => chance.pick(&CONTENT_RANGES).to_string(),
            "content-encoding" => chance.pick(&["gzip", "br", "zstd", "identity"]).to_string(),
            "access-control-allow-origin" => chance.pick(&["*", "http://a"]).to_string(),
            "content-type" => chance
                .pick(&["text/plain", "text/event-stream", "multipart/byteranges"])
                .to_string(),
            "pragma" => "no-cache".to_owned(),
            _ => chance.pick(&["a", "b", "a, b", "", "é", "\"a"]).to_string(),
        };
        members.push(member);
        let is_list = matches!(name, "cache-control" | "cdn-cache-control" | "if-none-match");
        if !is_list && chance.below(4) > 0 {
            break;
        }
    }
    let value = members.join(", ");
    match chance.below(8) {
        0 => {
            let others: Vec<Vec<u8>> = members.into_iter().map(String::into_bytes).collect();
            let damaged = chance.damaged(value.as_bytes(), &others);
            String::from_utf8_lossy(&damaged).replace(['\n', '\r'], " ")
        }
        _ => value,
    }
}

fn fields(chance: &mut Chance, names: &[&str], most: usize) -> Headers {
    let mut headers = Headers::new();
    for _ in 0..chance.below(most + 1) {
        let name = *chance.pick(names);
        headers.append(name, value(chance, name));
    }
    headers
}

fn asking(chance: &mut Chance) -> Request {
    const NAMES: [&str; 13] = [
        "cache-control",
        "pragma",
        "range",
        "range",
        "if-range",
        "if-none-match",
        "if-none-match",
        "if-modified-since",
        "authorization",
        "origin",
        "accept",
        "x-a",
        "connection",
    ];
    let method = if chance.below(6) == 0 { Method::Head } else { Method::Get };
    let url = Url::parse("http://h/a").unwrap();
    Request { method, url, headers: fields(chance, &NAMES, 4) }
}

fn answered(chance: &mut Chance) -> Headers {
    const NAMES: [&str; 24] = [
        "cache-control",
        "cache-control",
        "cdn-cache-control",
        "surrogate-control",
        "date",
        "expires",
        "age",
        "etag",
        "etag",
        "last-modified",
        "vary",
        "set-cookie",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "proxy-authenticate",
        "content-range",
        "content-length",
        "content-encoding",
        "content-type",
        "access-control-allow-origin",
        "x-a",
        "x-a",
        "link",
    ];
    let mut headers = fields(chance, &NAMES, 7);
    if chance.below(2) == 0 {
        headers.append("cache-control", "max-age=60");
    }
    headers
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis((NOW + seconds) * 1000)
}

fn one(config: &Config, chance: &mut Chance, reached: &Reached) {
    let request = asking(chance);
    let _ = classify(config, &request);
    let Ok(plan) = plan_rest(config, &request, &Claims::NotAsked) else { return };
    let headers = answered(chance);
    let received = ReceivedHead {
        status: *chance.pick(&STATUSES),
        headers: &headers,
        asked_at: at(0),
        at: at(chance.below(3) as u64),
    };
    let body: Vec<u8> = (b'a'..b'a' + u8::try_from(chance.below(12)).unwrap()).collect();
    let mark = Mark { epoch: 1, seq: 1 };
    let fetched =
        |received| FetchedResponse { request: &request, received, body: body.clone().into(), mark };
    let whole = rest_entry(config, &plan, fetched(received));
    forbidden(config, &plan, &request, received, chance);
    // A part mostly has the bytes that it names.
    let mut named = headers.clone();
    if chance.below(2) == 0 {
        named.set("content-range", *chance.pick(&CONTENT_RANGES));
    }
    let range = ContentRange::read(&named).filter(|range| range.complete == 10);
    let bytes = range.map(|range| b"abcdefghij"[range.first as usize..=range.last as usize].into());
    let part = ReceivedHead { status: 206, headers: &named, ..received };
    let part_body = bytes.filter(|_| chance.below(4) > 0).unwrap_or_else(|| body.clone().into());
    let part = part_entry(config, &plan, FetchedResponse { body: part_body, ..fetched(part) });
    if let Ok(entry) = &whole {
        count(&reached.stored);
        assert!((200..600).contains(&entry.meta.status));
        assert!(![206, 304, 412, 416].contains(&entry.meta.status));
        assert_eq!((entry.meta.key.as_str(), &entry.body[..]), (plan.key.as_str(), &body[..]));
    }
    if let Ok(entry) = &part {
        count(&reached.parts);
        assert_eq!((entry.meta.status, &entry.meta.key), (206, &part_key(&plan)));
        of_a_part(entry, chance, reached);
        let missing = ReceivedHead { status: 206, headers: &answered(chance), ..received };
        is_completed(entry, missing, chance, reached);
    }
    for entry in [whole, part].into_iter().flatten() {
        kept(&entry, &headers, received.at);
        used(&plan, &entry, chance, reached);
        renewed(&plan, &entry, &request, chance, reached);
    }
}

/// What an origin's plain word forbids is not stored, whatever else it says.
fn forbidden(
    config: &Config,
    plan: &Plan,
    request: &Request,
    received: ReceivedHead<'_>,
    chance: &mut Chance,
) {
    let mut plain: Headers = received
        .headers
        .iter()
        .filter(|(name, value)| {
            !["cdn-cache-control", "surrogate-control"].contains(name)
                && !value.to_ascii_lowercase().contains("must-understand")
        })
        .collect();
    let (name, value) = *chance.pick(&[
        ("cache-control", "no-store"),
        ("cache-control", "max-age=60, Private"),
        ("set-cookie", "a=b"),
        ("vary", "x-a, *"),
    ]);
    let said = plain.get(name).filter(|_| value == "no-store").map(str::to_owned);
    match said {
        // Not even behind what nobody can read.
        Some(said) => plain.set(name, format!("{said}, {value}")),
        None => plain.append(name, value),
    }
    let stored = |headers: &Headers| {
        let received = ReceivedHead { headers, ..received };
        let mark = Mark { epoch: 1, seq: 1 };
        let fetched = FetchedResponse { request, received, body: [].into(), mark };
        rest_entry(config, plan, fetched)
    };
    let allowed = match name {
        "vary" => false,
        "set-cookie" => plan.overriding || plan.rest.strip_set_cookie,
        _ => plan.overriding,
    };
    assert!(allowed || stored(&plain).is_err(), "{plain:?}");
    // No answer is fresh for longer than it says.
    let mut short: Headers = plain
        .iter()
        .filter(|(_, value)| {
            let value = value.to_ascii_lowercase();
            !["s-maxage", "no-store", "private"].iter().any(|word| value.contains(word))
        })
        .collect();
    ["set-cookie", "vary"].iter().for_each(|name| short.remove(name));
    short.append("cache-control", "max-age=7");
    if let Rule::Origin(_) = plan.rule
        && !plan.rest.statuses.iter().any(|(status, _)| *status == received.status)
        && let Ok(Entry { meta, .. }) = stored(&short)
    {
        for seconds in [0, 6, 7, 8] {
            let fresh = freshness(&meta, Verdict::Valid, &Default::default(), at(seconds));
            let age = meta.age(at(seconds));
            assert!(fresh != Freshness::Fresh || age < 7, "{age} {short:?}");
        }
    }
}

/// What is stored is for everybody, comes back as it was, and grows older.
fn kept(entry: &Entry, origin: &Headers, stored_at: Timestamp) {
    assert_eq!(decode(&encode(entry)).as_ref(), Ok(entry));
    is_for_everybody(&entry.meta.headers);
    let named: Vec<_> = origin.members("connection").map(str::to_ascii_lowercase).collect();
    assert!(!named.iter().any(|name| name != "etag" && entry.meta.headers.contains(name)));
    let said = origin.get("age").filter(|age| !age.starts_with('+'));
    let said = said.and_then(|age| age.parse::<u32>().ok()).unwrap_or(0);
    assert!(entry.meta.age(stored_at) >= said.min(1 << 31).into());
    for seconds in [0, 1, 59, 100_000] {
        let now = Timestamp::from_millis(stored_at.as_millis() + seconds * 1000);
        assert_eq!(entry.meta.age(now), entry.meta.age(stored_at) + seconds);
    }
}

fn is_for_everybody(headers: &Headers) {
    for name in NEVER_STORED {
        assert!(!headers.contains(name), "{name}");
    }
}

fn answer_of(entry: &Entry, request: &Request, now: Timestamp) -> Response {
    let age = entry.meta.age(now);
    let status = CacheStatus::hit(entry.meta.ttl, age, "memory");
    let answer = response_from_entry(entry, request, XCache::Hit, &status, now);
    assert_eq!(answer.headers.joined("age"), Some(age.to_string()));
    is_for_everybody(&answer.headers);
    answer
}

/// What a client gets of a stored answer is that answer, its very bytes, or the word that it has
/// them.
fn used(plan: &Plan, entry: &Entry, chance: &mut Chance, reached: &Reached) {
    let request = asking(chance);
    let now = at(chance.below(100) as u64);
    let directives = plan.client_directives(&request.headers);
    let fresh = freshness(&entry.meta, Verdict::Valid, &directives, now);
    if fresh == Freshness::Fresh {
        assert!(entry.meta.age(now) < entry.meta.ttl.as_seconds());
    }
    for verdict in [Verdict::Purged, Verdict::Stale] {
        let judged = freshness(&entry.meta, verdict, &directives, now);
        assert!(!matches!(judged, Freshness::Fresh | Freshness::StaleAllowed));
        assert_eq!(verdict == Verdict::Purged, judged == Freshness::Purged);
    }
    let answer = answer_of(entry, &request, now);
    let conditional = ["if-none-match", "if-modified-since"];
    match answer.status {
        304 => {
            count(&reached.unmodified);
            assert!(conditional.iter().any(|name| request.headers.contains(name)));
            assert!(answer.body.is_empty() && (200..300).contains(&entry.meta.status));
        }
        206 if entry.meta.status == 200 => {
            count(&reached.cuts);
            let range = ContentRange::read(&answer.headers).unwrap();
            let named = range.first as usize..=range.last as usize;
            assert_eq!(range.complete, entry.body.len() as u64);
            assert_eq!(entry.body[named], answer.body[..]);
        }
        416 => assert!(answer.body.is_empty() && entry.meta.status == 200),
        status => {
            assert_eq!(status, entry.meta.status);
            let is_whole = answer.body == entry.body || request.method == Method::Head;
            assert!(is_whole || status == 206);
        }
    }
    if request.method == Method::Head {
        assert!(answer.body.is_empty());
    }
}

/// A part that has the bytes which it names answers with none but those that it is asked for.
fn of_a_part(entry: &Entry, chance: &mut Chance, reached: &Reached) {
    let stored = ContentRange::read(&entry.meta.headers).unwrap();
    let request = asking(chance);
    let exact = stored.last + 1 - stored.first == entry.body.len() as u64;
    if !has_range(entry, &request) || !exact {
        return;
    }
    let answer = answer_of(entry, &request, at(1));
    if answer.status != 206 {
        assert_eq!(answer.status, 304);
        return;
    }
    count(&reached.cuts);
    let range = ContentRange::read(&answer.headers).unwrap();
    assert_eq!(range.complete, stored.complete);
    assert!(stored.first <= range.first && range.last <= stored.last);
    let from = (range.first - stored.first) as usize;
    assert_eq!(entry.body[from..=(range.last - stored.first) as usize], answer.body[..]);
}

fn is_completed(begun: &Entry, missing: ReceivedHead<'_>, chance: &mut Chance, reached: &Reached) {
    let mut headers = missing.headers.clone();
    if chance.below(2) == 0 {
        headers.set("content-range", format!("bytes {}-9/10", begun.body.len()));
        begun.meta.headers.get("etag").into_iter().for_each(|etag| headers.set("etag", etag));
    }
    let body: Vec<u8> = (0..10 - begun.body.len().min(10)).map(|_| b'x').collect();
    let missing = ReceivedHead { headers: &headers, ..missing };
    if let Some(whole) = completed(begun, missing, &body) {
        count(&reached.completed);
        let range = ContentRange::read(&begun.meta.headers).unwrap();
        assert_eq!((range.first, range.complete), (0, whole.len() as u64));
        assert_eq!(whole, [&begun.body, &body[..]].concat());
        assert_eq!(begun.meta.headers.get("etag"), headers.get("etag"));
    }
}

/// A validation changes neither the body nor what the entry is.
fn renewed(plan: &Plan, before: &Entry, request: &Request, chance: &mut Chance, reached: &Reached) {
    let headers = answered(chance);
    let (asked_at, now) = (at(10), at(10 + chance.below(3) as u64));
    let received = ReceivedHead { status: 304, headers: &headers, asked_at, at: now };
    let mark = Mark { epoch: 1, seq: 2 };
    let meta = &before.meta;
    let _ = validators(&meta.headers, meta.etag_is_ours);
    let _ = is_about(&headers, &meta.headers, meta.etag_is_ours);
    let _ = is_head_of(&headers, &meta.headers, meta.etag_is_ours, before.body.len());
    let _ = not_modified(request, &headers, NOW);
    let by_head = updated(plan, before, request, ReceivedHead { status: 200, ..received }, mark);
    let fresh = validated_entry(plan, before, request, received, mark);
    assert!(fresh.is_none() || (200..300).contains(&meta.status));
    for ValidatedEntry { entry, stored } in fresh.into_iter().chain(by_head) {
        count(&reached.validated_entry);
        assert_eq!(entry.body, before.body);
        assert_eq!((&entry.meta.key, entry.meta.status), (&meta.key, meta.status));
        assert_eq!((entry.meta.mark, entry.meta.stored_at), (mark, now));
        assert!(meta.tags.iter().all(|tag| entry.meta.tags.contains(tag)));
        for name in ["content-encoding", "content-range"] {
            assert_eq!(entry.meta.headers.joined(name), meta.headers.joined(name));
        }
        is_for_everybody(&entry.meta.headers);
        let set_cookie = headers.contains("set-cookie");
        assert!(
            stored.is_err() || !set_cookie || plan.overriding || plan.rest.strip_set_cookie,
            "a cookie is stored"
        );
        if stored.is_ok() {
            let later = Timestamp::from_millis(now.as_millis() + 7000);
            assert!(entry.meta.age(later) >= 7 && entry.meta.ttl <= Ttl::MAX);
            assert_eq!(decode(&encode(&entry)).as_ref(), Ok(&entry));
        }
    }
}
