//! Warming the cache: reads that no client waits for, so that later ones find fresh responses.
//!
//! A listed request is decided and read like a client's, so it has the same key. Only what is looked up is
//! read: nothing that may write is ever sent. Requests share misses with clients. Several failures of the
//! origin in a row end the work.
//!
//! In scope: the requests of one call, within its bounds. Not in scope: the body of the call (`admin`).

use super::context::{Context, Purpose};
use super::decision::{BatchDecision, Decider, Decision};
use super::read::{ReadKind, Reads};
use super::respond::Reply;
use super::runtime::{Fault, Runtime};
use super::tiers::Tiers;
use super::timeout::within;
use crate::admin::{
    WarmBudget, WarmOutcome, WarmReport, WarmRequest, WarmResult, WarmStop, warm_body,
};
use crate::config::Config;
use crate::engine::{Bypass, Plan};
use crate::http::Headers;
use crate::limits;
use crate::time::Timestamp;
use futures_util::stream::{StreamExt, iter};
use std::cell::Cell;
use std::rc::Rc;

/// How many requests one call makes. Each takes up to six calls to stores and the origin, and the free plan
/// allows 50 for one request
/// (<https://developers.cloudflare.com/workers/platform/limits/#subrequests>).
const REQUESTS_PER_CALL: usize = 8;
/// After how long a call begins no further requests.
const CALL_MILLIS: u64 = 20_000;
/// How long one request may take.
const REQUEST_MILLIS: u64 = 10_000;
/// How long a write to the far tiers may take then.
const WRITE_MILLIS: u64 = 5_000;
/// After how many failures of the origin in a row a call begins no further requests.
pub(super) const FAILURES: u32 = 3;

/// Warms the cache.
pub struct Warmer {
    config: Rc<Config>,
    decider: Rc<Decider>,
    reads: Rc<Reads>,
    tiers: Rc<Tiers>,
}

/// What is left of one call.
struct Bounds {
    began: Timestamp,
    requests: Cell<Option<u64>>,
    kv_writes: Cell<Option<u64>>,
    kv_written: Cell<u64>,
    failures: Cell<u32>,
}

impl Bounds {
    fn new(budget: WarmBudget, now: Timestamp) -> Self {
        Self {
            began: now,
            requests: Cell::new(budget.requests),
            kv_writes: Cell::new(budget.kv_writes),
            kv_written: Cell::default(),
            failures: Cell::default(),
        }
    }

    /// Whether another request may begin.
    fn allows(&self, now: Timestamp) -> bool {
        self.stop().is_none() && now.is_within(CALL_MILLIS, self.began)
    }

    fn stop(&self) -> Option<WarmStop> {
        match self.requests.get() {
            _ if self.failures.get() >= FAILURES => Some(WarmStop::OriginFailing),
            Some(0) => Some(WarmStop::Budget),
            _ => None,
        }
    }

    fn note(&self, outcome: WarmOutcome) {
        match outcome {
            WarmOutcome::Failed => self.failures.set(self.failures.get().saturating_add(1)),
            // These say nothing about the origin.
            WarmOutcome::AlreadyFresh | WarmOutcome::Skipped => {}
            WarmOutcome::Warmed => self.failures.set(0),
        }
    }

    fn left(&self) -> WarmBudget {
        WarmBudget { requests: self.requests.get(), kv_writes: self.kv_writes.get() }
    }
}

fn take(left: &Cell<Option<u64>>) -> bool {
    match left.get() {
        Some(0) => false,
        some => {
            left.set(some.map(|left| left - 1));
            true
        }
    }
}

fn give_back(left: &Cell<Option<u64>>) {
    left.set(left.get().map(|left| left.saturating_add(1)));
}

/// What became of a request, and why.
type Outcome = (WarmOutcome, Option<String>);

fn skipped(reason: &str) -> Outcome {
    (WarmOutcome::Skipped, Some(reason.to_owned()))
}

impl Warmer {
    /// A warmer that reads by these components.
    pub fn new(
        config: Rc<Config>,
        decider: Rc<Decider>,
        reads: Rc<Reads>,
        tiers: Rc<Tiers>,
    ) -> Rc<Self> {
        Rc::new(Self { config, decider, reads, tiers })
    }

    /// Warms the first of these requests. The report has the body of the call for the others.
    pub async fn warm<R: Runtime>(
        &self,
        runtime: &R,
        requests: Vec<WarmRequest>,
        at_once: usize,
        budget: WarmBudget,
    ) -> WarmReport {
        let bounds = Bounds::new(budget, runtime.now());
        let (now, later) = match requests.split_at_checked(REQUESTS_PER_CALL) {
            Some((now, later)) => (now, later),
            None => (requests.as_slice(), [].as_slice()),
        };
        let warming = now.iter().map(|request| self.warm_one(runtime, request, &bounds));
        let warmed: Vec<Option<WarmResult>> =
            iter(warming).buffered(at_once.max(1)).collect().await;
        let not_begun = now.iter().zip(&warmed).filter(|(_, result)| result.is_none());
        let left = not_begun.map(|(request, _)| request).chain(later);
        let left: Vec<_> = left.map(|request| request.json.clone()).collect();
        let results: Vec<WarmResult> = warmed.into_iter().flatten().collect();
        let count = |outcome| results.iter().filter(|result| result.outcome == outcome).count();
        let stopped = bounds.stop().filter(|_| !left.is_empty());
        let goes_on = !left.is_empty() && stopped != Some(WarmStop::Budget);
        WarmReport {
            warmed: count(WarmOutcome::Warmed),
            already_fresh: count(WarmOutcome::AlreadyFresh),
            skipped: count(WarmOutcome::Skipped),
            failed: count(WarmOutcome::Failed),
            kv_writes: bounds.kv_written.get(),
            remaining: goes_on.then(|| warm_body(left, at_once, bounds.left())),
            stopped,
            hint: None,
            results,
        }
    }

    /// Warms one request; `None` if it may not begin any more.
    async fn warm_one<R: Runtime>(
        &self,
        runtime: &R,
        request: &WarmRequest,
        bounds: &Bounds,
    ) -> Option<WarmResult> {
        let began = runtime.now();
        if !bounds.allows(began) {
            return None;
        }
        let mut context = Context::new(runtime.clone(), request.request.clone());
        let body = request.body.as_slice().into();
        context.purpose = Purpose::Warm { body, entry: Rc::default() };
        let (operation, (outcome, reason)) = match self.decider.decide(&context).await {
            Decision::LookUp { plan, kind } => {
                let operation = match &kind {
                    ReadKind::GraphQl(operation) => operation.known.analysis.name.clone(),
                    ReadKind::Rest => None,
                };
                // Taken before: other requests of the call go on meanwhile.
                if !take(&bounds.requests) {
                    return None;
                }
                let reading = async { Ok(self.read(&context, &plan, &kind, bounds).await) };
                let read = within(runtime, REQUEST_MILLIS, reading).await;
                let gave_up = || (WarmOutcome::Failed, Some("timeout".to_owned()));
                let read = read.unwrap_or_else(|_| gave_up());
                if matches!(read.0, WarmOutcome::Warmed | WarmOutcome::AlreadyFresh) {
                    self.write_to_far_tiers(&context, &plan, bounds).await;
                }
                (operation, read)
            }
            other => (None, skipped(&self.why_not(&other))),
        };
        bounds.note(outcome);
        let url = request.json.get("url").and_then(|url| url.as_str()).unwrap_or_default();
        let ms = runtime.now().millis_since(began);
        Some(WarmResult { url: url.to_owned(), operation, outcome, reason, ms })
    }

    async fn read<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        kind: &ReadKind,
        bounds: &Bounds,
    ) -> Outcome {
        let reply = self.reads.read(context, plan, kind).await;
        let (status, headers) = match &reply {
            Reply::Whole(response) => (response.status, &response.headers),
            Reply::Origin { status, headers, handle } => {
                // A body that nobody reads would keep its connection.
                let limit = limits::RESPONSE_BODY_BYTES;
                let _ = context.runtime.response_body(*handle, limit).await;
                (*status, headers)
            }
            Reply::Untouched { .. } | Reply::Socket { .. } => return skipped("upgrade"),
        };
        let shown = CacheReport::of(headers);
        if shown.x_cache == "HIT" {
            give_back(&bounds.requests);
            return (WarmOutcome::AlreadyFresh, None);
        }
        if shown.is_stored {
            return (WarmOutcome::Warmed, None);
        }
        let failed = status >= 500 || shown.x_cache == "STALE";
        let outcome = if failed { WarmOutcome::Failed } else { WarmOutcome::Skipped };
        let reason = shown.detail.unwrap_or(if failed { "origin-failed" } else { "not-stored" });
        (outcome, Some(reason.to_owned()))
    }

    /// Writes what was fetched or found to the far tiers that lack it, if the budget allows it. Far tiers that
    /// are slow or fail change no outcome.
    async fn write_to_far_tiers<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        bounds: &Bounds,
    ) {
        let Some(cached) = context.noted_entry() else { return };
        let writing = async {
            // Taken before: other requests of the call go on meanwhile.
            if self.reads.is_still_fresh(context, plan, &cached).await && take(&bounds.kv_writes) {
                match self.tiers.put_warmed(&context.runtime, &cached).await {
                    true => bounds.kv_written.set(bounds.kv_written.get() + 1),
                    false => give_back(&bounds.kv_writes),
                }
            }
            Ok::<(), Fault>(())
        };
        // One that takes too long may still be made, so its part of the budget is used.
        let _ = within(&context.runtime, WRITE_MILLIS, writing).await;
    }

    /// Why a request is not looked up.
    fn why_not(&self, decision: &Decision) -> String {
        match decision {
            Decision::PassThrough { reason, .. } | Decision::PossibleMutation(reason) => {
                reason.detail().into_owned()
            }
            Decision::Batch(items) => match BatchDecision::of(&self.config, items) {
                BatchDecision::Write(reason) | BatchDecision::PassThrough(reason) => {
                    reason.detail().into_owned()
                }
                BatchDecision::Refused(limit) => limit.as_str().to_owned(),
                BatchDecision::LookUp => "batch".to_owned(),
            },
            Decision::RestWrite => Bypass::Method.as_str().to_owned(),
            Decision::Mutation(_) => Bypass::Mutation.as_str().to_owned(),
            Decision::Refused(limit) => limit.as_str().to_owned(),
            Decision::UnknownDocument => Bypass::PersistedUnknown.as_str().to_owned(),
            Decision::Admin => "admin".to_owned(),
            Decision::Upgrade | Decision::Socket => Bypass::Upgrade.as_str().to_owned(),
            Decision::BrokenBody | Decision::LookUp { .. } => "unread".to_owned(),
        }
    }
}

/// What the headers of a response say about how it came about.
struct CacheReport<'a> {
    x_cache: &'a str,
    is_stored: bool,
    detail: Option<&'a str>,
}

impl<'a> CacheReport<'a> {
    fn of(headers: &'a Headers) -> Self {
        // The origin's own come first, and may hold a quoted comma. Evergraph's holds none.
        let status = headers.members("cache-status").last().unwrap_or_default();
        let mut parts = status.split("; ").skip(1);
        let is_stored = status.split("; ").any(|part| part == "stored");
        let detail = parts.find_map(|part| part.strip_prefix("detail="));
        Self { x_cache: headers.get("x-cache").unwrap_or_default(), is_stored, detail }
    }
}

#[cfg(test)]
mod tests;
