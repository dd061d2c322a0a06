//! The macro behind the list of far tiers.

/// Declares the enum `AnyFarTier` with a variant for each type of the list, and
/// `AnyFarTier::all(config, kv)`, which makes one of each that is not `None`.
///
/// An enum instead of `dyn FarTier`, so that calls need no boxes.
macro_rules! far_tiers {
    (|$config:ident, $kv:ident| $($tier:ident: $new:expr,)*) => {
        /// A tier behind the edge cache.
        #[derive(Debug, Clone)]
        pub enum AnyFarTier {
            $(#[doc = concat!("[`", stringify!($tier), "`]")] $tier(Rc<$tier>),)*
        }

        impl AnyFarTier {
            fn all($config: &Config, $kv: &Rc<KvClient>) -> Vec<Self> {
                let tiers = [$($new.map(|tier: $tier| Self::$tier(Rc::new(tier))),)*];
                tiers.into_iter().flatten().collect()
            }
        }

        impl Tier for AnyFarTier {
            fn name(&self) -> &'static str {
                match self { $(Self::$tier(tier) => tier.name(),)* }
            }

            fn is_available<R: Runtime>(&self, runtime: &R) -> bool {
                match self { $(Self::$tier(tier) => tier.is_available(runtime),)* }
            }

            async fn get<R: Runtime>(
                &self,
                context: &Context<R>,
                key: &str,
            ) -> Option<Rc<CachedEntry>> {
                match self { $(Self::$tier(tier) => tier.get(context, key).await,)* }
            }

            fn takes(&self, entry: &CachedEntry, on: Occasion) -> bool {
                match self { $(Self::$tier(tier) => tier.takes(entry, on),)* }
            }

            async fn put<R: Runtime>(&self, runtime: &R, entry: &EncodedEntry) -> bool {
                match self { $(Self::$tier(tier) => tier.put(runtime, entry).await,)* }
            }
        }

        impl FarTier for AnyFarTier {
            fn timeout_ms(&self) -> u64 {
                match self { $(Self::$tier(tier) => tier.timeout_ms(),)* }
            }

            fn breaker(&self) -> &Breaker {
                match self { $(Self::$tier(tier) => tier.breaker(),)* }
            }

            fn is_bound<R: Runtime>(&self, runtime: &R) -> bool {
                match self { $(Self::$tier(tier) => tier.is_bound(runtime),)* }
            }

            fn may_write<R: Runtime>(&self, runtime: &R) -> bool {
                match self { $(Self::$tier(tier) => tier.may_write(runtime),)* }
            }

            async fn probe<R: Runtime>(&self, runtime: &R) -> Result<(), Fault> {
                match self { $(Self::$tier(tier) => tier.probe(runtime).await,)* }
            }
        }
    };
}

pub(super) use far_tiers;
