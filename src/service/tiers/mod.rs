//! The tiers in which responses are stored, and how each is read and written.
//!
//! | tier | store | shared by | lost |
//! |---|---|---|---|
//! | `memory` | the isolate's memory | the requests of one isolate | with the isolate |
//! | `edge` | the edge cache | the isolates of one data center | when Cloudflare evicts it |
//! | `kv` | Workers KV | all data centers, with a delay | when it expires |
//!
//! In scope: reading and writing single entries, and leaving a store alone while it fails. Not in
//! scope: in which order the tiers are read and whether an entry may be used (`cache`).

mod breaker;
mod edge_cache;
mod far_tiers;
mod kv;
mod kv_allowance;
mod kv_client;
mod list;
mod memory;
mod store_read;
mod tier;

#[cfg(test)]
mod tests;

pub(super) use super::cached_entry::CachedEntry;
pub(super) use edge_cache::EdgeCacheTier;
pub(super) use kv_client::KvClient;
pub(super) use list::{AnyFarTier, Tiers};
pub(super) use tier::{FarTier, Occasion, Tier};
