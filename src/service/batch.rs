//! Several GraphQL operations in one request.
//!
//! Queries are looked up one by one (`read/batch`). A batch with anything else goes to the origin whole,
//! once. An operation by a hash that is not known gets the error in its place by which clients send the
//! document, and the other operations run without it.

use super::context::Context;
use super::knowledge::{Knowledge, Unresolved};
use super::pass_through::PassThrough;
use super::planning::Planning;
use super::read::{BatchCompletion, BatchItem, BatchItemKind, BatchReads};
use super::respond::{Reply, Responder};
use super::runtime::Runtime;
use super::slots;
use super::write::{OutgoingWrite, Writes};
use crate::config::Config;
use crate::engine::{BatchOperation, Bypass, Write};
use crate::graphql::OperationRequest;
use futures_util::stream::{StreamExt, iter};
use std::rc::Rc;

/// Answers batches.
pub(super) struct Batches {
    /// The configuration.
    pub config: Rc<Config>,
    /// Documents and schemas.
    pub knowledge: Knowledge,
    /// Plans the look-up of queries.
    pub planning: Rc<Planning>,
    /// Answers batches of queries.
    pub reads: BatchReads,
    /// Completes batches.
    pub completion: Rc<BatchCompletion>,
    /// Sends batches with mutations.
    pub writes: Rc<Writes>,
    /// Forwards all others.
    pub pass_through: Rc<PassThrough>,
    /// Makes the client's responses.
    pub respond: Rc<Responder>,
}

impl Batches {
    /// Answers a batch.
    pub async fn answer<R: Runtime>(
        &self,
        context: &Context<R>,
        queries: Vec<OperationRequest>,
    ) -> Reply {
        let items = self.items(context, queries).await;
        let limits = &self.config.limits;
        let limit = items.iter().find_map(BatchItem::limit).filter(|_| limits.refuse);
        if let Some(limit) = limit {
            return self.respond.over_limit(context, limit, limits.amounts.of(limit));
        }
        let (reply, body) = if items.iter().any(BatchItem::may_write) {
            let written: Vec<BatchOperation<'_>> =
                items.iter().filter_map(BatchItem::write).collect();
            let full_request = self.completion.request(&items);
            let (write, reason) = (Write::Batch(&written), write_reason(&items).as_str());
            let outgoing = OutgoingWrite { write, full_request, reason };
            self.writes.write_and_read(context, outgoing).await
        } else if let Some(reason) = items.iter().find_map(BatchItem::reason) {
            let full_request = self.completion.request(&items);
            (self.pass_through.pass(context, reason, full_request.as_ref()).await, None)
        } else {
            return self.reads.read(context, &items).await;
        };
        if reply.is_success() {
            let operations = items.iter().filter_map(BatchItem::operation);
            let documents = &self.knowledge.documents;
            documents.note_passed_on(&context.runtime, operations, body.as_deref());
        }
        self.completion.reply(context, &items, reply).await
    }

    async fn items<R: Runtime>(
        &self,
        context: &Context<R>,
        queries: Vec<OperationRequest>,
    ) -> Vec<BatchItem> {
        let Knowledge { schemas, documents, uploaded, .. } = &self.knowledge;
        let schema = schemas.for_request(context);
        if queries.iter().any(OperationRequest::names_its_document) {
            // Once for all operations.
            uploaded.refresh(context).await;
        }
        let sent: Vec<String> =
            queries.iter().map(|query| query.as_element().unwrap_or_default()).collect();
        let operations =
            queries.into_iter().map(|query| documents.resolve(context, query, &schema));
        let operations: Vec<_> = iter(operations).buffered(slots::READS).collect().await;
        let mut items = Vec::with_capacity(sent.len());
        for (sent, operation) in sent.into_iter().zip(operations) {
            let kind = match operation {
                Err(Unresolved::Unknown) => BatchItemKind::Unknown,
                Err(Unresolved::Uncacheable(uncacheable)) => BatchItemKind::Unread(uncacheable),
                Ok(operation) if operation.is_mutation() => BatchItemKind::Mutation(operation),
                // One after the other, so that a token is verified once.
                Ok(operation) => match self.planning.plan_operation(context, &operation).await {
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
