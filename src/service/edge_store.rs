//! The edge cache of this data center, behind its circuit breaker.

use super::breaker::Breaker;
use super::context::Context;
use super::report::report_failure;
use super::runtime::{EdgeValue, Runtime};
use super::store_read::read_store_for;

/// How long the edge cache may take, which is in the same building.
const READ_MILLIS: u64 = 200;

/// The edge cache. A failure is a miss; after several in a row it is left alone for a while.
#[derive(Debug, Default)]
pub(super) struct EdgeStore {
    /// Whether the edge cache works.
    pub breaker: Breaker,
}

impl EdgeStore {
    /// The value under `key`; `None` if there is none, or the edge cache fails.
    pub async fn read<R: Runtime>(&self, context: &Context<R>, key: &str) -> Option<EdgeValue> {
        let store = (&self.breaker, READ_MILLIS, "edge-read");
        read_store_for(context, store, context.runtime.edge_get(key)).await.ok().flatten()
    }

    /// Stores a value for at most `seconds`.
    pub async fn write<R: Runtime>(&self, runtime: &R, key: &str, value: &[u8], seconds: u64) {
        if let Err(fault) = runtime.edge_put(key, value, None, seconds).await {
            report_failure(runtime, "edge-write", &fault);
        }
    }

    /// Whether the edge cache is left alone. Only a read finds out that it works again.
    pub fn is_open(&self) -> bool {
        self.breaker.is_open()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::{Call, TestRuntime, request};

    #[test]
    fn a_failure_is_a_miss_and_several_open_the_breaker() {
        let (runtime, edge) = (TestRuntime::new(), EdgeStore::default());
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
