//! GraphQL requests: how they come, and how they are sent on.

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
