//! What is done with a request, decided before anything is done with it.
//!
//! `router.rs`, `graphql.rs` and `batch.rs` carry a decision out. `POST explain` takes the same decision
//! and describes it instead, so what it says is what the request path does
//! (docs/decisions/0046-explain-is-the-request-path.md).
//!
//! In scope: the decision, up to the look-up. Not in scope: what is stored for the request (`cache`), and
//! carrying a decision out.

mod batch;
mod decider;
mod outcome;

pub(super) use batch::BatchDecision;
pub(super) use decider::Decider;
pub(super) use outcome::{Decision, PassedRequest};
