//! Writes: to the origin first, then their purge, then the answer.

use super::context::Context;
use super::documents::{Operation, Whole};
use super::handle::{Reply, Service};
use super::purges::WriteInProgress;
use super::runtime::{BodyEnd, BodyRead, OriginFailure, OriginResponse, Runtime};
use super::stats::Answered;
use crate::config::Config;
use crate::engine::{
    Bypass, Effect, Format, Uncacheable, Write, WritePurge, WriteResponse, XCache, purge_cookie,
    purge_of_write, rest_effect,
};
use crate::limits;
use crate::policy::{CacheStatus, Forward};
use crate::purge::{Mark, NewRecord, Record};
use crate::rest;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::rc::Rc;

/// What became of a write's purge.
pub(super) enum Purged {
    /// There is nothing to purge.
    Nothing,
    /// It is this record.
    Recorded(Mark),
    /// It will be recorded, and the answer does not wait for it.
    InBackground,
    /// The log did not take it yet.
    Pending,
}

/// What was read of the body of a write's answer, before the client gets any of it.
enum Body {
    /// All of it.
    Whole(Rc<[u8]>),
    /// It broke off.
    Broken,
    /// The client gets it as it comes.
    Streamed,
}

/// A body of at most so many bytes is read whole, if its answer says how long it is, or if it ends
/// soon after its head: then the write is known to be over before its purge is recorded.
const SHORT_BODY_BYTES: usize = 64 << 10;
const SHORT_BODY_MILLIS: u64 = 100;

/// How long a body may take before its write is purged without it, and once more when it is there.
const BODY_MILLIS: u64 = 2_000;

/// How often a write is purged whose answer goes on and on.
const STREAM_MILLIS: u64 = 20_000;

/// A write as it is sent.
pub(super) struct Sending<'a> {
    pub write: Write<'a>,
    /// What is sent in place of the request, where that does not hold its document.
    pub whole: Option<Whole>,
    pub reason: &'static str,
}

impl<W: Runtime> Service<W> {
    /// A GraphQL mutation.
    pub(super) async fn mutation(
        &self,
        config: &Config,
        context: &Context<W>,
        operation: &Operation,
    ) -> Reply {
        let analysis = &operation.known.analysis;
        let variables = operation.query.variables.as_ref();
        let sending = Sending {
            write: Write::Mutation { analysis, variables },
            whole: self.whole(config, operation),
            reason: Bypass::Mutation.as_str(),
        };
        self.write(config, context, sending).await
    }

    /// A GraphQL request that was not understood and may be a mutation.
    pub(super) async fn perhaps_mutation(
        &self,
        config: &Config,
        context: &Context<W>,
        unwritten: Uncacheable,
    ) -> Reply {
        let write = Write::PerhapsMutation;
        let sending = Sending { write, whole: None, reason: unwritten.reason.as_str() };
        self.write(config, context, sending).await
    }

    /// A REST request of an unsafe method.
    pub(super) async fn rest_write(&self, config: &Config, context: &Context<W>) -> Reply {
        let write = Write::Rest(&context.request);
        let sending = Sending { write, whole: None, reason: Bypass::Method.as_str() };
        self.write(config, context, sending).await
    }

    /// Sends a write once, purges what it touched, and passes its answer on.
    pub(super) async fn write(
        &self,
        config: &Config,
        context: &Context<W>,
        sending: Sending<'_>,
    ) -> Reply {
        let Sending { write, whole, reason } = sending;
        let forward = match write {
            Write::Rest(_) => Forward::Method,
            _ => Forward::Bypass,
        };
        let request = &context.request;
        let intent = WriteInProgress::new(self.runtime.now());
        let outcome = async {
            let answer = self.ask_once(config, context, (write, whole), &intent).await;
            let body = match &answer {
                Ok(answer) => self.body_of(config, write, answer).await,
                Err(_) => Body::Broken,
            };
            (answer, body)
        };
        let intended = || self.intended(config, write);
        let (answer, body) =
            self.isolate.purges.intents.watch(&self.runtime, &intent, intended, outcome).await;
        let purge = self.purge_of(config, write, answer.as_ref().ok(), &body);
        let source = source_of(write);
        let new = purge.map(|purge| self.counted(purge));
        let closing = match &new {
            // Its end is still to come.
            Some(_) if matches!(body, Body::Streamed) => new.clone(),
            _ => self.isolate.purges.intents.closing(&self.runtime, new.clone(), || intent.close()),
        };
        let purged = self.purge(config, closing, source).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return self.origin_failed(context, &failure, forward),
        };
        self.note_scope_changes(config, request, &answer).await;
        self.count(context, answer.status, Answered::Bypass, None);
        self.report_bypass(context, reason, answer.status);
        let detail = match purged {
            Purged::Pending => "purge-pending",
            _ => reason,
        };
        let status = CacheStatus::Forwarded {
            forward,
            status: Some(answer.status),
            stored: false,
            detail: Some(detail),
        };
        let mut reply = self.reply(context, &answer, XCache::Bypass, &status);
        if let (Purged::Recorded(record), Reply::Origin { headers, .. }) = (&purged, &mut reply) {
            let token = self.isolate.purges.own_writes.token_of(&self.runtime, *record);
            if config.purge.cookie {
                let max_lag = config.purge.max_lag;
                let cookie = purge_cookie(self.isolate.log_name(), &token, max_lag, request);
                headers.append("set-cookie", cookie);
            }
            headers.set("evergraph-purge", token);
        }
        if let (Some(new), Body::Streamed) = (new, body) {
            self.purge_at_end(answer.handle, (new, intent), source, config.purge.wait);
        }
        reply
    }

    /// What a write would purge by its request alone.
    fn intended(&self, config: &Config, write: Write<'_>) -> Option<Record> {
        self.purge_of_written(config, write, None).map(|purge| purge.new.record)
    }

    /// What a write purges, as far as its answer shows it.
    fn purge_of(
        &self,
        config: &Config,
        write: Write<'_>,
        answer: Option<&OriginResponse>,
        body: &Body,
    ) -> Option<WritePurge> {
        let whole = match body {
            Body::Whole(body) => Some(&**body),
            Body::Broken | Body::Streamed => None,
        };
        let written = answer.map(|answer| WriteResponse {
            status: answer.status,
            headers: &answer.headers,
            body: whole,
        });
        let mut purge = self.purge_of_written(config, write, written)?;
        if matches!(body, Body::Broken) {
            purge.new = purge.new.with_unknown_outcome();
        }
        Some(purge)
    }

    /// What a write purges, by what is known of its types.
    pub(super) fn purge_of_written(
        &self,
        config: &Config,
        write: Write<'_>,
        written: Option<WriteResponse<'_>>,
    ) -> Option<WritePurge> {
        let schema = self.known_schema();
        let known = self.isolate.known_types.borrow();
        purge_of_write(config, write, written, &schema.knowledge(config), &known)
    }

    /// The record of a purge, counted by the mutation's field that made it one of everything.
    pub(super) fn counted(&self, purge: WritePurge) -> NewRecord {
        if let Some(field) = &purge.field {
            self.isolate.stats.field_purged_everything(self.runtime.now(), field);
        }
        purge.new
    }

    /// Purges once more when the answer's body has ended, for what the origin does until then. Where
    /// it breaks off, or the client leaves, nobody knows when that is. With `wait` the client sees
    /// the body's end after the purge is recorded.
    fn purge_at_end(
        &self,
        handle: u32,
        (new, intent): (NewRecord, Rc<WriteInProgress>),
        source: &'static str,
        wait: bool,
    ) {
        let passed = self.runtime.passed_body(handle);
        let service = self.clone();
        self.runtime.spawn(async move {
            let end = service.end_of(passed, &new, &intent, source).await;
            if !wait {
                service.runtime.release_end(handle);
            }
            // What the log does not take is kept pending.
            let _ = match end {
                BodyEnd::Whole => {
                    let closing =
                        service
                            .isolate
                            .purges
                            .intents
                            .closing(&service.runtime, Some(new), || intent.close());
                    service
                        .isolate
                        .purges
                        .recorder
                        .record(&service.runtime, closing.unwrap_or_default(), source)
                        .await
                }
                BodyEnd::Cut => {
                    service
                        .isolate
                        .purges
                        .recorder
                        .record(&service.runtime, new.with_unknown_outcome(), source)
                        .await
                }
            };
            service.runtime.release_end(handle);
        });
    }

    /// How a body ends that is passed on. Until then it purges from time to time what was written so
    /// far. The client may leave meanwhile, and then the runtime ends this without a word: what is
    /// written later is purged by the intent.
    async fn end_of(
        &self,
        passed: impl Future<Output = BodyEnd>,
        new: &NewRecord,
        intent: &Rc<WriteInProgress>,
        source: &'static str,
    ) -> BodyEnd {
        let ending = async {
            let mut passed = pin!(passed);
            loop {
                match select(passed.as_mut(), pin!(self.runtime.sleep(STREAM_MILLIS))).await {
                    Either::Left((end, _)) => return end,
                    Either::Right(_) => {
                        let _ = self
                            .isolate
                            .purges
                            .recorder
                            .record(&self.runtime, new.clone(), source)
                            .await;
                    }
                }
            }
        };
        self.isolate
            .purges
            .intents
            .watch(&self.runtime, intent, || Some(new.record.clone()), ending)
            .await
    }

    /// Passes on a write of which nobody knows what it changes, and purges everything.
    pub(super) async fn unread_write(
        &self,
        context: &Context<W>,
        reason: Bypass,
        source: &'static str,
    ) -> Reply {
        let intent = WriteInProgress::new(self.runtime.now());
        let everything = || Some(Record::everything());
        let passing = self.pass_through(None, context, reason);
        let reply =
            self.isolate.purges.intents.watch(&self.runtime, &intent, everything, passing).await;
        let new = NewRecord::everything();
        match &reply {
            Reply::Origin { handle, .. } => {
                // What the log does not take is kept pending.
                let _ =
                    self.isolate.purges.recorder.record(&self.runtime, new.clone(), source).await;
                self.purge_at_end(*handle, (new, intent), source, true);
            }
            Reply::Whole(_) | Reply::Untouched { .. } | Reply::Socket { .. } => {
                let _ = self
                    .isolate
                    .purges
                    .recorder
                    .record(&self.runtime, new.with_unknown_outcome(), source)
                    .await;
            }
        }
        reply
    }

    /// Sends a write once, and waits no longer for its answer than is configured. What the origin
    /// does later than that is purged when it is done.
    async fn ask_once(
        &self,
        config: &Config,
        context: &Context<W>,
        (write, whole): (Write<'_>, Option<Whole>),
        intent: &Rc<WriteInProgress>,
    ) -> Result<OriginResponse, OriginFailure> {
        let Some(millis) = config.origin_timeout.write_ms else {
            return self.ask_whole(context, whole.as_ref(), false).await;
        };
        let service = self.clone();
        let context = context.clone();
        let asking = async move { service.ask_whole(&context, whole.as_ref(), false).await };
        let asking = asking.boxed_local().shared();
        match select(asking.clone(), pin!(self.runtime.sleep(millis))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                let (service, intent) = (self.clone(), intent.clone());
                let intended = self.intended(config, write);
                self.runtime.spawn(async move {
                    let _ = service
                        .isolate
                        .purges
                        .intents
                        .watch(&service.runtime, &intent, || intended.clone(), asking)
                        .await;
                    // Its body may still be on its way. What the log does not take is kept pending.
                    let new = NewRecord::everything().with_unknown_outcome();
                    let _ = service
                        .isolate
                        .purges
                        .recorder
                        .record(&service.runtime, new, "late-write")
                        .await;
                });
                Err(OriginFailure::after(millis))
            }
        }
    }

    /// Reads the answer's body where it says what ran, and where it is short.
    async fn body_of(&self, config: &Config, write: Write<'_>, answer: &OriginResponse) -> Body {
        let read = match reading_of(config, write, answer) {
            Reading::None => return Body::Streamed,
            Reading::Short => {
                self.runtime.short_body(answer.handle, SHORT_BODY_BYTES, SHORT_BODY_MILLIS).await
            }
            Reading::Whole { bytes } => {
                let reading = pin!(self.json_body_within(answer, bytes));
                Some(match select(reading, pin!(self.runtime.sleep(BODY_MILLIS))).await {
                    Either::Left((read, _)) => read,
                    Either::Right((_, reading)) => {
                        // The runtime may end this request before the rest is there.
                        self.purge_for_slow(config, write, answer);
                        reading.await
                    }
                })
            }
        };
        match read {
            Some(BodyRead::Whole(body)) => Body::Whole(body),
            Some(BodyRead::TooLarge | BodyRead::NoRoom) | None => Body::Streamed,
            Some(BodyRead::Broken) => Body::Broken,
        }
    }

    /// Purges beside the reading of a body what its write may have changed already.
    fn purge_for_slow(&self, config: &Config, write: Write<'_>, answer: &OriginResponse) {
        let purge = self.purge_of(config, write, Some(answer), &Body::Broken);
        let (service, source) = (self.clone(), source_of(write));
        if let Some(purge) = purge {
            self.runtime.spawn(async move {
                // What it changes later is purged by its intent. What the log does not take is kept
                // pending.
                let _ = service
                    .isolate
                    .purges
                    .recorder
                    .record(&service.runtime, purge.new.record, source)
                    .await;
            });
        }
    }

    pub(super) async fn purge(
        &self,
        config: &Config,
        new: Option<NewRecord>,
        source: &'static str,
    ) -> Purged {
        let Some(new) = new else { return Purged::Nothing };
        if !config.purge.wait {
            let service = self.clone();
            self.runtime.spawn(async move {
                // What the log does not take is kept pending.
                let _ = service.isolate.purges.recorder.record(&service.runtime, new, source).await;
            });
            return Purged::InBackground;
        }
        match self.isolate.purges.recorder.record(&self.runtime, new, source).await {
            Ok(record) => Purged::Recorded(record),
            Err(_) => Purged::Pending,
        }
    }
}

/// The word for a write's purges in log lines and statistics.
fn source_of(write: Write<'_>) -> &'static str {
    match write {
        Write::Mutation { .. } => "mutation",
        Write::Batch(_) => "batch",
        Write::PerhapsMutation => "perhaps-mutation",
        Write::Rest(_) => "rest",
    }
}

/// What of an answer's body is read before the client gets any.
enum Reading {
    /// Nothing.
    None,
    /// All of it, if it is short.
    Short,
    /// All of it up to so many bytes, however long that takes.
    Whole { bytes: usize },
}

fn reading_of(config: &Config, write: Write<'_>, answer: &OriginResponse) -> Reading {
    let format = Format::of(&answer.headers);
    if format == Format::Parts {
        return Reading::None;
    }
    let says_what_ran = match write {
        Write::Rest(request) => {
            let effect = rest_effect(config, &request.url, Some(answer.status));
            if effect == Effect::Nothing {
                return Reading::None;
            }
            format == Format::Json && rest::needs_body(config, &request.url)
        }
        _ => format == Format::Json,
    };
    // Whether a refusal is a GraphQL answer shows in its body alone.
    let is_refusal = !matches!(write, Write::Rest(_)) && (400..500).contains(&answer.status);
    let length = answer.headers.get("content-length").and_then(|length| length.parse().ok());
    let is_short = length.is_some_and(|length: usize| length <= SHORT_BODY_BYTES);
    if says_what_ran {
        Reading::Whole { bytes: limits::GRAPHQL_ANSWER_BYTES }
    } else if is_refusal || is_short {
        Reading::Whole { bytes: SHORT_BODY_BYTES }
    } else {
        Reading::Short
    }
}
