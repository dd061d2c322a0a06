//! The bodies that later 304s stand for.

use crate::http::{Headers, Request};
use crate::key::sha256_hex;
use crate::offline::RecordedResponse;
use std::collections::BTreeMap;

/// How many bytes are kept. Beyond that, all are forgotten.
const CAPACITY: usize = 32 << 20;

/// The last response with a body for each request.
#[derive(Default)]
pub(super) struct KnownBodies {
    responses: BTreeMap<String, RecordedResponse>,
    bytes: usize,
}

impl KnownBodies {
    /// Keeps a response for later.
    pub fn learn(&mut self, request: &Request, response: &RecordedResponse) {
        let size = size(response);
        if size > CAPACITY / 4 {
            return;
        }
        let before = self.responses.remove(&name(request)).map_or(0, |known| self::size(&known));
        self.bytes = self.bytes.saturating_sub(before) + size;
        if self.bytes > CAPACITY {
            self.responses.clear();
            self.bytes = size;
        }
        self.responses.insert(name(request), response.clone());
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
        let known = self.responses.get(&name(request))?;
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

fn size(response: &RecordedResponse) -> usize {
    response.body.as_ref().map_or(0, |body| body.len())
}

/// A tag as the weak comparison sees it (RFC 9110 §8.8.3.2).
fn opaque(etag: &str) -> &str {
    let etag = etag.trim();
    etag.strip_prefix("W/").unwrap_or(etag)
}

fn name(request: &Request) -> String {
    let text =
        format!("{} {}{}", request.method.as_str(), request.url.origin(), request.url.target());
    // URLs are as long as their senders like.
    if text.len() > 200 { sha256_hex(text.as_bytes()) } else { text }
}
