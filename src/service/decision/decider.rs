//! Decides what is done with a request.

use super::batch::batch_items;
use super::outcome::{Decision, PassedRequest};
use crate::config::Config;
use crate::engine::{Bypass, GraphQlRequest, RequestClass, Uncacheable, classify, read_graphql};
use crate::graphql::OperationRequest;
use crate::limits::{Amounts, Limit};
use crate::service::body_memory::has_room_for_request;
use crate::service::context::Context;
use crate::service::knowledge::{Knowledge, Unresolved};
use crate::service::limit_usage::LimitUsage;
use crate::service::planning::Planning;
use crate::service::purges::Purges;
use crate::service::read::ReadKind;
use crate::service::runtime::{BodyRead, Runtime};
use std::rc::Rc;

/// Decides what is done with requests.
pub struct Decider {
    config: Rc<Config>,
    purges: Purges,
    knowledge: Knowledge,
    planning: Rc<Planning>,
    limit_usage: Rc<LimitUsage>,
}

impl Decider {
    /// Decides by a configuration, and by what is known of documents. How close requests come to the
    /// limits is noted in `limit_usage`.
    pub fn new(
        (config, purges): (Rc<Config>, Purges),
        knowledge: Knowledge,
        planning: Rc<Planning>,
        limit_usage: Rc<LimitUsage>,
    ) -> Rc<Self> {
        Rc::new(Self { config, purges, knowledge, planning, limit_usage })
    }

    /// Decides what is done with a request.
    pub async fn decide<R: Runtime>(&self, context: &Context<R>) -> Decision {
        let class = classify(&self.config, &context.request);
        if class == RequestClass::Admin {
            return Decision::Admin;
        }
        let paused = self.purges.pauses(context).then_some(Bypass::Paused);
        match class {
            RequestClass::Admin => Decision::Admin,
            RequestClass::PassThrough(Bypass::Upgrade) => Decision::Upgrade,
            RequestClass::GraphQlSocket => Decision::Socket,
            RequestClass::PassThrough(reason) => pass_through(reason, PassedRequest::Unread),
            RequestClass::RestWrite => Decision::RestWrite,
            RequestClass::Rest if paused.is_some() => {
                pass_through(Bypass::Paused, PassedRequest::Rest)
            }
            RequestClass::Rest => match self.planning.plan_rest(context).await {
                Ok(plan) => Decision::LookUp { plan, kind: ReadKind::Rest },
                Err(reason) => pass_through(reason, PassedRequest::Rest),
            },
            RequestClass::GraphQlGet | RequestClass::GraphQlPost => {
                self.decide_graphql(context, paused).await
            }
            RequestClass::GraphQlUncached(reason) => {
                self.decide_graphql(context, Some(reason)).await
            }
        }
    }

    /// The same for GraphQL: by the URL if the method is safe, else by the body. `uncached` is why no
    /// query of the request is looked up, if the path or the method rules that out.
    async fn decide_graphql<R: Runtime>(
        &self,
        context: &Context<R>,
        uncached: Option<Bypass>,
    ) -> Decision {
        if context.request.method.is_safe() {
            return self.decide_read(context, uncached, None).await;
        }
        match context.request_body(self.config.limits.amounts.of(Limit::Bytes)).await {
            BodyRead::Whole(body) => self.decide_read(context, uncached, Some(body)).await,
            BodyRead::TooLarge => self.decide_unread(Bypass::BodyTooLarge),
            BodyRead::NoRoom => self.decide_unread(Bypass::MemoryInFlight),
            BodyRead::Broken => Decision::BrokenBody,
        }
    }

    /// A request whose body was not read may be a mutation, or a batch with one.
    fn decide_unread(&self, reason: Bypass) -> Decision {
        self.decide_uncacheable(Uncacheable { reason, may_be_mutation: true })
    }

    async fn decide_read<R: Runtime>(
        &self,
        context: &Context<R>,
        uncached: Option<Bypass>,
        body: Option<Rc<[u8]>>,
    ) -> Decision {
        let (config, request) = (&self.config, &context.request);
        let mut needed = Amounts::ZERO;
        if let Some(body) = &body {
            needed.raise(Limit::Bytes, body.len());
            if !has_room_for_request(&context.runtime, config, request, body, &mut needed) {
                return self.decide_unread(Bypass::MemoryInFlight);
            }
        }
        let read = read_graphql(config, request, body.as_deref());
        // From here on, what was read of it is enough.
        drop(body);
        if let Ok(GraphQlRequest::Batch(queries)) = &read {
            needed.raise(Limit::Batch, queries.len());
        }
        if !context.is_explained() {
            self.limit_usage.note(&needed);
        }
        match read {
            Ok(GraphQlRequest::One(query)) => self.decide_query(context, uncached, query).await,
            Ok(GraphQlRequest::Batch(queries)) => {
                let Self { knowledge, planning, .. } = self;
                Decision::Batch(batch_items(knowledge, planning, context, uncached, queries).await)
            }
            Err(uncacheable) => self.decide_uncacheable(uncacheable),
        }
    }

    async fn decide_query<R: Runtime>(
        &self,
        context: &Context<R>,
        uncached: Option<Bypass>,
        query: OperationRequest,
    ) -> Decision {
        let Knowledge { schemas, documents, .. } = &self.knowledge;
        let schema = schemas.for_request(context);
        let operation = match documents.resolve(context, query, &schema).await {
            Ok(operation) => operation,
            Err(Unresolved::Unknown) => return Decision::UnknownDocument,
            Err(Unresolved::Uncacheable(uncacheable)) => {
                return self.decide_uncacheable(uncacheable);
            }
        };
        if operation.is_mutation() {
            return Decision::Mutation(operation);
        }
        match self.planning.plan_operation(context, &operation, uncached).await {
            Ok(plan) => Decision::LookUp { plan, kind: ReadKind::GraphQl(Rc::new(operation)) },
            Err(reason) => pass_through(reason, PassedRequest::Operation(operation)),
        }
    }

    /// A request that cannot be looked up: refused if it is over a limit and the configuration says so;
    /// a write if it may be a mutation; else passed through.
    fn decide_uncacheable(&self, uncacheable: Uncacheable) -> Decision {
        let Uncacheable { reason, may_be_mutation } = uncacheable;
        match reason.limit().filter(|_| self.config.limits.refuse) {
            Some(limit) => Decision::Refused(limit),
            None if may_be_mutation => Decision::PossibleMutation(reason),
            None => pass_through(reason, PassedRequest::Unread),
        }
    }
}

fn pass_through(reason: Bypass, request: PassedRequest) -> Decision {
    Decision::PassThrough { reason, request }
}
