//! What the client receives: a stored response, or the origin's response with `X-Cache` and
//! `Cache-Status`.

use super::x_cache::XCache;
use crate::http::{Headers, Method, Request, Response, fields};
use crate::policy::{
    CacheStatus, ContentRange, PartialContent, Range, RangeResult, if_range_holds, not_modified,
};
use crate::stored::Entry;
use crate::time::Timestamp;

/// The response from an entry: the whole, a 304 if the client already has it, or the range that it
/// asks for (RFC 9110 §13.2.2).
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
        return not_modified_response(headers);
    }
    if request.method == Method::Head {
        return Response { status: meta.status, headers, body: [].into() };
    }
    match cut(entry, request) {
        Some(RangeResult::PartialContent(PartialContent { start, end, content_range })) => {
            headers.set("content-range", content_range);
            let body = entry.body.get(start..end).unwrap_or_default();
            Response { status: 206, headers, body: body.into() }
        }
        Some(RangeResult::Unsatisfiable(content_range)) => {
            // The 416 answers this range alone, so the entry's lifetime does not apply to it.
            fields::REPRESENTATION
                .iter()
                .chain(fields::STORAGE)
                .for_each(|name| headers.remove(name));
            headers.set("content-range", content_range);
            Response { status: 416, headers, body: [].into() }
        }
        Some(RangeResult::NotHeld) | None => {
            Response { status: meta.status, headers, body: entry.body.clone() }
        }
    }
}

/// The range that a GET asks for, if the entry supports ranges.
fn cut(entry: &Entry, request: &Request) -> Option<RangeResult> {
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

/// Whether an entry is a part that contains all bytes of the requested range.
pub fn covers_range(entry: &Entry, request: &Request) -> bool {
    entry.meta.status == 206 && matches!(cut(entry, request), Some(RangeResult::PartialContent(_)))
}

/// A 304 for a client that already has the response.
pub fn not_modified_response(mut headers: Headers) -> Response {
    fields::REPRESENTATION.iter().for_each(|name| headers.remove(name));
    Response { status: 304, headers, body: [].into() }
}

/// The headers of the origin's response as the client receives them.
pub fn headers_to_client(
    origin: &Headers,
    x_cache: XCache,
    status: &CacheStatus,
    keeps_cdn: bool,
) -> Headers {
    let mut headers = origin.clone();
    let for_caches =
        fields::FOR_CACHES.iter().filter(|name| !keeps_cdn || **name != "cdn-cache-control");
    for_caches.for_each(|name| headers.remove(name));
    headers.set("x-cache", x_cache.as_str());
    status.add_to(&mut headers);
    headers
}

/// The status for the client when the origin did not respond: 504 after a timeout, otherwise 502
/// (RFC 9110 §15.6.3, §15.6.5).
pub fn gateway_error_status(timed_out: bool) -> u16 {
    if timed_out { 504 } else { 502 }
}

/// Points a redirect to the origin's own address at the public address. A value with bytes that are
/// not UTF-8 is left unchanged, since it could not be rewritten without loss.
pub fn rewrite_location(origin: Option<&str>, request: &Request, headers: &mut Headers) {
    let Some(origin) = origin else { return };
    for name in fields::LOCATIONS {
        let target = headers.get(name).and_then(|value| value.strip_prefix(origin));
        let inside = |rest: &&str| {
            (rest.is_empty() || rest.starts_with(['/', '?', '#']))
                && !rest.contains(char::REPLACEMENT_CHARACTER)
        };
        if let Some(rest) = target.filter(inside) {
            let public = format!("{}{rest}", request.url.origin());
            headers.set(name, public);
        }
    }
}
