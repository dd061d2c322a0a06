//! Reads: from the cache where it can, else from the origin, and into the cache.

use super::ask::Told;
use super::collapse::Joined;
use super::documents::Operation;
use super::find::{Candidate, Found, variant_key};
use super::handle::{Asked, Reply, Service};
use super::memory::Cached;
use super::report::HitLine;
use super::stats::Answered;
use super::world::{Answer, BodyRead, OriginFailure, World};
use crate::config::{Config, KvWrites};
use crate::engine::{
    Fetched, Plan, Stored, XCache, from_entry, graphql_entry, is_graphql_json, passed_on,
    rest_entry, set_client_ttl, without_body,
};
use crate::entry::encode;
use crate::graphql::Shown;
use crate::http::{Headers, Method, Response};
use crate::limits;
use crate::policy::{
    CacheStatus, Forward, Freshness, NotStored, Rule, lifetime, not_modified, storable,
};
use crate::purge::Lag;
use crate::purge::Mark;
use crate::time::Timestamp;
use futures_util::future::{Either, join, select};
use serde_json::json;
use std::pin::pin;
use std::rc::Rc;

/// How long the runtime lets work go on after the answer.
const REVALIDATION_SECONDS: u64 = 30;

/// How much longer KV may take where the origin has failed.
const LATE_MILLIS: u64 = 1_000;

/// The shortest time for which KV keeps a value.
const KV_SECONDS: u64 = 60;

impl<W: World> Service<W> {
    /// Answers a read.
    pub(super) async fn read(
        &self,
        config: &Config,
        asked: &Asked,
        plan: &Plan,
        operation: Option<Rc<Operation>>,
    ) -> Reply {
        let request = &asked.request;
        let mut found = self.find(config, asked, plan).await;
        if let Some(candidate) = found.candidate.take_if(|candidate| {
            matches!(candidate.freshness, Freshness::Fresh | Freshness::StaleWhileRevalidate)
        }) {
            if candidate.freshness == Freshness::StaleWhileRevalidate {
                self.revalidate(asked, plan, &candidate, operation);
            }
            return self.serve(config, asked, plan, &candidate);
        }
        if plan.heeded(&request.headers).only_if_cached {
            return self.failed(504, "only-if-cached, and nothing usable is stored");
        }
        let leading = match self.join(config, asked, plan).await {
            Joined::Answered(candidate) => return self.serve(config, asked, plan, &candidate),
            Joined::Leads(leading) => Some(leading),
            Joined::Alone => None,
        };
        let reply = self.fetch(config, asked, plan, operation.as_deref(), found).await;
        drop(leading);
        reply
    }

    fn serve(&self, config: &Config, asked: &Asked, plan: &Plan, candidate: &Candidate) -> Reply {
        let Candidate { cached, tier, freshness } = candidate;
        let stale = *freshness != Freshness::Fresh;
        let meta = &cached.entry.meta;
        let now = self.world.now();
        let mut response =
            from_entry(&cached.entry, tier.as_str(), stale, &asked.request.headers, now);
        self.show(asked, &meta.key, &meta.tags, &mut response);
        self.rewrite_location(&asked.request, &mut response.headers);
        if asked.request.method == Method::Head {
            response.body = [].into();
        }
        let how = if stale { Answered::Stale } else { Answered::Hit };
        self.count(asked, response.status, how, Some(&plan.type_name));
        self.report_hit(&HitLine {
            event: if stale { "stale" } else { "hit" },
            tier: tier.as_str(),
            type_name: &plan.type_name,
            key: &meta.key,
            age: meta.age(now),
            ms: now.millis_since(asked.started),
        });
        if config.kv.writes == KvWrites::SecondRequest && !cached.in_kv.get() {
            self.put_in_kv_later(cached.clone());
        }
        Reply::Whole(response)
    }

    /// Fetches a stale entry anew beside the answer, once at a time in this isolate, and as a rule
    /// in this data centre.
    pub(super) fn revalidate(
        &self,
        asked: &Asked,
        plan: &Plan,
        candidate: &Candidate,
        operation: Option<Rc<Operation>>,
    ) {
        // A HEAD brings nothing to store.
        if asked.request.method == Method::Head {
            return;
        }
        let meta = &candidate.cached.entry.meta;
        let other_variant = (meta.key != plan.key.as_str()).then(|| meta.vary.clone());
        let key = plan.key.as_str().to_owned();
        let now = self.world.now();
        let mut revalidating = self.isolate.revalidating.borrow_mut();
        // One that takes longer was cut off by the runtime.
        let under_way = |since: &Timestamp| now.seconds_since(*since) < REVALIDATION_SECONDS;
        if revalidating.get(&key).is_some_and(under_way) {
            return;
        }
        revalidating.insert(key.clone(), now);
        drop(revalidating);
        let service = self.clone();
        let asked = Asked { request: asked.request.clone(), ..*asked };
        let (plan, stored_as) = (plan.clone(), meta.key.clone());
        self.world.spawn(async move {
            if let Ok(config) = &service.isolate.config
                && !service.is_revalidated_elsewhere(config, &asked, &plan, &stored_as).await
            {
                let mark = service.isolate.replica.borrow().mark();
                let operation = operation.as_deref();
                if let Ok(told) = service.ask_for(config, &asked, operation).await {
                    let storing = Storing { plan: &plan, operation, mark };
                    let kept = service.keep_answer(config, &asked, &told, storing, other_variant);
                    let _ = kept.await;
                }
            }
            service.isolate.revalidating.borrow_mut().remove(&key);
        });
    }

    async fn fetch(
        &self,
        config: &Config,
        asked: &Asked,
        plan: &Plan,
        operation: Option<&Operation>,
        mut found: Found<'_>,
    ) -> Reply {
        // Where the log stood before the origin is asked: what is purged from here on is newer.
        let mark = self.isolate.replica.borrow().mark();
        let late = found.late.take();
        let mut late_stale = None;
        let (forward, why) = reason(&found, plan.heeded(&asked.request.headers).no_cache);
        let stale = found.candidate.filter(|one| one.freshness == Freshness::StaleIfError);
        let asking = pin!(self.ask_for(config, asked, operation));
        let answer = match late {
            None => asking.await,
            Some(late) => match select(late, asking).await {
                Either::Left((Some(candidate), asking)) => {
                    if candidate.freshness == Freshness::Fresh {
                        return self.serve_late(config, asked, plan, &candidate);
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
                            return self.serve_late(config, asked, plan, &candidate);
                        }
                        candidate => late_stale = candidate,
                    }
                    answer
                }
                Either::Right((answer, _)) => answer,
            },
        };
        let stale = stale.or(late_stale.filter(|one| is_servable_stale(one.freshness)));
        match answer {
            Ok(told) if told.answer.status < 500 || stale.is_none() => {
                let storing = Storing { plan, operation, mark };
                self.answered(config, asked, told, storing, found.other_variant, (forward, why))
                    .await
            }
            failed => match stale {
                Some(stale) if self.still_stands(config, asked, plan, &stale).await => {
                    let fault = failed.map_or_else(
                        |f| f.fault,
                        |told| format!("answered {}", told.answer.status),
                    );
                    self.report_failure("origin", &fault);
                    self.serve(config, asked, plan, &stale)
                }
                _ => match failed {
                    Ok(told) => {
                        let storing = Storing { plan, operation, mark };
                        self.answered(config, asked, told, storing, None, (forward, why)).await
                    }
                    Err(failure) => self.origin_failed(asked, &failure, forward),
                },
            },
        }
    }

    /// While the origin was asked, a purge may have come.
    pub(super) async fn still_stands(
        &self,
        config: &Config,
        asked: &Asked,
        plan: &Plan,
        stale: &Candidate,
    ) -> bool {
        if self.lag(config, asked.wanted) == Lag::TooOld {
            self.sync().await;
        }
        self.may_judge(config, asked)
            && is_servable_stale(self.judged(&asked.request, plan, &stale.cached))
    }

    fn serve_late(&self, config: &Config, asked: &Asked, plan: &Plan, late: &Candidate) -> Reply {
        self.keep(&late.cached.entry.meta.key, &late.cached);
        self.serve(config, asked, plan, late)
    }

    /// The origin's answer to the client, and into the stores if it may be stored.
    async fn answered(
        &self,
        config: &Config,
        asked: &Asked,
        told: Told,
        storing: Storing<'_>,
        other_variant: Option<Vec<String>>,
        (forward, why): (Forward, Option<&'static str>),
    ) -> Reply {
        let answer = &told.answer;
        self.note_scope_changes(config, &asked.request, answer).await;
        let plan = storing.plan;
        let kept = self.keep_answer(config, asked, &told, storing, other_variant).await;
        let detail = kept.as_ref().err().map(|reason| reason.as_str()).or(why);
        let status = CacheStatus::Forwarded {
            forward,
            status: Some(answer.status),
            stored: kept.is_ok(),
            detail,
        };
        self.count(asked, answer.status, Answered::Miss, Some(&plan.type_name));
        self.report(&json!({
            "event": "miss",
            "type": plan.type_name,
            "key": plan.key.as_str(),
            "status": answer.status,
            "stored": kept.is_ok(),
            "reason": detail,
            "ms": self.world.now().millis_since(asked.started),
        }));
        let Ok(cached) = kept else {
            let mut headers = self.passed_on(asked, answer, XCache::Miss, &status);
            set_client_ttl(&mut headers, plan.client_ttl);
            // The origin was asked without the client's conditions.
            let known = not_modified(&asked.request.headers, headers.get("etag"));
            if known && answer.status == 200 && asked.request.method.is_safe() {
                return Reply::Whole(without_body(headers));
            }
            return told.reply(headers);
        };
        // As a hit will have it, with the cookies that are for this client alone.
        let meta = &cached.entry.meta;
        let mut headers = passed_on(&meta.headers, XCache::Miss, &status);
        for cookie in answer.headers.get_all("set-cookie") {
            headers.append("set-cookie", cookie);
        }
        self.rewrite_location(&asked.request, &mut headers);
        let mut head = Response { status: answer.status, headers, body: [].into() };
        self.show(asked, &meta.key, &meta.tags, &mut head);
        if not_modified(&asked.request.headers, meta.headers.get("etag")) {
            return Reply::Whole(without_body(head.headers));
        }
        told.reply(head.headers)
    }

    /// Stores an answer in every tier, or says why not. An element of a batch's answer is kept
    /// as an answer of its own whose body was read.
    pub(super) async fn keep_answer(
        &self,
        config: &Config,
        asked: &Asked,
        told: &Told,
        storing: Storing<'_>,
        other_variant: Option<Vec<String>>,
    ) -> Result<Rc<Cached>, NotStored> {
        let Storing { plan, operation, mark } = storing;
        let request = &asked.request;
        let answer = &told.answer;
        let head = (answer.status, &answer.headers);
        self.worth_reading(asked, plan, head, operation.is_some())?;
        let mark = mark.ok_or(NotStored::LogUnreadable)?;
        let body = match (&told.body, operation) {
            (Some(body), _) => body.bytes.clone(),
            (None, Some(_)) => self.whole_body(answer, limits::GRAPHQL_ANSWER_BYTES).await?,
            (None, None) => self.whole_body(answer, limits::ANSWER_BODY_BYTES).await?,
        };
        if operation.is_some() && body.len() > limits::GRAPHQL_ANSWER_BYTES {
            return Err(NotStored::TooLarge);
        }
        let now = self.world.now();
        let (status, headers) = head;
        let fetched = Fetched { request, status, headers, body, mark, now };
        let stored = match operation {
            Some(operation) => {
                let analysis = &operation.known.analysis;
                let read;
                let json = match &told.body {
                    Some(body) => &body.json,
                    None => {
                        let parsed = serde_json::from_slice(&fetched.body);
                        read = parsed.map_err(|_| NotStored::ContentType)?;
                        &read
                    }
                };
                let added = told.body.as_ref().is_some_and(|body| body.added);
                // By now the log has said which schema is in force. What was understood by another
                // could lack a tag or a prohibition.
                let schema = self.schema(config, asked);
                if !self.is_in_force(operation.known.schema) {
                    return Err(NotStored::SchemaUnsettled);
                }
                let knowledge = schema.knowledge(config);
                let shown = Shown { json, added };
                graphql_entry(config, plan, analysis, &knowledge, shown, fetched)?
            }
            None => rest_entry(plan, fetched)?,
        };
        let Stored { mut entry, types, contradicts_schema } = stored;
        if contradicts_schema {
            self.distrust_schema().await;
            return Err(NotStored::SchemaContradicted);
        }
        self.isolate.learn_types(types);
        if other_variant.as_ref() == Some(&entry.meta.vary) {
            entry.meta.key = variant_key(plan.key.as_str(), &entry.meta.vary, request);
        }
        let cached = Cached::new(entry, false);
        self.keep(&cached.entry.meta.key, &cached);
        self.put_in_stores(cached.clone(), config.kv.writes == KvWrites::Always);
        Ok(cached)
    }

    async fn whole_body(&self, answer: &Answer, limit: usize) -> Result<Rc<[u8]>, NotStored> {
        match self.world.answer_body(answer.handle, limit).await {
            BodyRead::Whole(body) => Ok(body),
            BodyRead::TooLarge | BodyRead::Broken => Err(NotStored::TooLarge),
        }
    }

    /// Whether the answer's head leaves a chance that it is stored. Where not, it is streamed.
    fn worth_reading(
        &self,
        asked: &Asked,
        plan: &Plan,
        (status, headers): (u16, &Headers),
        graphql: bool,
    ) -> Result<(), NotStored> {
        if asked.request.method == Method::Head {
            return Err(NotStored::Method);
        }
        if plan.heeded(&asked.request.headers).no_store {
            return Err(NotStored::RequestNoStore);
        }
        if graphql && !is_graphql_json(headers) {
            return Err(NotStored::ContentType);
        }
        // The types in a GraphQL answer may yet override what its head says.
        storable(status, headers, plan.overriding || graphql)?;
        if plan.rule == Rule::Origin {
            lifetime(plan.rule, headers, self.world.now())?;
        }
        Ok(())
    }

    /// Writes an entry to the edge cache, and to KV too if it is to, behind the answer. It is
    /// encoded once.
    fn put_in_stores(&self, cached: Rc<Cached>, in_kv: bool) {
        let service = self.clone();
        self.world.spawn(async move {
            // The client's answer leaves first.
            service.world.sleep(0).await;
            let bytes = encode(&cached.entry);
            let to_kv = async {
                if in_kv {
                    service.put_in_kv(&cached, &bytes).await;
                }
            };
            join(service.put_at_the_edge(&cached, &bytes), to_kv).await;
        });
    }

    /// Writes to KV what was asked for again.
    pub(super) fn put_in_kv_later(&self, cached: Rc<Cached>) {
        let service = self.clone();
        self.world.spawn(async move {
            service.put_in_kv(&cached, &encode(&cached.entry)).await;
        });
    }

    async fn put_at_the_edge(&self, cached: &Cached, bytes: &[u8]) {
        let meta = &cached.entry.meta;
        let seconds = meta.lifetime().as_seconds();
        if let Err(fault) = self.world.edge_put(&meta.key, bytes, seconds).await {
            self.report_failure("edge-write", &fault);
        }
    }

    async fn put_in_kv(&self, cached: &Cached, bytes: &[u8]) {
        if !self.world.kv_bound() || !self.isolate.kv.allows(self.world.now()) {
            return;
        }
        let least = self.isolate.config.as_ref().map_or(0, |config| config.kv.min_ttl);
        if cached.entry.meta.lifetime().as_seconds() < least {
            return;
        }
        cached.in_kv.set(true);
        let meta = &cached.entry.meta;
        let seconds = meta.lifetime().as_seconds().max(KV_SECONDS);
        if let Err(fault) = self.world.kv_put(&meta.key, bytes, seconds).await {
            cached.in_kv.set(false);
            self.isolate.kv.failed(self.world.now(), &fault);
            self.report_failure("kv-write", &fault);
        }
    }

    /// Shows keys and tags to who may see them.
    fn show(&self, asked: &Asked, key: &str, tags: &[String], response: &mut Response) {
        if asked.debug {
            response.headers.set("evergraph-key", key);
            let mut shown = tags.join(",");
            shown.truncate(8_000);
            response.headers.set("evergraph-tags", shown);
        }
    }
}

/// What is needed to store an answer.
#[derive(Clone, Copy)]
pub(super) struct Storing<'a> {
    pub plan: &'a Plan,
    pub operation: Option<&'a Operation>,
    /// Where the log stood before the origin was asked, if that was known.
    pub mark: Option<Mark>,
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
fn reason(found: &Found<'_>, asked_for: bool) -> (Forward, Option<&'static str>) {
    match found.candidate.as_ref().map(|candidate| candidate.freshness) {
        _ if found.log_unreadable => (Forward::Miss, Some("log-unreadable")),
        Some(Freshness::Purged) => (Forward::Miss, Some("purged")),
        Some(_) if asked_for => (Forward::Request, None),
        Some(_) => (Forward::Stale, None),
        None => (Forward::Miss, None),
    }
}
