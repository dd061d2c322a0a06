//! The tiers of an isolate, in the order in which they are read.

use super::edge_cache::EdgeCacheTier;
use super::entry::{CachedEntry, EncodedEntry};
use super::kv::KvTier;
use super::memory::MemoryTier;
use super::tier::{Occasion, Tier};
use crate::service::context::Context;
use crate::service::runtime::Runtime;
use futures_util::future::{join, join_all};
use std::rc::Rc;

/// Declares [`FarTier`]: an enum instead of `dyn Tier`, so that calls need no boxes.
macro_rules! far_tiers {
    ($($name:ident: $tier:ty,)*) => {
        /// A tier behind the edge cache. While such a tier is slow, the origin is asked in parallel.
        #[derive(Debug, Clone)]
        pub enum FarTier {
            $(#[doc = concat!("[`", stringify!($tier), "`]")] $name(Rc<$tier>),)*
        }

        impl FarTier {
            /// How long a read may take before the origin is asked in parallel.
            pub fn timeout_ms(&self) -> u64 {
                match self { $(Self::$name(tier) => tier.timeout_ms(),)* }
            }

            /// Notes that a read took too long.
            pub fn timed_out<R: Runtime>(&self, runtime: &R) {
                match self { $(Self::$name(tier) => tier.timed_out(runtime),)* }
            }
        }

        impl Tier for FarTier {
            fn name(&self) -> &'static str {
                match self { $(Self::$name(tier) => tier.name(),)* }
            }

            fn is_available<R: Runtime>(&self, runtime: &R) -> bool {
                match self { $(Self::$name(tier) => tier.is_available(runtime),)* }
            }

            async fn get<R: Runtime>(&self, context: &Context<R>, key: &str) -> Option<Rc<CachedEntry>> {
                match self { $(Self::$name(tier) => tier.get(context, key).await,)* }
            }

            fn takes(&self, entry: &CachedEntry, on: Occasion) -> bool {
                match self { $(Self::$name(tier) => tier.takes(entry, on),)* }
            }

            async fn put<R: Runtime>(&self, runtime: &R, entry: &EncodedEntry) {
                match self { $(Self::$name(tier) => tier.put(runtime, entry).await,)* }
            }
        }
    };
}

far_tiers! {
    Kv: KvTier,
}

/// All tiers.
#[derive(Debug)]
pub struct Tiers {
    /// What this isolate has at hand.
    pub memory: Rc<MemoryTier>,
    /// What the data center has.
    pub edge_cache: Rc<EdgeCacheTier>,
    /// What all data centers have, in the order in which it is read. A further tier is a line here
    /// and one in `far_tiers!`.
    pub far: Vec<FarTier>,
}

impl Tiers {
    /// The tiers as they are configured. The edge cache and KV are also used for other values.
    pub fn new(edge_cache: Rc<EdgeCacheTier>, kv: Rc<KvTier>) -> Rc<Self> {
        let memory = Rc::new(MemoryTier::default());
        Rc::new(Self { memory, edge_cache, far: vec![FarTier::Kv(kv)] })
    }

    /// Writes a new entry to the edge cache and to the far tiers that take it, after the client's
    /// response has been sent.
    pub fn put_in_background<R: Runtime>(
        self: &Rc<Self>,
        runtime: &R,
        cached: Rc<CachedEntry>,
        is_fresh: bool,
    ) {
        let (tiers, spawned) = (self.clone(), runtime.clone());
        let occasion = Occasion::Stored { is_fresh };
        let far = self.takers(&cached, occasion);
        runtime.spawn(async move {
            spawned.sleep(0).await;
            let entry = EncodedEntry::new(cached);
            let to_edge = async {
                if tiers.edge_cache.takes(&entry.cached, occasion) {
                    tiers.edge_cache.put(&spawned, &entry).await;
                }
            };
            join(to_edge, join_all(far.iter().map(|tier| tier.put(&spawned, &entry)))).await;
        });
    }

    /// Writes an entry that was used to the far tiers that wait for this.
    pub fn put_used<R: Runtime>(&self, runtime: &R, cached: &Rc<CachedEntry>) {
        let far = self.takers(cached, Occasion::Hit);
        if far.is_empty() {
            return;
        }
        let (entry, spawned) = (EncodedEntry::new(cached.clone()), runtime.clone());
        runtime.spawn(async move {
            join_all(far.iter().map(|tier| tier.put(&spawned, &entry))).await;
        });
    }

    fn takers(&self, cached: &CachedEntry, on: Occasion) -> Vec<FarTier> {
        self.far.iter().filter(|tier| tier.takes(cached, on)).cloned().collect()
    }
}
