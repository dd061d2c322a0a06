//! The origin's response to a read.

use crate::engine::ValidatedEntry;
use crate::http::{Headers, Response, fields};
use crate::json::Index;
use crate::service::respond::Reply;
use crate::service::runtime::{OriginFailure, OriginResponse};
use std::rc::Rc;

/// The origin's response to a read.
pub struct ReadResponse {
    /// The head.
    pub head: OriginResponse,
    /// The body, if it was read and is not the origin's own any more.
    pub body: Option<ReadBody>,
    /// The stored response that the origin says is still valid.
    pub validated: Option<Box<ValidatedEntry>>,
}

/// A body that was read and changed.
pub struct ReadBody {
    /// What the client gets.
    pub bytes: Rc<[u8]>,
    /// The GraphQL response as the origin sent it; `null` for REST.
    pub json: Index,
    /// Whether the document that it answers had additions.
    pub has_additions: bool,
}

impl ReadResponse {
    /// A response whose body was not read.
    pub fn unread(head: OriginResponse) -> Self {
        Self { head, body: None, validated: None }
    }

    /// The client's response, with these headers instead of the origin's.
    pub fn reply(&self, headers: Headers) -> Reply {
        let (handle, status) = (self.head.handle, self.head.status);
        match &self.body {
            Some(body) => Reply::Whole(Response { status, headers, body: body.bytes.clone() }),
            None => Reply::Origin { handle, status, headers },
        }
    }
}

/// `true` if the origin failed: it gave no response, or one with a 5xx.
pub fn is_origin_failure(response: &Result<ReadResponse, OriginFailure>) -> bool {
    response.as_ref().map_or(true, |response| response.head.status >= 500)
}

/// Removes the header fields that describe the body as the origin sent it.
pub fn remove_content_fields(headers: &mut Headers) {
    fields::EXACT_BODY.iter().for_each(|name| headers.remove(name));
}
