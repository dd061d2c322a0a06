//! Where requests enter: each goes to the component that answers its class.

use super::configured::Configured;
use super::context::Context;
use super::isolate::Isolate;
use super::read::ReadKind;
use super::respond::Reply;
use super::runtime::Runtime;
use super::socket::{SocketMessage, SocketWrite};
use super::write::OutgoingWrite;
use crate::engine::{Bypass, RequestClass, Write, classify, take_evergraph_headers};
use crate::graphql::{ClientMessage, read_client_message};
use crate::http::Request;
use crate::purge::{IntentId, Record};
use std::rc::Rc;

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
    pub async fn handle(&self, request: Request) -> Reply {
        let context = self.context(request);
        let request = context.request.clone();
        let mut reply = match &self.isolate.service {
            Ok(service) => answer(service, context).await,
            Err(degraded) => degraded.answer(&context).await,
        };
        self.isolate.base.respond.finish(&request, &mut reply);
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

    /// Records the purges that are pending in this isolate and in the outbox. For a cron trigger.
    pub async fn tend(&self) {
        self.isolate.base.purges.recorder.record_everything_pending(&self.runtime).await;
    }

    /// The context of a request, without the headers that are for Evergraph alone.
    fn context(&self, mut request: Request) -> Context<R> {
        let (runtime, purges) = (&self.runtime, &self.isolate.base.purges);
        let admin_tokens = || runtime.admin_tokens();
        let own = take_evergraph_headers(&mut request, self.isolate.log_name(), admin_tokens);
        let own_write = purges.own_writes.required_by(runtime, &own.purge_tokens);
        let context = Context::new(runtime.clone(), request);
        Context { own_write, debug: own.debug, ..context }
    }
}

async fn answer<R: Runtime>(service: &Configured, context: Context<R>) -> Reply {
    let Configured { config, admin, graphql, planning, reads, writes, pass_through, .. } = service;
    match classify(config, &context.request) {
        RequestClass::Admin => Reply::Whole(admin.respond(&context).await),
        RequestClass::PassThrough(Bypass::Upgrade) => pass_through.upgrade(&context).await,
        RequestClass::GraphQlSocket => pass_through.open_socket(&context).await,
        RequestClass::PassThrough(reason) => pass_through.pass(&context, reason, None).await,
        RequestClass::RestWrite => {
            let (write, reason) = (Write::Rest(&context.request), Bypass::Method.as_str());
            let outgoing = OutgoingWrite { write, full_request: None, reason };
            writes.write(&context, outgoing).await
        }
        RequestClass::Rest => match planning.plan_rest(&context).await {
            Ok(plan) => reads.read(&context, &plan, &ReadKind::Rest).await,
            Err(reason) => pass_through.pass(&context, reason, None).await,
        },
        RequestClass::GraphQlGet | RequestClass::GraphQlPost => graphql.answer(&context).await,
        RequestClass::GraphQlUncached(reason) => {
            graphql.answer(&Context { uncached: Some(reason), ..context }).await
        }
    }
}
