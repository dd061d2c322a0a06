//! GraphQL over WebSocket: the messages pass in JavaScript, which asks here what a client's message
//! runs, and has purged here what its answer says.
//!
//! In scope: from a message to its operation, and from its answer to the purge. Nothing is kept
//! between two calls. Not in scope: the messages themselves (`graphql::socket`), their order, and
//! which answer is whose (`worker/js/socket.js`).

use super::context::Context;
use super::documents::{Operation, Unresolved};
use super::handle::{Reply, Service};
use super::runtime::Runtime;
use crate::config::Config;
use crate::engine::{Write, WriteResponse};
use crate::graphql::{
    ClientMessage, Form, OperationKind, read_client_message, read_post, read_server_message,
};
use crate::http::{Headers, Method, Request};
use crate::purge::{IntentId, Record};
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
    /// It is no message of a known subprotocol, and may run a mutation.
    Unclear,
}

impl SocketMessage {
    /// The word for JavaScript.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Read => "read",
            Self::Write => "write",
            Self::Unclear => "unclear",
        }
    }
}

/// What is known of a write on a socket, once its outcome is.
#[derive(Debug, Clone, Copy)]
pub struct SocketWrite<'a> {
    /// The client's message; none where it was not kept, or is of no known subprotocol.
    pub message: Option<&'a str>,
    /// The server's message that answers it.
    pub answer: Option<&'a str>,
    /// The status for which the server closed the socket in place of an answer.
    pub refused: Option<u16>,
    /// What the log calls it, where it was told of it.
    pub intent: Option<IntentId>,
}

/// What an operation on a socket is.
enum Carried {
    Read,
    Mutation(Box<Operation>),
    PerhapsMutation,
}

impl Carried {
    fn write(&self) -> Option<Write<'_>> {
        match self {
            Self::Read => None,
            Self::Mutation(operation) => Some(Write::Mutation {
                analysis: &operation.known.analysis,
                variables: operation.query.variables.as_ref(),
            }),
            Self::PerhapsMutation => Some(Write::PerhapsMutation),
        }
    }
}

impl<W: Runtime> Service<W> {
    /// Opens a socket on which GraphQL is spoken. The messages must be readable, so no extension may
    /// change their form.
    pub(super) async fn socket(&self, config: Option<&Config>, mut context: Context<W>) -> Reply {
        Rc::make_mut(&mut context.request).headers.remove("sec-websocket-extensions");
        match self.upgrade(config, &context).await {
            Reply::Untouched { handle } => Reply::Socket { handle },
            reply => reply,
        }
    }

    /// What a client's message runs. `request` is the one that opened the socket.
    pub async fn socket_message(&self, request: Request, text: &str) -> SocketMessage {
        let payload = match read_client_message(text) {
            ClientMessage::Operation(payload) => payload,
            ClientMessage::Control => return SocketMessage::Control,
            ClientMessage::Unclear => return SocketMessage::Unclear,
        };
        // Nobody knows then what it is, as for a write over HTTP.
        let Ok(config) = &self.isolate.config else { return SocketMessage::Write };
        match self.carried(config, &self.of_socket(request), &payload).await {
            Carried::Read => SocketMessage::Read,
            Carried::Mutation(_) | Carried::PerhapsMutation => SocketMessage::Write,
        }
    }

    /// Purges what a write on a socket has changed. With `purge.wait` it is recorded by then, or kept
    /// pending.
    pub async fn socket_purge(&self, request: Request, write: SocketWrite<'_>) {
        let Ok(config) = &self.isolate.config else {
            return self.purge_after_failure(write.answer.is_some()).await;
        };
        let carried = self.carried_by(config, request, write.message).await;
        let Some(purging) = carried.write() else { return };
        let headers = Headers::new();
        let body = write.answer.and_then(read_server_message);
        let body = body.as_deref().map(str::as_bytes);
        let written = match write.refused {
            // A refusal is no GraphQL answer.
            Some(status) => Some(WriteResponse { status, headers: &headers, body: Some(&[]) }),
            None => {
                body.map(|body| WriteResponse { status: 200, headers: &headers, body: Some(body) })
            }
        };
        let purge = self.purge_of_written(config, purging, written);
        let new = self.isolate.purges.intents.closing(
            &self.runtime,
            purge.map(|purge| self.counted(purge)),
            || write.intent,
        );
        self.purge(config, new, "socket").await;
    }

    /// Tells the log of a write on a socket that has no outcome for long.
    pub async fn socket_intent(&self, request: Request, message: Option<&str>) -> Option<IntentId> {
        let record = match &self.isolate.config {
            Ok(config) => {
                let carried = self.carried_by(config, request, message).await;
                self.purge_of_written(config, carried.write()?, None)?.new.record
            }
            Err(_) => Record::everything(),
        };
        self.isolate.purges.intents.announce(&self.runtime, record).await
    }

    /// The operation in a client's message; one that may be a mutation where it is not known.
    async fn carried_by(
        &self,
        config: &Config,
        request: Request,
        message: Option<&str>,
    ) -> Carried {
        match message.map(read_client_message) {
            Some(ClientMessage::Operation(payload)) => {
                self.carried(config, &self.of_socket(request), &payload).await
            }
            _ => Carried::PerhapsMutation,
        }
    }

    /// The operation in a message's payload, which is a GraphQL request as one that is posted.
    async fn carried(&self, config: &Config, context: &Context<W>, payload: &str) -> Carried {
        let headers: Headers = [("content-type", "application/json")].into_iter().collect();
        let form = read_post(&headers, None, payload.as_bytes(), &config.limits.amounts);
        let query = match form {
            Form::Query(query) => query,
            Form::Unread { may_be_mutation: false, .. } => return Carried::Read,
            Form::Batch(_) | Form::Unread { .. } => return Carried::PerhapsMutation,
        };
        let schema = self.schema(config, context);
        match self.operation(config, context, query, &schema).await {
            Ok(operation) => match operation.known.analysis.kind {
                OperationKind::Mutation => Carried::Mutation(Box::new(operation)),
                OperationKind::Query | OperationKind::Subscription => Carried::Read,
            },
            Err(Unresolved::Uncacheable(unwritten)) if !unwritten.may_be_mutation => Carried::Read,
            // Of an unknown hash the origin may have the document.
            Err(_) => Carried::PerhapsMutation,
        }
    }

    /// A message's request: what may run on a socket is what may run for a POST.
    fn of_socket(&self, request: Request) -> Context<W> {
        let mut request = Request { method: Method::Post, ..request };
        let of_the_upgrade = |name: &str| name == "upgrade" || name.starts_with("sec-websocket-");
        request.headers.retain(|name| !of_the_upgrade(name));
        self.new_context(request)
    }
}
