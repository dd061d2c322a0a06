//! Concurrent misses of one key: one request of an isolate asks the origin, and the others wait for
//! what it stores. A stale entry is fetched anew by one isolate of a data centre.
//!
//! In scope: who asks and who waits. A waiting request is answered from memory like any other, so
//! what was purged since the first one began is not for it. Each waits once: where the first one's
//! answer is not for it, it asks for itself. Not in scope: fetching.

use super::context::Context;
use super::expiring_map::ExpiringMap;
use super::find::{Candidate, Found};
use super::handle::Service;
use super::runtime::{Fault, Runtime};
use crate::engine::Plan;
use crate::http::Method;
use crate::limits;
use crate::policy::{Freshness, NotStored};
use std::borrow::Cow;
use std::cell::RefCell;

/// How long a request waits for another one before it asks for itself.
const WAIT_MILLIS: u64 = 5_000;

/// For so long nobody waits for a key whose answer will not be stored.
const ALONE_MILLIS: u64 = 60_000;

/// For so long the others of a data centre leave a stale entry to the isolate that fetches it.
const MARKER_SECONDS: u64 = 10;

/// The keys that are being fetched in an isolate.
#[derive(Debug)]
pub(super) struct Fetching {
    /// The signal of the request that fetches. One that takes longer was cut off by the runtime, or
    /// is not worth waiting for.
    under_way: RefCell<ExpiringMap<u32>>,
    /// Keys whose answers will not be stored.
    alone: RefCell<ExpiringMap<()>>,
}

impl Default for Fetching {
    fn default() -> Self {
        let under_way = ExpiringMap::new(WAIT_MILLIS, limits::KEYS_UNDER_WAY);
        let alone = ExpiringMap::new(ALONE_MILLIS, limits::UNSHARED_KEYS);
        Self { under_way: RefCell::new(under_way), alone: RefCell::new(alone) }
    }
}

/// What a request does that found nothing.
pub(super) enum Joined<W: Runtime> {
    /// It waited, and this answers it.
    Answered(Candidate),
    /// It asks, and others wait for it.
    Leads(Leading<W>),
    /// It asks for itself.
    Alone,
}

/// The request that others wait for. They go on when it ends, however it does.
pub(super) struct Leading<W: Runtime> {
    service: Service<W>,
    key: String,
    signal: u32,
}

impl<W: Runtime> Drop for Leading<W> {
    fn drop(&mut self) {
        let Self { service, key, signal } = self;
        let mut under_way = service.isolate.fetching.under_way.borrow_mut();
        if under_way.get(key, service.runtime.now()) == Some(*signal) {
            under_way.remove(key);
        }
        drop(under_way);
        service.runtime.give(*signal);
    }
}

/// What requests wait for together. What answers a request with `Authorization` may not be for one
/// without, and what forbids to share the one says nothing of the other.
fn shared_key(plan: &Plan) -> Cow<'_, str> {
    match plan.rest.authorized {
        true => Cow::Owned(format!("{}~authorized", plan.key.as_str())),
        false => Cow::Borrowed(plan.key.as_str()),
    }
}

impl<W: Runtime> Service<W> {
    /// Whether another isolate of this data centre has fetched a stale entry anew, or has just
    /// begun to. What it has stored is then at hand here too.
    pub(super) async fn is_revalidated_elsewhere(
        &self,
        context: &Context<W>,
        plan: &Plan,
        key: &str,
    ) -> bool {
        let stored = self.edge_entry(context, key).await;
        if let Some(cached) = stored.filter(|cached| self.is_variant(cached, &context.request))
            && self.isolate.purges.view.may_judge(self.runtime.now(), context.own_write)
            && self.judged(&context.request, plan, &cached) == Freshness::Fresh
        {
            self.keep(key, &cached);
            return true;
        }
        let marker = format!("{key}~revalidating");
        if self.isolate.edge.read(context, &marker).await.is_some() {
            return true;
        }
        // Two that look at the same moment both go on, which costs one request more.
        if let Err(fault) = self.runtime.edge_put(&marker, b"1", None, MARKER_SECONDS).await {
            self.report_failure("edge-write", &fault);
        }
        false
    }

    /// Waits for a request that fetches the same, or becomes the one that others wait for.
    pub(super) async fn join(&self, context: &Context<W>, plan: &Plan) -> Joined<W> {
        let directives = plan.client_directives(&context.request.headers);
        // These bring nothing that others could have, or want something newer.
        if context.request.method == Method::Head || directives.no_store || directives.no_cache {
            return Joined::Alone;
        }
        let key = shared_key(plan);
        let now = self.runtime.now();
        let Fetching { under_way, alone } = &self.isolate.fetching;
        if alone.borrow().get(&key, now).is_some() {
            return Joined::Alone;
        }
        let first = under_way.borrow().get(&key, now);
        let Some(first) = first else {
            // What was fetched while this one looked elsewhere need not be fetched again.
            if let Some(candidate) = self.fresh_in_memory(context, plan) {
                return Joined::Answered(candidate);
            }
            let signal = self.runtime.signal();
            under_way.borrow_mut().put(&key, signal, now);
            return Joined::Leads(Leading { service: self.clone(), key: key.into_owned(), signal });
        };
        let waiting = async {
            self.runtime.wait(first).await;
            Ok::<(), Fault>(())
        };
        // Whether it was in time shows in what there is.
        let _ = self.within(WAIT_MILLIS, waiting).await;
        self.isolate.purges.sync.sync(context).await;
        match self.fresh_in_memory(context, plan) {
            Some(candidate) => Joined::Answered(candidate),
            None => Joined::Alone,
        }
    }

    /// Where the answers to a request will not be stored, nobody waits for one.
    pub(super) fn note_not_stored(&self, plan: &Plan, status: u16, reason: NotStored) {
        if reason.will_recur(status) {
            let mut alone = self.isolate.fetching.alone.borrow_mut();
            alone.put(&shared_key(plan), (), self.runtime.now());
        }
    }

    /// An answer was stored, so that it is worth waiting for the next one.
    pub(super) fn note_stored(&self, plan: &Plan) {
        self.isolate.fetching.alone.borrow_mut().remove(&shared_key(plan));
    }

    fn fresh_in_memory(&self, context: &Context<W>, plan: &Plan) -> Option<Candidate> {
        let mut found = Found::default();
        self.look_in_memory(context, plan, &mut found);
        found.candidate.filter(|one| one.freshness == Freshness::Fresh)
    }
}
