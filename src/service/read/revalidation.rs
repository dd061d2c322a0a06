//! Fetching a stale entry again in the background, after it was served (`stale-while-revalidate`,
//! RFC 5861 §3).
//!
//! An entry is revalidated once at a time in an isolate, and as a rule in a data center.

use super::body::read_whole;
use super::collapse::Collapser;
use super::graphql::GraphQlResponses;
use super::injection::Injection;
use super::kind::ReadKind;
use super::rest_store::RestStore;
use super::validation::Validation;
use crate::engine::{Plan, ValidatedEntry};
use crate::http::Method;
use crate::limits;
use crate::service::cache::{Candidate, StoreTarget};
use crate::service::context::Context;
use crate::service::expiring_map::ExpiringMap;
use crate::service::knowledge::Operation;
use crate::service::purges::Purges;
use crate::service::runtime::Runtime;
use crate::service::slots::Slot;
use std::cell::RefCell;
use std::rc::Rc;

/// How long the runtime lets work go on after the response. What takes longer was cut off.
const REVALIDATION_MILLIS: u64 = 30_000;

/// Revalidates stale entries.
pub struct Revalidation {
    /// The keys that are being revalidated.
    under_way: RefCell<ExpiringMap<()>>,
    purges: Purges,
    collapser: Rc<Collapser>,
    injection: Rc<Injection>,
    graphql: Rc<GraphQlResponses>,
    validation: Rc<Validation>,
    rest: Rc<RestStore>,
}

impl Revalidation {
    /// Revalidates with these components.
    pub fn new(
        purges: Purges,
        collapser: Rc<Collapser>,
        (injection, graphql): (Rc<Injection>, Rc<GraphQlResponses>),
        (validation, rest): (Rc<Validation>, Rc<RestStore>),
    ) -> Rc<Self> {
        let under_way = ExpiringMap::new(REVALIDATION_MILLIS, limits::IN_FLIGHT_KEYS);
        let under_way = RefCell::new(under_way);
        Rc::new(Self { under_way, purges, collapser, injection, graphql, validation, rest })
    }

    /// Begins to revalidate an entry, unless that is under way.
    pub fn begin<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        plan: &Plan,
        stale: &Candidate,
        kind: &ReadKind,
    ) {
        // The response to a HEAD cannot be stored.
        if context.request.method == Method::Head {
            return;
        }
        let key = plan.key.as_str().to_owned();
        let now = context.runtime.now();
        let mut under_way = self.under_way.borrow_mut();
        if under_way.get(&key, now).is_some() {
            return;
        }
        under_way.put(&key, (), now);
        drop(under_way);
        let (this, context) = (self.clone(), context.clone());
        let (plan, stale, kind) = (plan.clone(), stale.clone(), kind.clone());
        let runtime = context.runtime.clone();
        runtime.spawn(async move {
            // A batch may have many stale entries.
            let slot = context.revalidations.take().await;
            this.revalidate(&context, &plan, &stale, &kind).await;
            this.under_way.borrow_mut().remove(&key);
            slot.into_iter().for_each(Slot::give_back);
        });
    }

    async fn revalidate<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        stale: &Candidate,
        kind: &ReadKind,
    ) {
        let meta = &stale.cached.entry.meta;
        if self.collapser.is_revalidated_elsewhere(context, plan, meta).await {
            return;
        }
        // Taken before the origin is asked: what is purged from here on is newer than the response.
        let mark = self.purges.view.mark();
        let other_variant = (meta.key != plan.key.as_str()).then_some(meta.vary.as_slice());
        let target = StoreTarget { plan, mark, other_variant, replaces: true };
        match kind {
            ReadKind::GraphQl(operation) => self.fetch_graphql(context, target, operation).await,
            ReadKind::Rest => self.fetch_rest(context, target, stale).await,
        }
    }

    async fn fetch_graphql<R: Runtime>(
        &self,
        context: &Context<R>,
        target: StoreTarget<'_>,
        operation: &Operation,
    ) {
        if let Ok(response) = self.injection.fetch(context, operation).await {
            // Whether it was stored shows in the tiers.
            let _ = self.graphql.store(context, &response, target, operation).await;
        }
    }

    async fn fetch_rest<R: Runtime>(
        &self,
        context: &Context<R>,
        target: StoreTarget<'_>,
        stale: &Candidate,
    ) {
        let plan = target.plan;
        if plan.client_directives(&context.request.headers).no_store {
            return;
        }
        let prior = self.validation.prior_response(context, plan, Some(stale)).await;
        let fetching = self.validation.fetch(context, plan, &prior, target.mark);
        let Ok(response) = fetching.await else { return };
        // While the origin fails, the stored response is better.
        if response.head.status >= 500 {
            return;
        }
        if let Some(validated) = response.validated {
            let ValidatedEntry { entry, stored } = *validated;
            if stored.is_ok() && target.mark.is_some() {
                self.rest.store_validated(context, target, entry);
            }
        } else if self.rest.may_store(context, &response.head, target).is_ok() {
            let limit = limits::RESPONSE_BODY_BYTES;
            if let Ok(body) = read_whole(&context.runtime, &response.head, limit).await {
                // Whether it was stored shows in the tiers.
                let _ = self.rest.store(context, &response.head, target, body);
            }
        }
    }
}
