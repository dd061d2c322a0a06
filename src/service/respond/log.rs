//! What is counted and logged of each response. Every response is counted. Which ones are logged is
//! configured by kind, as a share of the keys, so that a key's responses are all logged or not at all.

use crate::config::{Config, Log, Share};
use crate::engine::Plan;
use crate::http::Method;
use crate::key::Kind;
use crate::policy::NotStored;
use crate::service::answers::CountedHit;
use crate::service::context::Context;
use crate::service::report::{HitLine, report, report_hit};
use crate::service::runtime::Runtime;
use crate::service::stats::{Answered, Response, Stats};
use crate::service::tiers::CachedEntry;
use serde_json::json;
use std::rc::Rc;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// How many operations a batch had, and where their responses came from.
#[derive(Debug, Clone, Copy)]
pub struct BatchCounts {
    /// All of them.
    pub operations: usize,
    /// Those that were answered from the cache.
    pub hits: usize,
    /// Those whose responses were stored.
    pub stored: usize,
}

/// Counts and logs responses.
pub struct ResponseLog {
    stats: Rc<Stats>,
    shares: Log,
}

impl ResponseLog {
    /// Counts in these statistics. Without a configuration everything is logged.
    pub fn new(stats: Rc<Stats>, config: Option<&Config>) -> Self {
        let shares = config.map_or(Log::EVERYTHING, |config| config.log.clone());
        Self { stats, shares }
    }

    /// Counts and logs a stored response from a tier.
    pub fn hit<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        (cached, tier, is_stale): (&CachedEntry, &'static str, bool),
        (status, bytes): (u16, usize),
    ) {
        let (event, how) = match is_stale {
            true => ("stale", Answered::Stale),
            false => ("hit", Answered::Hit),
        };
        let meta = &cached.entry.meta;
        let saved_millis = u64::from(meta.origin_ms);
        let counted = of_plan(plan, how, bytes);
        self.count(context, status, Response { tier: Some(tier), saved_millis, ..counted });
        if !self.logs(how, status, plan.key.as_str()) {
            return;
        }
        let now = context.runtime.now();
        let line = HitLine {
            event,
            tier,
            type_name: &plan.type_name,
            key: &meta.key,
            age: meta.age(now),
            ms: now.millis_since(context.started),
        };
        report_hit(&context.runtime, &line);
    }

    /// How a fresh stored response from memory is counted. `None` if each one writes a log line.
    pub fn counted_hit<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        cached: &CachedEntry,
        (status, bytes): (u16, usize),
    ) -> Option<CountedHit> {
        if self.logs(Answered::Hit, status, plan.key.as_str()) {
            return None;
        }
        let Response { type_name, operation, .. } = of_plan(plan, Answered::Hit, bytes);
        let request = &context.request;
        Some(CountedHit {
            type_name: type_name.map(str::to_owned),
            operation: operation.or(context.operation.as_deref()).map(str::to_owned),
            path: request.url.path.clone(),
            bytes: if request.method == Method::Head { 0 } else { bytes },
            saved_millis: u64::from(cached.entry.meta.origin_ms),
        })
    }

    /// Counts and logs a miss.
    pub fn miss<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        (status, bytes): (u16, usize),
        is_stored: bool,
        detail: Option<&str>,
    ) {
        let counted = of_plan(plan, Answered::Miss, bytes);
        self.count(context, status, Response { reason: detail, ..counted });
        if !self.logs(Answered::Miss, status, plan.key.as_str()) {
            return;
        }
        let line = json!({
            "event": "miss",
            "type": plan.type_name,
            "key": plan.key.as_str(),
            "status": status,
            "stored": is_stored,
            "reason": detail,
            "ms": context.runtime.now().millis_since(context.started),
        });
        report(&context.runtime, &line);
    }

    /// Counts and logs a stored response that the origin has validated.
    pub fn revalidated<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        (status, bytes): (u16, usize),
        is_stored: bool,
        detail: Option<&str>,
    ) {
        let counted = of_plan(plan, Answered::Revalidated, bytes);
        self.count(context, status, Response { reason: detail, ..counted });
        if !self.shares.revalidated.includes(|| hash_of(plan.key.as_str())) {
            return;
        }
        let line = json!({
            "event": "revalidated",
            "type": plan.type_name,
            "key": plan.key.as_str(),
            "stored": is_stored,
            "reason": detail,
            "ms": context.runtime.now().millis_since(context.started),
        });
        report(&context.runtime, &line);
    }

    /// Counts and logs a response to a request that was not looked up.
    pub fn bypass<R: Runtime>(
        &self,
        context: &Context<R>,
        reason: &str,
        (status, bytes): (u16, usize),
    ) {
        let counted = of_no_plan(Answered::Bypass, bytes);
        self.count(context, status, Response { reason: Some(reason), ..counted });
        if !self.logs_without_key(context, Answered::Bypass, status) {
            return;
        }
        let line = json!({
            "event": "bypass",
            "reason": reason,
            "method": context.request.method.as_str(),
            "path": context.request.url.path,
            "status": status,
            "ms": context.runtime.now().millis_since(context.started),
        });
        report(&context.runtime, &line);
    }

    /// Notes that cache types match queries of a batch. The batch itself counts for none of them.
    pub fn matched<R: Runtime>(&self, context: &Context<R>, names: &[String]) {
        self.stats.matched(context.runtime.now(), names);
    }

    /// Counts and logs a batch of queries.
    pub fn batch<R: Runtime>(
        &self,
        context: &Context<R>,
        how: Answered,
        counts: BatchCounts,
        (status, bytes): (u16, usize),
    ) {
        self.count(context, status, of_no_plan(how, bytes));
        if !self.logs_without_key(context, how, status) {
            return;
        }
        let BatchCounts { operations, hits, stored } = counts;
        let line = json!({
            "event": "batch",
            "operations": operations,
            "hits": hits,
            "stored": stored,
            "status": status,
            "ms": context.runtime.now().millis_since(context.started),
        });
        report(&context.runtime, &line);
    }

    /// How a batch is counted whose responses all come from memory. `None` if it may write a log line.
    pub fn counted_batch<R: Runtime>(
        &self,
        context: &Context<R>,
        bytes: usize,
    ) -> Option<CountedHit> {
        let path = context.request.url.path.clone();
        let operation = context.operation.as_deref().map(str::to_owned);
        let counted = CountedHit { operation, path, bytes, ..CountedHit::default() };
        (self.shares.hits == Share::NONE).then_some(counted)
    }

    /// Logs that a response which the client already gets could not be stored after all.
    pub fn not_stored<R: Runtime>(&self, context: &Context<R>, plan: &Plan, reason: NotStored) {
        if !self.shares.misses.includes(|| hash_of(plan.key.as_str())) {
            return;
        }
        let line = json!({
            "event": "not-stored",
            "type": plan.type_name,
            "key": plan.key.as_str(),
            "reason": reason.as_str(),
        });
        report(&context.runtime, &line);
    }

    /// Counts a request that the origin gave no response to. `plan` is that of a read.
    pub fn failure<R: Runtime>(&self, context: &Context<R>, plan: Option<&Plan>) {
        let how = Answered::Error;
        self.count(context, 502, plan.map_or(of_no_plan(how, 0), |plan| of_plan(plan, how, 0)));
    }

    /// Counts a response. One with a 5xx is an error, however it came about.
    fn count<R: Runtime>(&self, context: &Context<R>, status: u16, response: Response<'_>) {
        // Nobody has asked for it.
        if context.is_warming() {
            return;
        }
        let how = if status >= 500 { Answered::Error } else { response.how };
        let now = context.runtime.now();
        // Only a read that is not looked up has them here.
        let types = context.types.as_deref();
        let counted = Response {
            how,
            millis: now.millis_since(context.started),
            bytes: if context.request.method == Method::Head { 0 } else { response.bytes },
            type_name: response.type_name.or(types.map(|types| &*types.name)),
            matched: types.map_or(response.matched, |types| &types.matched),
            operation: response.operation.or(context.operation.as_deref()),
            path: &context.request.url.path,
            ..response
        };
        self.stats.answered(now, &counted);
    }

    /// Whether a response that was given in that way under that key is logged. One with a 5xx always
    /// is: it is a failure.
    fn logs(&self, how: Answered, status: u16, key: &str) -> bool {
        status >= 500 || self.share_of(how).includes(|| hash_of(key))
    }

    /// The same for a response without a key. All GraphQL requests have one path, so the time of the
    /// request decides.
    fn logs_without_key<R: Runtime>(
        &self,
        context: &Context<R>,
        how: Answered,
        status: u16,
    ) -> bool {
        let hash = || {
            let arrived = context.started.as_millis().to_le_bytes();
            xxh3_64_with_seed(&arrived, hash_of(&context.request.url.path))
        };
        status >= 500 || self.share_of(how).includes(hash)
    }

    fn share_of(&self, how: Answered) -> Share {
        match how {
            Answered::Hit => self.shares.hits,
            Answered::Stale => self.shares.stale,
            Answered::Miss => self.shares.misses,
            Answered::Revalidated => self.shares.revalidated,
            Answered::Bypass => self.shares.bypasses,
            Answered::Error => Share::ALL,
        }
    }
}

/// A response to a request that was not looked up, or not as a single read.
fn of_no_plan(how: Answered, bytes: usize) -> Response<'static> {
    Response {
        how,
        tier: None,
        millis: 0,
        bytes,
        saved_millis: 0,
        type_name: None,
        operation: None,
        path: "",
        reason: None,
        matched: &[],
    }
}

/// A response to a planned read.
fn of_plan(plan: &Plan, how: Answered, bytes: usize) -> Response<'_> {
    let mut segments = plan.key.from_kind().split('/');
    let is_graphql = segments.next() == Some(Kind::GraphQl.as_str());
    let operation = segments.nth(1).filter(|_| is_graphql);
    let (type_name, matched) = (Some(&*plan.type_name), &*plan.type_names);
    Response { type_name, operation, matched, ..of_no_plan(how, bytes) }
}

fn hash_of(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

#[cfg(test)]
mod tests;
