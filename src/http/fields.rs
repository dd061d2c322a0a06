//! Sets of header names, each defined once and named for the property its members share.
//!
//! All names are in lower case. A set that is used for one decision still lives here, so that a new
//! header is considered in one place. What a header *means* is decided in `policy` and `engine`.

/// Headers that apply to one connection only (RFC 9110 §7.6.1), and are neither stored nor
/// forwarded.
pub const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The hop-by-hop headers that are removed from a request to the origin. The runtime frames the
/// body itself, so `Transfer-Encoding` and `Trailer` are left to it.
pub const HOP_BY_HOP_IN_REQUESTS: &[&str] =
    &["connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "upgrade"];

/// Headers of a WebSocket handshake's response that the runtime writes itself (RFC 6455 §4.2.2).
pub const WEBSOCKET_HANDSHAKE: &[&str] =
    &["connection", "upgrade", "sec-websocket-accept", "sec-websocket-extensions"];

/// Request headers that ask for something other than the whole response (RFC 9110 §13.1, §14.2).
/// They are not sent to the origin when its response may be stored.
pub const CONDITIONAL_OR_RANGE: &[&str] =
    &["if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"];

/// Conditions that only the origin can evaluate (RFC 9111 §4.3.2).
pub const ORIGIN_PRECONDITIONS: &[&str] = &["if-match", "if-unmodified-since"];

/// Headers with which a client asks for a part of a response (RFC 9110 §13.1.5, §14.2).
pub const RANGE_REQUEST: &[&str] = &["range", "if-range"];

/// Request headers that replace the request's method. Many frameworks honor them.
pub const METHOD_OVERRIDES: &[&str] =
    &["x-http-method-override", "x-http-method", "x-method-override"];

/// Request headers that could change a response and belong to no key, in addition to
/// `X-Forwarded-*`. An origin that believed them would let one client decide what all others
/// read, so they are not forwarded when the response may be stored.
pub const UNKEYED: &[&str] = &[
    "forwarded",
    "front-end-https",
    "x-host",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// Request headers that identify the client, whatever `ignore_headers` says.
pub const IDENTITY: &[&str] = &["authorization", "cookie"];

/// Request headers whose values many clients share, whoever they are: what they can read, where they are, and
/// what kind of device shows the response. No name is among them that could stand for a credential.
pub const SHARED_BY_MANY: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cf-ipcontinent",
    "cf-ipcountry",
    "content-type",
    "dpr",
    "origin",
    "save-data",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "viewport-width",
    "width",
];

/// Neutral request headers that a decision about a read or its response reads. A response may depend on the
/// other neutral headers only by its `Vary`.
pub const READ_THOUGH_NEUTRAL: &[&str] = &[
    "accept",
    "accept-encoding",
    "apollo-require-preflight",
    "cache-control",
    "content-encoding",
    "content-type",
    "if-modified-since",
    "if-none-match",
    "origin",
    "pragma",
    "x-apollo-operation-name",
];

/// Request headers that ask for more than a stored response, besides Evergraph's own and those that replace
/// the method.
pub const ASKS_FOR_MORE: &[&str] =
    &["if-match", "if-range", "if-unmodified-since", "range", "upgrade"];

/// Response headers that hold tags.
pub const TAGS: &[&str] = &["cache-tag", "surrogate-key", "xkey"];

/// Response headers that address caches in front of the origin, and are removed from what clients
/// receive: tags and targeted cache control (RFC 9213).
pub const FOR_CACHES: &[&str] =
    &["cache-tag", "surrogate-key", "xkey", "surrogate-control", "cdn-cache-control"];

/// Response headers that Evergraph or Cloudflare writes for each response.
pub const WRITTEN_PER_RESPONSE: &[&str] = &[
    "age",
    "x-cache",
    "cf-ray",
    "cf-cache-status",
    "evergraph-purge",
    "evergraph-key",
    "evergraph-tags",
];

/// Response headers that must be readable before a response is stored: what it depends on, and
/// what purges it.
pub const READ_BEFORE_STORING: &[&str] = &["vary", "cache-tag", "surrogate-key", "xkey"];

/// Response headers by which an origin states a freshness lifetime.
pub const LIFETIME: &[&str] =
    &["cache-control", "cdn-cache-control", "surrogate-control", "expires"];

/// Response headers that let another cache store or validate a response.
pub const STORAGE: &[&str] = &["etag", "cache-control", "cdn-cache-control", "expires"];

/// Response headers that describe one entity and its lifetime, and so do not hold for a batch
/// response that contains it.
pub const OF_ONE_ENTITY: &[&str] = &["etag", "last-modified", "cache-control", "expires"];

/// Headers that describe a body, and are absent from a 304 and a 416, which have none (RFC 9110
/// §15.4.5).
pub const REPRESENTATION: &[&str] =
    &["content-type", "content-length", "content-encoding", "content-range", "last-modified"];

/// Headers that describe the stored body's length and coding. A validation changes neither.
pub const STORED_BODY: &[&str] = &["content-length", "content-encoding", "content-range"];

/// Headers that describe the coded bytes of a body. They no longer hold once the coding is decoded
/// (RFC 9110 §7.7).
pub const CODED_BODY: &[&str] =
    &["content-encoding", "content-md5", "digest", "content-digest", "repr-digest"];

/// Headers that describe a body exactly as the origin sent it. They no longer hold once something
/// was taken out of it.
pub const EXACT_BODY: &[&str] = &[
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "content-md5",
    "digest",
    "content-digest",
    "repr-digest",
    "etag",
    "last-modified",
];

/// Response headers that point at another resource (RFC 9110 §8.7, §10.2.2).
pub const LOCATIONS: &[&str] = &["location", "content-location"];

/// Headers that decide what the edge cache does with a stored value, or that are written for each
/// value.
pub const READ_BY_EDGE_CACHE: &[&str] = &[
    "cache-control",
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "expires",
    "last-modified",
    "pragma",
    "vary",
];

/// Response headers that clients and caches rely on, and that therefore cannot be configured as
/// `tag_headers`.
pub const STANDARD_IN_RESPONSES: &[&str] = &[
    "age",
    "cache-control",
    "cdn-cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "location",
    "set-cookie",
    "vary",
];

/// Whether a response header is left out of the stored response (RFC 9111 §3.1): it belongs to one
/// connection or transfer, sets a cookie, addresses other caches, or is written for each response.
pub fn is_never_stored(name: &str) -> bool {
    matches!(name, "content-length" | "set-cookie")
        || [HOP_BY_HOP, FOR_CACHES, WRITTEN_PER_RESPONSE].iter().any(|set| set.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_name_the_headers_whose_values_many_share() {
        let page = include_str!("../../docs/statistics.md");
        let line = page.lines().find(|line| line.contains("whose values many clients share: "));
        let listed: Vec<&str> =
            line.unwrap().split('`').skip(1).step_by(2).filter(|name| *name != "vary").collect();
        assert_eq!(listed, SHARED_BY_MANY);
    }

    #[test]
    fn sets_that_build_on_others_contain_them() {
        for (whole, part) in [
            (UNKEYED, METHOD_OVERRIDES),
            (FOR_CACHES, TAGS),
            (READ_BEFORE_STORING, TAGS),
            (CONDITIONAL_OR_RANGE, ORIGIN_PRECONDITIONS),
            (CONDITIONAL_OR_RANGE, RANGE_REQUEST),
            (HOP_BY_HOP, HOP_BY_HOP_IN_REQUESTS),
            (REPRESENTATION, STORED_BODY),
        ] {
            assert!(part.iter().all(|name| whole.contains(name)), "{part:?}");
        }
    }
}
