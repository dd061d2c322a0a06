//! GraphQL over WebSocket: JavaScript passes the messages on, and asks here what a client's message runs
//! and what the answer to it purges.
//!
//! In scope: from a message to its operation, and from its answer to the purge. Nothing is kept between
//! two calls. Not in scope: the messages themselves (`graphql::socket`), their order, and which answer
//! belongs to which (`worker/js/socket_relay.js`).

use super::context::Context;
use super::knowledge::{Knowledge, Operation, Unresolved};
use super::purges::Purges;
use super::runtime::Runtime;
use super::write::WriteEffects;
use crate::config::Config;
use crate::engine::{Write, WriteResponse};
use crate::graphql::{
    ClientMessage, OperationKind, RequestForm, read_client_message, read_post, read_server_message,
};
use crate::http::{Headers, Method, Request};
use crate::purge::IntentId;
use std::rc::Rc;

/// What a client's message on a socket does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketMessage {
    /// It runs no operation.
    Control,
    /// It runs an operation that changes nothing.
    Read,
    /// It runs a mutation, or may.
    Write,
    /// It is of no known subprotocol, and may run a mutation.
    Unclear,
}

impl SocketMessage {
    /// The name that `worker/js/socket_relay.js` goes by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Read => "read",
            Self::Write => "write",
            Self::Unclear => "unclear",
        }
    }
}

/// A write on a socket whose outcome is known.
#[derive(Debug, Clone, Copy)]
pub struct SocketWrite<'a> {
    /// The client's message. `None` if it was not kept, or is of no known subprotocol.
    pub message: Option<&'a str>,
    /// The server's message that answers it. `None` if there was none.
    pub answer: Option<&'a str>,
    /// The status with which the server closed the socket instead of answering.
    pub refused: Option<u16>,
    /// The write's intent in the log, if it was announced.
    pub intent: Option<IntentId>,
}

/// What an operation on a socket is.
enum SocketOperation {
    Read,
    Mutation(Box<Operation>),
    PossibleMutation,
}

impl SocketOperation {
    fn write(&self) -> Option<Write<'_>> {
        match self {
            Self::Read => None,
            Self::Mutation(operation) => Some(Write::Mutation {
                analysis: &operation.known.analysis,
                variables: operation.query.variables.as_ref(),
            }),
            Self::PossibleMutation => Some(Write::PossibleMutation),
        }
    }
}

/// Reads the messages of sockets.
pub(super) struct Sockets {
    config: Rc<Config>,
    knowledge: Knowledge,
    purges: Purges,
    effects: Rc<WriteEffects>,
}

impl Sockets {
    /// Reads messages by what is known of documents.
    pub fn new(
        config: Rc<Config>,
        knowledge: Knowledge,
        purges: Purges,
        effects: Rc<WriteEffects>,
    ) -> Self {
        Self { config, knowledge, purges, effects }
    }

    /// What a client's message runs. `request` is the one that opened the socket.
    pub async fn read_message<R: Runtime>(
        &self,
        runtime: &R,
        request: Request,
        payload: &str,
    ) -> SocketMessage {
        match self.operation(&socket_context(runtime, request), payload).await {
            SocketOperation::Read => SocketMessage::Read,
            SocketOperation::Mutation(_) | SocketOperation::PossibleMutation => {
                SocketMessage::Write
            }
        }
    }

    /// Purges what a write on a socket has changed. With `purge.wait` the purge is recorded, or kept as
    /// pending, when this returns.
    pub async fn purge<R: Runtime>(&self, runtime: &R, request: Request, write: SocketWrite<'_>) {
        let operation = self.operation_of(runtime, request, write.message).await;
        let Some(purging) = operation.write() else { return };
        let headers = Headers::new();
        let body = write.answer.and_then(read_server_message);
        let body = body.as_deref().map(str::as_bytes);
        let response = match write.refused {
            // A refusal is no GraphQL response.
            Some(status) => Some(WriteResponse { status, headers: &headers, body: Some(&[]) }),
            None => {
                body.map(|body| WriteResponse { status: 200, headers: &headers, body: Some(body) })
            }
        };
        let purge = self.effects.purge_of(purging, response);
        let new = purge.map(|purge| self.effects.counted(runtime, purge));
        let new = self.purges.intents.closing(runtime, new, || write.intent);
        self.effects.record(runtime, new, "socket").await;
    }

    /// Announces a write on a socket that has had no answer for long.
    pub async fn announce<R: Runtime>(
        &self,
        runtime: &R,
        request: Request,
        message: Option<&str>,
    ) -> Option<IntentId> {
        let operation = self.operation_of(runtime, request, message).await;
        let record = self.effects.intended(operation.write()?)?;
        self.purges.intents.announce(runtime, record).await
    }

    /// The operation in a client's message. If the message is not known, it may be a mutation.
    async fn operation_of<R: Runtime>(
        &self,
        runtime: &R,
        request: Request,
        message: Option<&str>,
    ) -> SocketOperation {
        match message.map(read_client_message) {
            Some(ClientMessage::Operation(payload)) => {
                self.operation(&socket_context(runtime, request), &payload).await
            }
            _ => SocketOperation::PossibleMutation,
        }
    }

    /// The operation in a message's payload, which has the form of a GraphQL request by POST.
    async fn operation<R: Runtime>(&self, context: &Context<R>, payload: &str) -> SocketOperation {
        let headers: Headers = [("content-type", "application/json")].into_iter().collect();
        let amounts = &self.config.limits.amounts;
        let query = match read_post(&headers, None, payload.as_bytes(), amounts) {
            RequestForm::Single(query) => query,
            RequestForm::Unreadable { may_be_mutation: false, .. } => return SocketOperation::Read,
            RequestForm::Batch(_) | RequestForm::Unreadable { .. } => {
                return SocketOperation::PossibleMutation;
            }
        };
        let schema = self.knowledge.schemas.for_request(context);
        match self.knowledge.documents.resolve(context, query, &schema).await {
            Ok(operation) => match operation.known.analysis.kind {
                OperationKind::Mutation => SocketOperation::Mutation(Box::new(operation)),
                OperationKind::Query | OperationKind::Subscription => SocketOperation::Read,
            },
            Err(Unresolved::Uncacheable(uncacheable)) if !uncacheable.may_be_mutation => {
                SocketOperation::Read
            }
            // The origin may have the document of an unknown hash.
            Err(_) => SocketOperation::PossibleMutation,
        }
    }
}

/// A message's request: what may run on a socket is what may run by POST.
fn socket_context<R: Runtime>(runtime: &R, request: Request) -> Context<R> {
    let mut request = Request { method: Method::Post, ..request };
    let is_of_upgrade = |name: &str| name == "upgrade" || name.starts_with("sec-websocket-");
    request.headers.retain(|name| !is_of_upgrade(name));
    Context::new(runtime.clone(), request)
}
