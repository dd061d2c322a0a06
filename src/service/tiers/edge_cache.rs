//! The edge cache of the data center (the Workers Cache API).

use super::breaker::Breaker;
use super::store_read::read_store;
use super::tier::{Occasion, Tier};
use crate::http::fields;
use crate::service::cached_entry::{CachedEntry, EncodedEntry};
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::{EdgeBytes, EdgeValue, Runtime};
use std::rc::Rc;

/// How long a read may take. The cache is in the same building.
const READ_MILLIS: u64 = 200;

/// The edge cache.
#[derive(Debug, Default)]
pub struct EdgeCacheTier {
    /// Opens when reads fail.
    pub breaker: Breaker,
}

impl EdgeCacheTier {
    /// Reads any value, not only an entry. `None` if there is none, or the edge cache fails.
    pub async fn read<R: Runtime>(&self, context: &Context<R>, key: &str) -> Option<EdgeValue> {
        let store = (&self.breaker, READ_MILLIS, "edge-read");
        read_store(context, store, context.runtime.edge_get(key)).await.ok().flatten()
    }

    /// Stores any value for at most `seconds`. A fault is logged.
    pub async fn write<R: Runtime>(&self, runtime: &R, key: &str, value: &[u8], seconds: u64) {
        let value = EdgeBytes { head: value, body: &[] };
        if let Err(fault) = runtime.edge_put(key, value, None, seconds).await {
            report_failure(runtime, "edge-write", &fault);
        }
    }

    /// `true` if the edge cache is left alone. Only a read finds out that it works again.
    pub fn is_open(&self) -> bool {
        self.breaker.is_open()
    }
}

impl Tier for EdgeCacheTier {
    fn name(&self) -> &'static str {
        "edge"
    }

    /// Each read asks the breaker itself, since some requests make many.
    fn is_available<R: Runtime>(&self, _runtime: &R) -> bool {
        true
    }

    async fn get<R: Runtime>(&self, context: &Context<R>, key: &str) -> Option<Rc<CachedEntry>> {
        let EdgeValue { bytes, fields } = self.read(context, key).await?;
        let decoded = CachedEntry::decode(&bytes, fields.as_ref(), key);
        decoded.inspect_err(|damage| report_failure(&context.runtime, "edge-value", damage)).ok()
    }

    /// Everything that was just stored, unless bytes of it that are not text would change what the
    /// edge cache does with it.
    fn takes(&self, entry: &CachedEntry, on: Occasion) -> bool {
        let names = entry.entry.meta.headers.unreadable_names();
        on != Occasion::Hit && !names.iter().any(|name| fields::READ_BY_EDGE_CACHE.contains(name))
    }

    async fn put<R: Runtime>(&self, runtime: &R, entry: &EncodedEntry) -> bool {
        let meta = &entry.cached.entry.meta;
        let seconds = meta.lifetime().as_seconds();
        let fields = meta.headers.original();
        let putting = runtime.edge_put(&meta.key, entry.plain(), fields, seconds);
        putting.await.inspect_err(|fault| report_failure(runtime, "edge-write", fault)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::{Call, TestRuntime, request};

    #[test]
    fn a_failure_is_a_miss_and_several_open_the_breaker() {
        let (runtime, edge) = (TestRuntime::new(), EdgeCacheTier::default());
        let context = Context::new(runtime.clone(), request("GET", "/"));
        let read = || runtime.run(edge.read(&context, "key")).map(|value| value.bytes);
        runtime.run(edge.write(&runtime, "key", b"value", 60));
        assert_eq!(read(), Some(b"value".to_vec()));
        runtime.takes(Call::EdgeGet, READ_MILLIS + 1);
        while !edge.is_open() {
            assert_eq!(read(), None);
        }
        assert!(runtime.has_reported("edge-read"));
        let calls = runtime.calls(Call::EdgeGet);
        assert_eq!((read(), runtime.calls(Call::EdgeGet)), (None, calls), "it is left alone");
    }
}
