//! The memory of bodies in flight: what is made of a body is made only if there is room for it.
//!
//! In scope: trees of JSON, which take many times as much as their texts, and indexes of JSON. Not in scope: the budget
//! itself, and the copies of the bodies, which are counted where they are read (`worker/js/memory_budget.js`).

use super::runtime::{BodyRead, MemoryBudget, Origin, OriginResponse};
use crate::config::Config;
use crate::engine::request_json_size;
use crate::graphql::JsonSize;
use crate::http::Request;
use crate::json::{Index, IndexFault};
use crate::limits::{self, Amounts, Limit};

/// Trees that are made of the body of a GraphQL request: its members, and the variables among them.
const REQUEST_TREES: usize = 2;

/// `true` if there is room for what is made of a GraphQL request's body. Nothing is made of a body
/// that is over the limit of values.
pub(super) fn has_room_for_request(
    budget: &impl MemoryBudget,
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
    budget.reserve_memory(size.bytes * REQUEST_TREES)
}

/// `true` if there is room for a stored value of that size.
pub(super) fn has_room_for_stored(budget: &impl MemoryBudget, bytes: usize) -> bool {
    bytes <= limits::SMALL_STORED_BYTES || budget.reserve_memory(bytes * limits::STORED_COPIES)
}

/// `true` if there is room for the tree of a JSON text.
pub(super) fn has_room_for_tree(budget: &impl MemoryBudget, json: &[u8]) -> bool {
    budget.reserve_memory(JsonSize::of(json).bytes)
}

/// The index of a JSON text, if there is room for it.
pub(super) fn index_of(budget: &impl MemoryBudget, json: &[u8]) -> Result<Index, IndexFault> {
    Index::read(json, &mut |bytes| budget.reserve_memory(bytes))
}

/// Reads the body of a response of at most `limit` bytes, of which a JSON tree is made.
pub(super) async fn read_json_body(
    runtime: &(impl Origin + MemoryBudget),
    response: &OriginResponse,
    limit: usize,
) -> BodyRead {
    match runtime.response_body(response.handle, limit).await {
        BodyRead::Whole(body) if !has_room_for_tree(runtime, &body) => BodyRead::NoRoom,
        read => read,
    }
}

/// Reads the body of a GraphQL response. Its index takes memory when it is made.
pub(super) async fn read_graphql_body(
    runtime: &impl Origin,
    response: &OriginResponse,
) -> BodyRead {
    runtime.response_body(response.handle, limits::GRAPHQL_RESPONSE_BYTES).await
}
