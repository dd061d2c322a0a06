//! What of a client's request the origin gets, and what of the origin's address the client sees,
//! wherever nothing else is decided. The only definition of it: requests that Wasm failed at are
//! forwarded by it too.

use super::purge_cookie::take_purge_cookies;
use super::purge_token::MOST_TOKENS;
use crate::admin;
use crate::http::{Headers, Request};

/// What a request says to Evergraph alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvergraphHeaders {
    /// Whether an administrator asks to see keys and tags.
    pub debug: bool,
    /// The tokens of the client's own writes, in headers and cookies.
    pub purge_tokens: Vec<String>,
}

/// Takes off a request what is for Evergraph alone, but for the header with a write's token, which
/// [`forwarded_headers`] leaves out. An administrator's token on a debugging request is neither for
/// the origin nor a sign of who is asking.
pub fn take_evergraph_headers(
    request: &mut Request,
    service: &str,
    admin_tokens: impl FnOnce() -> Option<String>,
) -> EvergraphHeaders {
    let wants = request.headers.get("evergraph-debug") == Some("1");
    let tokens = wants.then(admin_tokens).flatten();
    let debug =
        wants && admin::access(tokens.as_deref(), &request.headers) == admin::Access::Granted;
    if debug && !request.url.path.starts_with(admin::PREFIX) {
        request.headers.remove("authorization");
    }
    request.headers.remove("evergraph-debug");
    let sent = request.headers.get_all("evergraph-purge").flat_map(|tokens| tokens.split(','));
    // One too many is enough to show that there are.
    let sent = sent.take(MOST_TOKENS + 1).map(|token| token.trim().to_owned());
    let mut purge_tokens: Vec<String> = sent.collect();
    purge_tokens.extend(take_purge_cookies(service, &mut request.headers));
    EvergraphHeaders { debug, purge_tokens }
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
mod tests;
