//! The operations of a batch, and what is done with the batch as a whole.

use crate::config::Config;
use crate::engine::Bypass;
use crate::graphql::OperationRequest;
use crate::limits::Limit;
use crate::service::context::Context;
use crate::service::knowledge::{Knowledge, Unresolved};
use crate::service::planning::Planning;
use crate::service::read::{BatchItem, BatchItemKind};
use crate::service::runtime::Runtime;
use crate::service::slots;
use futures_util::stream::{StreamExt, iter};
use std::rc::Rc;

/// What is done with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchDecision {
    /// An operation is over that limit, and the configuration refuses such requests.
    Refused(Limit),
    /// It is sent to the origin whole, as a write.
    Write(Bypass),
    /// It is sent to the origin whole.
    PassThrough(Bypass),
    /// Its queries are looked up.
    LookUp,
}

impl BatchDecision {
    /// Decides by all operations of a batch.
    pub fn of(config: &Config, items: &[BatchItem]) -> Self {
        let limit = items.iter().find_map(BatchItem::limit);
        if let Some(limit) = limit.filter(|_| config.limits.refuse) {
            return Self::Refused(limit);
        }
        if items.iter().any(BatchItem::may_write) {
            return Self::Write(write_reason(items));
        }
        items.iter().find_map(BatchItem::reason).map_or(Self::LookUp, Self::PassThrough)
    }
}

/// Why a batch that may write is not looked up. A mutation is a better reason than what may be one.
fn write_reason(items: &[BatchItem]) -> Bypass {
    let is_mutation = |item: &BatchItem| matches!(item.kind, BatchItemKind::Mutation(_));
    let mut possible = items.iter().filter(|item| item.may_write());
    match possible.find_map(BatchItem::reason) {
        Some(reason) if !items.iter().any(is_mutation) => reason,
        _ => Bypass::Mutation,
    }
}

/// What each operation of a batch is.
pub(super) async fn batch_items<R: Runtime>(
    knowledge: &Knowledge,
    planning: &Planning,
    context: &Context<R>,
    uncached: Option<Bypass>,
    queries: Vec<OperationRequest>,
) -> Vec<BatchItem> {
    let Knowledge { schemas, documents, uploaded, .. } = knowledge;
    let schema = schemas.for_request(context);
    if !context.is_explained() && queries.iter().any(OperationRequest::names_its_document) {
        // Once for all operations.
        uploaded.refresh(context).await;
    }
    let sent: Vec<String> =
        queries.iter().map(|query| query.as_element().unwrap_or_default()).collect();
    let operations = queries.into_iter().map(|query| documents.resolve(context, query, &schema));
    let operations: Vec<_> = iter(operations).buffered(slots::READS).collect().await;
    let mut items = Vec::with_capacity(sent.len());
    for (sent, operation) in sent.into_iter().zip(operations) {
        let kind = match operation {
            Err(Unresolved::Unknown) => BatchItemKind::Unknown,
            Err(Unresolved::Uncacheable(uncacheable)) => BatchItemKind::Unread(uncacheable),
            Ok(operation) if operation.is_mutation() => BatchItemKind::Mutation(operation),
            // One after the other, so that a token is verified once.
            Ok(operation) => match planning.plan_operation(context, &operation, uncached).await {
                Ok(plan) => {
                    BatchItemKind::Query { operation: Rc::new(operation), plan: Box::new(plan) }
                }
                Err(reason) => BatchItemKind::Other { operation, reason },
            },
        };
        items.push(BatchItem { sent, kind });
    }
    items
}
