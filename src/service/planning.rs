//! Planning the look-up of a read, or why there is none.

use super::context::Context;
use super::knowledge::{Knowledge, Operation};
use super::runtime::Runtime;
use crate::config::Config;
use crate::engine::{Bypass, Plan, plan_graphql, plan_rest};
use crate::graphql::OperationKind;
use std::rc::Rc;

/// Plans reads. A token is verified only if the plan depends on its claims.
pub(super) struct Planning {
    config: Rc<Config>,
    knowledge: Knowledge,
}

impl Planning {
    /// Plans by a configuration.
    pub fn new(config: Rc<Config>, knowledge: Knowledge) -> Rc<Self> {
        Rc::new(Self { config, knowledge })
    }

    /// Plans a REST read.
    pub async fn plan_rest<R: Runtime>(&self, context: &Context<R>) -> Result<Plan, Bypass> {
        let plan = |claims: &_| plan_rest(&self.config, &context.request, claims);
        self.knowledge.tokens.plan_with_claims(context, plan).await
    }

    /// Plans a GraphQL operation.
    pub async fn plan_operation<R: Runtime>(
        &self,
        context: &Context<R>,
        operation: &Operation,
    ) -> Result<Plan, Bypass> {
        let analysis = &operation.known.analysis;
        match (analysis.kind, context.uncached) {
            (OperationKind::Mutation, _) => return Err(Bypass::Mutation),
            (OperationKind::Subscription, _) => return Err(Bypass::Subscription),
            (OperationKind::Query, _) if analysis.incremental => return Err(Bypass::Incremental),
            (OperationKind::Query, Some(reason)) => return Err(reason),
            // A URL with what is in the key alone would be too long.
            (OperationKind::Query, None) if !operation.can_be_keyed() => {
                return Err(Bypass::UrlTooLong);
            }
            (OperationKind::Query, None) => {}
        }
        let request = &context.request;
        let query = &operation.query;
        let plan = |claims: &_| plan_graphql(&self.config, request, claims, query, analysis);
        self.knowledge.tokens.plan_with_claims(context, plan).await
    }
}
