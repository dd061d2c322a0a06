//! Recordings as browsers write them, and as they should not be.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::reader::read_recording;
use super::*;
use crate::offline::Recorded;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What a recording has: the entries, how many are skipped for which reason, and where it is broken.
struct Contents {
    recorded: Vec<Recorded>,
    skipped: BTreeMap<&'static str, usize>,
    fault: Option<String>,
}

fn read(file: impl Read, is_har: bool) -> Contents {
    let (mut recorded, mut skipped) = (Vec::new(), BTreeMap::new());
    let mut hosts = HostFilter::new(&[]);
    let read =
        read_recording("x", BufReader::new(file), is_har, &mut hosts, &mut |item| match item {
            Item::Recorded(one) => recorded.push(*one),
            Item::Skipped(skip, _) => *skipped.entry(skip.as_str()).or_default() += 1,
        });
    Contents { recorded, skipped, fault: read.err().map(|fault| fault.message) }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/har").join(name)
}

fn har(entries: &str) -> String {
    format!(r#"{{"log":{{"version":"1.2","creator":{{"name":"x"}},"entries":[{entries}]}}}}"#)
}

/// An entry with these members of the request and the response.
fn entry(request: &str, response: &str) -> String {
    format!(
        r#"{{"startedDateTime":"2026-11-29T04:00:00.000Z","time":12.6,"request":{{"url":"https://h/a","method":"GET"{request}}},"response":{{{response}}},"timings":{{"wait":-1}}}}"#
    )
}

/// A GraphQL query by POST.
fn query(response: &str) -> String {
    let entry = entry(r#","postData":{"text":"{\"query\":\"{ a }\"}"}"#, response);
    entry.replace("GET", "POST")
}

const OK: &str = r#""status":200,"content":{"size":2,"text":"{}"}"#;

#[test]
fn reads_both_browsers() {
    for (name, skipped) in [
        ("chromium.har", &[("other-host", 1), ("websocket", 1)][..]),
        ("firefox.har", &[("other-host", 1), ("other-scheme", 2), ("websocket", 1)]),
    ] {
        let contents = read(std::fs::File::open(fixture(name)).unwrap(), true);
        assert_eq!((contents.fault, contents.recorded.len()), (None, 20), "{name}");
        assert_eq!(contents.skipped, skipped.iter().copied().collect(), "{name}");
        let find = |path: &str| contents.recorded.iter().find(|one| one.request.url.path == path);
        let pixel = find("/pixel.png").unwrap();
        let body = pixel.response.body.clone().unwrap();
        assert!(body.starts_with(b"\x89PNG") && body.len() == 70, "{name}: {body:?}");
        let query = find("/graphql").unwrap();
        assert!(String::from_utf8_lossy(&query.body).contains("query Products"), "{name}");
        assert_eq!(query.request.headers.get("content-type"), Some("application/json"), "{name}");
        assert!(query.millis > 0 && query.at.as_millis() > 1_795_000_000_000, "{name}");
        assert!(!query.response.headers.contains("transfer-encoding"), "{name}");
    }
}

#[test]
fn what_cannot_be_replayed_is_skipped_with_its_reason() {
    for (entry, reason) in [
        (entry(r#","url":"data:,x""#, OK), "other-scheme"),
        (entry(r#","url":"chrome-extension://x/y""#, OK), "other-scheme"),
        (entry(r#","url":"wss://h/socket""#, r#""status":101"#), "websocket"),
        (entry("", r#""status":101"#), "websocket"),
        (entry(r#","url":"""#, OK), "no-url"),
        (entry(r#","url":"/relative""#, OK), "no-url"),
        (entry("", r#""status":0"#), "no-response"),
        (entry("", r#""status":-1,"content":{"size":-1}"#), "no-response"),
        (entry("", r#""status":200,"content":{"size":20}"#), "no-body"),
        (entry("", r#""status":304"#), "unknown-body"),
        (entry("", OK).replace(r#""time""#, r#""_fromCache":"disk","time""#), "browser-cache"),
        (
            entry("", OK).replace(r#""time""#, r#""cache":{"afterRequest":{"eTag":"x"}},"time""#),
            "browser-cache",
        ),
        (
            entry("", &format!(r#"{OK},"_serviceWorkerResponseSource":"cache-storage""#)),
            "browser-cache",
        ),
        (entry("", &format!(r#"{OK},"_error":"net::ERR_ABORTED""#)), "no-response"),
        (query(r#""status":200,"content":{"size":20}"#), "no-body"),
        (entry("", OK).replace("2026-11-29", "yesterday"), "no-time"),
        (entry(r#","url":"https://h/__evergraph/stats""#, OK), "admin-route"),
    ] {
        // Of two members of one name serde reports an error, so the first is taken out.
        let entry = match entry.matches(r#""url":"#).count() {
            2 => entry.replace(r#""url":"https://h/a","#, ""),
            _ => entry,
        };
        let contents = read(har(&entry).as_bytes(), true);
        assert_eq!(contents.fault, None, "{entry}");
        assert_eq!(contents.skipped, [(reason, 1)].into_iter().collect(), "{entry}");
    }
}

#[test]
fn a_304_stands_for_the_body_before_it() {
    let condition = r#","headers":[{"name":"If-None-Match","value":"\"1\""}]"#;
    let text =
        har(&[entry("", OK), entry(condition, r#""status":304,"content":{"size":0}"#)].join(","));
    let contents = read(text.as_bytes(), true);
    assert_eq!(contents.recorded.len(), 2);
    let second = &contents.recorded[1];
    assert_eq!(second.response.status, 200);
    assert_eq!(second.response.body.as_deref(), Some(b"{}".as_slice()));
    assert!(!second.request.headers.contains("if-none-match"));
}

/// The response that the client has from then on has the headers of the 304 (RFC 9111 §3.2).
#[test]
fn a_304_brings_headers_up_to_date_and_must_name_the_same_version() {
    let etag = |tag: &str| format!(r#"{{"name":"ETag","value":"\"{tag}\""}}"#);
    let control = |value: &str| format!(r#"{{"name":"Cache-Control","value":"{value}"}}"#);
    let first = format!(r#"{OK},"headers":[{},{}]"#, etag("1"), control("max-age=1"));
    let contents = |tag: &str| {
        let condition = format!(r#","headers":[{{"name":"If-None-Match","value":"\"{tag}\""}}]"#);
        let headers = control("max-age=9");
        let second = entry(&condition, &format!(r#""status":304,"headers":[{headers}]"#));
        read(har(&[entry("", &first), second].join(",")).as_bytes(), true)
    };
    let same = contents("1");
    assert_eq!(same.recorded.len(), 2);
    let headers = &same.recorded[1].response.headers;
    assert_eq!(headers.joined("cache-control").as_deref(), Some("max-age=9"));
    assert_eq!(headers.get("etag"), Some("\"1\""));
    assert_eq!(contents("2").skipped, [("unknown-body", 1)].into_iter().collect());
}

/// Firefox describes its cache's entry in entries that have asked the server, too.
#[test]
fn a_304_that_firefox_describes_has_left_the_browser() {
    let second = entry("", r#""status":304"#)
        .replace(r#""time""#, r#""cache":{"afterRequest":{"eTag":"x"}},"time""#);
    let contents = read(har(&[entry("", OK), second].join(",")).as_bytes(), true);
    assert_eq!((contents.recorded.len(), contents.skipped.len()), (2, 0));
}

#[test]
fn every_member_may_be_absent_or_null() {
    let nothing = r#"{"startedDateTime":null,"time":null,"request":null,"response":null,"timings":null,"cache":null}"#;
    let nulls = entry(
        r#","headers":[{"name":"X","value":null},{"name":null,"value":"1"}],"cookies":null,"postData":null"#,
        r#""status":200,"content":{"size":2,"text":"{}","encoding":null},"headers":null,"_error":null"#,
    );
    let contents = read(har(&[nothing, "{}", &nulls].join(",")).as_bytes(), true);
    assert_eq!((contents.fault, contents.recorded.len()), (None, 1));
    assert_eq!(contents.skipped, [("no-url", 2)].into_iter().collect());
    assert_eq!(contents.recorded[0].request.headers.get("x"), Some(""));
}

/// A write reached the server, even if the browser did not wait for the response or kept no body.
#[test]
fn writes_are_replayed_without_their_responses_bodies() {
    let write = |response: &str| entry("", response).replace("GET", "PUT");
    let broken_off = write(r#""status":200,"content":{"size":0},"_error":"net::ERR_ABORTED""#);
    let text = har(&[write(r#""status":200,"content":{"size":20}"#), broken_off].join(","));
    assert_eq!(read(text.as_bytes(), true).recorded.len(), 2);
}

#[test]
fn the_conditions_and_pseudo_headers_of_the_client_are_left_out() {
    let headers = r#","headers":[{"name":":authority","value":"h"},{"name":"If-None-Match","value":"\"0\""},{"name":"Accept","value":"a"},{"name":"accept","value":"b"}]"#;
    let recorded = read(har(&entry(headers, OK)).as_bytes(), true).recorded;
    let names: Vec<&str> = recorded[0].request.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["accept", "accept"]);
}

#[test]
fn times_that_cannot_be_do_not_stop_the_clock() {
    for (time, millis) in [("1e300", 3_600_000), ("-1", 0), ("0", 0)] {
        let entry = entry("", OK).replace("12.6", time);
        assert_eq!(read(har(&entry).as_bytes(), true).recorded[0].millis, millis, "{time}");
    }
}

#[test]
fn logs_may_come_from_windows() {
    let line = r#"{"at":1,"url":"https://h/a","response":{"status":200,"body":"x"}}"#;
    let folder = std::env::temp_dir().join(format!("evergraph-windows-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in [
        ("log.ndjson", format!("\u{feff}{line}\r\n\r\n{line}\r\n")),
        ("har.har", format!("\u{feff}\r\n{}", har(&[entry("", OK), entry("", OK)].join(",\r\n")))),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        let (mut count, mut hosts) = (0, HostFilter::new(&[]));
        let mut each = |item| count += u64::from(matches!(item, Item::Recorded(_)));
        let read = read_file(&file, &mut hosts, &|_| (), &mut each);
        assert!(read.is_ok() && count == 2, "{name}: {count} {read:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_body_that_is_read_often_does_not_push_others_out() {
    let with_path = |path: &str, body: &str| {
        let response = format!(r#""status":200,"content":{{"size":1,"text":"{body}"}}"#);
        entry("", &response).replace("https://h/a", &format!("https://h/{path}"))
    };
    let large = "x".repeat(1 << 20);
    let mut entries = vec![with_path("small", "s")];
    entries.extend((0..40).map(|_| with_path("large", &large)));
    entries.push(entry("", r#""status":304"#).replace("https://h/a", "https://h/small"));
    let contents = read(har(&entries.join(",")).as_bytes(), true);
    assert_eq!((contents.recorded.len(), contents.skipped.len()), (42, 0));
}

#[test]
fn cookies_without_their_header_become_one() {
    let cookies = r#","cookies":[{"name":"a","value":"1"},{"name":"b","value":"2"}]"#;
    let recorded = read(har(&entry(cookies, OK)).as_bytes(), true).recorded;
    assert_eq!(recorded[0].request.headers.get("cookie"), Some("a=1; b=2"));
    assert_eq!(recorded[0].millis, 13);
}

#[test]
fn a_file_that_is_cut_off_counts_up_to_there() {
    let whole = har(&[entry("", OK), entry("", OK), entry("", OK)].join(","));
    let second_entry = whole.match_indices("startedDateTime").nth(1).unwrap().0;
    for end in 1..whole.len() {
        let contents = read(&whole.as_bytes()[..end], true);
        let fault = contents.fault.unwrap();
        assert!(fault.starts_with("x:1:") && fault.contains("cut off"), "{end}: {fault}");
        let count = contents.recorded.len();
        assert!(end > second_entry || count <= 1, "{end}: {count}");
        assert!(fault.contains(&format!("({count} entries before it were read)")), "{fault}");
    }
    assert_eq!(read(whole.as_bytes(), true).fault, None);
}

#[test]
fn a_file_that_is_no_har_file_is_refused_with_the_place() {
    for (text, message) in [
        (r#"{"log":{}}"#, "missing field `entries`"),
        (r#"{"log":[]}"#, "an object with the member \"entries\""),
        (r#"{"log":{"entries":[{"request":{"url":5}}]}}"#, "invalid type"),
        ("{\"log\":{\"entries\":[]}} x", "trailing characters"),
        ("{\"log\":{\"entries\":[}}", "expected value"),
    ] {
        let fault = read(text.as_bytes(), true).fault.unwrap();
        assert!(fault.starts_with("x:1:") && fault.contains(message), "{text}: {fault}");
    }
}

#[test]
fn reads_a_log_line_by_line() {
    let text = r#"{"at":1795924707612,"url":"https://h/a","response":{"status":200,"body":{"a":1}},"ms":4}

{"at":"2026-11-29T03:58:28Z","method":"POST","url":"https://h/graphql","headers":{"X":["1","2"]},"body":{"query":"{a}"},"response":{"status":200,"headers":{"Content-Type":"text/plain"},"body":"hi"},"more":true}
{"at":1,"url":"https://h/b","response":{"status":200,"body_base64":"AP8="}}
{"at":1,"url":"https://other/b","response":{"status":200}}
"#;
    let contents = read(text.as_bytes(), false);
    assert_eq!((contents.fault, contents.recorded.len()), (None, 3));
    assert_eq!(contents.skipped, [("other-host", 1)].into_iter().collect());
    let [first, second, third] = contents.recorded.as_slice() else { panic!() };
    assert_eq!((first.millis, first.response.body.as_deref()), (4, Some(br#"{"a":1}"#.as_slice())));
    assert_eq!(second.request.headers.joined("x").as_deref(), Some("1, 2"));
    assert_eq!(&*second.body, br#"{"query":"{a}"}"#);
    assert_eq!(third.response.body.as_deref(), Some([0, 255].as_slice()));
    let broken = read(format!("{text}{{\"at\":").as_bytes(), false);
    assert_eq!(broken.recorded.len(), 3);
    let fault = broken.fault.unwrap();
    assert!(fault.starts_with("x:6: ") && fault.contains("4 entries before it"), "{fault}");
}

#[test]
fn hosts_are_named_with_or_without_their_port() {
    let wants = |named: &str, host: &str| HostFilter::new(&[named.to_owned()]).wants(host);
    assert!(wants("API.example", "api.example") && wants("api.example", "api.example:8443"));
    assert!(wants("[::1]", "[::1]:80") && wants("api.example:1", "api.example:1"));
    assert!(!wants("api.example", "api.example.evil") && !wants("api.example:1", "api.example"));
    assert!(!wants("api.example:1", "api.example:12"));
}

#[test]
fn entries_are_sorted_within_a_window() {
    let mut in_order = InOrder::default();
    let mut times = Vec::new();
    let template = read(har(&entry("", OK)).as_bytes(), true).recorded.remove(0);
    for n in 0..1_000_u64 {
        let millis = n ^ 7;
        let at = crate::time::Timestamp::from_millis(millis);
        let ready = in_order.push(Recorded { at, ..template.clone() });
        times.extend(ready.iter().map(|one| one.at.as_millis()));
    }
    while let Some(one) = in_order.pop() {
        times.push(one.at.as_millis());
    }
    assert_eq!(times, (0..1_000).collect::<Vec<u64>>());
}

#[test]
fn a_log_may_leave_the_method_out() {
    let file = std::env::temp_dir().join(format!("evergraph-reads-{}.ndjson", std::process::id()));
    let lines = [
        r#"{"at":1,"url":"https://h/a","headers":{"range":"bytes=0-1","cookie":"a=1","x":"1"},"response":{"status":200}}"#,
        r#"{"at":2,"url":"https://h/a","method":"PUT","response":{"status":200}}"#,
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let reads = reads_of(&file, &[]).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(reads.len(), 1);
    assert_eq!(reads[0].headers, [("x".to_owned(), "1".to_owned())]);
}

#[test]
fn single_requests_are_found() {
    let second = entry_of(&fixture("chromium.har"), 2).unwrap();
    assert_eq!((second.method.as_str(), second.body.is_some()), ("POST", true));
    let missing = entry_of(&fixture("firefox.har"), 99).unwrap_err();
    assert!(missing.ends_with("there is no entry 99; it has 24"), "{missing}");
    let reads = reads_of(&fixture("chromium.har"), &[]).unwrap();
    let urls: Vec<&str> = reads.iter().map(|read| read.url.as_str()).collect();
    assert_eq!(urls, ["/", "/graphql", "/graphql", "/api/products/3", "/pixel.png"]);
    assert!(reads.iter().all(|read| read.headers.iter().all(|(name, _)| name != "Host")));
}

/// A HAR file that is made while it is read.
struct Endless {
    head: &'static str,
    entry: String,
    left: usize,
    pending: Vec<u8>,
    made: Rc<Cell<usize>>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.pending.is_empty() {
            self.pending = match (self.head, self.left) {
                ("", 0) => return Ok(0),
                ("", left) => {
                    self.left -= 1;
                    let end = if left == 1 { "]}}" } else { "," };
                    format!("{}{end}", self.entry).into_bytes()
                }
                (head, _) => head.as_bytes().to_vec(),
            };
            self.head = "";
        }
        let count = buffer.len().min(self.pending.len());
        buffer[..count].copy_from_slice(&self.pending[..count]);
        self.pending.drain(..count);
        self.made.set(self.made.get() + count);
        Ok(count)
    }
}

/// The file is 96 MB; it is read entry by entry, so that at no time more than the read-ahead of a buffer and
/// one entry lie between what was read and what was handed out.
#[test]
fn a_large_file_is_read_one_entry_at_a_time() {
    let text = "x".repeat(96 << 10);
    let entry = entry("", &format!(r#""status":200,"content":{{"size":2,"text":"{text}"}}"#));
    let (entry_bytes, count) = (entry.len(), 1_000);
    let made = Rc::new(Cell::new(0));
    let file = Endless {
        head: r#"{"log":{"entries":["#,
        entry,
        left: count,
        pending: Vec::new(),
        made: made.clone(),
    };
    let (mut handed_out, mut farthest) = (0, 0);
    let mut hosts = HostFilter::new(&[]);
    let read = read_recording("x", BufReader::new(file), true, &mut hosts, &mut |_| {
        handed_out += 1;
        farthest = farthest.max(made.get().saturating_sub(handed_out * entry_bytes));
    });
    assert!(read.is_ok() && handed_out == count);
    assert!(made.get() > 96_000_000, "{}", made.get());
    assert!(farthest < 2 * entry_bytes, "{farthest} bytes were read ahead");
}
