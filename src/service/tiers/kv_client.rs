//! Workers KV with its circuit breaker. Not only entries are in KV, so others use it as well as the
//! tier.

use super::breaker::Breaker;
use super::store_read::read_store;
use crate::service::context::Context;
use crate::service::runtime::{Fault, Runtime};

/// Workers KV, with one circuit breaker for all who use it.
#[derive(Debug, Default)]
pub struct KvClient {
    /// Opens when calls fail.
    pub breaker: Breaker,
}

impl KvClient {
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
        runtime.kv_bound() && !self.breaker.is_open()
    }
}
