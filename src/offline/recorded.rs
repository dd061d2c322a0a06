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
