//! Workers KV with its circuit breaker and the day's allowance of writes. Not only entries are in KV, so
//! others use it as well as the tier. Every write to KV goes through here, so that all are counted.

use super::breaker::Breaker;
use super::kv_allowance::KvAllowance;
use super::store_read::read_store;
use crate::service::cached_entry::EncodedEntry;
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use crate::service::stats::Stats;
use crate::stored::Summary;
use std::rc::Rc;

/// Workers KV, with one circuit breaker for all who use it.
#[derive(Debug, Default)]
pub struct KvClient {
    /// Opens when calls fail.
    pub breaker: Breaker,
    allowance: KvAllowance,
    stats: Rc<Stats>,
}

impl KvClient {
    /// KV with that many writes a day for all isolates; `None`: any number. What is written is counted.
    pub fn new(writes_per_day: Option<u64>, stats: Rc<Stats>) -> Self {
        let allowance = KvAllowance::new(writes_per_day);
        Self { breaker: Breaker::default(), allowance, stats }
    }

    /// Counts an entry that was written, for the estimate of what KV holds.
    pub fn count_entry<R: Runtime>(&self, runtime: &R, bytes: usize, seconds: u64) {
        self.stats.kv_written(runtime.now(), bytes, seconds);
    }

    /// Reads any value within `millis`.
    pub async fn read<R: Runtime>(
        &self,
        context: &Context<R>,
        key: &str,
        millis: u64,
    ) -> Result<Option<Vec<u8>>, Fault> {
        if !context.runtime.kv_bound() {
            return Err("KV is not bound".to_owned());
        }
        let store = (&self.breaker, millis, "kv-read");
        read_store(context, store, context.runtime.kv_get(key)).await
    }

    /// `true` if a value may be written that can be made again.
    ///
    /// While the breaker is open, only reads try whether KV works again. A write takes no try, because
    /// its success would not show that reads are quick; for the same reason it does not close the
    /// breaker.
    pub fn may_write<R: Runtime>(&self, runtime: &R) -> bool {
        runtime.kv_bound() && !self.breaker.is_open() && !self.allowance.is_used_up(runtime.now())
    }

    /// Writes a value that can be made again, for at most `seconds`, if the day's allowance has room for
    /// it. Returns whether it did. A fault is logged, and counts for the breaker.
    pub async fn write<'v, R: Runtime>(
        &self,
        runtime: &R,
        key: &str,
        value: impl FnOnce() -> &'v [u8],
        seconds: u64,
    ) -> bool {
        if !self.may_write(runtime) || !self.allowance.take(runtime).await {
            return false;
        }
        let putting = runtime.kv_put(key, value(), seconds);
        putting.await.inspect_err(|fault| self.write_failed(runtime, fault)).is_ok()
    }

    /// The same for an entry, with its summary as metadata; unless another one has taken its place meanwhile.
    pub async fn write_entry<R: Runtime>(
        &self,
        runtime: &R,
        entry: &EncodedEntry,
        seconds: u64,
    ) -> bool {
        let may_write = self.may_write(runtime) && self.allowance.take(runtime).await;
        if !may_write || entry.cached.is_superseded() {
            return false;
        }
        let putting = self.put_entry(runtime, entry, seconds);
        putting.await.inspect_err(|fault| self.write_failed(runtime, fault)).is_ok()
    }

    /// Writes an entry that has ended over what KV has, whatever is left of the day's allowance.
    pub async fn write_end<R: Runtime>(
        &self,
        runtime: &R,
        entry: &EncodedEntry,
        seconds: u64,
    ) -> Result<(), Fault> {
        self.allowance.count_unasked();
        self.put_entry(runtime, entry, seconds).await
    }

    async fn put_entry<R: Runtime>(
        &self,
        runtime: &R,
        entry: &EncodedEntry,
        seconds: u64,
    ) -> Result<(), Fault> {
        let stored = &entry.cached.entry;
        let summary = Summary::of(stored).encode();
        runtime.kv_put_described(&stored.meta.key, entry.deflated(), seconds, &summary).await
    }

    /// Writes a value that nothing can replace, whatever is left of the day's allowance: for at most
    /// `seconds`, or without an end.
    pub async fn write_necessary<R: Runtime>(
        &self,
        runtime: &R,
        key: &str,
        value: &[u8],
        seconds: Option<u64>,
    ) -> Result<(), Fault> {
        self.allowance.count_unasked();
        match seconds {
            Some(seconds) => runtime.kv_put(key, value, seconds).await,
            None => runtime.kv_put_without_expiry(key, value).await,
        }
    }

    /// A write has failed: that is logged, and counts for the breaker.
    pub fn write_failed<R: Runtime>(&self, runtime: &R, fault: &str) {
        self.breaker.failed(runtime.now(), fault);
        report_failure(runtime, "kv-write", fault);
    }
}
