//! Reads: from the cache where it can, else from the origin, and into the cache.

use super::ask::Told;
use super::ask_rest::Before;
use super::collapse::{Joined, Leading};
use super::context::Context;
use super::documents::Operation;
use super::find::{Candidate, Found};
use super::handle::{Reply, Service};
use super::keep::Storing;
use super::report::HitLine;
use super::runtime::{OriginFailure, Runtime};
use super::slots::Slot;
use super::stats::Answered;
use crate::config::{Config, KvWrites};
use crate::engine::{
    Plan, ValidatedEntry, XCache, headers_to_client, response_from_entry, shorten_for_client,
    without_body,
};
use crate::http::{Method, Response};
use crate::limits;
use crate::policy::{CacheStatus, Forward, Freshness, not_modified};
use futures_util::future::{Either, select};
use serde_json::json;
use std::pin::pin;
use std::rc::Rc;

/// How long the runtime lets work go on after the answer. What takes longer was cut off.
pub(super) const REVALIDATION_MILLIS: u64 = 30_000;

/// How much longer KV may take where the origin has failed.
const LATE_MILLIS: u64 = 1_000;

impl<W: Runtime> Service<W> {
    /// Answers a read.
    pub(super) async fn read(
        &self,
        config: &Config,
        context: &Context<W>,
        plan: &Plan,
        operation: Option<Rc<Operation>>,
    ) -> Reply {
        let request = &context.request;
        let mut found = self.find(config, context, plan).await;
        if let Some(candidate) = found.candidate.take_if(|candidate| candidate.answers()) {
            if candidate.freshness == Freshness::StaleWhileRevalidate {
                self.revalidate(context, plan, &candidate, operation);
            }
            return self.serve(config, context, plan, &candidate);
        }
        let rest = operation.is_none();
        if rest && request.method == Method::Get && request.headers.contains("range") {
            return self.range(config, context, plan, found).await;
        }
        if plan.client_directives(&request.headers).only_if_cached {
            return self.nothing_stored();
        }
        let leading = match self.join(context, plan).await {
            Joined::Answered(candidate) => return self.serve(config, context, plan, &candidate),
            Joined::Leads(leading) => Some(leading),
            Joined::Alone => None,
        };
        self.fetch(config, context, plan, operation.as_deref(), found, leading).await
    }

    pub(super) fn nothing_stored(&self) -> Reply {
        self.failed(504, "only-if-cached, and nothing usable is stored")
    }

    pub(super) fn serve(
        &self,
        config: &Config,
        context: &Context<W>,
        plan: &Plan,
        candidate: &Candidate,
    ) -> Reply {
        let Candidate { cached, tier, freshness } = candidate;
        let stale = *freshness != Freshness::Fresh;
        let meta = &cached.entry.meta;
        let now = self.runtime.now();
        let status = CacheStatus::hit(meta.ttl, meta.age(now), tier.as_str());
        let x_cache = if stale { XCache::Stale } else { XCache::Hit };
        let mut response =
            response_from_entry(&cached.entry, &context.request, x_cache, &status, now);
        self.show(context, &meta.key, &meta.tags, &mut response);
        self.rewrite_location(&context.request, &mut response.headers);
        let how = if stale { Answered::Stale } else { Answered::Hit };
        self.count(context, response.status, how, Some(&plan.type_name));
        self.report_hit(&HitLine {
            event: if stale { "stale" } else { "hit" },
            tier: tier.as_str(),
            type_name: &plan.type_name,
            key: &meta.key,
            age: meta.age(now),
            ms: now.millis_since(context.started),
        });
        if config.kv.writes == KvWrites::SecondRequest && !cached.in_kv.get() && meta.status != 206
        {
            self.put_in_kv_later(cached.clone());
        }
        Reply::Whole(response)
    }

    /// Fetches a stale entry anew beside the answer, once at a time in this isolate, and as a rule
    /// in this data centre.
    pub(super) fn revalidate(
        &self,
        context: &Context<W>,
        plan: &Plan,
        candidate: &Candidate,
        operation: Option<Rc<Operation>>,
    ) {
        // A HEAD brings nothing to store.
        if context.request.method == Method::Head {
            return;
        }
        let meta = &candidate.cached.entry.meta;
        let other_variant = (meta.key != plan.key.as_str()).then(|| meta.vary.clone());
        let key = plan.key.as_str().to_owned();
        let now = self.runtime.now();
        let mut revalidating = self.isolate.revalidating.borrow_mut();
        if revalidating.get(&key, now).is_some() {
            return;
        }
        revalidating.put(&key, (), now);
        drop(revalidating);
        let service = self.clone();
        let context = context.clone();
        let (plan, stored_as) = (plan.clone(), meta.key.clone());
        let candidate = candidate.clone();
        self.runtime.spawn(async move {
            // A batch may have many.
            let slot = context.revalidations.take().await;
            if let Ok(config) = &service.isolate.config
                && !service.is_revalidated_elsewhere(&context, &plan, &stored_as).await
            {
                let mark = service.isolate.purges.view.mark();
                let other_variant = other_variant.as_deref();
                let storing = Storing { plan: &plan, mark, other_variant, replaces: true };
                service
                    .fetch_anew(config, &context, storing, &candidate, operation.as_deref())
                    .await;
            }
            service.isolate.revalidating.borrow_mut().remove(&key);
            slot.into_iter().for_each(Slot::give_back);
        });
    }

    /// Fetches a stale entry anew. What becomes of it shows in the stores.
    async fn fetch_anew(
        &self,
        config: &Config,
        context: &Context<W>,
        storing: Storing<'_>,
        candidate: &Candidate,
        operation: Option<&Operation>,
    ) {
        let plan = storing.plan;
        if let Some(operation) = operation {
            if let Ok(told) = self.ask_for(config, context, operation).await {
                let _ = self.keep_answer(context, &told, storing, operation).await;
            }
            return;
        }
        if plan.client_directives(&context.request.headers).no_store {
            return;
        }
        let before = self.before(context, plan, Some(candidate)).await;
        let Ok(told) = self.ask_rest(context, plan, &before, storing.mark).await else { return };
        // While the origin fails, what is stored is better.
        if told.answer.status >= 500 {
            return;
        }
        if let Some(fresh) = told.validated_entry {
            let ValidatedEntry { entry, stored } = *fresh;
            if stored.is_ok() && storing.mark.is_some() {
                self.keep_entry(&context.request, storing.of_the_same_variant(), entry);
            }
        } else if self.worth_storing(context, &told.answer, storing).is_ok()
            && let Ok(body) = self.whole_body(&told.answer, limits::ANSWER_BODY_BYTES).await
        {
            let _ = self.keep_rest(context, &told.answer, storing, body);
        }
    }

    async fn fetch(
        &self,
        config: &Config,
        context: &Context<W>,
        plan: &Plan,
        operation: Option<&Operation>,
        mut found: Found<'_>,
        leading: Option<Leading<W>>,
    ) -> Reply {
        // Where the log stood before the origin is asked: what is purged from here on is newer.
        let mark = self.isolate.purges.view.mark();
        let late = found.late.take();
        let mut late_stale = None;
        let why = reason(&found, plan.client_directives(&context.request.headers).no_cache);
        let candidate = found.candidate.take();
        let before = match operation {
            Some(_) => Before::Nothing,
            None => self.before(context, plan, candidate.as_ref()).await,
        };
        let asking = async {
            match operation {
                Some(operation) => self.ask_for(config, context, operation).await,
                None => self.ask_rest(context, plan, &before, mark).await,
            }
        };
        let asking = pin!(asking);
        let answer = match late {
            None => asking.await,
            Some(late) => match select(late, asking).await {
                Either::Left((Some(candidate), asking)) => {
                    if candidate.freshness == Freshness::Fresh {
                        return self.serve_late(config, context, plan, &candidate);
                    }
                    late_stale = Some(candidate);
                    asking.await
                }
                Either::Left((None, asking)) => asking.await,
                // The first good answer wins: for a bad one KV gets a little longer.
                Either::Right((answer, late)) if is_bad(&answer) => {
                    let waited = self.within(LATE_MILLIS, async { Ok(late.await) }).await;
                    match waited.ok().flatten() {
                        Some(candidate) if candidate.freshness == Freshness::Fresh => {
                            return self.serve_late(config, context, plan, &candidate);
                        }
                        candidate => late_stale = candidate,
                    }
                    answer
                }
                Either::Right((answer, _)) => answer,
            },
        };
        let stale = candidate.clone().filter(|one| is_servable_stale(one.freshness)).or(late_stale);
        let told =
            match self.unless_failed(config, (context, plan), answer, stale.as_ref(), why).await {
                Ok(told) => told,
                Err(reply) => return reply,
            };
        let replaces = candidate.is_some();
        let other_variant = found.other_variant.as_deref();
        let storing = Storing { plan, mark, other_variant, replaces };
        let Some(operation) = operation else {
            // Judged anew: it may have been purged since it was found.
            let stands = |one: &Candidate| {
                self.judged(&context.request, plan, &one.cached) != Freshness::Purged
            };
            if context.request.method == Method::Head
                && let Some(stored) = candidate.filter(stands)
                && told.validated_entry.is_none()
            {
                self.heard_by_head(context, &told.answer, &stored.cached, storing);
            }
            return self.answered_rest(context, told, storing, why, leading).await;
        };
        self.answered(context, told, operation, storing, why).await
    }

    /// The origin's answer, or, where it failed, what the client gets in its place: a stale entry
    /// that may stand in for it, if there is one.
    pub(super) async fn unless_failed(
        &self,
        config: &Config,
        (context, plan): (&Context<W>, &Plan),
        told: Result<Told, OriginFailure>,
        stale: Option<&Candidate>,
        why: Why,
    ) -> Result<Told, Reply> {
        let stale = stale.filter(|_| is_bad(&told));
        if let Some(stale) = stale.filter(|one| is_servable_stale(one.freshness))
            && self.still_stands(context, plan, stale).await
        {
            let fault = match told {
                Ok(told) => format!("answered {}", told.answer.status),
                Err(failure) => failure.fault,
            };
            self.report_failure("origin", &fault);
            return Err(self.serve(config, context, plan, stale));
        }
        told.map_err(|failure| self.origin_failed(context, &failure, why.forward))
    }

    /// While the origin was asked, a purge may have come.
    pub(super) async fn still_stands(
        &self,
        context: &Context<W>,
        plan: &Plan,
        stale: &Candidate,
    ) -> bool {
        self.isolate.purges.sync.sync(context).await;
        self.isolate.purges.view.may_judge(self.runtime.now(), context.own_write)
            && is_servable_stale(self.judged(&context.request, plan, &stale.cached))
    }

    fn serve_late(
        &self,
        config: &Config,
        context: &Context<W>,
        plan: &Plan,
        late: &Candidate,
    ) -> Reply {
        self.keep(&late.cached.entry.meta.key, &late.cached);
        self.serve(config, context, plan, late)
    }

    /// The origin's answer to a query to the client, and into the stores if it may be stored.
    async fn answered(
        &self,
        context: &Context<W>,
        told: Told,
        operation: &Operation,
        storing: Storing<'_>,
        why: Why,
    ) -> Reply {
        let answer = &told.answer;
        if let Ok(config) = &self.isolate.config {
            self.note_scope_changes(config, &context.request, answer).await;
        }
        let plan = storing.plan;
        let kept = self.keep_answer(context, &told, storing, operation).await;
        if let Err(reason) = &kept {
            self.note_not_stored(plan, answer.status, *reason);
        }
        let detail = kept.as_ref().err().map(|reason| reason.as_str()).or(why.detail);
        let status = CacheStatus::Forwarded {
            forward: why.forward,
            status: Some(answer.status),
            stored: kept.is_ok(),
            detail,
        };
        self.count_miss(context, plan, answer.status, kept.is_ok(), detail);
        let received = answer.at.as_millis() / 1000;
        let Ok(cached) = kept else {
            let mut headers = self.headers_to_client(context, answer, XCache::Miss, &status);
            shorten_for_client(&mut headers, plan.client_ttl);
            // The origin was asked without the client's conditions.
            let known = not_modified(&context.request, &headers, received);
            if known && answer.status == 200 && context.request.method.is_safe() {
                return Reply::Whole(without_body(headers));
            }
            return told.reply(headers);
        };
        // As a hit will have it, with the cookies that are for this client alone.
        let meta = &cached.entry.meta;
        let mut headers = headers_to_client(&meta.headers, XCache::Miss, &status, false);
        headers.attach_original_of(&answer.headers);
        for cookie in answer.headers.get_all("set-cookie") {
            headers.append("set-cookie", cookie);
        }
        self.rewrite_location(&context.request, &mut headers);
        let mut head = Response { status: answer.status, headers, body: [].into() };
        self.show(context, &meta.key, &meta.tags, &mut head);
        if not_modified(&context.request, &meta.headers, received) {
            return Reply::Whole(without_body(head.headers));
        }
        told.reply(head.headers)
    }

    pub(super) fn count_miss(
        &self,
        context: &Context<W>,
        plan: &Plan,
        status: u16,
        stored: bool,
        detail: Option<&'static str>,
    ) {
        self.count(context, status, Answered::Miss, Some(&plan.type_name));
        self.report(&json!({
            "event": "miss",
            "type": plan.type_name,
            "key": plan.key.as_str(),
            "status": status,
            "stored": stored,
            "reason": detail,
            "ms": self.runtime.now().millis_since(context.started),
        }));
    }

    /// Shows keys and tags to who may see them.
    pub(super) fn show(
        &self,
        context: &Context<W>,
        key: &str,
        tags: &[String],
        response: &mut Response,
    ) {
        if context.debug {
            response.headers.set("evergraph-key", key);
            let mut shown = tags.join(",");
            shown.truncate(8_000);
            response.headers.set("evergraph-tags", shown);
        }
    }
}

/// Why the origin is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Why {
    pub forward: Forward,
    pub detail: Option<&'static str>,
}

/// Whether a stale entry may stand in for an origin that fails.
pub(super) fn is_servable_stale(freshness: Freshness) -> bool {
    matches!(freshness, Freshness::StaleWhileRevalidate | Freshness::StaleIfError)
}

/// Whether the origin gave no answer that anybody wants.
fn is_bad(told: &Result<Told, OriginFailure>) -> bool {
    told.as_ref().map_or(true, |told| told.answer.status >= 500)
}

/// Why a look-up ended at the origin.
fn reason(found: &Found<'_>, asked_for: bool) -> Why {
    let (forward, detail) = match found.candidate.as_ref().map(|candidate| candidate.freshness) {
        _ if found.log_unreadable => (Forward::Miss, Some("log-unreadable")),
        Some(Freshness::Purged) => (Forward::Miss, Some("purged")),
        Some(_) if asked_for => (Forward::Request, None),
        Some(_) => (Forward::Stale, None),
        None => (Forward::Miss, None),
    };
    Why { forward, detail }
}
