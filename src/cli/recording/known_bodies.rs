//! The bodies that later 304s stand for.

use crate::http::{Headers, Request};
use crate::key::sha256_hex;
use crate::offline::RecordedResponse;
use std::collections::BTreeMap;

/// How many bytes of memory the responses take. Beyond that, all are forgotten.
const CAPACITY: usize = 32 << 20;
/// What a response takes besides itself and its key: its place in the map.
const PLACE_BYTES: usize = 128;

/// The last response with a body for each request.
pub(super) struct KnownBodies {
    responses: BTreeMap<String, RecordedResponse>,
    bytes: usize,
    capacity: usize,
}

impl Default for KnownBodies {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl KnownBodies {
    fn new(capacity: usize) -> Self {
        Self { responses: BTreeMap::new(), bytes: 0, capacity }
    }

    /// Keeps a response for later.
    pub fn learn(&mut self, request: &Request, response: &RecordedResponse) {
        let key = key(request);
        if let Some(known) = self.responses.remove(&key) {
            self.bytes = self.bytes.saturating_sub(size(&key, &known));
        }
        let size = size(&key, response);
        if size > self.capacity / 4 {
            return;
        }
        if self.bytes + size > self.capacity {
            self.responses.clear();
            self.bytes = 0;
        }
        self.bytes += size;
        self.responses.insert(key, response.clone());
    }

    /// The response that a 304 with these headers stands for, with its headers brought up to date (RFC 9111
    /// §3.2). `None` if none is known, or only one with another `ETag`. `asked_for` is the `If-None-Match` of
    /// the request.
    pub fn find(
        &self,
        request: &Request,
        asked_for: Option<&str>,
        not_modified: Headers,
    ) -> Option<RecordedResponse> {
        let known = self.responses.get(&key(request))?;
        let names = not_modified.get("etag").or(asked_for);
        if let (Some(etag), Some(names)) = (known.headers.get("etag"), names)
            && !names.split(',').any(|one| opaque(one) == opaque(etag))
        {
            return None;
        }
        let mut headers = known.headers.clone();
        let is_replaced =
            |name: &str| matches!(name, "age" | "date") || not_modified.contains(name);
        headers.retain(|name| !is_replaced(name));
        not_modified.iter().for_each(|(name, value)| headers.append(name, value));
        Some(RecordedResponse { headers, ..known.clone() })
    }
}

fn size(key: &str, response: &RecordedResponse) -> usize {
    PLACE_BYTES + key.len() + response.memory_bytes()
}

/// A tag as the weak comparison sees it (RFC 9110 §8.8.3.2).
fn opaque(etag: &str) -> &str {
    let etag = etag.trim();
    etag.strip_prefix("W/").unwrap_or(etag)
}

fn key(request: &Request) -> String {
    let text =
        format!("{} {}{}", request.method.as_str(), request.url.origin(), request.url.target());
    // URLs are as long as their senders like.
    if text.len() > 200 { sha256_hex(text.as_bytes()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Method, Url};

    const CAPACITY: usize = 64 << 10;

    fn request(path: &str) -> Request {
        let url = Url::parse(&format!("https://h/{path}")).unwrap();
        Request { method: Method::Get, url, headers: Headers::new() }
    }

    fn response(header: &str, body: &[u8]) -> RecordedResponse {
        let headers = [("x", header)].into_iter().collect();
        RecordedResponse { status: 200, headers, body: Some(body.into()) }
    }

    /// Responses without a body take memory too: by their URLs, by their headers, and each by itself.
    #[test]
    fn keys_headers_and_entries_count() {
        for (path, header, most) in
            [(0, 0, CAPACITY / PLACE_BYTES), (190, 0, CAPACITY / 300), (0, 1_000, CAPACITY / 1_000)]
        {
            let mut known = KnownBodies::new(CAPACITY);
            let (path, header) = ("p".repeat(path), "h".repeat(header));
            for number in 0..2_000 {
                known.learn(&request(&format!("{number}{path}")), &response(&header, b""));
                let count = known.responses.len();
                assert!(count <= most, "{count} with {} and {} bytes", path.len(), header.len());
            }
        }
    }

    #[test]
    fn what_is_learned_again_counts_once() {
        let mut known = KnownBodies::new(CAPACITY);
        for number in 0..100 {
            known.learn(&request(&number.to_string()), &response("", b""));
        }
        for _ in 0..1_000 {
            known.learn(&request("0"), &response("", &[0; 9_000]));
        }
        assert_eq!(known.responses.len(), 100);
    }

    /// A 304 after it stands for it, and not for the one before.
    #[test]
    fn a_response_that_is_too_large_replaces_the_one_before() {
        let mut known = KnownBodies::new(CAPACITY);
        known.learn(&request("a"), &response("", b"small"));
        known.learn(&request("a"), &response("", &[0; CAPACITY / 4]));
        assert!(known.find(&request("a"), None, Headers::new()).is_none());
        assert_eq!(known.bytes, 0);
    }
}
