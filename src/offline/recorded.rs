//! A recorded request with its response, and how Evergraph answers the request.

use crate::http::{Headers, Request};
use crate::time::Timestamp;
use serde_json::Value;
use std::rc::Rc;

/// A recorded request with its response.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// When the client sent it.
    pub at: Timestamp,
    /// How many milliseconds the response took.
    pub millis: u64,
    /// The request's head.
    pub request: Request,
    /// The request's body.
    pub body: Rc<[u8]>,
    /// The response.
    pub response: RecordedResponse,
}

/// A recorded response.
#[derive(Debug, Clone)]
pub struct RecordedResponse {
    /// The status code.
    pub status: u16,
    /// The headers, without those of a content coding: the body is decoded.
    pub headers: Headers,
    /// The body; `None` if the recording lacks it.
    pub body: Option<Rc<[u8]>>,
}

impl Recorded {
    /// About how many bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        let Request { url, headers, .. } = &self.request;
        let query = url.query.as_ref().map_or(0, String::len);
        let url = url.scheme.len() + url.host.len() + url.path.len() + query;
        let request = size_of::<Self>() + url + fields_bytes(headers) + self.body.len();
        request + self.response.memory_bytes()
    }
}

impl RecordedResponse {
    /// About how many bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        let body = self.body.as_ref().map_or(0, |body| body.len());
        size_of::<Self>() + fields_bytes(&self.headers) + body
    }
}

/// A field is two texts.
fn fields_bytes(headers: &Headers) -> usize {
    let texts = headers.iter().map(|(name, value)| name.len() + value.len());
    texts.map(|bytes| bytes + 2 * size_of::<String>()).sum()
}

/// How Evergraph answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Rc<[u8]>,
    /// How many milliseconds it took.
    pub millis: u64,
    /// How many requests to the origin were sent before the client had its answer.
    pub origin_requests: u64,
    /// The log lines of the request before the client had its answer.
    pub lines: Vec<Value>,
}
