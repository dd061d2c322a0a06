//! GraphQL over HTTP: carries out what is special about the decisions on GraphQL requests.
//!
//! In scope: mutations, operations that are passed through, and Evergraph's own answers. Not in scope:
//! the decisions (`decision`), batches (`batch.rs`), and reads (`read`).

use super::batch::Batches;
use super::context::Context;
use super::knowledge::{Knowledge, Operation};
use super::pass_through::PassThrough;
use super::respond::{Reply, Responder, document_not_found};
use super::runtime::Runtime;
use super::write::{OutgoingWrite, Writes};
use crate::config::Config;
use crate::engine::{Bypass, Write};
use crate::limits::Limit;
use std::rc::Rc;

/// Answers GraphQL requests that are not looked up.
pub(super) struct GraphQl {
    /// The configuration.
    pub config: Rc<Config>,
    /// Documents and schemas.
    pub knowledge: Knowledge,
    /// Answers batches.
    pub batches: Batches,
    /// Sends mutations.
    pub writes: Rc<Writes>,
    /// Forwards what is neither looked up nor a write.
    pub pass_through: Rc<PassThrough>,
    /// Makes the client's responses.
    pub respond: Rc<Responder>,
}

impl GraphQl {
    /// Forwards an operation that is neither looked up nor a mutation.
    pub async fn pass_through<R: Runtime>(
        &self,
        context: &Context<R>,
        reason: Bypass,
        operation: &Operation,
    ) -> Reply {
        let context = context.of_operation(operation.known.analysis.name.as_deref());
        let context = &context.of_types(operation.types(&self.config));
        let full_request = operation.full_request();
        let reply = self.pass_through.pass(context, reason, full_request.as_ref()).await;
        self.note_passed_on(context, operation, &reply, None);
        reply
    }

    /// Sends a mutation.
    pub async fn mutate<R: Runtime>(&self, context: &Context<R>, operation: &Operation) -> Reply {
        let analysis = &operation.known.analysis;
        let context = &context.of_operation(analysis.name.as_deref());
        let variables = operation.query.variables.as_ref();
        let outgoing = OutgoingWrite {
            write: Write::Mutation { analysis, variables },
            full_request: operation.full_request(),
            reason: Bypass::Mutation.as_str(),
        };
        let (reply, body) = self.writes.write_and_read(context, outgoing).await;
        self.note_passed_on(context, operation, &reply, body.as_deref());
        reply
    }

    /// Refuses a request that is over a limit.
    pub fn refuse<R: Runtime>(&self, context: &Context<R>, limit: Limit) -> Reply {
        self.respond.over_limit(context, limit, self.config.limits.amounts.of(limit))
    }

    /// Asks the client for the document whose hash it has sent.
    pub fn ask_for_document<R: Runtime>(&self, context: &Context<R>) -> Reply {
        let body = document_not_found().to_string().into_bytes().into();
        self.respond.unknown_documents(context, body)
    }

    fn note_passed_on<R: Runtime>(
        &self,
        context: &Context<R>,
        operation: &Operation,
        reply: &Reply,
        body: Option<&[u8]>,
    ) {
        if reply.is_success() {
            let operations = std::iter::once(operation);
            self.knowledge.documents.note_passed_on(&context.runtime, operations, body);
        }
    }
}
