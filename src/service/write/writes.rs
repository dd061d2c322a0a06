//! The course of a write.

use super::effects::{PurgeState, WriteEffects};
use super::reading::{Reading, SHORT_BODY_BYTES, SHORT_BODY_MILLIS, WriteBody};
use super::streamed::StreamedWrites;
use crate::config::Config;
use crate::engine::{BypassOutcome, Write, WritePurge, WriteResponse};
use crate::policy::Forward;
use crate::purge::NewRecord;
use crate::service::body_memory::read_json_body;
use crate::service::context::Context;
use crate::service::origin::{FullRequest, OriginClient};
use crate::service::purges::{PurgeSource, Purges, WriteInProgress};
use crate::service::respond::{Reply, Responder};
use crate::service::runtime::{BodyRead, OriginFailure, OriginResponse, Runtime};
use crate::service::scope_changes::ScopeChanges;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::rc::Rc;

/// How long a body may take before its write is purged without it, and again when it is there.
const BODY_MILLIS: u64 = 2_000;

/// A write as it is sent.
pub struct OutgoingWrite<'a> {
    /// What it writes.
    pub write: Write<'a>,
    /// What is sent in place of the client's request, if the origin may not know its document.
    pub full_request: Option<FullRequest>,
    /// Why it is not looked up.
    pub reason: &'static str,
}

/// Sends writes.
pub struct Writes {
    config: Rc<Config>,
    purges: Purges,
    origin: Rc<OriginClient>,
    effects: Rc<WriteEffects>,
    streamed: Rc<StreamedWrites>,
    scope_changes: Rc<ScopeChanges>,
    respond: Rc<Responder>,
}

impl Writes {
    /// Sends writes to that origin.
    pub fn new(
        config: Rc<Config>,
        purges: Purges,
        origin: Rc<OriginClient>,
        effects: Rc<WriteEffects>,
        scope_changes: Rc<ScopeChanges>,
        respond: Rc<Responder>,
    ) -> Rc<Self> {
        let streamed = StreamedWrites::new(purges.clone());
        Rc::new(Self { config, purges, origin, effects, streamed, scope_changes, respond })
    }

    /// Sends a write once, purges what it touched, and passes its response on.
    pub async fn write<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        outgoing: OutgoingWrite<'_>,
    ) -> Reply {
        self.write_and_read(context, outgoing).await.0
    }

    /// The same. Also returns the body of the response, if it was read.
    pub async fn write_and_read<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        outgoing: OutgoingWrite<'_>,
    ) -> (Reply, Option<Rc<[u8]>>) {
        let OutgoingWrite { write, full_request, reason } = outgoing;
        let forward = match write {
            Write::Rest(_) => Forward::Method,
            _ => Forward::Bypass,
        };
        let runtime = &context.runtime;
        let Purges { intents, own_writes, .. } = &self.purges;
        let in_progress = WriteInProgress::new(runtime.now());
        let outcome = async {
            let response = self.send(context, (write, full_request), &in_progress).await;
            let body = match &response {
                Ok(response) => self.read_body(context, write, response).await,
                Err(_) => WriteBody::Broken,
            };
            (response, body)
        };
        let intended = || self.effects.intended(write);
        let (response, body) = intents.watch(runtime, &in_progress, intended, outcome).await;
        let purge = self.purge_of(write, response.as_ref().ok(), &body);
        let source = source_of(write);
        let new = purge.map(|purge| self.effects.counted(runtime, purge));
        let closing = match &new {
            // The end of the response is still to come.
            Some(_) if matches!(body, WriteBody::Streamed) => new.clone(),
            _ => intents.closing(runtime, new.clone(), || in_progress.close()),
        };
        let purge_source = PurgeSource { word: source, cause: cause_of(write) };
        let state = self.effects.record(runtime, closing, purge_source).await;
        let response = match response {
            Ok(response) => response,
            Err(failure) => {
                return (self.respond.origin_failed(context, &failure, forward, None), None);
            }
        };
        self.scope_changes.purge(context, &response).await;
        let detail = match state {
            PurgeState::Pending => BypassOutcome::PurgePending.as_str(),
            _ => reason,
        };
        let mut reply = self.respond.bypassed(context, &response, forward, reason, detail);
        if let (PurgeState::Recorded(record), Reply::Origin { headers, .. }) = (state, &mut reply) {
            let token = own_writes.token_of(runtime, record);
            self.respond.show_purge_token(context, token, headers);
        }
        if let (Some(new), WriteBody::Streamed) = (new, &body) {
            let (handle, wait) = (response.handle, self.config.purge.wait);
            self.streamed.purge_at_end(runtime, handle, (new, in_progress), source, wait);
        }
        let read = match body {
            WriteBody::Whole(body) => Some(body),
            WriteBody::Broken | WriteBody::Streamed => None,
        };
        (reply, read)
    }

    /// What a write purges, as far as its response shows.
    fn purge_of(
        &self,
        write: Write<'_>,
        response: Option<&OriginResponse>,
        body: &WriteBody,
    ) -> Option<WritePurge> {
        let whole = match body {
            WriteBody::Whole(body) => Some(&**body),
            WriteBody::Broken | WriteBody::Streamed => None,
        };
        let response = response.map(|response| WriteResponse {
            status: response.status,
            headers: &response.headers,
            body: whole,
        });
        let mut purge = self.effects.purge_of(write, response)?;
        if matches!(body, WriteBody::Broken) {
            purge.new = purge.new.with_unknown_outcome();
        }
        Some(purge)
    }

    /// Sends a write once, and waits for its response for no longer than `origin_timeout.write_ms`. What
    /// the origin does after that is purged when it is done.
    async fn send<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        (write, full_request): (Write<'_>, Option<FullRequest>),
        in_progress: &Rc<WriteInProgress>,
    ) -> Result<OriginResponse, OriginFailure> {
        let Some(millis) = self.config.origin_timeout.write_ms else {
            return self.origin.forward(context, full_request.as_ref(), false).await;
        };
        let runtime = &context.runtime;
        let (origin, sent) = (self.origin.clone(), context.clone());
        let sending = async move { origin.forward(&sent, full_request.as_ref(), false).await };
        let sending = sending.boxed_local().shared();
        let response = self.origin.wait(runtime, Some(millis), sending.clone()).await;
        if sending.peek().is_none() {
            let (this, background) = (self.clone(), runtime.clone());
            let (in_progress, intended) = (in_progress.clone(), self.effects.intended(write));
            runtime.spawn(async move {
                let Purges { intents, recorder, .. } = &this.purges;
                let intended = || intended.clone();
                let _ = intents.watch(&background, &in_progress, intended, sending).await;
                // The body may still be on its way. What the log does not take is kept as pending.
                let new = NewRecord::everything().with_unknown_outcome();
                let _ = recorder.record(&background, new, "late-write").await;
            });
        }
        response
    }

    /// Reads the response's body if it says what ran, and if it is short.
    async fn read_body<R: Runtime>(
        &self,
        context: &Context<R>,
        write: Write<'_>,
        response: &OriginResponse,
    ) -> WriteBody {
        let runtime = &context.runtime;
        let read = match Reading::of(&self.config, write, response) {
            Reading::Nothing => return WriteBody::Streamed,
            Reading::IfShort => {
                let handle = response.handle;
                runtime.short_body(handle, SHORT_BODY_BYTES, SHORT_BODY_MILLIS).await
            }
            Reading::Whole { bytes } => {
                let reading = pin!(read_json_body(runtime, response, bytes));
                Some(match select(reading, pin!(runtime.sleep(BODY_MILLIS))).await {
                    Either::Left((read, _)) => read,
                    Either::Right((_, reading)) => {
                        // The runtime may end this request before the rest is there.
                        self.purge_before_body(runtime, write, response);
                        reading.await
                    }
                })
            }
        };
        match read {
            Some(BodyRead::Whole(body)) => WriteBody::Whole(body),
            Some(BodyRead::TooLarge | BodyRead::NoRoom) | None => WriteBody::Streamed,
            Some(BodyRead::Broken) => WriteBody::Broken,
        }
    }

    /// Purges in the background what a write may have changed already. What it changes later is purged
    /// by its intent.
    fn purge_before_body<R: Runtime>(
        &self,
        runtime: &R,
        write: Write<'_>,
        response: &OriginResponse,
    ) {
        if let Some(purge) = self.purge_of(write, Some(response), &WriteBody::Broken) {
            let source = source_of(write);
            self.effects.record_in_background(runtime, purge.new.record, source);
        }
    }
}

/// What of a write is named as the cause of its purge: the first field of a mutation, or the path.
fn cause_of(write: Write<'_>) -> Option<Rc<str>> {
    match write {
        Write::Mutation { analysis, .. } => {
            analysis.roots.keys().next().map(|field| field.as_str().into())
        }
        Write::Rest(request) => Some(request.url.path.as_str().into()),
        Write::Batch(_) | Write::PossibleMutation => None,
    }
}

/// The source of a write's purge in log lines and statistics.
fn source_of(write: Write<'_>) -> &'static str {
    match write {
        Write::Mutation { .. } => "mutation",
        Write::Batch(_) => "batch",
        Write::PossibleMutation => "perhaps-mutation",
        Write::Rest(_) => "rest",
    }
}
