//! The rules of HTTP for storing and serving responses: RFC 9111, 5861, 9110, 9211 and 9213. One
//! file for each concern.
//!
//! In scope: decisions over header values and times. Not in scope: cache types, scopes and GraphQL,
//! which `engine` combines with these rules.

mod cache_control;
mod cache_status;
mod conditional;
mod date;
mod directives;
mod freshness;
mod lifetime;
mod not_stored;
mod range;
mod reason;
mod storable;
mod targeted;
mod vary;

pub use cache_control::{RequestDirectives, ResponseDirectives};
pub use cache_status::{CacheStatus, Forward};
pub use conditional::{
    entity_tag, has_validator, head_matches_stored, not_modified, selects_stored, strong_etag,
    validators,
};
pub use date::date_of;
pub use freshness::{Freshness, freshness};
pub use lifetime::{FreshnessWindows, Lifetime, LifetimeRule, OriginRule, ReceivedHead, lifetime};
pub use not_stored::NotStored;
pub use range::{ContentRange, PartialContent, Range, RangeResult, if_range_holds};
pub use reason::Reason;
pub(crate) use reason::reasons;
pub use storable::{Permission, head_storable, storable};
pub use vary::{Vary, variant, varies_on};
