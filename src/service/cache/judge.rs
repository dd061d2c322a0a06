//! Whether a stored response may be used: the verdict of the purge log and the response's age make its
//! freshness.

use super::candidate::{Candidate, is_servable_stale};
use super::variants::is_selected;
use crate::engine::Plan;
use crate::http::Request;
use crate::policy::{Freshness, freshness};
use crate::purge::{Subject, Verdict};
use crate::service::context::Context;
use crate::service::purges::Purges;
use crate::service::runtime::Runtime;
use crate::service::tiers::CachedEntry;
use std::rc::Rc;

/// Judges stored responses.
pub struct Judge {
    purges: Purges,
}

impl Judge {
    /// A judge that goes by these purges.
    pub fn new(purges: Purges) -> Rc<Self> {
        Rc::new(Self { purges })
    }

    /// `true` if the replica of the purge log is recent enough for this request. If not, no stored
    /// response may be used.
    pub fn may_judge<R: Runtime>(&self, context: &Context<R>) -> bool {
        self.purges.view.may_judge(context.runtime.now(), context.own_write)
    }

    /// How fresh a stored response is for a request by now.
    pub fn freshness<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        cached: &CachedEntry,
    ) -> Freshness {
        let directives = plan.client_directives(&context.request.headers);
        let now = context.runtime.now();
        freshness(&cached.entry.meta, self.verdict(plan, cached), &directives, now)
    }

    /// `true` if a stored response may answer a request at all: it is the selected variant, and if the
    /// request has `Authorization`, the origin lets requests share it (RFC 9111 §3.5).
    pub fn is_usable(&self, request: &Request, plan: &Plan, cached: &CachedEntry) -> bool {
        let is_shared = !plan.rest.authorized || cached.entry.meta.shares_authorized;
        is_shared && is_selected(cached, request)
    }

    /// `true` if a stored response is the variant that a request selects (RFC 9111 §4.1).
    pub fn is_selected<R: Runtime>(&self, context: &Context<R>, cached: &CachedEntry) -> bool {
        is_selected(cached, &context.request)
    }

    /// `true` if a stored response is still fresh, after a read of the log if the replica is too old.
    pub async fn is_still_fresh<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        cached: &CachedEntry,
    ) -> bool {
        self.purges.sync.sync(context).await;
        self.may_judge(context) && self.freshness(context, plan, cached) == Freshness::Fresh
    }

    /// `true` if a stale response may still be served because the origin fails: it may have been purged
    /// while the origin was asked.
    pub async fn may_serve_stale<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        stale: &Candidate,
    ) -> bool {
        self.purges.sync.sync(context).await;
        self.may_judge(context) && is_servable_stale(self.freshness(context, plan, &stale.cached))
    }

    /// `true` if a 304 of the origin makes a stored response fresh. For one that was purged softly,
    /// somebody says that it has changed, and a date does not tell two changes of one second apart
    /// (RFC 9110 §8.8.2.2): then only an entity tag of the origin does.
    pub fn may_be_validated(&self, plan: &Plan, cached: &CachedEntry) -> bool {
        let meta = &cached.entry.meta;
        let has_etag = !meta.etag_is_ours && meta.headers.contains("etag");
        has_etag || self.verdict(plan, cached) == Verdict::Valid
    }

    fn verdict(&self, plan: &Plan, cached: &CachedEntry) -> Verdict {
        let meta = &cached.entry.meta;
        self.purges.view.verdict(&Subject {
            mark: meta.mark,
            tags: &cached.tags,
            tagging: meta.tagging,
            key_from_kind: plan.key.from_kind(),
        })
    }
}
