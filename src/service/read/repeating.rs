//! Which hits the platform may give again by itself, and until when.
//!
//! Only fresh entries in memory, one or those of a batch, for a request whose decision depends on nothing but
//! its bytes, the configuration, and what the stamps show. Everything else goes through the service each time.

use super::parts::ReadParts;
use crate::config::{Config, Identity, Share};
use crate::engine::{MissDetail, Plan};
use crate::graphql::DocumentSource;
use crate::policy::{Freshness, RequestDirectives};
use crate::service::answers::{Memo, Stamp, Stamps};
use crate::service::cache::{Candidate, Judge};
use crate::service::context::Context;
use crate::service::knowledge::{Operation, UploadedDocuments};
use crate::service::respond::{Reply, Responder};
use crate::service::runtime::Runtime;
use crate::time::Timestamp;
use std::rc::Rc;

/// How long an answer is given again at most before the service looks at the request once more: to notice
/// what only time changes, to count it among the frequent ones, and to keep its entry in memory.
const LONGEST_MILLIS: u64 = 120_000;

/// Decides which hits the platform may give again.
pub struct Repeating {
    config: Rc<Config>,
    respond: Rc<Responder>,
    uploaded: Rc<UploadedDocuments>,
    judge: Rc<Judge>,
    stamps: Rc<Stamps>,
    /// The name of the memory tier.
    memory: &'static str,
}

/// A hit that was just served.
#[derive(Clone, Copy)]
pub struct ServedHit<'a> {
    /// The plan of the read.
    pub plan: &'a Plan,
    /// What was served.
    pub candidate: &'a Candidate,
    /// The `Vary` of the entry under the plan's own key, if that is another variant.
    pub other_variant: Option<&'a [String]>,
    /// The operation, if it is GraphQL.
    pub operation: Option<&'a Operation>,
}

/// What a told answer takes from one entry.
struct Part {
    stamp: Stamp,
    until: Timestamp,
    stored_at: Timestamp,
    age: u64,
    ttl: u64,
    vary: Vec<String>,
}

impl Part {
    /// When its `Age` was zero, in milliseconds. Whatever the time is, what began first is oldest.
    fn began(&self) -> i128 {
        i128::from(self.stored_at.as_millis()) - i128::from(self.age) * 1_000
    }

    /// When its `ttl` is zero, in milliseconds.
    fn ends(&self) -> i128 {
        i128::from(self.stored_at.as_millis()) + i128::from(self.ttl) * 1_000
    }
}

impl Repeating {
    /// Decides with these components.
    pub fn new(parts: &ReadParts) -> Self {
        use crate::service::tiers::Tier as _;
        Self {
            config: parts.config.clone(),
            respond: parts.respond.clone(),
            uploaded: parts.knowledge.uploaded.clone(),
            judge: parts.judge.clone(),
            stamps: parts.purges.view.stamps().clone(),
            memory: parts.tiers.memory.name(),
        }
    }

    /// Tells the platform how long it may give the response to a hit again, if it may at all.
    pub fn tell<R: Runtime>(&self, context: &Context<R>, hit: ServedHit<'_>, reply: &Reply) {
        if let Some(memo) = self.memo(context, hit, reply) {
            context.runtime.tell(memo);
        }
    }

    /// The same of a batch, whose response consists of these.
    pub fn tell_batch<R: Runtime>(
        &self,
        context: &Context<R>,
        hits: &[ServedHit<'_>],
        bytes: usize,
    ) {
        if let Some(memo) = self.batch_memo(context, hits, bytes) {
            context.runtime.tell(memo);
        }
    }

    fn memo<R: Runtime>(
        &self,
        context: &Context<R>,
        hit: ServedHit<'_>,
        reply: &Reply,
    ) -> Option<Memo> {
        let Reply::Whole(response) = reply else { return None };
        let part = self.part(context, hit)?;
        let size = (response.status, response.body.len());
        let cached = &hit.candidate.cached;
        Some(Memo {
            stamp: part.stamp,
            from: context.runtime.now(),
            until: part.until,
            stored_at: part.stored_at,
            age: part.age,
            ttl: i64::try_from(part.ttl).ok()?,
            tier: self.memory,
            vary: part.vary,
            counted: self.respond.log.counted_hit(context, hit.plan, cached, size)?,
        })
    }

    fn batch_memo<R: Runtime>(
        &self,
        context: &Context<R>,
        hits: &[ServedHit<'_>],
        bytes: usize,
    ) -> Option<Memo> {
        let parts = hits.iter().map(|hit| self.part(context, *hit));
        let parts: Vec<Part> = parts.collect::<Option<_>>()?;
        let until = parts.iter().map(|part| part.until).min()?;
        // `Age` is that of the oldest entry, and `ttl` that of the first to end. JavaScript counts the seconds
        // of both from one moment, so both have to be of one entry.
        let shown = parts.iter().min_by_key(|part| (part.began(), part.ends()))?;
        if parts.iter().any(|part| part.ends() < shown.ends()) {
            return None;
        }
        let (stored_at, age, ttl) = (shown.stored_at, shown.age, i64::try_from(shown.ttl).ok()?);
        let vary = parts.iter().flat_map(|part| part.vary.iter().cloned()).collect();
        Some(Memo {
            stamp: self.stamps.of_all(parts.into_iter().map(|part| part.stamp)),
            from: context.runtime.now(),
            until,
            stored_at,
            age,
            ttl,
            tier: MissDetail::Batch.as_str(),
            vary,
            counted: self.respond.log.counted_batch(context, bytes)?,
        })
    }

    /// What an answer depends on that shows this entry. `None` if it must not be given again.
    fn part<R: Runtime>(&self, context: &Context<R>, hit: ServedHit<'_>) -> Option<Part> {
        let ServedHit { plan, candidate, other_variant, operation } = hit;
        let Candidate { cached, tier, .. } = candidate;
        let meta = &cached.entry.meta;
        let now = context.runtime.now();
        let is_plain = *tier == self.memory
            && !context.is_warming()
            && !context.is_explained()
            && context.own_write.is_none()
            && !context.debug
            && self.config.shadow == Share::NONE
            && plan.client_directives(&context.request.headers) == RequestDirectives::default()
            && !self.depends_on_claims(plan)
            // If the clock was set back, the age is unknown.
            && meta.stored_at <= now
            // Judged in the same moment in which the stamps are read, so that nothing can come in between.
            && self.judge.may_judge(context)
            && self.judge.freshness(context, plan, cached) == Freshness::Fresh
            && meta.tagging.is_same(self.config.tagging);
        if !is_plain {
            return None;
        }
        let ttl = meta.ttl.as_seconds().checked_sub(meta.initial_age)?;
        let until = [
            after(meta.stored_at, ttl.saturating_mul(1_000)),
            after(now, LONGEST_MILLIS),
            self.documents_until(operation),
        ];
        let keys = [plan.key.as_str(), meta.key.as_str()];
        let mut vary = meta.vary.clone();
        vary.extend_from_slice(other_variant.unwrap_or_default());
        Some(Part {
            stamp: self.stamps.of_entry(&cached.tags, keys, (meta.mark.seq, meta.tagging))?,
            until: until.into_iter().min()?,
            stored_at: meta.stored_at,
            age: meta.initial_age,
            ttl,
            vary,
        })
    }

    /// Whether the plan may depend on the claims of a token, which ends some time.
    fn depends_on_claims(&self, plan: &Plan) -> bool {
        let by_answer = self.config.types_by_answer_alone();
        let unseen = by_answer.iter().filter_map(|one| one.scope.as_ref());
        let mut scopes =
            plan.scopes.iter().chain(unseen).filter_map(|name| self.config.scope(name));
        scopes.any(|scope| scope.by.iter().any(|by| matches!(by, Identity::Claim(_))))
    }

    /// Until when the document of an operation is known: one that is named may be uploaded again.
    fn documents_until(&self, operation: Option<&Operation>) -> Timestamp {
        match operation.map(|operation| &operation.query.source) {
            None | Some(DocumentSource::Text { .. }) => Timestamp::from_millis(u64::MAX),
            Some(DocumentSource::Id(_) | DocumentSource::Hash(_)) => self.uploaded.fresh_until(),
        }
    }
}

fn after(at: Timestamp, millis: u64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}

#[cfg(test)]
mod tests;
