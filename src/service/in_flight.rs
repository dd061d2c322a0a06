//! The memory of bodies in flight: what is made of a body is made only where there is room for it.
//!
//! In scope: trees of JSON, which take many times as much as their texts. Not in scope: the budget
//! itself, and the copies of the bodies, which whoever reads them counts (`worker/js/budget.js`).

use super::handle::Service;
use super::runtime::{BodyRead, OriginResponse, Runtime};
use crate::config::Config;
use crate::engine::request_json_size;
use crate::graphql::JsonSize;
use crate::http::Request;
use crate::limits::{self, Amounts, Limit};

/// Trees that are made of the body of a GraphQL request: its members, and the variables among them.
const REQUEST_TREES: usize = 2;

impl<W: Runtime> Service<W> {
    /// Whether there is room for what is made of a GraphQL request's body. One over the limit of
    /// values is not made anything of.
    pub(super) fn has_room_for_request(
        &self,
        config: &Config,
        request: &Request,
        body: &[u8],
        needed: &mut Amounts,
    ) -> bool {
        let size = request_json_size(config, request, body);
        if size.values > config.limits.amounts.of(Limit::Values) {
            return true;
        }
        needed.raise(Limit::Values, size.values);
        self.runtime.reserve(size.bytes * REQUEST_TREES)
    }

    /// Whether there is room for a stored value of that size.
    pub(super) fn has_room_for_stored(&self, bytes: usize) -> bool {
        bytes <= limits::SMALL_STORED_BYTES || self.runtime.reserve(bytes * limits::STORED_COPIES)
    }

    /// Whether there is room for the tree of a JSON text.
    pub(super) fn has_room_for_tree(&self, json: &[u8]) -> bool {
        self.runtime.reserve(JsonSize::of(json).bytes)
    }

    /// Reads the body of a GraphQL answer, of which a tree is made.
    pub(super) async fn json_body(&self, answer: &OriginResponse) -> BodyRead {
        self.json_body_within(answer, limits::GRAPHQL_RESPONSE_BYTES).await
    }

    /// The same for a body of at most `limit` bytes.
    pub(super) async fn json_body_within(&self, answer: &OriginResponse, limit: usize) -> BodyRead {
        match self.runtime.answer_body(answer.handle, limit).await {
            BodyRead::Whole(body) if !self.has_room_for_tree(&body) => BodyRead::NoRoom,
            read => read,
        }
    }
}
