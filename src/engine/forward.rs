//! What of a client's request the origin gets, and what of the origin's address the client sees,
//! wherever nothing else is decided. The only definition of it: requests that Wasm failed at are
//! forwarded by it too.

use super::purge_cookie::take_purge_cookie;
use crate::admin;
use crate::http::{Headers, Request};
use crate::purge::Seq;

/// What a request says to Evergraph alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnHeaders {
    /// Whether an administrator asks to see keys and tags.
    pub debug: bool,
    /// The number of the client's own write, as the header has it.
    pub purge: Option<Seq>,
    /// The same as the cookie has it.
    pub purge_cookie: Option<Seq>,
}

/// Takes off a request what is for Evergraph alone, but for the header with a write's number, which
/// [`forwarded_headers`] leaves out. An administrator's token on a debugging request is neither for
/// the origin nor a sign of who is asking.
pub fn take_own_headers(
    request: &mut Request,
    admin_tokens: impl FnOnce() -> Option<String>,
) -> OwnHeaders {
    let wants = request.headers.get("evergraph-debug") == Some("1");
    let tokens = wants.then(admin_tokens).flatten();
    let debug =
        wants && admin::access(tokens.as_deref(), &request.headers) == admin::Access::Granted;
    if debug && !request.url.path.starts_with(admin::PREFIX) {
        request.headers.remove("authorization");
    }
    request.headers.remove("evergraph-debug");
    let purge = request.headers.get("evergraph-purge").and_then(|seq| seq.trim().parse().ok());
    OwnHeaders { debug, purge, purge_cookie: take_purge_cookie(&mut request.headers) }
}

/// Where an origin has the client's path and query, or another `target`. Without an origin of its
/// own name it is the request's own host.
pub fn origin_url(origin: Option<&str>, request: &Request, target: &str) -> String {
    match origin {
        Some(origin) => format!("{origin}{target}"),
        None => format!("{}{target}", request.url.origin()),
    }
}

/// The headers of a request as the origin gets them. An origin of another name is told which name
/// the client used, as Evergraph's own word: what the client says of that is not believed.
pub fn forwarded_headers(origin: Option<&str>, request: &Request, mut headers: Headers) -> Headers {
    headers.remove("evergraph-purge");
    if origin.is_some() {
        headers.remove("host");
        headers.set("x-forwarded-host", request.url.host.clone());
        headers.set("x-forwarded-proto", request.url.scheme.clone());
    }
    headers
}

/// A redirect to the origin's own address leads the client to the public one. One with bytes that
/// are not UTF-8 stays as it is, for they could not be written again.
pub fn rewrite_location(origin: Option<&str>, request: &Request, headers: &mut Headers) {
    let Some(origin) = origin else { return };
    for name in ["location", "content-location"] {
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

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
