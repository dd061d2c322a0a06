//! The tiers of an isolate, in the order in which they are read.

use super::breaker::Breaker;
use super::edge_cache::EdgeCacheTier;
use super::far_tiers::far_tiers;
use super::kv::KvTier;
use super::kv_client::KvClient;
use super::memory::MemoryTier;
use super::tier::{FarTier, Occasion, Tier};
use crate::config::Config;
use crate::service::answers::Stamps;
use crate::service::cached_entry::{CachedEntry, EncodedEntry};
use crate::service::context::Context;
use crate::service::runtime::{Fault, Runtime};
use futures_util::future::{join, join_all};
use std::rc::Rc;

// The tiers behind the edge cache, in the order in which they are read: the type of each, and how it is
// made from the configuration. `None` if the configuration switches it off: then it is not asked, and
// `GET health` does not show it.
far_tiers! {
    |config, kv|
    KvTier: Some(KvTier::new(config.kv.clone(), kv.clone())),
}

/// All tiers.
#[derive(Debug)]
pub struct Tiers {
    /// What this isolate has at hand.
    pub memory: Rc<MemoryTier>,
    /// What the data center has.
    pub edge_cache: Rc<EdgeCacheTier>,
    /// What all data centers have, in the order in which it is read.
    pub far: Vec<AnyFarTier>,
}

impl Tiers {
    /// The tiers as they are configured. The edge cache and KV are also used for other values; the stamps
    /// show what changes in memory.
    pub fn new(
        config: &Config,
        edge_cache: Rc<EdgeCacheTier>,
        kv: &Rc<KvClient>,
        stamps: &Rc<Stamps>,
    ) -> Rc<Self> {
        let memory = Rc::new(MemoryTier::new(stamps.clone()));
        Rc::new(Self { memory, edge_cache, far: AnyFarTier::all(config, kv) })
    }

    /// Writes an entry that is new, or has ended, to the edge cache and to the far tiers that take it. The client's
    /// response does not wait for that.
    pub fn put_in_background<R: Runtime>(
        self: &Rc<Self>,
        runtime: &R,
        cached: Rc<CachedEntry>,
        occasion: Occasion,
    ) {
        let (tiers, spawned) = (self.clone(), runtime.clone());
        let far = match occasion {
            Occasion::Warmed => Vec::new(),
            occasion => self.takers(runtime, &cached, occasion),
        };
        runtime.spawn(async move {
            let entry = EncodedEntry::new(cached);
            // At once: a timer would cost as much as what it postpones.
            let to_edge = async {
                if tiers.edge_cache.takes(&entry.cached, occasion) {
                    tiers.edge_cache.put(&spawned, &entry).await;
                }
            };
            join(to_edge, join_all(far.iter().map(|tier| tier.put(&spawned, &entry)))).await;
        });
    }

    /// Writes an entry that warming has fetched or found to the far tiers that lack it. Returns whether one of
    /// them was written.
    pub async fn put_warmed<R: Runtime>(&self, runtime: &R, cached: &Rc<CachedEntry>) -> bool {
        let far = self.takers(runtime, cached, Occasion::Warmed);
        let entry = EncodedEntry::new(cached.clone());
        join_all(far.iter().map(|tier| tier.put(runtime, &entry))).await.contains(&true)
    }

    /// Writes an entry that was used to the far tiers that wait for this.
    pub fn put_used<R: Runtime>(&self, runtime: &R, cached: &Rc<CachedEntry>) {
        let far = self.takers(runtime, cached, Occasion::Hit);
        if far.is_empty() {
            return;
        }
        let (entry, spawned) = (EncodedEntry::new(cached.clone()), runtime.clone());
        runtime.spawn(async move {
            join_all(far.iter().map(|tier| tier.put(&spawned, &entry))).await;
        });
    }

    fn takers<R: Runtime>(
        &self,
        runtime: &R,
        cached: &CachedEntry,
        on: Occasion,
    ) -> Vec<AnyFarTier> {
        // What has ended must not stay in a tier.
        let may_write = |tier: &AnyFarTier| on == Occasion::Ended || tier.may_write(runtime);
        let takes = |tier: &&AnyFarTier| tier.takes(cached, on) && may_write(tier);
        self.far.iter().filter(takes).cloned().collect()
    }
}
