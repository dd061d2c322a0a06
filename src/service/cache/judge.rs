//! Whether a stored response may be used: the verdict of the purge log, the response's age and the
//! configuration make its freshness.

use super::candidate::{Candidate, is_servable_stale};
use super::variants::is_selected;
use crate::config::Config;
use crate::engine::{Plan, shortened_entry};
use crate::http::Request;
use crate::policy::{Freshness, freshness};
use crate::purge::{PurgeCause, Subject, Verdict};
use crate::service::context::Context;
use crate::service::purges::Purges;
use crate::service::runtime::Runtime;
use crate::service::tiers::{CachedEntry, Tier};
use std::rc::Rc;

/// Judges stored responses.
pub struct Judge {
    config: Rc<Config>,
    purges: Purges,
}

impl Judge {
    /// A judge that goes by this configuration and these purges.
    pub fn new(config: Rc<Config>, purges: Purges) -> Rc<Self> {
        Rc::new(Self { config, purges })
    }

    /// Reads what a store has under a key, with the lifetime that the configuration permits: another
    /// deployment may have stored it.
    pub async fn read<R: Runtime>(
        &self,
        tier: &impl Tier,
        context: &Context<R>,
        plan: &Plan,
        key: &str,
    ) -> Option<Rc<CachedEntry>> {
        let cached = tier.get(context, key).await?;
        match shortened_entry(&self.config, plan, &cached.entry) {
            Some(entry) => Some(cached.replaced(entry)),
            None => Some(cached),
        }
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

    /// `true` if nothing that a stored response depends on was purged, as far as the replica knows.
    pub fn is_valid(&self, plan: &Plan, cached: &CachedEntry) -> bool {
        self.verdict(plan, cached) == Verdict::Valid
    }

    /// What the log says about a stored response, and the purge that is the reason if it is not valid.
    pub fn verdict_and_cause(
        &self,
        plan: &Plan,
        cached: &CachedEntry,
    ) -> (Verdict, Option<PurgeCause>) {
        (self.verdict(plan, cached), self.purges.view.cause(&subject(plan, cached)))
    }

    fn verdict(&self, plan: &Plan, cached: &CachedEntry) -> Verdict {
        self.purges.view.verdict(&subject(plan, cached))
    }
}

/// What purges can name of a stored response.
fn subject<'a>(plan: &'a Plan, cached: &'a CachedEntry) -> Subject<'a> {
    let meta = &cached.entry.meta;
    Subject {
        mark: meta.mark,
        tags: &cached.tags,
        tagging: meta.tagging,
        key_from_kind: plan.key.from_kind(),
    }
}
