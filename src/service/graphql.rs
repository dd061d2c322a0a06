//! GraphQL over HTTP: from a request to its operation, and from there to a read, a write or neither.

use super::batch::Batches;
use super::body_memory::has_room_for_request;
use super::context::Context;
use super::knowledge::{Knowledge, Operation, Unresolved};
use super::limit_usage::LimitUsage;
use super::pass_through::PassThrough;
use super::planning::Planning;
use super::read::{ReadKind, Reads};
use super::respond::{Reply, Responder, document_not_found, error};
use super::runtime::{BodyRead, Runtime};
use super::write::{OutgoingWrite, Writes};
use crate::config::Config;
use crate::engine::{Bypass, GraphQlRequest, Uncacheable, Write, read_graphql};
use crate::graphql::OperationRequest;
use crate::limits::{self, Amounts, Limit};
use std::rc::Rc;

/// Answers GraphQL requests.
pub(super) struct GraphQl {
    /// The configuration.
    pub config: Rc<Config>,
    /// How close requests have come to the limits.
    pub limit_usage: Rc<LimitUsage>,
    /// Documents and schemas.
    pub knowledge: Knowledge,
    /// Plans the look-up of queries.
    pub planning: Rc<Planning>,
    /// Answers queries.
    pub reads: Rc<Reads>,
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
    /// Answers a request: by GET if its method is safe, else by POST.
    pub async fn answer<R: Runtime>(&self, context: &Context<R>) -> Reply {
        if context.request.method.is_safe() {
            return self.answer_read(context, None).await;
        }
        let bytes = self.config.limits.amounts.of(Limit::Bytes);
        match context.runtime.request_body(bytes, limits::REQUEST_COPIES).await {
            BodyRead::Whole(body) => self.answer_read(context, Some(body)).await,
            BodyRead::TooLarge => self.answer_unread(context, Bypass::BodyTooLarge).await,
            BodyRead::NoRoom => self.answer_unread(context, Bypass::MemoryInFlight).await,
            BodyRead::Broken => error(400, "the request's body broke off"),
        }
    }

    /// A request whose body was not read may be a mutation, or a batch with one.
    async fn answer_unread<R: Runtime>(&self, context: &Context<R>, reason: Bypass) -> Reply {
        self.answer_uncacheable(context, Uncacheable { reason, may_be_mutation: true }).await
    }

    async fn answer_read<R: Runtime>(&self, context: &Context<R>, body: Option<Rc<[u8]>>) -> Reply {
        let (config, request) = (&self.config, &context.request);
        let mut needed = Amounts::ZERO;
        if let Some(body) = &body {
            needed.raise(Limit::Bytes, body.len());
            if !has_room_for_request(&context.runtime, config, request, body, &mut needed) {
                return self.answer_unread(context, Bypass::MemoryInFlight).await;
            }
        }
        let read = read_graphql(config, request, body.as_deref());
        // From here on, what was read of it is enough.
        drop(body);
        if let Ok(GraphQlRequest::Batch(queries)) = &read {
            needed.raise(Limit::Batch, queries.len());
        }
        self.limit_usage.note(&needed);
        match read {
            Ok(GraphQlRequest::One(query)) => self.answer_query(context, query).await,
            Ok(GraphQlRequest::Batch(queries)) => self.batches.answer(context, queries).await,
            Err(uncacheable) => self.answer_uncacheable(context, uncacheable).await,
        }
    }

    async fn answer_query<R: Runtime>(
        &self,
        context: &Context<R>,
        query: OperationRequest,
    ) -> Reply {
        let Knowledge { schemas, documents, .. } = &self.knowledge;
        let schema = schemas.for_request(context);
        let operation = match documents.resolve(context, query, &schema).await {
            Ok(operation) => operation,
            Err(Unresolved::Unknown) => {
                let body = document_not_found().to_string().into_bytes().into();
                return self.respond.unknown_documents(context, body);
            }
            Err(Unresolved::Uncacheable(uncacheable)) => {
                return self.answer_uncacheable(context, uncacheable).await;
            }
        };
        let (reply, body) = if operation.is_mutation() {
            self.answer_mutation(context, &operation).await
        } else {
            match self.planning.plan_operation(context, &operation).await {
                Ok(plan) => {
                    let kind = ReadKind::GraphQl(Rc::new(operation));
                    return self.reads.read(context, &plan, &kind).await;
                }
                Err(reason) => {
                    let full_request = operation.full_request();
                    (self.pass_through.pass(context, reason, full_request.as_ref()).await, None)
                }
            }
        };
        if reply.is_success() {
            let operations = std::iter::once(&operation);
            documents.note_passed_on(&context.runtime, operations, body.as_deref());
        }
        reply
    }

    async fn answer_mutation<R: Runtime>(
        &self,
        context: &Context<R>,
        operation: &Operation,
    ) -> (Reply, Option<Rc<[u8]>>) {
        let analysis = &operation.known.analysis;
        let variables = operation.query.variables.as_ref();
        let outgoing = OutgoingWrite {
            write: Write::Mutation { analysis, variables },
            full_request: operation.full_request(),
            reason: Bypass::Mutation.as_str(),
        };
        self.writes.write_and_read(context, outgoing).await
    }

    /// A request that cannot be looked up: refused if it is over a limit and the configuration says so;
    /// a write if it may be a mutation; else passed through.
    async fn answer_uncacheable<R: Runtime>(
        &self,
        context: &Context<R>,
        uncacheable: Uncacheable,
    ) -> Reply {
        let Uncacheable { reason, may_be_mutation } = uncacheable;
        let limits = &self.config.limits;
        if let Some(limit) = reason.limit().filter(|_| limits.refuse) {
            return self.respond.over_limit(context, limit, limits.amounts.of(limit));
        }
        if may_be_mutation {
            let (write, reason) = (Write::PossibleMutation, reason.as_str());
            let outgoing = OutgoingWrite { write, full_request: None, reason };
            return self.writes.write(context, outgoing).await;
        }
        self.pass_through.pass(context, reason, None).await
    }
}
