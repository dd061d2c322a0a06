//! Requests and responses.

use super::headers::Headers;
use super::method::Method;
use super::url::Url;

/// The head of a client's request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The URL as the client sent it.
    pub url: Url,
    /// The headers.
    pub headers: Headers,
}

/// A complete response in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: std::rc::Rc<[u8]>,
}
