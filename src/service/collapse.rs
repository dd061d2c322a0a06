//! Concurrent misses of one key: one request of an isolate asks the origin, and the others wait for
//! what it stores. A stale entry is fetched anew by one isolate of a data centre.
//!
//! In scope: who asks and who waits. A waiting request is answered from memory like any other, so
//! what was purged since the first one began is not for it. Not in scope: fetching.

use super::find::{Candidate, Found, variant_key};
use super::handle::{Asked, Service};
use super::memory::Cached;
use super::world::{Fault, World};
use crate::config::Config;
use crate::engine::Plan;
use crate::http::{Method, Request};
use crate::limits;
use crate::policy::Freshness;
use crate::purge::Lag;
use crate::time::Timestamp;
use lru::LruCache;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// How long a request waits for another one before it asks for itself.
const WAIT_MILLIS: u64 = 5_000;

/// For so long nobody waits for a key whose answer could not be stored.
const ALONE_SECONDS: u64 = 60;

/// For so long the others of a data centre leave a stale entry to the isolate that fetches it.
const MARKER_SECONDS: u64 = 10;

/// The keys that are being fetched in an isolate.
#[derive(Debug)]
pub(super) struct Fetching {
    under_way: RefCell<HashMap<String, UnderWay>>,
    /// Keys whose answers could not be stored, and when that was seen.
    alone: RefCell<LruCache<String, Timestamp>>,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    signal: u32,
    since: Timestamp,
}

impl Default for Fetching {
    fn default() -> Self {
        Self { under_way: RefCell::default(), alone: RefCell::new(LruCache::unbounded()) }
    }
}

/// What a request does that found nothing.
pub(super) enum Joined<W: World> {
    /// It waited, and this answers it.
    Answered(Candidate),
    /// It asks, and others wait for it.
    Leads(Leading<W>),
    /// It asks for itself.
    Alone,
}

/// The request that others wait for. They go on when it ends, however it does.
pub(super) struct Leading<W: World> {
    service: Service<W>,
    key: String,
    signal: u32,
    since: Timestamp,
    request: Request,
}

impl<W: World> Drop for Leading<W> {
    fn drop(&mut self) {
        let Self { service, key, signal, since, request } = self;
        let Fetching { under_way, alone } = &service.isolate.fetching;
        let mut under_way = under_way.borrow_mut();
        if under_way.get(key).is_some_and(|one| one.signal == *signal) {
            under_way.remove(key);
        }
        drop(under_way);
        let mut memory = service.isolate.memory.borrow_mut();
        let first = memory.get(key);
        let other = first
            .as_ref()
            .and_then(|first| memory.get(&variant_key(key, &first.entry.meta.vary, request)));
        drop(memory);
        let stored_at = |cached: Rc<Cached>| cached.entry.meta.stored_at;
        if !first.into_iter().chain(other).map(stored_at).any(|at| at >= *since) {
            let mut alone = alone.borrow_mut();
            alone.put(key.clone(), service.world.now());
            while alone.len() > limits::UNSHARED_KEYS {
                alone.pop_lru();
            }
        }
        service.world.give(*signal);
    }
}

impl<W: World> Service<W> {
    /// Whether another isolate of this data centre has fetched a stale entry anew, or has just
    /// begun to. What it has stored is then at hand here too.
    pub(super) async fn is_revalidated_elsewhere(
        &self,
        config: &Config,
        asked: &Asked,
        plan: &Plan,
        key: &str,
    ) -> bool {
        let stored = self.edge_bytes(key).await.and_then(|bytes| self.decoded(&bytes, key, false));
        if let Some(cached) = stored.filter(|cached| self.is_variant(cached, &asked.request))
            && self.may_judge(config, asked)
            && self.judged(&asked.request, plan, &cached) == Freshness::Fresh
        {
            self.keep(key, &cached);
            return true;
        }
        let marker = format!("{key}~revalidating");
        if self.edge_bytes(&marker).await.is_some() {
            return true;
        }
        // Two that look at the same moment both go on, which costs one request more.
        if let Err(fault) = self.world.edge_put(&marker, b"1", MARKER_SECONDS).await {
            self.report_failure("edge-write", &fault);
        }
        false
    }

    /// Waits for a request that fetches the same, or becomes the one that others wait for.
    pub(super) async fn join(&self, config: &Config, asked: &Asked, plan: &Plan) -> Joined<W> {
        let directives = plan.heeded(&asked.request.headers);
        // These bring nothing that others could have, or want something newer.
        if asked.request.method == Method::Head || directives.no_store || directives.no_cache {
            return Joined::Alone;
        }
        let key = plan.key.as_str();
        let now = self.world.now();
        let Fetching { under_way, alone } = &self.isolate.fetching;
        let seen = alone.borrow_mut().get(key).copied();
        if seen.is_some_and(|at| now.seconds_since(at) < ALONE_SECONDS) {
            return Joined::Alone;
        }
        let first = under_way.borrow().get(key).copied();
        // One that takes longer was cut off by the runtime.
        let first = first.filter(|first| now.millis_since(first.since) < WAIT_MILLIS);
        let Some(first) = first else {
            // What was fetched while this one looked elsewhere need not be fetched again.
            if let Some(candidate) = self.fresh_in_memory(config, asked, plan) {
                return Joined::Answered(candidate);
            }
            let leading = Leading {
                service: self.clone(),
                key: key.to_owned(),
                signal: self.world.signal(),
                since: now,
                request: asked.request.clone(),
            };
            let one = UnderWay { signal: leading.signal, since: now };
            under_way.borrow_mut().insert(key.to_owned(), one);
            return Joined::Leads(leading);
        };
        let waiting = async {
            self.world.wait(first.signal).await;
            Ok::<(), Fault>(())
        };
        // Whether it was in time shows in what there is.
        let _ = self.within(WAIT_MILLIS, waiting).await;
        if self.lag(config, asked.wanted) == Lag::TooOld {
            self.sync().await;
        }
        match self.fresh_in_memory(config, asked, plan) {
            Some(candidate) => Joined::Answered(candidate),
            None => Joined::Alone,
        }
    }

    fn fresh_in_memory(&self, config: &Config, asked: &Asked, plan: &Plan) -> Option<Candidate> {
        let mut found = Found::default();
        self.look_in_memory(config, asked, plan, &mut found);
        found.candidate.filter(|one| one.freshness == Freshness::Fresh)
    }
}
