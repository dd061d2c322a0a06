//! Several GraphQL operations in one request.
//!
//! Queries are looked up one by one (`read/batch`). A batch with anything else goes to the origin whole,
//! once. An operation by a hash that is not known gets the error in its place by which clients send the
//! document, and the other operations run without it.

use super::context::Context;
use super::decision::BatchDecision;
use super::knowledge::Documents;
use super::pass_through::PassThrough;
use super::read::{BatchCompletion, BatchItem, BatchItemKind, BatchReads};
use super::respond::{Reply, Responder};
use super::runtime::Runtime;
use super::write::{OutgoingWrite, Writes};
use crate::config::Config;
use crate::engine::{BatchOperation, Write};
use std::rc::Rc;

/// Answers batches.
pub(super) struct Batches {
    /// The configuration.
    pub config: Rc<Config>,
    /// The documents that clients name by hashes.
    pub documents: Rc<Documents>,
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
    pub async fn answer<R: Runtime>(&self, context: &Context<R>, items: Vec<BatchItem>) -> Reply {
        self.note_types(context, &items);
        let (reply, body) = match BatchDecision::of(&self.config, &items) {
            BatchDecision::LookUp => return self.reads.read(context, &items).await,
            BatchDecision::Refused(limit) => {
                let most = self.config.limits.amounts.of(limit);
                return self.respond.over_limit(context, limit, most);
            }
            BatchDecision::Write(reason) => {
                let written: Vec<BatchOperation<'_>> =
                    items.iter().filter_map(BatchItem::write).collect();
                let full_request = self.completion.request(&items);
                let (write, reason) = (Write::Batch(&written), reason.as_str());
                let outgoing = OutgoingWrite { write, full_request, reason };
                self.writes.write_and_read(context, outgoing).await
            }
            BatchDecision::PassThrough(reason) => {
                let full_request = self.completion.request(&items);
                (self.pass_through.pass(context, reason, full_request.as_ref()).await, None)
            }
        };
        if reply.is_success() {
            let operations = items.iter().filter_map(BatchItem::operation);
            self.documents.note_passed_on(&context.runtime, operations, body.as_deref());
        }
        self.completion.reply(context, &items, reply).await
    }

    /// Notes which cache types match the queries.
    fn note_types<R: Runtime>(&self, context: &Context<R>, items: &[BatchItem]) {
        for item in items {
            match &item.kind {
                BatchItemKind::Query { plan, .. } => {
                    self.respond.log.matched(context, &plan.type_names);
                }
                BatchItemKind::Other { operation, .. } => {
                    let matched = operation.types(&self.config).map(|types| types.matched);
                    self.respond.log.matched(context, &matched.unwrap_or_default());
                }
                BatchItemKind::Mutation(_) | BatchItemKind::Unknown | BatchItemKind::Unread(_) => {}
            }
        }
    }
}
