//! The forms in which a GraphQL request comes.

use super::error::RequestError;
use super::operation_request::OperationRequest;

/// What a request is.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestForm {
    /// A document to run.
    Single(OperationRequest),
    /// Several, each by itself, in one JSON array.
    Batch(Vec<OperationRequest>),
    /// Something that Evergraph leaves to the origin.
    Unreadable {
        /// Why.
        reason: RequestError,
        /// Whether the origin may run a mutation for it.
        may_be_mutation: bool,
    },
}
