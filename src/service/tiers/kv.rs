//! Workers KV.

use super::breaker::Breaker;
use super::entry::{CachedEntry, EncodedEntry};
use super::store_read::read_store;
use super::tier::{Occasion, Tier};
use crate::config::{Config, KvWrites};
use crate::service::body_memory::has_room_for_stored;
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use std::rc::Rc;

/// The shortest time for which KV keeps a value.
const LEAST_SECONDS: u64 = 60;

/// Workers KV.
#[derive(Debug)]
pub struct KvTier {
    /// Opens when calls fail.
    pub breaker: Rc<Breaker>,
    timeout_ms: u64,
    writes: KvWrites,
    /// Entries with a shorter lifetime are not written.
    least_lifetime: u64,
}

/// KV without a configuration, for its circuit breaker alone.
impl Default for KvTier {
    fn default() -> Self {
        let (breaker, writes) = (Rc::default(), KvWrites::Never);
        Self { breaker, timeout_ms: 0, writes, least_lifetime: 0 }
    }
}

impl KvTier {
    /// KV as it is configured under `kv`.
    pub fn new(config: &Config) -> Self {
        Self {
            breaker: Rc::default(),
            timeout_ms: config.kv.timeout_ms,
            writes: config.kv.writes,
            least_lifetime: config.kv.min_ttl,
        }
    }

    /// How long a read may take before the origin is asked in parallel.
    pub fn timeout_ms(&self) -> u64 {
        self.timeout_ms
    }

    /// Notes that a read took too long.
    pub fn timed_out<R: Runtime>(&self, runtime: &R) {
        let fault = format!("no answer within {} ms", self.timeout_ms);
        self.breaker.failed(runtime.now(), &fault);
        report_failure(runtime, "kv-read", &fault);
    }

    /// Reads any value, not only an entry, within `millis`.
    pub async fn read<R: Runtime>(
        &self,
        context: &Context<R>,
        key: &str,
        millis: u64,
    ) -> Result<Option<Vec<u8>>, Fault> {
        if !context.runtime.kv_bound() {
            return Err("KV is not bound".to_owned());
        }
        let store = (&*self.breaker, millis, "kv-read");
        read_store(context, store, context.runtime.kv_get(key)).await
    }
}

impl Tier for KvTier {
    fn name(&self) -> &'static str {
        "kv"
    }

    fn is_available<R: Runtime>(&self, runtime: &R) -> bool {
        runtime.kv_bound() && self.breaker.allows(runtime.now())
    }

    async fn get<R: Runtime>(&self, context: &Context<R>, key: &str) -> Option<Rc<CachedEntry>> {
        let runtime = &context.runtime;
        match runtime.kv_get(key).await {
            Ok(bytes) => {
                self.breaker.succeeded();
                let bytes = bytes.filter(|bytes| has_room_for_stored(runtime, bytes.len()))?;
                let decoded = CachedEntry::decode(&bytes, None, key, true);
                decoded.inspect_err(|damage| report_failure(runtime, "kv-value", damage)).ok()
            }
            Err(fault) => {
                self.breaker.failed(runtime.now(), &fault);
                report_failure(runtime, "kv-read", &fault);
                None
            }
        }
    }

    /// Whole responses whose headers are text, as `kv.writes` says: when they are stored, or when
    /// they are asked for again. KV has no place for other bytes of headers.
    fn takes(&self, entry: &CachedEntry, on: Occasion) -> bool {
        let is_time = match on {
            Occasion::Stored { is_fresh } => is_fresh && self.writes == KvWrites::Always,
            Occasion::Hit => self.writes == KvWrites::SecondRequest && !entry.in_kv.get(),
        };
        is_time && !entry.is_part() && !entry.entry.meta.headers.has_unreadable_bytes()
    }

    async fn put<R: Runtime>(&self, runtime: &R, entry: &EncodedEntry) {
        let cached = &entry.cached;
        let meta = &cached.entry.meta;
        let seconds = meta.lifetime().as_seconds();
        if !self.is_available(runtime) || seconds < self.least_lifetime {
            return;
        }
        cached.in_kv.set(true);
        let putting = runtime.kv_put(&meta.key, entry.bytes(), seconds.max(LEAST_SECONDS));
        if let Err(fault) = putting.await {
            cached.in_kv.set(false);
            self.breaker.failed(runtime.now(), &fault);
            report_failure(runtime, "kv-write", &fault);
        }
    }
}
