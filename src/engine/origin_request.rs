//! What the origin receives of a client's request. Requests are forwarded by the same rules when
//! Wasm has failed.

use crate::config::Config;
use crate::http::{Headers, Request, fields};

/// The URL at the origin for a path and query. Without a configured origin it has the request's own
/// host.
pub fn origin_url(origin: Option<&str>, request: &Request, target: &str) -> String {
    match origin {
        Some(origin) => format!("{origin}{target}"),
        None => format!("{}{target}", request.url.origin()),
    }
}

/// The headers of a forwarded request. A configured origin learns the client's host and scheme from
/// `X-Forwarded-Host` and `X-Forwarded-Proto`, which Evergraph sets; the client's own values are
/// not trusted.
pub fn forwarded_headers(origin: Option<&str>, request: &Request, mut headers: Headers) -> Headers {
    headers.remove("evergraph-purge");
    if origin.is_some() {
        headers.remove("host");
        headers.set("x-forwarded-host", request.url.host.clone());
        headers.set("x-forwarded-proto", request.url.scheme.clone());
    }
    headers
}

/// The request headers for a response that may be stored. Headers that could change the response
/// and are not part of the key are removed.
pub fn origin_request_headers(config: &Config, headers: &Headers) -> Headers {
    let mut headers = headers.clone();
    for name in fields::CONDITIONAL_OR_RANGE.iter().chain(fields::HOP_BY_HOP_IN_REQUESTS) {
        headers.remove(name);
    }
    // `X-Forwarded-For` is kept, because no shared response may depend on the client's address;
    // `X-Forwarded-Proto` is kept, because the scheme is part of the key.
    let is_unkeyed = |name: &str| {
        fields::UNKEYED.contains(&name)
            || (name.starts_with("x-forwarded-")
                && !matches!(name, "x-forwarded-for" | "x-forwarded-proto"))
    };
    headers.retain(|name| !is_unkeyed(name) || config.keys_by_header(name));
    // The runtime decodes gzip, so the entry holds the decoded body.
    headers.set("accept-encoding", "gzip");
    headers
}

#[cfg(test)]
mod tests;
