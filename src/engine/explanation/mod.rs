//! Where a plan's values come from, for `POST explain`: which match matched, which cache type set the
//! ttl, what covers a signal.
//!
//! A plan does not hold this, because no request needs it. It is found out here from the same parts, and
//! `tests.rs` compares it with plans.
//!
//! In scope: GraphQL queries and REST reads that can be planned. Not in scope: what is stored for them
//! (`service/explain`).

mod matched_types;
mod plan;
mod signals;
mod terms;

pub use plan::{PlanExplanation, explain_graphql, explain_rest};

#[cfg(test)]
mod tests;
