//! Looking for a stored answer: memory, then the edge cache, then KV.

use super::context::Context;
use super::handle::Service;
use super::memory::Cached;
use super::runtime::{EdgeValue, Runtime};
use crate::config::Config;
use crate::engine::Plan;
use crate::http::{OriginalFields, Request};
use crate::policy::{Freshness, freshness, variant};
use crate::purge::Lag;
use crate::purge::Subject;
use crate::stored::decode;
use futures_util::future::{Either, LocalBoxFuture, join, select};
use std::pin::pin;
use std::rc::Rc;

/// A tier, by the name that `Cache-Status` has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    Memory,
    Edge,
    Kv,
}

impl Tier {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Edge => "edge",
            Self::Kv => "kv",
        }
    }
}

/// A stored answer and what it is good for.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub cached: Rc<Cached>,
    pub tier: Tier,
    pub freshness: Freshness,
}

impl Candidate {
    /// Whether it answers the request, fresh or not.
    pub fn answers(&self) -> bool {
        matches!(
            self.freshness,
            Freshness::Fresh | Freshness::StaleAllowed | Freshness::StaleWhileRevalidate
        )
    }
}

/// What a look-up found.
#[derive(Default)]
pub(super) struct Found<'a> {
    /// The best candidate, whatever it is good for.
    pub candidate: Option<Candidate>,
    /// KV's answer, where it takes longer than it may.
    pub late: Option<LocalBoxFuture<'a, Option<Candidate>>>,
    /// What the entry under the plan's own key varies on, where it is of another variant.
    pub other_variant: Option<Vec<String>>,
    /// Whether the purge log could not be read in time.
    pub log_unreadable: bool,
}

/// The key of a variant beside the first. None where nobody can read which one is asked for.
pub(super) fn variant_key(key: &str, names: &[String], request: &Request) -> Option<String> {
    let variant = variant(names, &request.headers)?;
    Some(format!("{key}.{}", variant.to_short_hex()))
}

impl<W: Runtime> Service<W> {
    /// Looks in every tier until something answers the request.
    pub(super) async fn find<'a>(
        &'a self,
        config: &'a Config,
        context: &'a Context<W>,
        plan: &'a Plan,
    ) -> Found<'a> {
        let lag = self.isolate.purges.view.lag(self.runtime.now(), context.own_write);
        let mut found = Found::default();
        let in_memory = self.isolate.memory.borrow_mut().get(plan.key.as_str()).is_some();
        if in_memory {
            match lag {
                Lag::TooOld => self.isolate.purges.sync.sync(context).await,
                Lag::Aging => self.isolate.purges.sync.sync_in_background(context),
                Lag::Current => {}
            }
            if self.look_in_memory(context, plan, &mut found) {
                return found;
            }
            self.look_at_the_edge(context, plan, &mut found).await;
        } else if lag == Lag::TooOld {
            let (first, ()) = join(
                self.edge_entry(context, plan.key.as_str()),
                self.isolate.purges.sync.sync(context),
            )
            .await;
            self.take_edge(context, plan, first, &mut found).await;
        } else {
            if lag == Lag::Aging {
                self.isolate.purges.sync.sync_in_background(context);
            }
            self.look_at_the_edge(context, plan, &mut found).await;
        }
        found.log_unreadable =
            !self.isolate.purges.view.may_judge(self.runtime.now(), context.own_write);
        let answered = found.candidate.as_ref().is_some_and(Candidate::answers);
        if !answered && !found.log_unreadable {
            self.look_in_kv(config, context, plan, &mut found).await;
        }
        found
    }

    pub(super) fn look_in_memory(
        &self,
        context: &Context<W>,
        plan: &Plan,
        found: &mut Found<'_>,
    ) -> bool {
        let request = &context.request;
        let first = self.isolate.memory.borrow_mut().get(plan.key.as_str());
        let Some(first) = first else { return false };
        let cached = if self.is_variant(&first, request) {
            Some(first)
        } else {
            let key = variant_key(plan.key.as_str(), &first.entry.meta.vary, request);
            found.other_variant = Some(first.entry.meta.vary.clone());
            key.and_then(|key| self.isolate.memory.borrow_mut().get(&key))
        };
        let Some(cached) = cached else { return false };
        self.offer(context, plan, found, cached, Tier::Memory)
    }

    async fn look_at_the_edge(&self, context: &Context<W>, plan: &Plan, found: &mut Found<'_>) {
        let first = self.edge_entry(context, plan.key.as_str()).await;
        self.take_edge(context, plan, first, found).await;
    }

    async fn take_edge(
        &self,
        context: &Context<W>,
        plan: &Plan,
        first: Option<Rc<Cached>>,
        found: &mut Found<'_>,
    ) {
        let request = &context.request;
        let Some(first) = first else { return };
        if self.is_variant(&first, request) {
            self.offer(context, plan, found, first, Tier::Edge);
            return;
        }
        let key = variant_key(plan.key.as_str(), &first.entry.meta.vary, request);
        self.keep(plan.key.as_str(), &first);
        found.other_variant = Some(first.entry.meta.vary.clone());
        let Some(key) = key else { return };
        let second = self.edge_entry(context, &key).await;
        if let Some(second) = second.filter(|second| self.is_variant(second, request)) {
            self.offer(context, plan, found, second, Tier::Edge);
        }
    }

    async fn look_in_kv<'a>(
        &'a self,
        config: &'a Config,
        context: &'a Context<W>,
        plan: &'a Plan,
        found: &mut Found<'a>,
    ) {
        if !self.runtime.kv_bound() || !self.isolate.kv.allows(self.runtime.now()) {
            return;
        }
        // Its time begins when its turn has come.
        let Some(slot) = context.store_reads.take().await else { return };
        let other_variant = found.other_variant.clone();
        let reading: LocalBoxFuture<'a, Option<Candidate>> = Box::pin(async move {
            let candidate = self.kv_candidate(context, plan, other_variant).await;
            slot.give_back();
            candidate
        });
        match select(reading, pin!(self.runtime.sleep(config.kv.timeout_ms))).await {
            Either::Left((Some(candidate), _)) => {
                let (cached, tier) = (candidate.cached, candidate.tier);
                self.offer(context, plan, found, cached, tier);
            }
            Either::Left((None, _)) => {}
            Either::Right((_, late)) => {
                let fault = format!("no answer within {} ms", config.kv.timeout_ms);
                self.isolate.kv.failed(self.runtime.now(), &fault);
                self.report_failure("kv-read", &fault);
                found.late = Some(late);
            }
        }
    }

    /// What KV has, judged when it comes.
    async fn kv_candidate(
        &self,
        context: &Context<W>,
        plan: &Plan,
        other_variant: Option<Vec<String>>,
    ) -> Option<Candidate> {
        let request = &context.request;
        let mut key = match other_variant {
            Some(names) => variant_key(plan.key.as_str(), &names, request)?,
            None => plan.key.as_str().to_owned(),
        };
        let mut cached = self.kv_entry(&key).await?;
        if !self.is_variant(&cached, request) {
            key = variant_key(plan.key.as_str(), &cached.entry.meta.vary, request)?;
            cached = self.kv_entry(&key).await?;
        }
        let fits = self.is_usable(&cached, context, plan)
            && self.isolate.purges.view.may_judge(self.runtime.now(), context.own_write);
        fits.then(|| {
            let freshness = self.judged(request, plan, &cached);
            Candidate { cached, tier: Tier::Kv, freshness }
        })
    }

    async fn kv_entry(&self, key: &str) -> Option<Rc<Cached>> {
        match self.runtime.kv_get(key).await {
            Ok(bytes) => {
                self.isolate.kv.succeeded();
                let bytes = bytes.filter(|bytes| self.has_room_for_stored(bytes.len()))?;
                self.decoded(&bytes, None, key, true)
            }
            Err(fault) => {
                self.isolate.kv.failed(self.runtime.now(), &fault);
                self.report_failure("kv-read", &fault);
                None
            }
        }
    }

    /// The entry that the edge cache has.
    pub(super) async fn edge_entry(&self, context: &Context<W>, key: &str) -> Option<Rc<Cached>> {
        let EdgeValue { bytes, fields } = self.isolate.edge.read(context, key).await?;
        self.decoded(&bytes, fields.as_ref(), key, false)
    }

    /// The entry in stored bytes, if it is whole and of this very key. Values of its headers that
    /// text does not hold are in the fields beside it.
    fn decoded(
        &self,
        bytes: &[u8],
        fields: Option<&Rc<dyn OriginalFields>>,
        key: &str,
        in_kv: bool,
    ) -> Option<Rc<Cached>> {
        let damage = match decode(bytes) {
            Ok(mut entry) if entry.meta.key == key => {
                let headers = &mut entry.meta.headers;
                let names = headers.unreadable_names();
                let original = fields.filter(|_| !names.is_empty()).map(|all| all.only(&names));
                original.into_iter().for_each(|original| headers.attach_original(original));
                if headers.has_all_bytes() {
                    return Some(Cached::new(entry, in_kv));
                }
                "header-bytes"
            }
            Ok(_) => "another key's entry",
            Err(damage) => damage.as_str(),
        };
        self.report_failure(if in_kv { "kv-value" } else { "edge-value" }, damage);
        None
    }

    pub(super) fn is_variant(&self, cached: &Cached, request: &Request) -> bool {
        let meta = &cached.entry.meta;
        let asked_for = variant(&meta.vary, &request.headers);
        asked_for.is_some_and(|asked_for| asked_for.to_hex() == meta.variant)
    }

    /// Whether an entry may answer the request at all: it is of its variant, and where only the
    /// origin's word lets others share it, that was said.
    pub(super) fn is_usable(&self, cached: &Cached, context: &Context<W>, plan: &Plan) -> bool {
        let shared = !plan.rest.authorized || cached.entry.meta.shares_authorized;
        shared && self.is_variant(cached, &context.request)
    }

    /// Judges an entry and keeps it as the candidate if it is better than what is there. True
    /// where it answers.
    fn offer(
        &self,
        context: &Context<W>,
        plan: &Plan,
        found: &mut Found<'_>,
        cached: Rc<Cached>,
        tier: Tier,
    ) -> bool {
        let request = &context.request;
        if !self.isolate.purges.view.may_judge(self.runtime.now(), context.own_write)
            || !self.is_usable(&cached, context, plan)
        {
            return false;
        }
        let freshness = self.judged(request, plan, &cached);
        let candidate = Candidate { cached, tier, freshness };
        // The latest answer counts, however long an earlier one would live (RFC 9111 §4).
        let stored_at = |one: &Candidate| one.cached.entry.meta.stored_at;
        if found.candidate.as_ref().is_some_and(|before| {
            before.freshness != Freshness::Purged && stored_at(before) > stored_at(&candidate)
        }) {
            return false;
        }
        let answers = candidate.answers();
        if answers && tier != Tier::Memory {
            self.keep(&candidate.cached.entry.meta.key, &candidate.cached);
        }
        if answers || found.candidate.as_ref().is_none_or(|before| rank(before) < rank(&candidate))
        {
            found.candidate = Some(candidate);
        }
        answers
    }

    pub(super) fn judged(&self, request: &Request, plan: &Plan, cached: &Cached) -> Freshness {
        let meta = &cached.entry.meta;
        let subject = Subject {
            mark: meta.mark,
            tags: &cached.tags,
            tagging: meta.tagging,
            key_from_kind: plan.key.from_kind(),
        };
        let directives = plan.client_directives(&request.headers);
        freshness(meta, self.isolate.purges.view.verdict(&subject), &directives, self.runtime.now())
    }

    pub(super) fn keep(&self, key: &str, cached: &Rc<Cached>) {
        self.isolate.memory.borrow_mut().put(key, cached.clone());
    }
}

/// What a candidate that does not answer is still good for.
fn rank(candidate: &Candidate) -> u8 {
    match candidate.freshness {
        Freshness::Fresh => 5,
        Freshness::StaleAllowed => 4,
        Freshness::StaleWhileRevalidate => 3,
        Freshness::StaleIfError => 2,
        Freshness::Expired => 1,
        Freshness::Purged => 0,
    }
}
