//! Snapshots of the log in the edge cache, for isolates that start.
//!
//! A snapshot has up to several megabytes, and all isolates of a deployment start at once. So an isolate to
//! which the log sent a snapshot leaves it in the edge cache, and the next isolate of the data center asks
//! the log only for what followed. Such a snapshot has no date and needs none: it counts once the log has
//! gone on from it. One that is damaged, too old or of another log is not used; the log then sends its own.
//!
//! While one isolate fetches a snapshot, the others of its data center wait a little.

use super::settings::PurgeSettings;
use crate::purge::{Delta, EncodedSnapshot, Version};
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::Runtime;
use crate::service::tiers::EdgeCacheTier;
use std::rc::Rc;

/// How long a snapshot stays in the edge cache. The log goes on from it for as long as it keeps the
/// records that followed.
const SNAPSHOT_SECONDS: u64 = 3_600;
/// How often an isolate looks again for a snapshot that another one fetches, and how long it waits each
/// time.
const WAITS: u32 = 4;
const WAIT_MILLIS: u64 = 150;
/// For how long an isolate that fetches a snapshot is known to.
const FETCHING_SECONDS: u64 = 2;

/// Snapshots of the log in the edge cache.
#[derive(Debug)]
pub(super) struct Snapshots {
    key: String,
    edge: Rc<EdgeCacheTier>,
}

impl Snapshots {
    pub fn new(settings: &PurgeSettings, edge: Rc<EdgeCacheTier>) -> Self {
        // Isolates of several versions may run in one data center.
        let key = format!("{}/log/snapshot/{}", settings.log_name, Version::CURRENT.byte());
        Self { key, edge }
    }

    /// The snapshot that a neighbor has left; `None` if this isolate is to fetch one.
    pub async fn find<R: Runtime>(&self, context: &Context<R>) -> Option<EncodedSnapshot> {
        let runtime = &context.runtime;
        let marker = format!("{}/fetching", self.key);
        for turn in 0..=WAITS {
            if let Some(value) = self.edge.read(context, &self.key).await {
                match EncodedSnapshot::read(value.bytes.into()) {
                    Ok(base) if base.version() == Version::CURRENT => return Some(base),
                    Ok(_) => {}
                    Err(error) => report_failure(runtime, "edge-value", error.as_str()),
                }
            }
            if turn == WAITS || self.edge.is_open() {
                break;
            }
            if self.edge.read(context, &marker).await.is_none() {
                // Two isolates that look at the same moment both fetch a snapshot. That does no harm.
                self.edge.write(runtime, &marker, b"1", FETCHING_SECONDS).await;
                break;
            }
            runtime.sleep(WAIT_MILLIS).await;
        }
        None
    }

    /// Leaves what the log has sent for the neighbors, in the background, if it is a snapshot in the
    /// current version.
    pub fn share<R: Runtime>(&self, runtime: &R, delta: &Delta) {
        let Delta::EncodedSnapshot { base, .. } = delta else { return };
        // A snapshot in an earlier version lacks what that cannot express.
        if base.version() != Version::CURRENT || self.edge.is_open() {
            return;
        }
        let (key, base) = (self.key.clone(), base.clone());
        let (edge, background) = (self.edge.clone(), runtime.clone());
        runtime.spawn(async move {
            edge.write(&background, &key, base.bytes(), SNAPSHOT_SECONDS).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purge::{Log, LogLimits, MemoryRows, Record, Version};
    use crate::service::purges::fixture::{context, settings};
    use crate::service::runtime::Clock as _;
    use crate::service::testing::{Call, TestRuntime};
    use crate::time::Ttl;

    fn snapshots() -> Snapshots {
        Snapshots::new(&settings(), Rc::default())
    }

    fn snapshot(runtime: &TestRuntime) -> Delta {
        snapshot_in(Version::CURRENT, runtime)
    }

    fn snapshot_in(version: Version, runtime: &TestRuntime) -> Delta {
        let (rows, retention) = (MemoryRows::default(), Ttl::from_seconds(600));
        let mut log = Log::open(rows, retention, LogLimits::default(), || 7).unwrap();
        log.append(&Record::everything(), runtime.at()).unwrap();
        log.since_encoded(None, version)
    }

    #[test]
    fn what_one_isolate_leaves_the_next_one_finds() {
        let (runtime, delta) = (TestRuntime::new(), snapshot(&TestRuntime::new()));
        snapshots().share(&runtime, &delta);
        runtime.advance(1);
        let found = runtime.run(snapshots().find(&context(&runtime)));
        let Delta::EncodedSnapshot { base, .. } = delta else { panic!("{delta:?}") };
        assert_eq!(found, Some(base));
    }

    #[test]
    fn one_isolate_fetches_and_the_others_wait_a_little() {
        let (runtime, delta) = (TestRuntime::new(), snapshot(&TestRuntime::new()));
        let started = runtime.at();
        let find = || runtime.run(snapshots().find(&context(&runtime)));
        assert_eq!((find(), runtime.at()), (None, started), "the first fetches at once");
        assert_eq!(find(), None);
        let waited = u64::from(WAITS) * WAIT_MILLIS;
        assert_eq!(runtime.at().millis_since(started), waited, "the second waits in vain");
        let arriving = async {
            runtime.sleep(WAIT_MILLIS + 1).await;
            snapshots().share(&runtime, &delta);
        };
        let context = context(&runtime);
        let others = snapshots();
        let both = futures_util::future::join(others.find(&context), arriving);
        assert!(runtime.run(both).0.is_some());
        assert_eq!(runtime.at().millis_since(started), waited + 2 * WAIT_MILLIS);
    }

    #[test]
    fn a_snapshot_in_an_earlier_version_is_neither_shared_nor_used() {
        let (runtime, snapshots) = (TestRuntime::new(), snapshots());
        let delta = snapshot_in(Version::PREVIOUS, &runtime);
        snapshots.share(&runtime, &delta);
        runtime.advance(1);
        assert_eq!(runtime.calls(Call::EdgePut), 0);
        let Delta::EncodedSnapshot { base, .. } = delta else { panic!("{delta:?}") };
        runtime.run(snapshots.edge.write(&runtime, &snapshots.key, base.bytes(), 60));
        assert_eq!(runtime.run(snapshots.find(&context(&runtime))), None);
    }

    #[test]
    fn a_damaged_snapshot_is_reported_and_fetched_again() {
        let (runtime, snapshots) = (TestRuntime::new(), snapshots());
        runtime.run(snapshots.edge.write(&runtime, &snapshots.key, b"garbage", 1));
        assert_eq!(runtime.run(snapshots.find(&context(&runtime))), None);
        assert!(runtime.has_reported("edge-value"));
    }

    #[test]
    fn while_the_edge_cache_fails_no_isolate_waits() {
        let (runtime, snapshots) = (TestRuntime::new(), snapshots());
        runtime.fails(Call::EdgeGet, "down");
        let started = runtime.at();
        assert_eq!(runtime.run(snapshots.find(&context(&runtime))), None);
        assert_eq!(runtime.at(), started);
    }
}
