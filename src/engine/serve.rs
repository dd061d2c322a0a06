//! What the client gets: a stored answer, or the origin's with a word on what was done.

use crate::http::{Headers, Method, Request, Response};
use crate::policy::{
    CacheStatus, ContentRange, Cut, Part, Range, ResponseDirectives, if_range_holds, not_modified,
};
use crate::stored::Entry;
use crate::time::{Timestamp, Ttl};

/// `X-Cache`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XCache {
    /// Answered from the cache.
    Hit,
    /// Answered from the cache, though stale.
    Stale,
    /// Answered from the cache, after the origin said that it has not changed.
    Revalidated,
    /// Answered by the origin, after a look-up.
    Miss,
    /// Answered by the origin.
    Bypass,
}

impl XCache {
    /// The header's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "HIT",
            Self::Stale => "STALE",
            Self::Revalidated => "REVALIDATED",
            Self::Miss => "MISS",
            Self::Bypass => "BYPASS",
        }
    }
}

/// Headers that are for caches between the origin and the client.
const FOR_CACHES_ALONE: [&str; 5] =
    ["cache-tag", "surrogate-key", "surrogate-control", "cdn-cache-control", "xkey"];

/// Headers that speak of a body which a 304 does not have (RFC 9110 §15.4.5).
const OF_THE_BODY: [&str; 5] =
    ["content-type", "content-length", "content-encoding", "content-range", "last-modified"];

/// Headers by which another cache would keep an answer.
const OF_STORING: [&str; 4] = ["etag", "cache-control", "cdn-cache-control", "expires"];

/// The answer from an entry: whole, 304 where the client has it already, or the part that it asks
/// for (RFC 9110 §13.2.2). `status` says how it came to be.
pub fn response_from_entry(
    entry: &Entry,
    request: &Request,
    x_cache: XCache,
    status: &CacheStatus,
    now: Timestamp,
) -> Response {
    let meta = &entry.meta;
    let mut headers = meta.headers.clone();
    headers.set("age", meta.age(now).to_string());
    headers.set("x-cache", x_cache.as_str());
    status.add_to(&mut headers);
    let good = (200..300).contains(&meta.status);
    let received = meta.stored_at.as_millis() / 1000;
    if good && not_modified(request, &meta.headers, received) {
        return without_body(headers);
    }
    if request.method == Method::Head {
        return Response { status: meta.status, headers, body: [].into() };
    }
    match cut(entry, request) {
        Some(Cut::Part(Part { start, end, content_range })) => {
            headers.set("content-range", content_range);
            let body = entry.body.get(start..end).unwrap_or_default();
            Response { status: 206, headers, body: body.into() }
        }
        Some(Cut::Unsatisfiable(content_range)) => {
            // It is for this range alone, and the entry's lifetime is not its own.
            OF_THE_BODY.iter().chain(&OF_STORING).for_each(|name| headers.remove(name));
            headers.set("content-range", content_range);
            Response { status: 416, headers, body: [].into() }
        }
        Some(Cut::NotHere) | None => {
            Response { status: meta.status, headers, body: entry.body.clone() }
        }
    }
}

/// The range that a GET asks for, of an entry that may be cut.
fn cut(entry: &Entry, request: &Request) -> Option<Cut> {
    let meta = &entry.meta;
    if request.method != Method::Get || !if_range_holds(&request.headers, &meta.headers) {
        return None;
    }
    let range = Range::read(&request.headers)?;
    match meta.status {
        200 => Some(range.of_whole(entry.body.len())),
        206 => Some(range.of_part(ContentRange::read(&meta.headers)?, entry.body.len())),
        _ => None,
    }
}

/// Whether the entry is a part that has all the bytes which the request asks for.
pub fn has_range(entry: &Entry, request: &Request) -> bool {
    entry.meta.status == 206 && matches!(cut(entry, request), Some(Cut::Part(_)))
}

/// 304 for a client that has the answer already.
pub fn without_body(mut headers: Headers) -> Response {
    OF_THE_BODY.iter().for_each(|name| headers.remove(name));
    Response { status: 304, headers, body: [].into() }
}

/// Replaces the `Cache-Control` that the client gets, where the configuration says so: no purge
/// reaches a browser's own cache.
pub fn set_client_ttl(headers: &mut Headers, client_ttl: Option<Ttl>) {
    let Some(ttl) = client_ttl else { return };
    headers.remove("expires");
    let value = match ttl.as_seconds() {
        0 => "max-age=0, must-revalidate".to_owned(),
        seconds => format!("max-age={seconds}"),
    };
    headers.set("cache-control", value);
}

/// The same of an answer that is not stored: it is only ever shortened, what the origin keeps from
/// all caches stays so, and what is one person's stays that person's.
pub fn shorten_for_client(headers: &mut Headers, client_ttl: Option<Ttl>) {
    let mut for_clients = headers.clone();
    for_clients.retain(|name| name == "cache-control");
    let directives = ResponseDirectives::read(&for_clients);
    if client_ttl.is_some_and(Ttl::is_zero) && !directives.no_store {
        set_client_ttl(headers, client_ttl);
        if directives.private {
            headers.set("cache-control", "private, max-age=0, must-revalidate");
        }
    }
}

/// The headers of an answer that the origin gave, as the client gets them.
pub fn headers_to_client(
    origin: &Headers,
    x_cache: XCache,
    status: &CacheStatus,
    keeps_cdn: bool,
) -> Headers {
    let mut headers = origin.clone();
    let for_caches =
        FOR_CACHES_ALONE.iter().filter(|name| !keeps_cdn || **name != "cdn-cache-control");
    for_caches.for_each(|name| headers.remove(name));
    headers.set("x-cache", x_cache.as_str());
    status.add_to(&mut headers);
    headers
}

/// The status for the client where the origin did not answer: 504 where it took too long, else
/// 502 (RFC 9110 §15.6.3, §15.6.5).
pub fn status_of_origin(timed_out: bool) -> u16 {
    if timed_out { 504 } else { 502 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_stored_is_shortened_for_the_client_and_never_opened() {
        let after = |value: &str, seconds| {
            let mut headers: Headers = [("cache-control", value)].into_iter().collect();
            shorten_for_client(&mut headers, Some(Ttl::from_seconds(seconds)));
            headers.get("cache-control").unwrap_or_default().to_owned()
        };
        assert_eq!(after("max-age=300", 0), "max-age=0, must-revalidate");
        assert_eq!(after("max-age=9, private", 0), "private, max-age=0, must-revalidate");
        for (value, seconds) in [("max-age=5", 300), ("private", 300), ("no-store", 0)] {
            assert_eq!(after(value, seconds), value);
        }
    }
}
