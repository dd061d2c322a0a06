//! HAR files (HTTP Archive 1.2), read one entry at a time.
//!
//! Chromium and Firefox differ in what they leave out: Firefox has no `text` for an empty body and no
//! `content` details for a failed request, Chromium writes -1 for what it does not know. Every member
//! is optional here.

use super::base64::base64_decoded;
use super::date::parse_date;
use super::entry::RawEntry;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::Read;

/// Calls `each` with every entry, and ends where the file is broken.
pub(super) fn read_har(
    file: impl Read,
    each: &mut dyn FnMut(RawEntry),
) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_reader(file);
    Member { name: "log", inner: Member { name: "entries", inner: Entries(each) } }
        .deserialize(&mut json)?;
    json.end()
}

/// An object of which one member is read.
struct Member<S> {
    name: &'static str,
    inner: S,
}

impl<'de, S: DeserializeSeed<'de, Value = ()>> DeserializeSeed<'de> for Member<S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de, Value = ()>> Visitor<'de> for Member<S> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an object with the member {:?}, as HAR files have", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut inner = Some(self.inner);
        while let Some(name) = map.next_key::<String>()? {
            match inner.take_if(|_| name == self.name) {
                Some(inner) => map.next_value_seed(inner)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match inner {
            None => Ok(()),
            Some(_) => Err(serde::de::Error::missing_field(self.name)),
        }
    }
}

struct Entries<'e>(&'e mut dyn FnMut(RawEntry));

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element::<HarEntry>()? {
            (self.0)(entry.into());
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarEntry {
    started_date_time: Option<String>,
    time: Option<f64>,
    request: Option<HarRequest>,
    response: Option<HarResponse>,
    timings: Option<Timings>,
    cache: Option<Cache>,
    /// Chromium: `memory` or `disk`.
    #[serde(rename = "_fromCache")]
    from_cache: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest {
    method: Option<String>,
    url: Option<String>,
    headers: Option<Vec<NamedValue>>,
    cookies: Option<Vec<NamedValue>>,
    post_data: Option<PostData>,
}

#[derive(Default, Deserialize)]
struct HarResponse {
    status: Option<f64>,
    headers: Option<Vec<NamedValue>>,
    content: Option<Content>,
    /// Chromium: why the response was broken off.
    #[serde(rename = "_error")]
    error: Option<String>,
    /// Chromium: where a service worker took the response from.
    #[serde(rename = "_serviceWorkerResponseSource")]
    service_worker_source: Option<String>,
}

#[derive(Deserialize)]
struct NamedValue {
    name: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize)]
struct PostData {
    text: Option<String>,
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    size: Option<f64>,
    text: Option<String>,
    encoding: Option<String>,
}

#[derive(Default, Deserialize)]
struct Timings {
    wait: Option<f64>,
    receive: Option<f64>,
}

/// Firefox describes the entry of its own cache that it used. With a 304 it had asked the server.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cache {
    after_request: Option<IgnoredAny>,
}

impl From<HarEntry> for RawEntry {
    fn from(entry: HarEntry) -> Self {
        let request = entry.request.unwrap_or_default();
        let response = entry.response.unwrap_or_default();
        let timings = entry.timings.unwrap_or_default();
        let pairs = |list: Option<Vec<NamedValue>>| -> Vec<(String, String)> {
            let pairs = list.into_iter().flatten();
            pairs.filter_map(|pair| Some((pair.name?, pair.value.unwrap_or_default()))).collect()
        };
        let known = |millis: &Option<f64>| millis.filter(|millis| *millis >= 0.0);
        let waited = known(&timings.wait).map(|wait| wait + known(&timings.receive).unwrap_or(0.0));
        let millis = waited.or(known(&entry.time)).unwrap_or(0.0).round() as u64;
        let mut headers = pairs(request.headers);
        let has_cookie = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        let cookies = pairs(request.cookies);
        if !has_cookie && !cookies.is_empty() {
            let cookies: Vec<String> =
                cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.push(("cookie".to_owned(), cookies.join("; ")));
        }
        let status = response.status.unwrap_or(0.0) as i64;
        Self {
            at: entry.started_date_time.as_deref().and_then(parse_date),
            millis,
            method: request.method.unwrap_or_default(),
            url: request.url.unwrap_or_default(),
            headers,
            body: request.post_data.and_then(|data| bytes(data.text?, data.encoding.as_deref())),
            status,
            response_headers: pairs(response.headers),
            response_body: response.content.and_then(|content| body_of(content, status)),
            is_from_browser: entry.from_cache.is_some()
                || response.service_worker_source.is_some_and(|source| source != "network")
                || (status != 304
                    && entry.cache.is_some_and(|cache| cache.after_request.is_some())),
            is_broken_off: response.error.is_some_and(|error| !error.is_empty()),
        }
    }
}

/// The body of a response; `None` if the file lacks it.
fn body_of(content: Content, status: i64) -> Option<Vec<u8>> {
    match content.text {
        Some(text) if !text.is_empty() => bytes(text, content.encoding.as_deref()),
        _ => {
            let is_empty = content.size == Some(0.0) || matches!(status, 204 | 300..400);
            is_empty.then(Vec::new)
        }
    }
}

fn bytes(text: String, encoding: Option<&str>) -> Option<Vec<u8>> {
    match encoding {
        Some("base64") => base64_decoded(&text),
        _ => Some(text.into_bytes()),
    }
}
