//! Replies of the log that the isolates of a data center share through the edge cache.
//!
//! An isolate that has read the log leaves the reply in the edge cache, and the others look there before
//! they read the log themselves. No isolate relies on another's clock: a reply is dated by the log's clock,
//! and each isolate compares its own clock with the log's whenever it calls the log.

use super::log_view::LogView;
use super::settings::PurgeSettings;
use crate::purge::{ClockComparison, Mark, ReadReply, Seq, Version};
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::Runtime;
use crate::service::tiers::EdgeCacheTier;
use crate::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;

/// What the isolates of a data center tell each other about the log.
#[derive(Debug)]
pub(super) struct Neighbors {
    log_name: String,
    /// How long a reply is of use, in seconds; 0 if nothing is shared.
    max_lag: u64,
    view: Rc<LogView>,
    edge: Rc<EdgeCacheTier>,
    /// The log's clock, compared with this isolate's.
    clocks: Cell<Option<ClockComparison>>,
    /// The head of the log in the latest reply that a neighbor left.
    head: Cell<Option<Seq>>,
}

impl Neighbors {
    pub fn new(settings: &PurgeSettings, view: Rc<LogView>, edge: Rc<EdgeCacheTier>) -> Self {
        Self {
            log_name: settings.log_name.clone(),
            max_lag: settings.max_lag,
            view,
            edge,
            clocks: Cell::default(),
            head: Cell::default(),
        }
    }

    /// Learns what a neighbor has read of the log lately.
    pub async fn learn<R: Runtime>(&self, context: &Context<R>) {
        if !self.may_learn() {
            return;
        }
        let Some(mark) = self.view.mark() else { return };
        let Some(clocks) = self.clocks.get() else { return };
        let Some(value) = self.edge.read(context, &self.key_of(mark.epoch)).await else { return };
        let reply = match ReadReply::decode(&value.bytes) {
            Ok(reply) if reply.epoch() == mark.epoch && reply.version == Version::CURRENT => reply,
            Ok(_) => return,
            Err(error) => return report_failure(&context.runtime, "edge-value", error.as_str()),
        };
        self.head.set(Some(reply.head()));
        let Some(replied_at) = clocks.to_isolate_time(reply.time) else { return };
        if replied_at > context.runtime.now() {
            // One of the clocks was set. They have to be compared again.
            self.clocks.set(None);
            return;
        }
        self.view.learn_from_neighbor(reply.delta, replied_at);
    }

    /// Whether there may be something to learn. Without a comparison of the clocks no reply has a date. An
    /// isolate that has read the log in an earlier version learns from the log itself what it lacks.
    pub fn may_learn(&self) -> bool {
        self.clocks.get().is_some() && self.view.is_complete()
    }

    /// Compares this isolate's clock with the log's, which was called at `asked_at` and has replied.
    pub fn compare_clocks(&self, asked_at: Timestamp, reply: &ReadReply) {
        self.clocks.set(Some(ClockComparison::new(asked_at, reply.time)));
    }

    /// The mark from which to read the log so that neighbors can follow, which may know less; `None` if
    /// this isolate knows nothing of the log.
    pub fn common_mark(&self) -> Option<Mark> {
        let mark = self.view.mark()?;
        let head = self.head.take().unwrap_or(mark.seq);
        Some(Mark { seq: mark.seq.min(head), ..mark })
    }

    /// Leaves a reply of the log for the neighbors, in the background.
    pub fn share<R: Runtime>(&self, runtime: &R, reply: &ReadReply) {
        // What an earlier version cannot express, a neighbor that can read it would miss for good.
        let is_current = reply.version == Version::CURRENT;
        if !is_current || self.max_lag == 0 || self.edge.is_open() {
            return;
        }
        let (key, bytes) = (self.key_of(reply.epoch()), reply.encode());
        let (edge, background, seconds) = (self.edge.clone(), runtime.clone(), self.max_lag);
        runtime.spawn(async move { edge.write(&background, &key, &bytes, seconds).await });
    }

    /// A number from 0 to 999 that differs between isolates: each has compared the clocks at another
    /// moment.
    pub fn draw(&self) -> u64 {
        self.clocks.get().map_or(0, |clocks| clocks.draw() % 1_000)
    }

    /// One data center may have isolates of several deployments, with logs of their own, and of several
    /// versions.
    fn key_of(&self, epoch: u64) -> String {
        format!("{}/log/{}/{epoch:016x}", self.log_name, Version::CURRENT.byte())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purge::{Record, Verdict};
    use crate::service::purges::fixture::{context, entry_of, purge_of, purges, settings};
    use crate::service::testing::{Call, TestRuntime};

    fn neighbors() -> (Neighbors, Rc<LogView>) {
        let view = purges().view;
        (Neighbors::new(&settings(), view.clone(), Rc::default()), view)
    }

    /// What the log replies now.
    fn reply(runtime: &TestRuntime, mark: Option<Mark>) -> ReadReply {
        use crate::service::runtime::PurgeLog as _;
        runtime.run(runtime.log_since(mark)).unwrap()
    }

    /// An isolate that has read the log itself.
    fn that_has_read(runtime: &TestRuntime) -> (Neighbors, Rc<LogView>) {
        let (neighbors, view) = neighbors();
        let reply = reply(runtime, None);
        neighbors.compare_clocks(runtime.at(), &reply);
        view.learn(reply.delta, reply.version, runtime.at(), view.begin_call());
        (neighbors, view)
    }

    #[test]
    fn what_one_isolate_reads_the_others_learn() {
        let runtime = TestRuntime::new();
        let stored_at = runtime.records(&Record::everything());
        let (first, second) = (that_has_read(&runtime), that_has_read(&runtime));
        runtime.advance(2_000);
        runtime.records(&purge_of(1).record);
        first.0.share(&runtime, &reply(&runtime, first.0.common_mark()));
        runtime.advance(10);
        let calls = runtime.calls(Call::LogSince);
        runtime.run(second.0.learn(&context(&runtime)));
        assert_eq!(second.1.verdict(&entry_of(stored_at, &[1])), Verdict::Purged);
        let age = runtime.at().millis_since(second.1.synced_at().unwrap());
        assert!((10..50).contains(&age), "{age}: dated by the log's clock");
        assert_eq!(runtime.calls(Call::LogSince), calls);
        assert_eq!(second.0.common_mark(), second.1.mark());
    }

    #[test]
    fn nothing_is_learned_before_the_clocks_are_compared() {
        let (runtime, (neighbors, _)) = (TestRuntime::new(), neighbors());
        assert!(!neighbors.may_learn());
        runtime.run(neighbors.learn(&context(&runtime)));
        assert_eq!(runtime.calls(Call::EdgeGet), 0);
    }

    #[test]
    fn a_damaged_value_is_a_miss() {
        let runtime = TestRuntime::new();
        let (neighbors, view) = that_has_read(&runtime);
        let key = neighbors.key_of(view.mark().unwrap().epoch);
        runtime.run(neighbors.edge.write(&runtime, &key, b"garbage", 1));
        let synced_at = view.synced_at();
        runtime.run(neighbors.learn(&context(&runtime)));
        assert!(runtime.has_reported("edge-value") && view.synced_at() == synced_at);
    }

    #[test]
    fn what_was_read_in_an_earlier_version_is_neither_shared_nor_believed() {
        let runtime = TestRuntime::new();
        let (neighbors, view) = that_has_read(&runtime);
        runtime.advance(2_000);
        runtime.log_replies_in(Version::PREVIOUS);
        let reply = reply(&runtime, neighbors.common_mark());
        neighbors.share(&runtime, &reply);
        runtime.advance(10);
        assert_eq!(runtime.calls(Call::EdgePut), 0);
        let (key, synced_at) = (neighbors.key_of(reply.epoch()), view.synced_at());
        runtime.run(neighbors.edge.write(&runtime, &key, &reply.encode(), 1));
        runtime.run(neighbors.learn(&context(&runtime)));
        assert_eq!(view.synced_at(), synced_at);
    }

    #[test]
    fn a_faulty_configuration_shares_nothing() {
        let runtime = TestRuntime::new();
        let (neighbors, _) = that_has_read(&runtime);
        let neighbors = Neighbors { max_lag: 0, ..neighbors };
        neighbors.share(&runtime, &reply(&runtime, None));
        runtime.advance(10);
        assert_eq!(runtime.calls(Call::EdgePut), 0);
    }
}
