//! Replies of the log that the isolates of a data center share through the edge cache.
//!
//! An isolate that has read the log leaves the reply in the edge cache, and the others look there before
//! they read the log themselves. No isolate relies on another's clock: a reply is dated by the log's clock,
//! and each isolate compares its own clock with the log's whenever it calls the log.

use super::log_view::LogView;
use super::settings::PurgeSettings;
use crate::purge::{Comparison, Mark, ReadReply, Seq, Version};
use crate::service::context::Context;
use crate::service::edge_store::EdgeStore;
use crate::service::report::report_failure;
use crate::service::runtime::Runtime;
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
    edge: Rc<EdgeStore>,
    /// The log's clock, compared with this isolate's.
    clocks: Cell<Option<Comparison>>,
    /// The head of the log in the latest reply that a neighbor left.
    head: Cell<Option<Seq>>,
}

impl Neighbors {
    pub fn new(settings: &PurgeSettings, view: Rc<LogView>, edge: Rc<EdgeStore>) -> Self {
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
        let Some(mark) = self.view.mark() else { return };
        let Some(clocks) = self.clocks.get() else { return };
        let Some(value) = self.edge.read(context, &self.key_of(mark.epoch)).await else { return };
        let reply = match ReadReply::decode(&value.bytes) {
            Ok(reply) if reply.epoch() == mark.epoch => reply,
            Ok(_) => return,
            Err(error) => return report_failure(&context.runtime, "edge-value", error.as_str()),
        };
        self.head.set(Some(reply.head()));
        let Some(replied_at) = clocks.own_time(reply.time) else { return };
        if replied_at > context.runtime.now() {
            // One of the clocks was set. They have to be compared again.
            self.clocks.set(None);
            return;
        }
        self.view.learn_from_neighbor(reply.delta, replied_at);
    }

    /// Whether there may be something to learn: without a comparison of the clocks no reply has a date.
    pub fn may_learn(&self) -> bool {
        self.clocks.get().is_some()
    }

    /// Compares this isolate's clock with the log's, which was called at `asked_at` and has replied.
    pub fn compare_clocks(&self, asked_at: Timestamp, reply: &ReadReply) {
        self.clocks.set(Some(Comparison::new(asked_at, reply.time)));
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
        if self.max_lag == 0 || self.edge.is_open() {
            return;
        }
        let (key, bytes) = (self.key_of(reply.epoch()), reply.encode(Version::CURRENT));
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
