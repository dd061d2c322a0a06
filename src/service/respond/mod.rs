//! From an outcome to the client's response: its status and headers, what is counted, and the log line.
//!
//! In scope: everything that Evergraph adds to a response or says about it. The response headers are
//! listed in `added_headers.rs`. Not in scope: the body, and which outcome it is.

mod added_headers;
mod log;
mod outcome;
mod reply;
mod responder;

pub use added_headers::{ADDED_HEADERS, AddedHeader, ResponseFacts};
pub(super) use log::BatchCounts;
pub(super) use outcome::{ForwardReason, Outcome, forward_of};
pub use reply::Reply;
pub(super) use reply::{document_not_found, error, json_response, json_text_response};
pub(super) use responder::Responder;
