//! Writes: to the origin first, then their purge, then the answer.

use super::documents::{Operation, Whole};
use super::handle::{Asked, Reply, Service};
use super::stats::Answered;
use super::world::{Answer, BodyRead, OriginFailure, World};
use crate::config::Config;
use crate::engine::{Bypass, Unwritten, Write, Written, XCache, purge_cookie, record_of};
use crate::policy::{CacheStatus, Forward};
use crate::purge::{Record, Seq};
use crate::rest;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use std::pin::pin;

/// What became of a write's purge.
enum Purged {
    /// There is nothing to purge.
    Nothing,
    /// It is recorded.
    Recorded(Seq),
    /// It will be recorded, and the answer does not wait for it.
    InBackground,
    /// The log did not take it yet.
    Pending,
}

/// A write as it is sent.
pub(super) struct Sending<'a> {
    pub write: Write<'a>,
    /// What is sent in place of the request, where that does not hold its document.
    pub whole: Option<Whole>,
    pub reason: &'static str,
}

impl<W: World> Service<W> {
    /// A GraphQL mutation.
    pub(super) async fn mutation(
        &self,
        config: &Config,
        asked: &Asked,
        operation: &Operation,
    ) -> Reply {
        let analysis = &operation.known.analysis;
        let variables = operation.query.variables.as_ref();
        let sending = Sending {
            write: Write::Mutation { analysis, variables },
            whole: self.whole(config, operation),
            reason: Bypass::Mutation.as_str(),
        };
        self.write(config, asked, sending).await
    }

    /// A GraphQL request that was not understood and may be a mutation.
    pub(super) async fn perhaps_mutation(
        &self,
        config: &Config,
        asked: &Asked,
        unwritten: Unwritten,
    ) -> Reply {
        let write = Write::PerhapsMutation { batch: unwritten.batch };
        let sending = Sending { write, whole: None, reason: unwritten.reason.as_str() };
        self.write(config, asked, sending).await
    }

    /// A REST request of an unsafe method.
    pub(super) async fn rest_write(&self, config: &Config, asked: &Asked) -> Reply {
        let write = Write::Rest(&asked.request);
        let sending = Sending { write, whole: None, reason: Bypass::Method.as_str() };
        self.write(config, asked, sending).await
    }

    /// Sends a write once, purges what it touched, and passes its answer on.
    pub(super) async fn write(
        &self,
        config: &Config,
        asked: &Asked,
        sending: Sending<'_>,
    ) -> Reply {
        let Sending { write, whole, reason } = sending;
        let forward = match write {
            Write::Rest(_) => Forward::Method,
            _ => Forward::Bypass,
        };
        let request = &asked.request;
        let answer = self.ask_once(config, asked, whole).await;
        let body = match &answer {
            Ok(answer) => self.readable_body(config, write, answer).await,
            Err(_) => None,
        };
        let written = answer.as_ref().ok().map(|answer| Written {
            status: answer.status,
            headers: &answer.headers,
            body: body.as_deref(),
        });
        let record = {
            let schema = self.known_schema();
            let known = self.isolate.known_types.borrow();
            let knowledge = schema.knowledge(config);
            record_of(config, write, written, &knowledge, &known)
        };
        let purged = self.purge(config, record, write).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return self.origin_failed(asked, &failure, forward),
        };
        self.note_scope_changes(config, request, &answer).await;
        self.count(asked, answer.status, Answered::Bypass, None);
        self.report_bypass(asked, reason, answer.status);
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
        let mut reply = self.reply(asked, &answer, XCache::Bypass, &status);
        if let (Purged::Recorded(seq), Reply::Answer { headers, .. }) = (&purged, &mut reply) {
            headers.set("evergraph-purge", seq.to_string());
            if config.purge.cookie {
                headers.append("set-cookie", purge_cookie(*seq, config.purge.max_lag, request));
            }
        }
        reply
    }

    /// Sends a write once, and waits no longer for its answer than is configured. What the origin
    /// does later than that is purged when it is done.
    async fn ask_once(
        &self,
        config: &Config,
        asked: &Asked,
        whole: Option<Whole>,
    ) -> Result<Answer, OriginFailure> {
        let Some(millis) = config.origin_timeout.write_ms else {
            return self.ask_whole(asked, whole.as_ref(), false).await;
        };
        let service = self.clone();
        let asked = Asked { request: asked.request.clone(), ..*asked };
        let asking = async move { service.ask_whole(&asked, whole.as_ref(), false).await };
        let asking = asking.boxed_local().shared();
        match select(asking.clone(), pin!(self.world.sleep(millis))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                let service = self.clone();
                self.world.spawn(async move {
                    let _ = asking.await;
                    // What the log does not take is kept pending.
                    let _ = service.record(Record::everything(), "late-write").await;
                });
                Err(OriginFailure::after(millis))
            }
        }
    }

    /// The answer's body, where it tells what ran.
    async fn readable_body(
        &self,
        config: &Config,
        write: Write<'_>,
        answer: &Answer,
    ) -> Option<std::rc::Rc<[u8]>> {
        let tells = match write {
            Write::Rest(request) => rest::needs_body(config, &request.url),
            Write::PerhapsMutation { batch } => !batch,
            Write::Mutation { .. } | Write::Batch(_) => true,
        };
        if !tells {
            return None;
        }
        let content_type = answer.headers.get("content-type").unwrap_or_default();
        if !content_type.to_ascii_lowercase().contains("json") {
            return None;
        }
        match self.json_body(answer).await {
            BodyRead::Whole(body) => Some(body),
            BodyRead::TooLarge | BodyRead::NoRoom | BodyRead::Broken => None,
        }
    }

    async fn purge(&self, config: &Config, record: Option<Record>, write: Write<'_>) -> Purged {
        let Some(record) = record else { return Purged::Nothing };
        let source = match write {
            Write::Rest(_) => "rest",
            _ => "mutation",
        };
        if !config.purge.wait {
            let service = self.clone();
            self.world.spawn(async move {
                // What the log does not take is kept pending.
                let _ = service.record(record, source).await;
            });
            return Purged::InBackground;
        }
        match self.record(record, source).await {
            Ok(seq) => Purged::Recorded(seq),
            Err(_) => Purged::Pending,
        }
    }
}
