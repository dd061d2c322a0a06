//! Workers KV as a tier.

use super::breaker::Breaker;
use super::kv_client::KvClient;
use super::tier::{FarTier, Occasion, Tier};
use crate::config::{Kv, KvWrites};
use crate::service::body_memory::has_room_for_stored;
use crate::service::cached_entry::{CachedEntry, EncodedEntry};
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use crate::stored::{Meta, decode_meta};
use std::rc::Rc;

const NAME: &str = "kv";

/// The shortest time for which KV keeps a value.
const LEAST_SECONDS: u64 = 60;

/// Entries in Workers KV.
#[derive(Debug)]
pub struct KvTier {
    config: Kv,
    client: Rc<KvClient>,
}

impl KvTier {
    /// The tier as it is configured under `kv`.
    pub fn new(config: Kv, client: Rc<KvClient>) -> Self {
        Self { config, client }
    }
}

impl Tier for KvTier {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_available<R: Runtime>(&self, runtime: &R) -> bool {
        runtime.kv_bound() && self.client.breaker.allows(runtime.now())
    }

    async fn get<R: Runtime>(&self, context: &Context<R>, key: &str) -> Option<Rc<CachedEntry>> {
        let runtime = &context.runtime;
        match runtime.kv_get(key).await {
            Ok(bytes) => {
                self.client.breaker.succeeded();
                let bytes = bytes.filter(|bytes| has_room_for_stored(runtime, bytes.len()))?;
                let decoded = CachedEntry::decode(&bytes, None, key);
                let decoded = decoded.inspect(|cached| cached.set_stored_in(NAME, true));
                decoded.inspect_err(|damage| report_failure(runtime, "kv-value", damage)).ok()
            }
            Err(fault) => {
                self.client.breaker.failed(runtime.now(), &fault);
                report_failure(runtime, "kv-read", &fault);
                None
            }
        }
    }

    /// Whole responses whose headers are text, as `kv.writes` says: when they are stored, or when
    /// they are asked for again. What warming has fetched or found is written whatever `kv.writes` says.
    /// One that has ended replaces what KV may have. KV has no place for
    /// other bytes of headers.
    fn takes(&self, entry: &CachedEntry, on: Occasion) -> bool {
        let writes = self.config.writes;
        let is_time = match on {
            Occasion::Stored { is_fresh } => is_fresh && writes == KvWrites::Always,
            Occasion::Warmed => !entry.is_stored_in(NAME),
            Occasion::Ended => writes != KvWrites::Never,
            Occasion::Hit => writes == KvWrites::SecondRequest && !entry.is_stored_in(NAME),
        };
        is_time && !entry.is_part() && !entry.entry.meta.headers.has_unreadable_bytes()
    }

    async fn put<R: Runtime>(&self, runtime: &R, entry: &EncodedEntry) -> bool {
        let cached = &entry.cached;
        let meta = &cached.entry.meta;
        let seconds = meta.lifetime().as_seconds();
        if seconds < self.config.min_ttl {
            return false;
        }
        if meta.has_ended() {
            return self.put_end(runtime, entry, seconds.max(LEAST_SECONDS)).await;
        }
        // Set before, so that no other request writes the entry in the meantime.
        cached.set_stored_in(NAME, true);
        // In a later turn: to deflate it would hold up the client's response.
        runtime.sleep(0).await;
        if cached.is_from_store && has_entry(runtime, meta).await {
            return false;
        }
        let seconds = seconds.max(LEAST_SECONDS);
        let written = self.client.write_entry(runtime, entry, seconds).await;
        if written && cached.is_superseded() {
            self.take_back(runtime, entry).await;
            return true;
        }
        cached.set_stored_in(NAME, written);
        if written {
            self.client.count_entry(runtime, entry.deflated().len(), seconds);
        }
        written
    }
}

impl KvTier {
    /// Writes an entry that has ended over what KV has. This counts for the day's writes, but is not limited
    /// by them: otherwise KV would go on showing the earlier entry. So it is only written if KV has one.
    async fn put_end<R: Runtime>(&self, runtime: &R, entry: &EncodedEntry, seconds: u64) -> bool {
        let meta = &entry.cached.entry.meta;
        // In a later turn, as `put`: an entry that was stored in this one is to be written before.
        runtime.sleep(0).await;
        if !runtime.kv_bound()
            || !(entry.cached.is_stored_in(NAME) || has_live_entry(runtime, &meta.key).await)
        {
            return false;
        }
        entry.cached.set_stored_in(NAME, false);
        let putting = self.client.write_end(runtime, entry, seconds);
        putting.await.inspect_err(|fault| self.client.write_failed(runtime, fault)).is_ok()
    }
}

impl KvTier {
    /// Deletes an entry that was written while its end, or a later entry, took its place: it may have arrived
    /// after that. KV has nothing then, and the later entry is written with its next hit.
    async fn take_back<R: Runtime>(&self, runtime: &R, entry: &EncodedEntry) {
        entry.cached.set_stored_in(NAME, false);
        if let Some(successor) = entry.cached.successor() {
            successor.set_stored_in(NAME, false);
        }
        let key = &entry.cached.entry.meta.key;
        if let Err(fault) = runtime.kv_delete(key).await {
            self.client.write_failed(runtime, &fault);
        }
    }
}

impl FarTier for KvTier {
    fn timeout_ms(&self) -> u64 {
        self.config.timeout_ms
    }

    fn breaker(&self) -> &Breaker {
        &self.client.breaker
    }

    fn is_bound<R: Runtime>(&self, runtime: &R) -> bool {
        runtime.kv_bound()
    }

    fn may_write<R: Runtime>(&self, runtime: &R) -> bool {
        self.client.may_write(runtime)
    }

    async fn probe<R: Runtime>(&self, runtime: &R) -> Result<(), Fault> {
        runtime.kv_get("evergraph-health").await.map(|_| ())
    }
}

/// Whether KV has an entry already, or a later one. The isolates of a data center get it from the edge
/// cache, and each would write it again. A read costs a tenth of a write.
async fn has_entry<R: Runtime>(runtime: &R, meta: &Meta) -> bool {
    let found = meta_in_kv(runtime, &meta.key).await;
    found.is_some_and(|found| found.stored_at >= meta.stored_at)
}

async fn has_live_entry<R: Runtime>(runtime: &R, key: &str) -> bool {
    meta_in_kv(runtime, key).await.is_some_and(|found| !found.has_ended())
}

/// The metadata of the entry that KV has. Its body stays deflated: nobody reads it.
async fn meta_in_kv<R: Runtime>(runtime: &R, key: &str) -> Option<Meta> {
    let bytes = runtime.kv_get(key).await.ok()??;
    decode_meta(&bytes).ok().filter(|meta| meta.key == key)
}
