//! What the client gets: a stored answer, or the origin's with a word on what was done.

use crate::entry::Entry;
use crate::http::{Headers, Response};
use crate::policy::{CacheStatus, not_modified};
use crate::time::{Timestamp, Ttl};

/// `X-Cache`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XCache {
    /// Answered from the cache.
    Hit,
    /// Answered from the cache, though stale.
    Stale,
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
            Self::Miss => "MISS",
            Self::Bypass => "BYPASS",
        }
    }
}

/// Headers that are for caches between the origin and the client.
const FOR_CACHES_ALONE: [&str; 5] =
    ["cache-tag", "surrogate-key", "surrogate-control", "cdn-cache-control", "xkey"];

/// Headers that speak of a body which a 304 does not have (RFC 9110 §15.4.5).
const OF_THE_BODY: [&str; 4] =
    ["content-type", "content-length", "content-encoding", "last-modified"];

/// The answer from an entry: whole, or 304 where the client has it already.
pub fn from_entry(
    entry: &Entry,
    tier: &'static str,
    stale: bool,
    request: &Headers,
    now: Timestamp,
) -> Response {
    let mut headers = entry.meta.headers.clone();
    let age = entry.meta.age(now);
    headers.set("age", age.to_string());
    headers.set("x-cache", if stale { XCache::Stale.as_str() } else { XCache::Hit.as_str() });
    CacheStatus::hit(entry.meta.ttl, age, tier).add_to(&mut headers);
    if not_modified(request, entry.meta.headers.get("etag")) {
        return without_body(headers);
    }
    Response { status: entry.meta.status, headers, body: entry.body.clone() }
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

/// The headers of an answer that the origin gave, as the client gets them.
pub fn passed_on(origin: &Headers, x_cache: XCache, status: &CacheStatus) -> Headers {
    let mut headers = origin.clone();
    FOR_CACHES_ALONE.iter().for_each(|name| headers.remove(name));
    headers.set("x-cache", x_cache.as_str());
    status.add_to(&mut headers);
    headers
}

/// The status for the client where the origin did not answer: 504 where it took too long, else
/// 502 (RFC 9110 §15.6.3, §15.6.5).
pub fn status_of_origin(timed_out: bool) -> u16 {
    if timed_out { 504 } else { 502 }
}
