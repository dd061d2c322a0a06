//! What every tier can do.

use super::breaker::Breaker;
use crate::service::cached_entry::{CachedEntry, EncodedEntry};
use crate::service::context::Context;
use crate::service::runtime::{Fault, Runtime};
use std::rc::Rc;

/// When an entry may be written to a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It was made from a response of the origin.
    Stored {
        /// `false` if the entry can only be served stale, or validated.
        is_fresh: bool,
    },
    /// It was fetched to warm the cache, or is fresh already. Whoever warms writes it to the far tiers,
    /// within a budget ([`super::Tiers::put_warmed`]).
    Warmed,
    /// It has ended, and replaces what a tier may still have under its key.
    Ended,
    /// It has answered a request from a tier above.
    Hit,
}

/// A store of entries by key.
///
/// A tier never fails a request: a fault is logged, counts for the tier's circuit breaker, and looks
/// like a miss.
pub trait Tier {
    /// The name in `Cache-Status` and in log lines.
    fn name(&self) -> &'static str;

    /// `true` if the tier is there and its circuit breaker lets a call through.
    fn is_available<R: Runtime>(&self, runtime: &R) -> bool;

    /// Reads the entry under `key`. `None` if there is none, or none that can be used.
    async fn get<R: Runtime>(&self, context: &Context<R>, key: &str) -> Option<Rc<CachedEntry>>;

    /// `true` if the tier takes this entry on this occasion.
    fn takes(&self, entry: &CachedEntry, on: Occasion) -> bool;

    /// Writes an entry under its own key. Returns whether it was written.
    async fn put<R: Runtime>(&self, runtime: &R, entry: &EncodedEntry) -> bool;
}

/// A tier behind the edge cache. While it is slow, the origin is asked in parallel.
///
/// To add one: implement this in a file of this folder, and add a line to the list in `list.rs`. `GET
/// health` and `GET stats` show it under its name.
pub trait FarTier: Tier {
    /// How long a read may take before the origin is asked in parallel.
    fn timeout_ms(&self) -> u64;

    /// Opens when calls fail.
    fn breaker(&self) -> &Breaker;

    /// `true` if the deployment has this store.
    fn is_bound<R: Runtime>(&self, runtime: &R) -> bool;

    /// `true` if the store can be written to now.
    fn may_write<R: Runtime>(&self, runtime: &R) -> bool;

    /// Reads something, to find out whether the store works.
    async fn probe<R: Runtime>(&self, runtime: &R) -> Result<(), Fault>;
}
