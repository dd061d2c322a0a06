//! Texts by REST: they differ by `Accept-Language`, and clients ask for parts of them, for their heads,
//! and whether they have changed.
//!
//! A text is made of lines of one length, each of which says whose it is. So a part can be judged by
//! itself, and one that was put together of two versions shows.

use super::schedule::{Schedule, any_isolate};
use crate::http::{Headers, Request};
use crate::sim::fleet::{ClientResponse, Fleet};
use crate::sim::judging::Reading;
use crate::sim::origin::{LINE_BYTES, LINES, span, text};
use crate::sim::requests::request;
use std::rc::Rc;

const LANGUAGES: [&str; 2] = ["en", "de"];
/// Texts that there are.
const TEXTS: u64 = 3;

pub(super) async fn live(fleet: Rc<Fleet>, name: String, times: Schedule) {
    let mut known = None;
    while times.pass(&fleet).await {
        let universe = &fleet.universe;
        let which = any_isolate(&fleet);
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
            fleet.universe.laws.report(format!("another variant: {tag} for {language:?} ({how})"));
        }
        let version = version.parse().unwrap_or(0);
        fleet.judge_version(&reading, &got, &text(id), version);
    }
    etag
}

/// The `ETag`s of the versions that lines show, of which there has to be one.
fn lines(
    fleet: &Fleet,
    got: &ClientResponse,
    id: &str,
    fields: &Headers,
    reading: &Reading,
) -> Vec<String> {
    let range = got.headers.get("content-range").and_then(|range| range.strip_prefix("bytes "));
    let first = range.and_then(|range| range.split('-').next()?.parse::<usize>().ok()).unwrap_or(0);
    let laws = &fleet.universe.laws;
    let how = reading.how(got);
    if got.status == 206 {
        let asked = fields.get("range").and_then(span);
        if asked.is_none_or(|(from, _)| from != first) {
            laws.report(format!("another part: {range:?} for {asked:?} ({how})"));
        }
    } else if got.body.len() != LINES * LINE_BYTES {
        laws.report(format!("a text of {} bytes ({how})", got.body.len()));
    }
    let skipped = (LINE_BYTES - first % LINE_BYTES) % LINE_BYTES;
    let whole = got.body.get(skipped..).unwrap_or_default();
    let mut shown = Vec::new();
    for line in whole.chunks_exact(LINE_BYTES) {
        let line = String::from_utf8_lossy(line).trim_end_matches(['.', '\n']).to_owned();
        let words: Vec<&str> = line.split(' ').collect();
        let [of, language, service, version] = words[..] else {
            laws.report(format!("no line of a text: {line:?} ({how})"));
            return shown;
        };
        if of != id || service != reading.service.to_string() {
            laws.report(format!("another request's answer: {line:?} for text {id} ({how})"));
        }
        let tag = format!("\"{}-{language}\"", version.trim_start_matches('0'));
        if !shown.contains(&tag) {
            shown.push(tag);
        }
    }
    if shown.len() > 1 {
        laws.report(format!("a text of several versions: {shown:?} ({how})"));
    }
    shown
}
