//! Planning the look-up of a read, or why there is none.

use super::context::Context;
use super::knowledge::{Knowledge, Operation};
use super::runtime::Runtime;
use crate::config::Config;
use crate::engine::{
    Bypass, OperationToPlan, Plan, PlanExplanation, explain_graphql, explain_rest, plan_graphql,
    plan_rest, unsupported_request,
};
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
        let request = &context.request;
        if let Some(reason) = unsupported_request(request, None) {
            return Err(reason);
        }
        let plan = |claims: &_| plan_rest(&self.config, request, claims);
        self.knowledge.tokens.plan_with_claims(context, plan).await
    }

    /// Plans a GraphQL operation. `uncached` is why no query of the request is looked up, if the path or
    /// the method rules that out.
    pub async fn plan_operation<R: Runtime>(
        &self,
        context: &Context<R>,
        operation: &Operation,
        uncached: Option<Bypass>,
    ) -> Result<Plan, Bypass> {
        let request = &context.request;
        let analysis = &operation.known.analysis;
        let can_be_keyed = || operation.can_be_keyed();
        let to_plan = OperationToPlan { analysis, uncached, can_be_keyed: &can_be_keyed };
        if let Some(reason) = unsupported_request(request, Some(to_plan)) {
            return Err(reason);
        }
        let query = &operation.query;
        let plan = |claims: &_| plan_graphql(&self.config, request, claims, query, analysis);
        self.knowledge.tokens.plan_with_claims(context, plan).await
    }

    /// Where the values of a REST read's plan come from.
    pub async fn explain_rest<R: Runtime>(&self, context: &Context<R>) -> PlanExplanation {
        let (config, request) = (&self.config, &context.request);
        let plan = |claims: &_| plan_rest(config, request, claims);
        let claims = self.knowledge.tokens.claims_for_plan(context, plan).await;
        explain_rest(config, request, &claims)
    }

    /// The same for a GraphQL query.
    pub async fn explain_operation<R: Runtime>(
        &self,
        context: &Context<R>,
        operation: &Operation,
    ) -> PlanExplanation {
        let (config, request, query) = (&self.config, &context.request, &operation.query);
        let analysis = &operation.known.analysis;
        let plan = |claims: &_| plan_graphql(config, request, claims, query, analysis);
        let claims = self.knowledge.tokens.claims_for_plan(context, plan).await;
        explain_graphql(config, request, &claims, query, analysis)
    }
}
