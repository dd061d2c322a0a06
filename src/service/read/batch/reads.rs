//! The course of a batch of queries.

use super::completion::BatchCompletion;
use super::fetch::{BatchFailure, BatchFetch, FetchedBatch};
use super::item::{BatchItem, BatchItemKind};
use super::query::{BatchQueries, BatchQuery, greatest_age};
use crate::engine::{Bypass, MissDetail, XCache};
use crate::graphql::{array_of, is_success};
use crate::http::{Response, fields};
use crate::limits;
use crate::policy::{CacheStatus, Forward, Freshness};
use crate::purge::Mark;
use crate::service::cache::{Judge, Lookup, StoreTarget, is_servable_stale};
use crate::service::context::Context;
use crate::service::knowledge::InjectionState;
use crate::service::origin::OriginClient;
use crate::service::purges::Purges;
use crate::service::read::graphql::GraphQlResponses;
use crate::service::read::injection::Injection;
use crate::service::read::kind::ReadKind;
use crate::service::read::parts::ReadParts;
use crate::service::read::repeating::Repeating;
use crate::service::read::response::{ReadResponse, remove_content_fields};
use crate::service::read::revalidation::Revalidation;
use crate::service::report::report_failure;
use crate::service::respond::{BatchCounts, Outcome, Reply, Responder, document_not_found};
use crate::service::runtime::{OriginResponse, Runtime};
use crate::service::scope_changes::ScopeChanges;
use crate::service::slots;
use crate::service::stats::Answered;
use crate::service::tiers::Tiers;
use futures_util::stream::{StreamExt, iter};
use std::pin::pin;
use std::rc::Rc;

/// Answers batches of queries.
pub struct BatchReads {
    purges: Purges,
    tiers: Rc<Tiers>,
    lookup: Rc<Lookup>,
    judge: Rc<Judge>,
    origin: Rc<OriginClient>,
    fetch: BatchFetch,
    completion: Rc<BatchCompletion>,
    graphql: Rc<GraphQlResponses>,
    revalidation: Rc<Revalidation>,
    repeating: Rc<Repeating>,
    scope_changes: Rc<ScopeChanges>,
    respond: Rc<Responder>,
}

impl BatchReads {
    /// Reads batches with the components of single reads.
    pub fn new(
        parts: &ReadParts,
        completion: Rc<BatchCompletion>,
        injection: Rc<Injection>,
        graphql: Rc<GraphQlResponses>,
        (revalidation, repeating): (Rc<Revalidation>, Rc<Repeating>),
    ) -> Self {
        let (origin, scope_changes) = (parts.origin.clone(), parts.scope_changes.clone());
        Self {
            purges: parts.purges.clone(),
            tiers: parts.tiers.clone(),
            lookup: parts.lookup.clone(),
            judge: parts.judge.clone(),
            fetch: BatchFetch::new(origin.clone(), injection, scope_changes.clone()),
            origin,
            completion,
            graphql,
            revalidation,
            repeating,
            scope_changes,
            respond: parts.respond.clone(),
        }
    }

    /// Answers a batch of queries.
    pub async fn read<R: Runtime>(&self, context: &Context<R>, items: &[BatchItem]) -> Reply {
        // Once for all queries.
        self.purges.sync.sync(context).await;
        let Some(mut queries) = self.look_up(context, items).await else {
            return self.fetch_all(context, items, &[], None).await;
        };
        // While the last ones were looked up, a purge of the first may have arrived.
        self.judge_again(context, &mut queries).await;
        // Taken before the origin is asked: what is purged from here on is newer than the response.
        let mark = self.purges.view.mark();
        let known = || queries.iter().flatten();
        if known().all(|query| query.is_fresh() || query.may_be_revalidated()) {
            return self.reply_from_cache(context, &queries);
        }
        // Stale responses are fetched along with missing ones.
        let missing: Vec<&BatchQuery<'_>> = known().filter(|query| !query.is_fresh()).collect();
        let fetched = match self.fetch.fetch(context, &missing, items.len()).await {
            Ok(fetched) => fetched,
            Err(failure) => return self.fetch_all(context, items, &queries, Some(failure)).await,
        };
        // While the origin was asked, a purge may have arrived.
        for query in known().filter(|query| query.is_fresh()) {
            if !self.is_still_fresh(context, query).await {
                return self.fetch_all(context, items, &[], None).await;
            }
        }
        self.store_and_reply(context, &queries, &missing, fetched, mark).await
    }

    /// What is stored for each query. `None` if that is more than a response may be.
    async fn look_up<'a, R: Runtime>(
        &'a self,
        context: &'a Context<R>,
        items: &'a [BatchItem],
    ) -> Option<BatchQueries<'a>> {
        let looking = items.iter().map(|item| self.look_up_one(context, item));
        let mut looking = pin!(iter(looking).buffered(slots::READS));
        let mut queries = Vec::with_capacity(items.len());
        let mut bytes = 0;
        while let Some(query) = looking.next().await {
            bytes += query.as_ref().map_or(0, |query| query.stored_body().len());
            if bytes > limits::RESPONSE_BODY_BYTES {
                return None;
            }
            queries.push(query);
        }
        Some(queries)
    }

    async fn look_up_one<'a, R: Runtime>(
        &'a self,
        context: &'a Context<R>,
        item: &'a BatchItem,
    ) -> Option<BatchQuery<'a>> {
        let BatchItemKind::Query { operation, plan } = &item.kind else { return None };
        let found = self.lookup.find(context, plan).await;
        let (candidate, other_variant) = (found.candidate, found.other_variant);
        Some(BatchQuery { operation, plan, sent: &item.sent, candidate, other_variant })
    }

    /// Judges again what was found, all of it at one moment.
    async fn judge_again<R: Runtime>(
        &self,
        context: &Context<R>,
        queries: &mut [Option<BatchQuery<'_>>],
    ) {
        self.purges.sync.sync(context).await;
        let may_judge = self.judge.may_judge(context);
        for query in queries.iter_mut().flatten() {
            match &mut query.candidate {
                Some(found) if may_judge => {
                    found.freshness = self.judge.freshness(context, query.plan, &found.cached);
                }
                candidate => *candidate = None,
            }
        }
    }

    async fn is_still_fresh<R: Runtime>(
        &self,
        context: &Context<R>,
        query: &BatchQuery<'_>,
    ) -> bool {
        match &query.candidate {
            Some(found) => self.judge.is_still_fresh(context, query.plan, &found.cached).await,
            None => false,
        }
    }

    /// Answers with stored responses. Stale ones are revalidated.
    fn reply_from_cache<R: Runtime>(
        &self,
        context: &Context<R>,
        queries: &[Option<BatchQuery<'_>>],
    ) -> Reply {
        let now = context.runtime.now();
        let has_unknown = queries.iter().any(Option::is_none);
        let mut is_stale = false;
        let mut ttl_left = i64::MAX;
        for query in queries.iter().flatten() {
            let Some(candidate) = &query.candidate else { continue };
            let meta = &candidate.cached.entry.meta;
            if let CacheStatus::Hit { ttl, .. } =
                CacheStatus::hit(meta.ttl, meta.age(now), MissDetail::Batch.as_str())
            {
                ttl_left = ttl_left.min(ttl);
            }
            if !candidate.is_fresh() {
                is_stale = true;
                if query.may_be_revalidated() {
                    let kind = ReadKind::GraphQl(query.operation.clone());
                    self.revalidation.begin(context, query.plan, candidate, &kind);
                }
            }
            self.tiers.put_used(&context.runtime, &candidate.cached);
            self.graphql.note_answered(context, query.operation);
        }
        let body: Rc<[u8]> = array_of(queries.iter().map(|query| match query {
            Some(query) => query.stored_body(),
            None => document_not_found().to_string().into_bytes().into(),
        }))
        .into();
        let first = queries.iter().flatten().find_map(|query| query.candidate.as_ref());
        let Some(first) = first else { return self.respond.unknown_documents(context, body) };
        let mut headers = first.cached.entry.meta.headers.clone();
        fields::OF_ONE_ENTITY.iter().for_each(|name| headers.remove(name));
        headers.set("age", greatest_age(queries.iter().flatten(), now).to_string());
        let hit = CacheStatus::Hit { ttl: ttl_left, tier: MissDetail::Batch.as_str() };
        let unknown = Bypass::PersistedUnknown.as_str();
        let (outcome, how) = match (has_unknown, is_stale) {
            (true, _) => (Outcome::bypass(Forward::Bypass, None, unknown), Answered::Bypass),
            (false, true) => (Outcome { x_cache: XCache::Stale, status: hit }, Answered::Stale),
            (false, false) => (Outcome { x_cache: XCache::Hit, status: hit }, Answered::Hit),
        };
        let headers = self.respond.merged_headers(headers, &outcome);
        let hits = queries.iter().flatten().count();
        let counts = BatchCounts { operations: queries.len(), hits, stored: 0 };
        self.respond.log.batch(context, how, counts, (200, body.len()));
        let served = queries.iter().map(|query| query.as_ref()?.served());
        if how == Answered::Hit
            && let Some(served) = served.collect::<Option<Vec<_>>>()
        {
            self.repeating.tell_batch(context, &served, body.len());
        }
        Reply::Whole(Response { status: 200, headers, body })
    }

    /// Stores what the origin responded to the missing queries, and answers with that and with what was
    /// stored before.
    async fn store_and_reply<R: Runtime>(
        &self,
        context: &Context<R>,
        queries: &[Option<BatchQuery<'_>>],
        missing: &[&BatchQuery<'_>],
        fetched: FetchedBatch,
        mark: Option<Mark>,
    ) -> Reply {
        let FetchedBatch { head, bodies, is_exact } = fetched;
        let mut element_head = head.clone();
        remove_content_fields(&mut element_head.headers);
        for query in queries.iter().flatten().filter(|query| query.is_fresh()) {
            self.graphql.note_answered(context, query.operation);
        }
        let mut stored = 0;
        let mut texts = Vec::with_capacity(bodies.len());
        for (query, body) in missing.iter().zip(bodies) {
            texts.push(body.bytes.clone());
            if is_success(body.json.root()) {
                self.graphql.note_answered(context, query.operation);
            }
            let head = element_head.clone();
            let response = ReadResponse { head, body: Some(body), validated: None };
            let other_variant = query.other_variant.as_deref();
            let replaces = query.candidate.is_some();
            let target = StoreTarget { plan: query.plan, mark, other_variant, replaces };
            let storing = self.graphql.store(context, &response, target, query.operation);
            stored += usize::from(storing.await.is_ok());
        }
        let outcome = miss(head.status, stored == missing.len());
        let hits = queries.iter().flatten().filter(|query| query.is_fresh()).count();
        let counts = BatchCounts { operations: queries.len(), hits, stored };
        let size = (head.status, head.announced_bytes());
        self.respond.log.batch(context, Answered::Miss, counts, size);
        if is_exact {
            return self.respond.origin(&head, &outcome);
        }
        let headers = &element_head.headers;
        let mut headers = self.respond.origin_headers(headers, &outcome);
        if hits > 0 {
            let fresh = queries.iter().flatten().filter(|query| query.is_fresh());
            headers.set("age", greatest_age(fresh, context.runtime.now()).to_string());
        }
        let mut texts = texts.into_iter();
        let body = array_of(queries.iter().map(|query| match query {
            Some(query) if query.is_fresh() => query.stored_body(),
            Some(_) => texts.next().unwrap_or_default(),
            None => document_not_found().to_string().into_bytes().into(),
        }));
        Reply::Whole(Response { status: head.status, headers, body: body.into() })
    }

    /// The origin did not take the smaller batch. Answers with stored responses if the origin fails and
    /// all are stored; else asks for everything that the client asked for, unless that was done already.
    async fn fetch_all<R: Runtime>(
        &self,
        context: &Context<R>,
        items: &[BatchItem],
        queries: &[Option<BatchQuery<'_>>],
        failure: Option<BatchFailure>,
    ) -> Reply {
        let fault = failure.as_ref().and_then(|failure| match &failure.response {
            Ok(response) if response.status < 500 => None,
            Ok(response) => Some(format!("answered {}", response.status)),
            Err(failure) => Some(failure.fault.clone()),
        });
        if let Some(fault) = fault
            && self.may_serve_all(context, queries).await
        {
            report_failure(&context.runtime, "origin", &fault);
            return self.reply_from_cache(context, queries);
        }
        let had_additions = failure.as_ref().is_some_and(|failure| failure.had_additions);
        let response = match failure {
            Some(BatchFailure { response, was_unchanged: true, .. }) => response,
            // It had its time.
            Some(BatchFailure { response: Err(failure), .. }) if failure.timed_out => Err(failure),
            _ => {
                let full_request = self.completion.request(items);
                self.origin.forward_read(context, full_request.as_ref()).await
            }
        };
        let response = match response {
            Ok(response) => response,
            Err(failure) => {
                return self.respond.origin_failed(context, &failure, Forward::Miss, None);
            }
        };
        if had_additions && response.status == 200 {
            leave_alone(queries);
        }
        self.pass_on(context, items, &response).await
    }

    async fn pass_on<R: Runtime>(
        &self,
        context: &Context<R>,
        items: &[BatchItem],
        response: &OriginResponse,
    ) -> Reply {
        self.scope_changes.purge(context, response).await;
        let counts = BatchCounts { operations: items.len(), hits: 0, stored: 0 };
        let size = (response.status, response.announced_bytes());
        self.respond.log.batch(context, Answered::Miss, counts, size);
        let reply = self.respond.origin(response, &miss(response.status, false));
        self.completion.reply(context, items, reply).await
    }

    /// `true` if each query has a stored response that may be served because the origin fails.
    async fn may_serve_all<R: Runtime>(
        &self,
        context: &Context<R>,
        queries: &[Option<BatchQuery<'_>>],
    ) -> bool {
        for query in queries.iter().flatten() {
            let may_serve = match &query.candidate {
                Some(found) if found.freshness == Freshness::Fresh => {
                    self.is_still_fresh(context, query).await
                }
                Some(found) if is_servable_stale(found.freshness) => {
                    self.judge.may_serve_stale(context, query.plan, found).await
                }
                _ => false,
            };
            if !may_serve {
                return false;
            }
        }
        !queries.is_empty()
    }
}

/// Sends no additions any more for the queries that were asked with them: nobody knows which of them
/// the origin refused.
fn leave_alone(queries: &[Option<BatchQuery<'_>>]) {
    let asked = queries.iter().flatten().filter(|query| !query.is_fresh());
    asked
        .map(|query| &query.operation.known.injection)
        .filter(|state| state.get() == InjectionState::Added)
        .for_each(|state| state.set(InjectionState::LeftAlone));
}

fn miss(status: u16, is_stored: bool) -> Outcome<'static> {
    Outcome {
        x_cache: XCache::Miss,
        status: CacheStatus::Forwarded {
            forward: Forward::Miss,
            status: Some(status),
            stored: is_stored,
            detail: Some(MissDetail::Batch.as_str()),
        },
    }
}
