//! The course of a read: look up, serve, wait, or ask the origin and store.

use super::batch::{BatchCompletion, BatchReads};
use super::collapse::{Collapse, Collapser, Leader};
use super::graphql::GraphQlResponses;
use super::injection::Injection;
use super::kind::ReadKind;
use super::parts::ReadParts;
use super::popular::PopularReads;
use super::range::{RangeReads, nothing_stored};
use super::repeating::{Repeating, ServedHit};
use super::response::{ReadResponse, is_origin_failure};
use super::rest::RestResponses;
use super::rest_store::RestStore;
use super::revalidation::Revalidation;
use super::serving::Serving;
use super::shadow::Shadow;
use super::validation::{PriorResponse, Validation};
use crate::engine::{MissDetail, Plan};
use crate::http::Method;
use crate::policy::{Forward, Freshness};
use crate::service::cache::{
    Candidate, Judge, Lookup, LookupResult, StoreTarget, is_servable_stale,
};
use crate::service::context::Context;
use crate::service::purges::Purges;
use crate::service::respond::{ForwardReason, Reply};
use crate::service::runtime::{OriginFailure, Runtime};
use crate::service::tiers::CachedEntry;
use crate::service::timeout::within;
use futures_util::future::{Either, LocalBoxFuture, select};
use std::pin::pin;
use std::rc::Rc;

/// How much longer a far tier may take if the origin has failed.
pub const LATE_MILLIS: u64 = 1_000;

/// Answers reads.
pub struct Reads {
    purges: Purges,
    lookup: Rc<Lookup>,
    judge: Rc<Judge>,
    serving: Rc<Serving>,
    collapser: Rc<Collapser>,
    injection: Rc<Injection>,
    graphql: Rc<GraphQlResponses>,
    validation: Rc<Validation>,
    rest_store: Rc<RestStore>,
    rest: Rc<RestResponses>,
    range: RangeReads,
    revalidation: Rc<Revalidation>,
    shadow: Rc<Shadow>,
    popular: Rc<PopularReads>,
    repeating: Rc<Repeating>,
}

/// The origin's response and, if a far tier was late, the stale candidate that it had; or the client's
/// response, if the far tier was quicker and has a fresh one.
type Race = Result<(Result<ReadResponse, OriginFailure>, Option<Candidate>), Reply>;

impl Reads {
    /// Builds the components of this folder.
    pub fn new(parts: &ReadParts) -> Rc<Self> {
        let ReadParts { purges, lookup, judge, origin, tiers, store, .. } = parts;
        let serving = Serving::new(tiers.clone(), judge.clone(), parts.respond.clone());
        let collapser = Collapser::new(parts);
        let injection = Injection::new(parts.config.clone(), origin.clone());
        let popular = PopularReads::new(parts.config.clone(), parts.stats.clone());
        let graphql = GraphQlResponses::new(parts, popular.clone());
        let validation =
            Validation::new(origin.clone(), tiers.clone(), judge.clone(), store.clone());
        let rest_store = RestStore::new(parts);
        let rest = RestResponses::new(parts, rest_store.clone(), popular.clone());
        let range =
            RangeReads::new(purges.clone(), validation.clone(), serving.clone(), rest.clone());
        let revalidation = Revalidation::new(
            purges.clone(),
            collapser.clone(),
            (injection.clone(), graphql.clone()),
            (validation.clone(), rest_store.clone()),
        );
        let shadow = Shadow::new(
            parts.config.shadow,
            (judge.clone(), purges.clone()),
            (injection.clone(), validation.clone()),
            parts.stats.clone(),
        );
        Rc::new(Self {
            purges: purges.clone(),
            lookup: lookup.clone(),
            judge: judge.clone(),
            serving,
            collapser,
            injection,
            graphql,
            validation,
            rest_store,
            rest,
            range,
            revalidation,
            shadow,
            popular,
            repeating: Rc::new(Repeating::new(parts)),
        })
    }

    /// Reads of batches, which share components with these.
    pub fn batches(&self, parts: &ReadParts, completion: Rc<BatchCompletion>) -> BatchReads {
        let injection = self.injection.clone();
        let (graphql, revalidation) = (self.graphql.clone(), self.revalidation.clone());
        let repeating = self.repeating.clone();
        BatchReads::new(parts, completion, injection, graphql, (revalidation, repeating))
    }

    /// Answers a read.
    pub async fn read<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        kind: &ReadKind,
    ) -> Reply {
        let request = &context.request;
        let is_rest = matches!(kind, ReadKind::Rest);
        let is_part = is_rest && request.method == Method::Get && request.headers.contains("range");
        let has_waited = !is_part && self.collapser.wait_first(context, plan).await;
        let mut found = self.lookup.find(context, plan).await;
        // What is warmed is to be fresh: nobody waits for it.
        let answers = |candidate: &mut Candidate| match context.is_warming() {
            true => candidate.is_fresh(),
            false => candidate.answers(),
        };
        let operation = match kind {
            ReadKind::GraphQl(operation) => Some(&**operation),
            ReadKind::Rest => None,
        };
        if let Some(candidate) = found.candidate.take_if(answers) {
            if let Some(operation) = operation {
                self.graphql.note_answered(context, operation);
            }
            self.popular.hit(context, plan, operation);
            if candidate.freshness == Freshness::StaleWhileRevalidate {
                self.revalidation.begin(context, plan, &candidate, kind);
            }
            // Warming compares nothing: no client was served.
            if !context.is_warming() {
                self.shadow.begin(context, plan, &candidate, kind);
            }
            let served = self.serving.serve(context, plan, &candidate);
            let other_variant = found.other_variant.as_deref();
            let hit = ServedHit { plan, candidate: &candidate, other_variant, operation };
            self.repeating.tell(context, hit, &served);
            return served;
        }
        self.popular.repeated_before(context, plan, operation);
        if is_part {
            return self.range.read(context, plan, found).await;
        }
        if plan.client_directives(&request.headers).only_if_cached {
            return nothing_stored();
        }
        let collapse = match has_waited {
            true => Collapse::Alone,
            false => self.collapser.join(context, plan, &found).await,
        };
        let leader = match collapse {
            Collapse::Answered(candidate) => return self.serving.serve(context, plan, &candidate),
            Collapse::Leads(leader) => Some(leader),
            Collapse::Alone => None,
        };
        self.fetch(context, plan, kind, found, leader).await
    }

    /// Whether a stored response is still fresh. The origin may have taken so long that the replica is too old
    /// to judge.
    pub async fn is_still_fresh<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        cached: &CachedEntry,
    ) -> bool {
        self.judge.is_still_fresh(context, plan, cached).await
    }

    /// Asks the origin, and stores its response.
    async fn fetch<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        kind: &ReadKind,
        mut found: LookupResult<'_>,
        leader: Option<Leader<R>>,
    ) -> Reply {
        // Taken before the origin is asked: what is purged from here on is newer than the response.
        let mark = self.purges.view.mark();
        let late = found.late.take();
        let no_cache = plan.client_directives(&context.request.headers).no_cache;
        let reason = forward_reason(&found, no_cache);
        let candidate = found.candidate.take();
        let prior = match kind {
            ReadKind::GraphQl(_) => PriorResponse::Nothing,
            ReadKind::Rest => {
                self.validation.prior_response(context, plan, candidate.as_ref()).await
            }
        };
        let asking = async {
            match kind {
                ReadKind::GraphQl(operation) => self.injection.fetch(context, operation).await,
                ReadKind::Rest => self.validation.fetch(context, plan, &prior, mark).await,
            }
        };
        let (response, late_stale) = match self.race(context, plan, late, asking).await {
            Ok(both) => both,
            Err(reply) => return reply,
        };
        let stale = candidate.clone().filter(|one| is_servable_stale(one.freshness)).or(late_stale);
        let checking = self.serving.unless_failed(context, plan, response, stale.as_ref(), reason);
        let response = match checking.await {
            Ok(response) => response,
            Err(reply) => return reply,
        };
        let (other_variant, replaces) = (found.other_variant.as_deref(), candidate.is_some());
        let target = StoreTarget { plan, mark, other_variant, replaces };
        match kind {
            ReadKind::GraphQl(operation) => {
                self.graphql.store_and_reply(context, response, operation, target, reason).await
            }
            ReadKind::Rest => {
                if let Some(stored) = candidate {
                    self.learn_from_head(context, &response, &stored, target);
                }
                self.rest.store_and_reply(context, response, target, reason, leader).await
            }
        }
    }

    /// Asks the origin, in parallel to a far tier that is late. The first good response wins; if the
    /// origin's is bad, the far tier gets a little longer.
    async fn race<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        late: Option<LocalBoxFuture<'_, Option<Candidate>>>,
        asking: impl Future<Output = Result<ReadResponse, OriginFailure>>,
    ) -> Race {
        let asking = pin!(asking);
        let Some(late) = late else { return Ok((asking.await, None)) };
        match select(late, asking).await {
            Either::Left((Some(candidate), asking)) => {
                if candidate.is_fresh() {
                    return Err(self.serving.serve_late(context, plan, &candidate));
                }
                Ok((asking.await, Some(candidate)))
            }
            Either::Left((None, asking)) => Ok((asking.await, None)),
            Either::Right((response, late)) if is_origin_failure(&response) => {
                let late = within(&context.runtime, LATE_MILLIS, async { Ok(late.await) }).await;
                match late.ok().flatten() {
                    Some(candidate) if candidate.is_fresh() => {
                        Err(self.serving.serve_late(context, plan, &candidate))
                    }
                    candidate => Ok((response, candidate)),
                }
            }
            Either::Right((response, _)) => Ok((response, None)),
        }
    }

    /// Learns from the response to a HEAD about a stored response, unless that was purged since it was
    /// found.
    fn learn_from_head<R: Runtime>(
        &self,
        context: &Context<R>,
        response: &ReadResponse,
        stored: &Candidate,
        target: StoreTarget<'_>,
    ) {
        let judged = || self.judge.freshness(context, target.plan, &stored.cached);
        if context.request.method == Method::Head
            && judged() != Freshness::Purged
            && response.validated.is_none()
        {
            self.rest_store.update_from_head(context, &response.head, &stored.cached, target);
        }
    }
}

/// Why a look-up ended at the origin. `no_cache` tells whether the client's directives ask for it.
pub fn forward_reason(found: &LookupResult<'_>, no_cache: bool) -> ForwardReason {
    let freshness = found.candidate.as_ref().map(|candidate| candidate.freshness);
    let (forward, detail) = match freshness {
        _ if found.log_unreadable => (Forward::Miss, Some(MissDetail::LogUnreadable.as_str())),
        Some(Freshness::Purged) => (Forward::Miss, Some(MissDetail::Purged.as_str())),
        Some(_) if no_cache => (Forward::Request, None),
        Some(_) => (Forward::Stale, None),
        None => (Forward::Miss, None),
    };
    ForwardReason { forward, detail }
}
