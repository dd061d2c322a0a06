//! What is counted and logged of each response. Every response is counted. Which ones are logged is
//! configured by kind, as a share of the keys, so that a key's responses are all logged or not at all.

use crate::config::{Config, Log, Share};
use crate::engine::Plan;
use crate::policy::NotStored;
use crate::service::context::Context;
use crate::service::report::{HitLine, report, report_hit};
use crate::service::runtime::Runtime;
use crate::service::stats::{Answered, Stats};
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
        status: u16,
    ) {
        let (event, how) = match is_stale {
            true => ("stale", Answered::Stale),
            false => ("hit", Answered::Hit),
        };
        self.count(context, status, how, Some(&plan.type_name));
        if !self.logs(how, status, plan.key.as_str()) {
            return;
        }
        let meta = &cached.entry.meta;
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

    /// Counts and logs a miss.
    pub fn miss<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        status: u16,
        is_stored: bool,
        detail: Option<&str>,
    ) {
        self.count(context, status, Answered::Miss, Some(&plan.type_name));
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
        status: u16,
        is_stored: bool,
        detail: Option<&str>,
    ) {
        self.count(context, status, Answered::Miss, Some(&plan.type_name));
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
    pub fn bypass<R: Runtime>(&self, context: &Context<R>, reason: &str, status: u16) {
        self.count(context, status, Answered::Bypass, None);
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

    /// Counts and logs a batch of queries.
    pub fn batch<R: Runtime>(
        &self,
        context: &Context<R>,
        how: Answered,
        counts: BatchCounts,
        status: u16,
    ) {
        self.count(context, status, how, None);
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

    /// Counts a response of a cache type. One with a 5xx is an error, however it came about.
    pub fn count<R: Runtime>(
        &self,
        context: &Context<R>,
        status: u16,
        how: Answered,
        type_name: Option<&str>,
    ) {
        let how = if status >= 500 { Answered::Error } else { how };
        let now = context.runtime.now();
        self.stats.answered(now, how, type_name, now.millis_since(context.started));
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
            Answered::Bypass => self.shares.bypasses,
            Answered::Error => Share::ALL,
        }
    }
}

fn hash_of(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

#[cfg(test)]
mod tests;
