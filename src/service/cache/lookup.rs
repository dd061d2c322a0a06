//! Looking for a stored response: in memory, then in the edge cache, then in the far tiers.
//!
//! If the replica of the purge log is too old, it catches up before anything is judged; while the edge
//! cache is read, if memory has nothing. A far tier gets limited time: then the origin is asked in
//! parallel.

use super::candidate::Candidate;
use super::judge::Judge;
use super::variants::{is_selected, variant_key};
use crate::engine::Plan;
use crate::policy::Freshness;
use crate::purge::Lag;
use crate::service::context::Context;
use crate::service::purges::Purges;
use crate::service::report::report_failure;
use crate::service::runtime::Runtime;
use crate::service::tiers::{AnyFarTier, CachedEntry, FarTier, Tier, Tiers};
use futures_util::future::{Either, LocalBoxFuture, join, select};
use std::pin::pin;
use std::rc::Rc;

/// What a look-up found.
#[derive(Default)]
pub struct LookupResult<'a> {
    /// The best candidate, whether or not it answers the request.
    pub candidate: Option<Candidate>,
    /// The read of a far tier that takes longer than it may.
    pub late: Option<LocalBoxFuture<'a, Option<Candidate>>>,
    /// The `Vary` of the entry under the plan's own key, if that entry is another variant.
    pub other_variant: Option<Vec<String>>,
    /// Whether the purge log could not be read in time.
    pub log_unreadable: bool,
}

impl LookupResult<'_> {
    /// Whether the stores have no response to any request with this key, as far as they could be judged.
    pub fn is_nothing(&self) -> bool {
        self.candidate.is_none() && self.other_variant.is_none() && !self.log_unreadable
    }
}

/// Looks for stored responses.
pub struct Lookup {
    tiers: Rc<Tiers>,
    judge: Rc<Judge>,
    purges: Purges,
}

impl Lookup {
    /// A look-up in these tiers.
    pub fn new(tiers: Rc<Tiers>, judge: Rc<Judge>, purges: Purges) -> Rc<Self> {
        Rc::new(Self { tiers, judge, purges })
    }

    /// Looks in every tier until something answers the request.
    pub async fn find<'a, R: Runtime>(
        &'a self,
        context: &'a Context<R>,
        plan: &'a Plan,
    ) -> LookupResult<'a> {
        let sync = &self.purges.sync;
        let lag = self.purges.view.lag(context.runtime.now(), context.own_write);
        if !context.is_explained() {
            self.purges.view.look_up_begins(context.runtime.now());
        }
        let mut found = LookupResult::default();
        if self.in_memory(context, plan.key.as_str()).is_some() {
            match lag {
                Lag::TooOld => sync.sync(context).await,
                Lag::Aging => self.sync_in_background(context),
                Lag::Current => {}
            }
            if self.look_in_memory(context, plan, &mut found) {
                return found;
            }
            let first = self.read_edge(context, plan, plan.key.as_str()).await;
            self.take_from_edge(context, plan, first, &mut found).await;
        } else if lag == Lag::TooOld {
            let reading = self.read_edge(context, plan, plan.key.as_str());
            let (first, ()) = join(reading, sync.sync(context)).await;
            self.take_from_edge(context, plan, first, &mut found).await;
        } else {
            if lag == Lag::Aging {
                self.sync_in_background(context);
            }
            let first = self.read_edge(context, plan, plan.key.as_str()).await;
            self.take_from_edge(context, plan, first, &mut found).await;
        }
        // The pause was learned just now: the request goes to the origin as a miss.
        if self.purges.view.is_paused(context.runtime.now()) {
            return LookupResult::default();
        }
        found.log_unreadable = !self.judge.may_judge(context);
        for tier in &self.tiers.far {
            let is_answered = found.candidate.as_ref().is_some_and(Candidate::answers);
            if is_answered || found.log_unreadable || found.late.is_some() {
                break;
            }
            self.look_in_far_tier(tier, context, plan, &mut found).await;
        }
        found
    }

    /// The fresh response that memory has, if any.
    pub fn fresh_in_memory<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
    ) -> Option<Candidate> {
        let mut found = LookupResult::default();
        self.look_in_memory(context, plan, &mut found);
        found.candidate.filter(Candidate::is_fresh)
    }

    /// Whether memory has an answer, fresh or stale.
    pub fn answers_from_memory<R: Runtime>(&self, context: &Context<R>, plan: &Plan) -> bool {
        self.look_in_memory(context, plan, &mut LookupResult::default())
    }

    fn look_in_memory<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        found: &mut LookupResult<'_>,
    ) -> bool {
        let Some(first) = self.in_memory(context, plan.key.as_str()) else { return false };
        let cached = if is_selected(&first, &context.request) {
            Some(first)
        } else {
            let key = variant_key(plan.key.as_str(), &first.entry.meta.vary, &context.request);
            found.other_variant = Some(first.entry.meta.vary.clone());
            key.and_then(|key| self.in_memory(context, &key))
        };
        let name = self.tiers.memory.name();
        cached.is_some_and(|cached| self.offer(context, plan, found, cached, name))
    }

    /// What memory has under a key. A request that is explained does not count as a use.
    fn in_memory<R: Runtime>(&self, context: &Context<R>, key: &str) -> Option<Rc<CachedEntry>> {
        match context.is_explained() {
            false => self.tiers.memory.find(key),
            true => self.tiers.memory.peek(key),
        }
    }

    /// Moves an entry of another tier into memory, unless the request is only explained.
    fn keep_in_memory<R: Runtime>(&self, context: &Context<R>, cached: &Rc<CachedEntry>) {
        if !context.is_explained() {
            self.tiers.memory.insert(cached);
        }
    }

    fn sync_in_background<R: Runtime>(&self, context: &Context<R>) {
        if !context.is_explained() {
            self.purges.sync.sync_in_background(context);
        }
    }

    async fn read_edge<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        key: &str,
    ) -> Option<Rc<CachedEntry>> {
        self.judge.read(&*self.tiers.edge_cache, context, plan, key).await
    }

    async fn take_from_edge<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        first: Option<Rc<CachedEntry>>,
        found: &mut LookupResult<'_>,
    ) {
        let edge_cache = &self.tiers.edge_cache;
        let Some(first) = first else { return };
        if is_selected(&first, &context.request) {
            self.offer(context, plan, found, first, edge_cache.name());
            return;
        }
        let key = variant_key(plan.key.as_str(), &first.entry.meta.vary, &context.request);
        self.keep_in_memory(context, &first);
        found.other_variant = Some(first.entry.meta.vary.clone());
        let Some(key) = key else { return };
        let second = self.read_edge(context, plan, &key).await;
        if let Some(second) = second.filter(|second| is_selected(second, &context.request)) {
            self.offer(context, plan, found, second, edge_cache.name());
        }
    }

    async fn look_in_far_tier<'a, R: Runtime>(
        &'a self,
        tier: &'a AnyFarTier,
        context: &'a Context<R>,
        plan: &'a Plan,
        found: &mut LookupResult<'a>,
    ) {
        if !tier.is_available(&context.runtime) {
            return;
        }
        // The tier's time starts when its read does, not while that waits for a slot.
        let Some(slot) = context.store_reads.take().await else { return };
        let other_variant = found.other_variant.clone();
        let reading: LocalBoxFuture<'a, Option<Candidate>> = Box::pin(async move {
            let candidate = self.far_candidate(tier, context, plan, other_variant).await;
            slot.give_back();
            candidate
        });
        match select(reading, pin!(context.runtime.sleep(tier.timeout_ms()))).await {
            Either::Left((Some(Candidate { cached, tier, .. }), _)) => {
                self.offer(context, plan, found, cached, tier);
            }
            Either::Left((None, _)) => {}
            Either::Right((_, late)) => {
                note_timeout(tier, &context.runtime);
                found.late = Some(late);
            }
        }
    }

    /// What a far tier has, judged when it arrives.
    async fn far_candidate<R: Runtime>(
        &self,
        tier: &AnyFarTier,
        context: &Context<R>,
        plan: &Plan,
        other_variant: Option<Vec<String>>,
    ) -> Option<Candidate> {
        let request = &context.request;
        let key = match other_variant {
            Some(names) => variant_key(plan.key.as_str(), &names, request)?,
            None => plan.key.as_str().to_owned(),
        };
        let mut cached = self.judge.read(tier, context, plan, &key).await?;
        if !is_selected(&cached, request) {
            let key = variant_key(plan.key.as_str(), &cached.entry.meta.vary, request)?;
            cached = self.judge.read(tier, context, plan, &key).await?;
        }
        let is_usable = self.judge.is_usable(request, plan, &cached);
        (is_usable && self.judge.may_judge(context)).then(|| {
            let freshness = self.judge.freshness(context, plan, &cached);
            Candidate { cached, tier: tier.name(), freshness }
        })
    }

    /// Judges an entry, and makes it the candidate if it is better than the one before. `true` if it
    /// answers the request.
    fn offer<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        found: &mut LookupResult<'_>,
        cached: Rc<CachedEntry>,
        tier: &'static str,
    ) -> bool {
        let judge = &self.judge;
        if !judge.may_judge(context) || !judge.is_usable(&context.request, plan, &cached) {
            return false;
        }
        let freshness = judge.freshness(context, plan, &cached);
        let candidate = Candidate { cached, tier, freshness };
        // The latest response counts, however long an earlier one would live (RFC 9111 §4).
        let stored_at = |one: &Candidate| one.cached.entry.meta.stored_at;
        if found.candidate.as_ref().is_some_and(|before| {
            before.freshness != Freshness::Purged && stored_at(before) > stored_at(&candidate)
        }) {
            return false;
        }
        let answers = candidate.answers();
        if answers && tier != self.tiers.memory.name() {
            self.keep_in_memory(context, &candidate.cached);
        }
        if answers || found.candidate.as_ref().is_none_or(|best| candidate.is_better_than(best)) {
            found.candidate = Some(candidate);
        }
        answers
    }
}

/// A read of a far tier took too long.
fn note_timeout<R: Runtime>(tier: &AnyFarTier, runtime: &R) {
    let fault = format!("no answer within {} ms", tier.timeout_ms());
    tier.breaker().failed(runtime.now(), &fault);
    report_failure(runtime, &format!("{}-read", tier.name()), &fault);
}
