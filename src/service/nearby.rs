//! Reads of the log that the isolates of a data centre share.
//!
//! Who has asked the log leaves its words in the edge cache, and the others look there before they
//! ask. Nobody believes another's clock: what is there is dated by the log's, with which each
//! isolate has compared its own when it asked the log itself.

use super::handle::Service;
use super::runtime::Runtime;
use crate::purge::{ClockComparison, Mark, ReadReply, Seq, Version};
use crate::time::Timestamp;
use std::cell::Cell;

/// What an isolate knows of the log's clock, and of what others have read.
#[derive(Debug, Default)]
pub(super) struct Nearby {
    compared: Cell<Option<ClockComparison>>,
    /// The last record that the others of the data centre know.
    head: Cell<Option<Seq>>,
}

impl<W: Runtime> Service<W> {
    /// Learns what another isolate of the data centre was told lately. True where the replica is
    /// younger for it.
    pub(super) async fn learn_nearby(&self) -> bool {
        let nearby = &self.isolate.nearby;
        let Some(mark) = self.isolate.replica.borrow().mark() else { return false };
        let Some(compared) = nearby.compared.get() else { return false };
        let Some(value) = self.edge_value(&self.nearby_key(mark.epoch)).await else { return false };
        let said = match ReadReply::decode(&value.bytes) {
            Ok(said) if said.epoch() == mark.epoch => said,
            Ok(_) => return false,
            Err(garbled) => {
                self.report_failure("edge-value", garbled.as_str());
                return false;
            }
        };
        nearby.head.set(Some(said.head()));
        let Some(said_at) = compared.to_isolate_time(said.time) else { return false };
        if said_at > self.runtime.now() {
            // One of the clocks was set: they have to be compared anew.
            nearby.compared.set(None);
            return false;
        }
        let mut replica = self.isolate.replica.borrow_mut();
        let learned = replica.synced_at().is_some_and(|at| at < said_at)
            && replica.learn(said.delta, said_at);
        // Whether it takes what waits here a neighbour does not know.
        if learned && self.isolate.log.pending.borrow().is_empty() {
            self.isolate.log.is_known_to_work();
        }
        learned
    }

    /// Whether there may be something to learn of neighbours.
    pub(super) fn may_learn_nearby(&self) -> bool {
        self.isolate.nearby.compared.get().is_some()
    }

    /// Compares the clocks: the log was asked at `asked_at`, and has answered.
    pub(super) fn compare_clocks(&self, asked_at: Timestamp, said: &ReadReply) {
        self.isolate.nearby.compared.set(Some(ClockComparison::new(asked_at, said.time)));
    }

    /// From where the log is asked, so that the others can follow: they may know less.
    pub(super) fn nearby_mark(&self) -> Option<Mark> {
        let mark = self.isolate.replica.borrow().mark()?;
        let head = self.isolate.nearby.head.take().unwrap_or(mark.seq);
        Some(Mark { seq: mark.seq.min(head), ..mark })
    }

    /// Leaves for the others what the log said.
    pub(super) fn tell_nearby(&self, said: &ReadReply) {
        let Ok(config) = &self.isolate.config else { return };
        // Whether the cache is back only a read shows.
        if self.isolate.edge.is_open() {
            return;
        }
        let (key, bytes) = (self.nearby_key(said.epoch()), said.encode(Version::CURRENT));
        let (service, seconds) = (self.clone(), config.purge.max_lag);
        self.runtime.spawn(async move {
            if let Err(fault) = service.runtime.edge_put(&key, &bytes, None, seconds).await {
                service.report_failure("edge-write", &fault);
            }
        });
    }

    /// A draw, from 0 to 999: when the clocks were compared is another moment in each isolate.
    pub(super) fn nearby_turn(&self) -> u64 {
        self.isolate.nearby.compared.get().map_or(0, |compared| compared.draw() % 1_000)
    }

    /// Logs of several deployments may be read in one data centre, by isolates of several versions.
    fn nearby_key(&self, epoch: u64) -> String {
        let version = Version::CURRENT.byte();
        format!("{}/log/{version}/{epoch:016x}", self.isolate.log_name())
    }
}
