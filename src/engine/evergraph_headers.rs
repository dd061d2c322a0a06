//! Request headers that are meant for Evergraph itself.

use super::purge_cookie::take_purge_cookies;
use super::purge_token::MOST_TOKENS;
use crate::admin;
use crate::http::Request;

/// What a request says to Evergraph alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvergraphHeaders {
    /// Whether an administrator asked for the entry's key and tags (`Evergraph-Debug: 1` with an
    /// admin token).
    pub debug: bool,
    /// The tokens of the client's own writes, from `Evergraph-Purge` and from cookies.
    pub purge_tokens: Vec<String>,
}

/// Removes from a request what is meant for Evergraph alone. `Evergraph-Purge` itself is removed
/// later, by `forwarded_headers`. The admin token of a debug request is removed as well: it is not
/// meant for the origin and does not identify the client.
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
    // One token more than are used is enough to show that there are too many.
    let sent = sent.take(MOST_TOKENS + 1).map(|token| token.trim().to_owned());
    let mut purge_tokens: Vec<String> = sent.collect();
    purge_tokens.extend(take_purge_cookies(service, &mut request.headers));
    EvergraphHeaders { debug, purge_tokens }
}
