//! Request collapsing: of several misses of one key, one request asks the origin, and the others wait
//! for what it stores.
//!
//! In scope: who asks and who waits, in one isolate; and which isolate of a data center revalidates a
//! stale entry. A request that has waited is answered from memory like any other, so it never gets what
//! was purged meanwhile. If the one that it waits for has found nothing in the stores, it waits before it
//! looks there. Each waits once: if the response is not for it, it asks for itself. Not in scope: asking.

use super::parts::ReadParts;
use crate::engine::Plan;
use crate::http::Method;
use crate::limits;
use crate::policy::Freshness;
use crate::service::cache::{Candidate, HitForMiss, Judge, Lookup, LookupResult, shared_key};
use crate::service::context::Context;
use crate::service::expiring_map::ExpiringMap;
use crate::service::purges::Purges;
use crate::service::runtime::{Fault, Runtime};
use crate::service::tiers::Tiers;
use crate::service::timeout::within;
use crate::stored::Meta;
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

/// How long a request waits for another one before it asks for itself.
const WAIT_MILLIS: u64 = 5_000;

/// For how long the isolates of a data center leave a stale entry to the one that revalidates it. If that
/// stores nothing, the origin is asked again after this time.
const MARKER_SECONDS: u64 = 10;

/// What a request does that found nothing.
pub enum Collapse<R: Runtime> {
    /// It has waited, and this answers it.
    Answered(Candidate),
    /// It asks the origin, and others wait for it.
    Leads(Leader<R>),
    /// It asks the origin for itself.
    Alone,
}

/// The request that others wait for. They go on when this is dropped, however that request ends.
pub struct Leader<R: Runtime> {
    leaders: Rc<Leaders>,
    runtime: R,
    key: String,
    fetching: Fetching,
}

impl<R: Runtime> Drop for Leader<R> {
    fn drop(&mut self) {
        let Self { leaders, runtime, key, fetching } = self;
        let mut all = leaders.fetching.borrow_mut();
        if all.get(key, runtime.now()) == Some(*fetching) {
            all.remove(key);
        }
        drop(all);
        runtime.resolve_signal(fetching.signal);
    }
}

/// The keys that are being fetched, each with the request that does. A request that takes longer than others
/// wait was cut off by the runtime, or is not worth waiting for.
struct Leaders {
    fetching: RefCell<ExpiringMap<Fetching>>,
}

/// A request that fetches.
#[derive(Clone, Copy, PartialEq)]
struct Fetching {
    signal: u32,
    /// Whether the stores have nothing for any request with this key, as far as this one knows.
    found_nothing: bool,
}

/// Collapses requests.
pub struct Collapser {
    leaders: Rc<Leaders>,
    hit_for_miss: Rc<HitForMiss>,
    tiers: Rc<Tiers>,
    judge: Rc<Judge>,
    lookup: Rc<Lookup>,
    purges: Purges,
}

impl Collapser {
    /// A collapser for the requests of one isolate.
    pub fn new(parts: &ReadParts) -> Rc<Self> {
        let fetching = RefCell::new(ExpiringMap::new(WAIT_MILLIS, limits::IN_FLIGHT_KEYS));
        Rc::new(Self {
            leaders: Rc::new(Leaders { fetching }),
            hit_for_miss: parts.hit_for_miss.clone(),
            tiers: parts.tiers.clone(),
            judge: parts.judge.clone(),
            lookup: parts.lookup.clone(),
            purges: parts.purges.clone(),
        })
    }

    /// Waits for a request that fetches the same and has found nothing in the stores, unless memory has an
    /// answer. Returns whether it has waited: then the look-up finds in memory what came, and the request is not
    /// to `join` any more.
    pub async fn wait_first<R: Runtime>(&self, context: &Context<R>, plan: &Plan) -> bool {
        let Some(key) = self.collapsed_key(context, plan) else { return false };
        let Some(leader) = self.leader_of(&key, context) else { return false };
        if !leader.found_nothing || self.lookup.answers_from_memory(context, plan) {
            return false;
        }
        self.wait_for(context, leader).await;
        true
    }

    /// Waits for a request that fetches the same, or becomes the one that others wait for. `found`: what the
    /// stores have for this one.
    pub async fn join<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        found: &LookupResult<'_>,
    ) -> Collapse<R> {
        let Some(key) = self.collapsed_key(context, plan) else { return Collapse::Alone };
        let Some(leader) = self.leader_of(&key, context) else {
            // It may have been fetched while this request looked elsewhere.
            if let Some(candidate) = self.lookup.fresh_in_memory(context, plan) {
                return Collapse::Answered(candidate);
            }
            let (leaders, runtime) = (self.leaders.clone(), context.runtime.clone());
            // Who shows the number of its write may not use what others may.
            let found_nothing = found.is_nothing() && context.own_write.is_none();
            let fetching = Fetching { signal: runtime.create_signal(), found_nothing };
            leaders.fetching.borrow_mut().put(&key, fetching, runtime.now());
            return Collapse::Leads(Leader { leaders, runtime, key: key.into_owned(), fetching });
        };
        self.wait_for(context, leader).await;
        self.purges.sync.sync(context).await;
        match self.lookup.fresh_in_memory(context, plan) {
            Some(candidate) => Collapse::Answered(candidate),
            None => Collapse::Alone,
        }
    }

    /// The key for which requests wait for each other. `None` for a request that brings nothing that others
    /// could use, that wants something newer, or that waits for nothing.
    fn collapsed_key<'p, R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &'p Plan,
    ) -> Option<Cow<'p, str>> {
        let directives = plan.client_directives(&context.request.headers);
        let is_single = context.request.method == Method::Head
            || directives.no_store
            || directives.no_cache
            || directives.only_if_cached;
        let key = shared_key(plan);
        let is_collapsed = !is_single && !self.hit_for_miss.contains(&key, context.runtime.now());
        is_collapsed.then_some(key)
    }

    /// The request that fetches what has this key.
    fn leader_of<R: Runtime>(&self, key: &str, context: &Context<R>) -> Option<Fetching> {
        self.leaders.fetching.borrow().get(key, context.runtime.now())
    }

    /// Waits for that request. Whether its response came in time shows in memory.
    async fn wait_for<R: Runtime>(&self, context: &Context<R>, leader: Fetching) {
        let waiting = async {
            context.runtime.wait_for_signal(leader.signal).await;
            Ok::<(), Fault>(())
        };
        let _ = within(&context.runtime, WAIT_MILLIS, waiting).await;
    }

    /// `true` if an isolate of this data center has revalidated a stale entry, or has just begun to.
    /// What it has stored is then in this isolate's memory too.
    pub async fn is_revalidated_elsewhere<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        stale: &Meta,
    ) -> bool {
        let Tiers { memory, edge_cache, .. } = &*self.tiers;
        let stored = self.judge.read(&**edge_cache, context, plan, &stale.key).await;
        if let Some(cached) = stored.filter(|cached| self.judge.is_selected(context, cached))
            && self.judge.may_judge(context)
            && self.judge.freshness(context, plan, &cached) == Freshness::Fresh
        {
            memory.insert(&cached);
            return true;
        }
        // The marker says which entry is being revalidated, so that it does not hold back the
        // revalidation of the entry that replaces it.
        let marker = format!("{}~revalidating", stale.key);
        let stored_at = stale.stored_at.as_millis();
        let revalidated = edge_cache.read(context, &marker).await.and_then(|value| {
            String::from_utf8(value.bytes).ok().and_then(|text| text.parse::<u64>().ok())
        });
        if revalidated.is_some_and(|of| of >= stored_at) {
            return true;
        }
        // Two isolates that look at the same moment both go on, which costs one request more.
        let value = stored_at.to_string();
        edge_cache.write(&context.runtime, &marker, value.as_bytes(), MARKER_SECONDS).await;
        false
    }
}
