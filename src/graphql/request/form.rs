//! The forms of a GraphQL request: a single operation, a batch, or one that cannot be read.

use super::error::RequestError;
use super::operation_request::OperationRequest;

/// A request that was read, in its form.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestForm {
    /// One operation.
    Single(OperationRequest),
    /// Several independent operations in a JSON array.
    Batch(Vec<OperationRequest>),
    /// A request that is left to the origin.
    Unreadable {
        /// Why it could not be read.
        reason: RequestError,
        /// `true` if the origin may execute a mutation.
        may_be_mutation: bool,
    },
}
