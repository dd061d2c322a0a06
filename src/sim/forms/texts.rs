//! Texts by REST: they differ by `Accept-Language`, and clients ask for parts of them, for their heads,
//! and whether they have changed.
//!
//! A text is made of lines of one length, each of which says whose it is. So a part can be judged by
//! itself, and one that was put together of two versions shows.

use super::{Times, somewhere};
use crate::http::{Headers, Request};
use crate::sim::clients::{Fleet, Got, request};
use crate::sim::judging::Reading;
use crate::sim::origin::{Api, ApiResponse};
use crate::sim::universe::Universe;
use serde_json::json;
use std::rc::Rc;

const LINES: usize = 40;
const LINE_BYTES: usize = 32;
const LANGUAGES: [&str; 2] = ["en", "de"];
/// Texts that there are.
const TEXTS: u64 = 3;

/// The name of a text among entities.
pub fn text(id: &str) -> String {
    format!("text {id}")
}

/// What the origin answers about a text; none for another path.
pub fn text_answer(
    api: &Api,
    universe: &Universe,
    method: &str,
    path: &str,
    headers: &Headers,
) -> Option<ApiResponse> {
    let id = path.strip_prefix("/api/texts/")?;
    if method == "PUT" {
        let write = headers.get("x-write").and_then(|number| number.parse::<u64>().ok());
        let version = api.write(universe, &json!(write), &text(id));
        let object = json!({ "__typename": "Text", "id": id, "v": version, "who": "", "service": api.service });
        let json_type = [("content-type", "application/json")].into_iter().collect();
        return Some((200, json_type, object.to_string().into_bytes()));
    }
    let version = api.version(&text(id), universe.now());
    let language = headers.get("accept-language").unwrap_or("en");
    let line = format!("{id} {language} {} {version:012}", api.service);
    let body = format!("{line:.<width$}\n", width = LINE_BYTES - 1).repeat(LINES).into_bytes();
    let etag = format!("\"{version}-{language}\"");
    let mut fields: Headers =
        [("content-type", "text/plain"), ("vary", "accept-language"), ("accept-ranges", "bytes")]
            .into_iter()
            .collect();
    fields.set("etag", etag.as_str());
    if headers.get("if-none-match").is_some_and(|asked| asked == etag) {
        return Some((304, fields, Vec::new()));
    }
    let whole = headers.get("if-range").is_some_and(|known| known != etag);
    let range = headers.get("range").filter(|_| !whole && method == "GET").and_then(span);
    Some(match range {
        Some((first, last)) if first < body.len() => {
            let last = last.min(body.len() - 1);
            fields.set("content-range", format!("bytes {first}-{last}/{}", body.len()));
            (206, fields, body[first..=last].to_vec())
        }
        _ if method == "HEAD" => (200, fields, Vec::new()),
        _ => (200, fields, body),
    })
}

/// The bytes that `bytes=first-last` names.
fn span(range: &str) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let last = if last.is_empty() { usize::MAX } else { last.parse().ok()? };
    Some((first.parse().ok()?, last))
}

pub(super) async fn live(fleet: Rc<Fleet>, name: String, times: Times) {
    let mut known = None;
    while times.pass(&fleet).await {
        let universe = &fleet.universe;
        let which = somewhere(&fleet);
        let id = universe.random.below(TEXTS).to_string();
        let language = *universe.random.of(&LANGUAGES);
        let path = format!("/api/texts/{id}");
        let mut asked = request("GET", &path);
        match universe.random.below(100) {
            0..40 => {}
            40..55 => asked.method = crate::http::Method::Head,
            55..75 => asked.headers.set("range", part(&fleet)),
            75..90 => {
                if let Some(etag) = &known {
                    let field = *universe.random.of(&["if-none-match", "if-range"]);
                    asked.headers.set(field, String::clone(etag));
                    if field == "if-range" {
                        asked.headers.set("range", part(&fleet));
                    }
                }
            }
            _ => {
                fleet.put(&name, which, &path).await;
                continue;
            }
        }
        asked.headers.set("accept-language", language);
        known = read(&fleet, &name, which, asked, &id).await.or(known);
    }
}

fn part(fleet: &Fleet) -> String {
    let random = &fleet.universe.random;
    let first = random.below((LINES * LINE_BYTES) as u64);
    match random.happens(300) {
        true => format!("bytes={first}-"),
        false => format!("bytes={first}-{}", first + random.below(600)),
    }
}

/// Reads a text, and returns its `ETag`.
async fn read(
    fleet: &Rc<Fleet>,
    name: &str,
    which: usize,
    asked: Request,
    id: &str,
) -> Option<String> {
    let reading = fleet.reading(name, which, &format!("{} text {id}", asked.method.as_str()));
    let (method, fields) = (asked.method.as_str().to_owned(), asked.headers.clone());
    let got = fleet.ask(which, asked, Vec::new()).await?;
    if !(200..305).contains(&got.status) {
        return None;
    }
    let etag = got.headers.get("etag").map(str::to_owned);
    let of_head = method == "HEAD" || got.status == 304;
    let shown = match of_head {
        true => etag.iter().cloned().collect(),
        false => lines(fleet, &got, id, &fields, &reading),
    };
    for tag in &shown {
        let (version, language) = tag.trim_matches('"').split_once('-').unwrap_or_default();
        if Some(language) != fields.get("accept-language") {
            let how = reading.how(&got);
            fleet.universe.laws.broken(format!("another variant: {tag} for {language:?} ({how})"));
        }
        let version = version.parse().unwrap_or(0);
        fleet.judge_version(&reading, &got, &text(id), version);
    }
    etag
}

/// The `ETag`s of the versions that lines show, of which there has to be one.
fn lines(fleet: &Fleet, got: &Got, id: &str, fields: &Headers, reading: &Reading) -> Vec<String> {
    let range = got.headers.get("content-range").and_then(|range| range.strip_prefix("bytes "));
    let first = range.and_then(|range| range.split('-').next()?.parse::<usize>().ok()).unwrap_or(0);
    let laws = &fleet.universe.laws;
    let how = reading.how(got);
    if got.status == 206 {
        let asked = fields.get("range").and_then(span);
        if asked.is_none_or(|(from, _)| from != first) {
            laws.broken(format!("another part: {range:?} for {asked:?} ({how})"));
        }
    } else if got.body.len() != LINES * LINE_BYTES {
        laws.broken(format!("a text of {} bytes ({how})", got.body.len()));
    }
    let skipped = (LINE_BYTES - first % LINE_BYTES) % LINE_BYTES;
    let whole = got.body.get(skipped..).unwrap_or_default();
    let mut shown = Vec::new();
    for line in whole.chunks_exact(LINE_BYTES) {
        let line = String::from_utf8_lossy(line).trim_end_matches(['.', '\n']).to_owned();
        let words: Vec<&str> = line.split(' ').collect();
        let [of, language, service, version] = words[..] else {
            laws.broken(format!("no line of a text: {line:?} ({how})"));
            return shown;
        };
        if of != id || service != reading.service.to_string() {
            laws.broken(format!("another request's answer: {line:?} for text {id} ({how})"));
        }
        let tag = format!("\"{}-{language}\"", version.trim_start_matches('0'));
        if !shown.contains(&tag) {
            shown.push(tag);
        }
    }
    if shown.len() > 1 {
        laws.broken(format!("a text of several versions: {shown:?} ({how})"));
    }
    shown
}
