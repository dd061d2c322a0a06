//! The response headers that Evergraph adds or changes: one table, with their documentation.
//!
//! docs/operations.md is generated from the table (`UPDATE_DOCS=1 cargo test --test reference`). To add
//! a header, add a row with a function that sets it; every response passes through [`finish`] last. The
//! rows without a function describe headers whose values are known only where a response is made.

use crate::engine::rewrite_location;
use crate::http::{Headers, Request};

/// A response header that Evergraph adds or changes.
#[derive(Debug)]
pub struct AddedHeader {
    /// The names, as the documentation writes them.
    pub names: &'static [&'static str],
    /// Which responses have it, in Markdown.
    pub present_on: &'static str,
    /// Its value, in Markdown.
    pub value: &'static str,
    /// Whether `worker/js/rescue.js` sets it as well, on the responses that are made without Wasm.
    pub without_wasm: bool,
    /// Sets it, if the response is to have it. `None`: it is set where the response is made.
    set: Option<fn(&ResponseFacts<'_>, &mut Headers)>,
}

/// What the functions of the table know of a response, in addition to its headers.
#[derive(Debug, Clone, Copy)]
pub struct ResponseFacts<'a> {
    /// The client's request, without the headers that are for Evergraph alone.
    pub request: &'a Request,
    /// The origin's address, if one is configured.
    pub origin: Option<&'a str>,
}

/// The table, in the order of the documentation.
pub const ADDED_HEADERS: &[AddedHeader] = &[
    AddedHeader {
        names: &["X-Cache"],
        present_on: "every response except admin routes, upgrades, the 400 for a body that broke off, the 504 for `only-if-cached`, the 502 while `origin` is invalid, and statuses outside 200 to 599",
        value: "see below",
        without_wasm: true,
        set: None,
    },
    AddedHeader {
        names: &["Cache-Status"],
        present_on: "the same; appended to what other caches wrote there",
        value: "see below",
        without_wasm: true,
        set: None,
    },
    AddedHeader {
        names: &["Age"],
        present_on: "every response from the cache, including stale and revalidated ones; on a miss, the origin's own",
        value: "seconds (RFC 9111 §4.2.3), from the origin's `Age` and `Date`, its response time, and the time in the cache",
        without_wasm: false,
        set: None,
    },
    AddedHeader {
        names: &["Date"],
        present_on: "stored responses",
        value: "the origin's. If there is none, when the response arrived (RFC 9110 §6.6.1)",
        without_wasm: false,
        set: None,
    },
    AddedHeader {
        names: &["ETag"],
        present_on: "stored responses",
        value: "the origin's. If there is none, or if something was [removed](#how-queries-are-changed-on-the-way-to-the-origin) from the response, `\"eg-<32 hex digits>\"`, computed from the body. A REST miss is sent before its body is complete, so a computed `ETag` appears only on hits, unless the request has `If-None-Match`. A strong `ETag` becomes weak if gzip was decoded",
        without_wasm: false,
        set: None,
    },
    AddedHeader {
        names: &["Location", "Content-Location"],
        present_on: "responses of the origin that have them",
        value: "the origin's. If it begins with the configured `origin`, the public address replaces that",
        without_wasm: false,
        set: Some(|facts, headers| rewrite_location(facts.origin, facts.request, headers)),
    },
    AddedHeader {
        names: &["Evergraph-Purge"],
        present_on: "writes whose purge is recorded; `POST purge`",
        value: "an opaque [token](#read-your-own-writes) of that purge",
        without_wasm: false,
        set: None,
    },
    AddedHeader {
        names: &["Set-Cookie"],
        present_on: "writes, together with `Evergraph-Purge`, with [`purge.cookie`](configuration.md#purge)",
        value: "`evergraph-purge-<service>=<token>`",
        without_wasm: false,
        set: None,
    },
    AddedHeader {
        names: &["Evergraph-Key", "Evergraph-Tags"],
        present_on: "requests with `Evergraph-Debug: 1` and `Authorization: Bearer <admin token>`, if an entry is served or stored",
        value: "the key; the tags, separated by commas, at most 8,000 bytes. The token is removed before the origin sees the request, and is not a signal",
        without_wasm: false,
        set: None,
    },
];

/// The last step for the headers of every response that is not the origin's untouched.
pub fn finish(facts: &ResponseFacts<'_>, headers: &mut Headers) {
    ADDED_HEADERS.iter().filter_map(|header| header.set).for_each(|set| set(facts, headers));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fields;
    use crate::service::testing::request;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_has_each_header_once() {
        let mut seen = BTreeSet::new();
        let names = ADDED_HEADERS.iter().flat_map(|header| header.names);
        names.for_each(|name| assert!(seen.insert(name.to_ascii_lowercase()), "{name}"));
    }

    /// Otherwise an origin that is Evergraph too, or a stored response, could show a client a header
    /// of another request.
    #[test]
    fn no_header_that_only_evergraph_writes_is_stored() {
        const ALSO_OF_ORIGINS: [&str; 5] =
            ["Cache-Status", "Date", "ETag", "Location", "Content-Location"];
        for name in ADDED_HEADERS.iter().flat_map(|header| header.names) {
            assert_eq!(
                fields::is_never_stored(&name.to_ascii_lowercase()),
                !ALSO_OF_ORIGINS.contains(name),
                "{name}: add it to WRITTEN_PER_RESPONSE in src/http/fields.rs; if an origin's value \
                 counts, add it to ALSO_OF_ORIGINS here instead"
            );
        }
    }

    #[test]
    fn the_functions_of_the_table_are_called() {
        let request = request("GET", "/a");
        let facts = ResponseFacts { request: &request, origin: Some("https://api.example.com") };
        let mut headers: Headers =
            [("location", "https://api.example.com/b")].into_iter().collect();
        finish(&facts, &mut headers);
        assert_eq!(headers.get("location"), Some(&*format!("{}/b", request.url.origin())));
    }
}
