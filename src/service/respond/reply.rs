//! What the client gets.

use crate::http::{Headers, Response};
use serde::Serialize;
use serde_json::{Value, json};

/// What the client gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A response whose body is at hand.
    Whole(Response),
    /// The origin's response of that handle, with these headers instead of its own.
    Origin {
        /// Names the origin's response.
        handle: u32,
        /// The status code.
        status: u16,
        /// The headers.
        headers: Headers,
    },
    /// The origin's response of that handle unchanged, even if it changes the protocol.
    Untouched {
        /// Names the origin's response.
        handle: u32,
    },
    /// The origin's response of that handle, a socket on which GraphQL is spoken. Its messages are
    /// read on their way.
    Socket {
        /// Names the origin's response.
        handle: u32,
    },
}

impl Reply {
    /// `true` if the status is a 2xx.
    pub(in crate::service) fn is_success(&self) -> bool {
        let status = match self {
            Self::Whole(response) => response.status,
            Self::Origin { status, .. } => *status,
            Self::Untouched { .. } | Self::Socket { .. } => return false,
        };
        (200..300).contains(&status)
    }
}

/// A JSON response of Evergraph's own, which no cache may store.
pub fn json_response(status: u16, body: &impl Serialize) -> Response {
    json_bytes(status, serde_json::to_vec(body).unwrap_or_default())
}

/// The same with the text of the JSON.
pub fn json_text_response(status: u16, body: String) -> Response {
    json_bytes(status, body.into_bytes())
}

fn json_bytes(status: u16, body: Vec<u8>) -> Response {
    let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
    Response { status, headers: headers.into_iter().collect(), body: body.into() }
}

/// A JSON error, as in `{"error":"no such route"}`.
pub fn error(status: u16, message: &str) -> Reply {
    Reply::Whole(json_response(status, &json!({ "error": message })))
}

/// The error that makes clients send a document: Apollo's go by the code or the message, urql by the
/// message.
pub fn document_not_found() -> Value {
    json!({ "errors": [{
        "message": "PersistedQueryNotFound",
        "extensions": { "code": "PERSISTED_QUERY_NOT_FOUND" },
    }] })
}
