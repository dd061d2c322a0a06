//! One operation of a batch.

use crate::engine::{BatchOperation, Bypass, Plan, Uncacheable};
use crate::limits::Limit;
use crate::service::knowledge::Operation;
use std::rc::Rc;

/// One operation of a batch.
pub struct BatchItem {
    /// Its element of the batch as the client sent it.
    pub sent: String,
    /// What it is.
    pub kind: BatchItemKind,
}

/// What an operation of a batch is.
pub enum BatchItemKind {
    /// A query that is looked up.
    Query {
        /// The query.
        operation: Rc<Operation>,
        /// How it is looked up.
        plan: Box<Plan>,
    },
    /// A mutation.
    Mutation(Operation),
    /// A query or subscription that is not looked up.
    Other {
        /// The operation.
        operation: Operation,
        /// Why it is not looked up.
        reason: Bypass,
    },
    /// An operation whose document's hash is not known: the client is to send the document.
    Unknown,
    /// An operation that was not understood.
    Unread(Uncacheable),
}

impl BatchItem {
    /// Why it is not looked up.
    pub fn reason(&self) -> Option<Bypass> {
        match &self.kind {
            BatchItemKind::Mutation(_) => Some(Bypass::Mutation),
            BatchItemKind::Other { reason, .. } => Some(*reason),
            BatchItemKind::Unread(uncacheable) => Some(uncacheable.reason),
            BatchItemKind::Query { .. } | BatchItemKind::Unknown => None,
        }
    }

    /// The operation, if it was understood.
    pub fn operation(&self) -> Option<&Operation> {
        match &self.kind {
            BatchItemKind::Query { operation, .. } => Some(operation),
            BatchItemKind::Mutation(operation) | BatchItemKind::Other { operation, .. } => {
                Some(operation)
            }
            BatchItemKind::Unknown | BatchItemKind::Unread(_) => None,
        }
    }

    /// What it may write. `None` if it is not sent.
    pub fn write(&self) -> Option<BatchOperation<'_>> {
        match &self.kind {
            BatchItemKind::Unknown => None,
            BatchItemKind::Mutation(operation) => Some(BatchOperation::Mutation {
                analysis: &operation.known.analysis,
                variables: operation.query.variables.as_ref(),
            }),
            BatchItemKind::Unread(uncacheable) if uncacheable.may_be_mutation => {
                Some(BatchOperation::PossibleMutation)
            }
            BatchItemKind::Query { .. }
            | BatchItemKind::Other { .. }
            | BatchItemKind::Unread(_) => Some(BatchOperation::Query),
        }
    }

    /// `true` if it is a mutation, or may be one.
    pub fn may_write(&self) -> bool {
        let write = self.write();
        matches!(write, Some(BatchOperation::Mutation { .. } | BatchOperation::PossibleMutation))
    }

    /// `true` if its document's hash is not known.
    pub fn is_unknown(&self) -> bool {
        matches!(self.kind, BatchItemKind::Unknown)
    }

    /// The limit that it is over, if any.
    pub fn limit(&self) -> Option<Limit> {
        self.reason().and_then(Bypass::limit)
    }
}
