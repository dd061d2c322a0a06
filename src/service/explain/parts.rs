//! The parts of an explanation that several decisions share.

use crate::admin::{DecisionWord, ExplainedReason, ExplainedTerms, Explanation, UnderstoodRequest};
use crate::engine::{Plan, PlanExplanation, XCache};

/// An explanation that says nothing but the decision.
pub fn explanation(decision: DecisionWord, request: UnderstoodRequest) -> Explanation {
    Explanation {
        decision,
        request,
        x_cache: None,
        reason: None,
        signals: Vec::new(),
        types: Vec::new(),
        types_by_response: Vec::new(),
        terms: None::<ExplainedTerms>,
        key: None,
        tags: Vec::new(),
        purges: None,
        entry: None,
        warnings: Vec::new(),
        operations: None,
    }
}

/// A request that is not looked up.
pub fn not_looked_up(
    decision: DecisionWord,
    request: UnderstoodRequest,
    reason: ExplainedReason,
) -> Explanation {
    let x_cache = Some(XCache::Bypass.as_str());
    Explanation { x_cache, reason: Some(reason), ..explanation(decision, request) }
}

/// Adds where the values of a plan come from.
pub fn with_plan_explanation(explanation: Explanation, plan: PlanExplanation) -> Explanation {
    let PlanExplanation { types, types_by_response, terms, signals } = plan;
    Explanation { types, types_by_response, terms: Some(terms), signals, ..explanation }
}

/// Adds the plan.
pub fn with_plan(explanation: Explanation, plan: &Plan) -> Explanation {
    let tags = plan.tags.iter().map(|tag| tag.as_str().to_owned());
    Explanation { key: Some(plan.key.as_str().to_owned()), tags: tags.collect(), ..explanation }
}
