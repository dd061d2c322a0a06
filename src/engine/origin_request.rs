//! What of a client's request the origin gets, and what of the origin's address the client sees,
//! wherever nothing else is decided. The only definition of it: requests that Wasm failed at are
//! forwarded by it too.

use crate::config::Config;
use crate::http::{Headers, Request, fields};

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

/// The headers with which the origin is asked for an answer that may be stored. What the
/// configuration puts in a key reaches the origin.
pub fn origin_request_headers(config: &Config, headers: &Headers) -> Headers {
    let mut headers = headers.clone();
    for name in fields::CONDITIONAL_OR_RANGE.iter().chain(fields::HOP_BY_HOP_IN_REQUESTS) {
        headers.remove(name);
    }
    // The client's address changes no answer that may be shared; the scheme is in the key.
    let is_unkeyed = |name: &str| {
        fields::UNKEYED.contains(&name)
            || (name.starts_with("x-forwarded-")
                && !matches!(name, "x-forwarded-for" | "x-forwarded-proto"))
    };
    headers.retain(|name| !is_unkeyed(name) || config.keys_by_header(name));
    // The runtime undoes gzip; an entry is kept as the client gets it.
    headers.set("accept-encoding", "gzip");
    headers
}

#[cfg(test)]
mod tests;
