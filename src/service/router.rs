//! Where requests enter: each goes to the component that carries the decision about it out.

use super::configured::Configured;
use super::context::{Context, Purpose};
use super::decision::{Decision, PassedRequest};
use super::incoming::{TokenUse, incoming_context, judge_token};
use super::isolate::Isolate;
use super::respond::{Reply, error};
use super::runtime::Runtime;
use super::socket::{SocketMessage, SocketWrite};
use super::write::OutgoingWrite;
use crate::admin::is_purge_method;
use crate::engine::{Bypass, ReadTypes, TokenCheck, Write};
use crate::graphql::{ClientMessage, read_client_message};
use crate::http::Request;
use crate::purge::{IntentId, Record};
use std::rc::Rc;

/// What an administrator is told who purges by a method while that is off.
const PURGE_METHODS_OFF: &str = "nothing is purged: set purge.methods = true in the configuration, or use POST /__evergraph/purge";

/// The service for one request.
#[derive(Clone)]
pub struct Service<R> {
    runtime: R,
    isolate: Rc<Isolate>,
}

impl<R: Runtime> Service<R> {
    /// The service over one request's runtime, with what its isolate knows.
    pub fn new(runtime: R, isolate: Rc<Isolate>) -> Self {
        Self { runtime, isolate }
    }

    /// Answers a request.
    pub async fn handle(&self, mut request: Request) -> Reply {
        let base = &self.isolate.base;
        let runtime = &self.runtime;
        // Few requests may have a token, and the others need not pay for the questions.
        let may_have_token =
            request.headers.contains("evergraph-debug") || is_purge_method(&request.method);
        let token_use = match may_have_token && !self.isolate.is_admin(&request) {
            true => judge_token(runtime, &base.attempts, &mut request),
            false => TokenUse::None,
        };
        let debug = match token_use {
            TokenUse::Debug => TokenCheck::Right,
            TokenUse::None | TokenUse::PurgeMethod => TokenCheck::Absent,
        };
        let log = (&*base.log_name, &base.purges);
        let context = incoming_context(runtime, log, request, debug, Purpose::Answer);
        let (request, started) = (context.request.clone(), context.started);
        let mut reply = match (&self.isolate.service, token_use) {
            (Ok(_), TokenUse::PurgeMethod) => error(501, PURGE_METHODS_OFF),
            (Ok(service), _) => answer(service, context).await,
            (Err(degraded), TokenUse::PurgeMethod) => degraded.refuse(runtime),
            (Err(degraded), _) => degraded.answer(&context).await,
        };
        self.isolate.base.respond.finish(&request, &mut reply);
        self.isolate.base.reports.report_if_due(&self.runtime, started);
        reply
    }

    /// What a client's message on a socket runs. `request` is the one that opened the socket.
    pub async fn socket_message(&self, request: Request, text: &str) -> SocketMessage {
        let payload = match read_client_message(text) {
            ClientMessage::Operation(payload) => payload,
            ClientMessage::Control => return SocketMessage::Control,
            ClientMessage::Unclear => return SocketMessage::Unclear,
        };
        match &self.isolate.service {
            Ok(service) => service.sockets.read_message(&self.runtime, request, &payload).await,
            // Without a configuration any operation counts as a write, as over HTTP.
            Err(_) => SocketMessage::Write,
        }
    }

    /// Purges what a write on a socket has changed. With `purge.wait` the purge is recorded, or kept as
    /// pending, when this returns.
    pub async fn socket_purge(&self, request: Request, write: SocketWrite<'_>) {
        match &self.isolate.service {
            Ok(service) => service.sockets.purge(&self.runtime, request, write).await,
            Err(_) => self.purge_after_failure(write.answer.is_some()).await,
        }
    }

    /// Announces a write on a socket that has had no answer for long.
    pub async fn socket_intent(&self, request: Request, message: Option<&str>) -> Option<IntentId> {
        match &self.isolate.service {
            Ok(service) => service.sockets.announce(&self.runtime, request, message).await,
            Err(_) => {
                let intents = &self.isolate.base.purges.intents;
                intents.announce(&self.runtime, Record::everything()).await
            }
        }
    }

    /// Purges everything after the handling of a write has failed, so that nobody knows what it did. It
    /// is over if the origin has answered.
    pub async fn purge_after_failure(&self, is_over: bool) {
        self.isolate.base.purges.recorder.purge_after_failure(&self.runtime, is_over).await;
    }

    /// Records the purges that are pending in this isolate and in the outbox, reports what was
    /// counted, and goes on with warming. For a cron trigger.
    pub async fn tend(&self) {
        let base = &self.isolate.base;
        base.purges.recorder.record_everything_pending(&self.runtime).await;
        base.reports.report(&self.runtime).await;
        if let Ok(Configured { auto_warming: Some(warming), .. }) = &self.isolate.service {
            warming.tend(&self.runtime).await;
        }
    }
}

async fn answer<R: Runtime>(service: &Configured, context: Context<R>) -> Reply {
    let Configured { admin, decider, graphql, reads, writes, pass_through, .. } = service;
    match decider.decide(&context).await {
        Decision::LookUp { plan, kind } => {
            let reply = reads.read(&context, &plan, &kind).await;
            if let Some(warming) = &service.auto_warming {
                warming.go_on(&context.runtime, &context.request.url);
            }
            reply
        }
        Decision::Admin => Reply::Whole(admin.respond(&context).await),
        Decision::Upgrade => pass_through.upgrade(&context).await,
        Decision::Socket => pass_through.open_socket(&context).await,
        Decision::PassThrough { reason, request: PassedRequest::Unread } => {
            pass_through.pass(&context, reason, None).await
        }
        Decision::PassThrough { reason, request: PassedRequest::Rest } => {
            let types = ReadTypes::of_path(&service.config, &context.request.url);
            pass_through.pass(&context.of_types(Some(types)), reason, None).await
        }
        Decision::RestWrite => {
            let (write, reason) = (Write::Rest(&context.request), Bypass::Method.as_str());
            let outgoing = OutgoingWrite { write, full_request: None, reason };
            writes.write(&context, outgoing).await
        }
        Decision::PossibleMutation(reason) => {
            let (write, reason) = (Write::PossibleMutation, reason.as_str());
            let outgoing = OutgoingWrite { write, full_request: None, reason };
            writes.write(&context, outgoing).await
        }
        Decision::PassThrough { reason, request: PassedRequest::Operation(operation) } => {
            graphql.pass_through(&context, reason, &operation).await
        }
        Decision::Mutation(operation) => graphql.mutate(&context, &operation).await,
        Decision::Batch(items) => graphql.batches.answer(&context, items).await,
        Decision::Refused(limit) => graphql.refuse(&context, limit),
        Decision::UnknownDocument => graphql.ask_for_document(&context),
        Decision::BrokenBody => error(400, "the request's body broke off"),
    }
}
