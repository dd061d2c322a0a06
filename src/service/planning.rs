//! Planning the look-up of a read, or why there is none.

use super::context::Context;
use super::knowledge::{Knowledge, Operation};
use super::runtime::Runtime;
use crate::config::Config;
use crate::engine::{Bypass, OperationToPlan, Plan, plan_graphql, plan_rest, unsupported_request};
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

    /// Plans a GraphQL operation.
    pub async fn plan_operation<R: Runtime>(
        &self,
        context: &Context<R>,
        operation: &Operation,
    ) -> Result<Plan, Bypass> {
        let (request, uncached) = (&context.request, context.uncached);
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
}
