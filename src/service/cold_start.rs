//! How an isolate that knows nothing of the log learns it.
//!
//! A snapshot of the log has up to some megabytes, and all isolates of a deployment start at once.
//! So whoever was told one leaves it in the edge cache, and the next isolate of the data center asks
//! the log only for what came after it. Such a snapshot has no date and needs none: it counts once
//! the log has gone on from it. What is damaged, of another log or too old is not used, and then the
//! log sends its own.
//!
//! While one isolate fetches the snapshot, the others of its data center wait a little.

use super::handle::Service;
use super::runtime::{Fault, Runtime};
use super::sync::READ_MILLIS;
use crate::purge::{Delta, EncodedSnapshot, Version};

/// How long a snapshot stays in the edge cache. The log goes on from it for as long as it keeps the
/// records after it.
const SNAPSHOT_SECONDS: u64 = 3_600;
/// For how long others wait for the snapshot that one of them fetches: so often, so long each time.
const WAITS: u32 = 4;
const WAIT_MILLIS: u64 = 150;
/// How long they know that one fetches it.
const FETCHING_SECONDS: u64 = 2;

impl<W: Runtime> Service<W> {
    /// Learns the log from nothing.
    pub(super) async fn learn_from_nothing(&self, question: u64) -> Result<(), Fault> {
        if let Some(base) = self.neighbours_snapshot().await {
            let asked_at = self.runtime.now();
            let asking = self.runtime.log_since_neighbours(base.mark());
            let said = self.within(READ_MILLIS, asking).await?;
            self.compare_clocks(asked_at, &said);
            let delta = match base.followed_by(said) {
                Ok(delta) => delta,
                Err(said) => {
                    self.leave_snapshot(&said.delta);
                    said.delta
                }
            };
            if self.learn(delta, asked_at, question) {
                return Ok(());
            }
        }
        let asked_at = self.runtime.now();
        let said = self.ask_log(None, asked_at).await?;
        self.learn_or_fail(said.delta, asked_at, question)
    }

    /// The snapshot that a neighbour was told, if there is one that is whole.
    async fn neighbours_snapshot(&self) -> Option<EncodedSnapshot> {
        let key = self.snapshot_key();
        let fetching = format!("{key}/fetching");
        for turn in 0..=WAITS {
            if let Some(bytes) = self.edge_value(&key).await.map(|value| value.bytes) {
                match EncodedSnapshot::read(bytes.into()) {
                    Ok(base) => return Some(base),
                    Err(garbled) => self.report_failure("edge-value", garbled.as_str()),
                }
            }
            if turn == WAITS || self.isolate.edge.is_open() {
                break;
            }
            if self.edge_value(&fetching).await.is_none() {
                // Two that look at the same moment both go on, which costs a snapshot more.
                if let Err(fault) =
                    self.runtime.edge_put(&fetching, b"1", None, FETCHING_SECONDS).await
                {
                    self.report_failure("edge-write", &fault);
                }
                break;
            }
            self.runtime.sleep(WAIT_MILLIS).await;
        }
        None
    }

    /// Leaves to the neighbours what the log has sent, if it is a snapshot.
    pub(super) fn leave_snapshot(&self, delta: &Delta) {
        let Delta::EncodedSnapshot { base, .. } = delta else { return };
        // Whether the cache is back only a read shows.
        if self.isolate.edge.is_open() {
            return;
        }
        let (service, base, key) = (self.clone(), base.clone(), self.snapshot_key());
        self.runtime.spawn(async move {
            if let Err(fault) =
                service.runtime.edge_put(&key, base.bytes(), None, SNAPSHOT_SECONDS).await
            {
                service.report_failure("edge-write", &fault);
            }
        });
    }

    /// Isolates of several versions may run in one data center.
    fn snapshot_key(&self) -> String {
        format!("{}/log/snapshot/{}", self.isolate.log_name(), Version::CURRENT.byte())
    }
}
