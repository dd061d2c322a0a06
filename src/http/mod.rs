//! HTTP messages as values.
//!
//! In scope: methods, header lists, URLs, request and response heads. Not in scope: bodies that
//! stream (the `service` layer's traits have those) and the meaning of any header (see `policy`).

mod base64url;
mod coding;
mod headers;
mod method;
mod original;
mod path;
mod spelling;
mod url;

pub use base64url::{from_base64url, to_base64url};
pub use coding::{AnswerCoding, accepts_coding, decoded_body};
pub use headers::{Headers, is_token};
pub use method::Method;
pub use original::OriginalFields;
pub use path::{Case, PathPattern, glob};
pub use spelling::{climbs, folded_path, is_plain, plain_path};
pub use url::{
    Url, form_decoded, form_encoded, form_pairs, has_one_decoding, percent_decoded, segment_decoded,
};

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

/// A whole response, held in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: std::rc::Rc<[u8]>,
}
