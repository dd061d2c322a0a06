//! GraphQL requests: reading them, and rewriting them for the origin.
//!
//! `get` and `post` read a request in one of its forms (`form`) into an `OperationRequest`, or say
//! why they cannot (`error`). `rewriting` makes the request for the origin. Also here: batches,
//! persisted documents (`manifest`) and WebSocket messages. Imports `document` and `operation`.

pub(super) mod batch;
pub(super) mod error;
mod extensions;
pub(super) mod form;
pub(super) mod get;
pub(super) mod json_size;
pub(super) mod manifest;
pub(super) mod media_types;
mod members;
pub(super) mod mutation_keyword;
pub(super) mod operation_request;
mod parameters;
pub(super) mod post;
pub(super) mod rewriting;
#[cfg(test)]
mod tests;
pub(super) mod websocket;
