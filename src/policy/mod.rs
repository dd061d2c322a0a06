//! What HTTP says about storing and serving: RFC 9111, 5861, 9110 and 9211, one concern a file.
//!
//! In scope: decisions over header values and times. Not in scope: cache types, scopes and
//! GraphQL; `engine` brings those together with these.

mod cache_control;
mod cache_status;
mod conditional;
mod freshness;
mod lifetime;
mod storable;
mod vary;

pub use cache_control::{RequestDirectives, ResponseDirectives};
pub use cache_status::{CacheStatus, Forward};
pub use conditional::{entity_tag, not_modified};
pub use freshness::{Freshness, freshness};
pub use lifetime::{Lifetime, Rule, lifetime};
pub use storable::{NotStored, storable};
pub use vary::{Vary, variant, varies_on};
