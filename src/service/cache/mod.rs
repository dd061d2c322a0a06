//! The cache: finding a stored response for a request, judging whether it may be used, and storing
//! new ones.
//!
//! In scope: the order of the tiers, variants, purges that came meanwhile. Not in scope: single tiers
//! (`tiers`), what is stored of a response (`engine`), and asking the origin (`read`).

mod candidate;
mod hit_for_miss;
mod judge;
mod lookup;
mod store;
mod variants;

pub(super) use candidate::{Candidate, is_servable_stale};
pub(super) use hit_for_miss::{HitForMiss, shared_key};
pub(super) use judge::Judge;
pub(super) use lookup::{Lookup, LookupResult};
pub(super) use store::{Store, StoreTarget};
