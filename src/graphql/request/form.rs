//! The forms in which a GraphQL request comes.

use super::error::Unread;
use super::query::Query;

/// What a request is.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// A document to run.
    Query(Query),
    /// Several, each by itself, in one JSON array.
    Batch(Vec<Query>),
    /// Something that Evergraph leaves to the origin.
    Unread {
        /// Why.
        reason: Unread,
        /// Whether the origin may run a mutation for it.
        may_be_mutation: bool,
    },
}
