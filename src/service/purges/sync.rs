//! Keeping the replica close to the log.
//!
//! In scope: when the log is read, and which requests wait for that. A read is background work of the
//! request that began it. The others wait for a signal, each with its own timer, and find what was read in
//! the replica: the runtime lets no request wait for another request's I/O. Not in scope: what is read
//! (`log_reader.rs`, `neighbors.rs`).

use super::delivery::Delivery;
use super::deploy_purge::DeployPurge;
use super::log_reader::LogReader;
use super::log_view::{LOOKS_PER_MAX_LAG, LogView};
use super::log_writer::LogWriter;
use super::neighbors::Neighbors;
use super::pending::PendingPurges;
use super::settings::PurgeSettings;
use super::shared_reads::{Next, PAUSE_MILLIS, Reach, SharedReads};
use crate::service::context::Context;
use crate::service::runtime::{Fault, Runtime};
use crate::service::timeout::within;
use crate::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;

/// How long a request waits for reads.
const WAIT_MILLIS: u64 = 2_500;

/// Keeps the replica close to the log.
#[derive(Debug)]
pub struct LogSync {
    max_lag_millis: u64,
    view: Rc<LogView>,
    pending: Rc<PendingPurges>,
    writer: Rc<LogWriter>,
    delivery: Rc<Delivery>,
    deploy: Rc<DeployPurge>,
    neighbors: Rc<Neighbors>,
    reader: LogReader,
    reads: SharedReads,
    /// When the last read ended: for a while no other is begun in the background.
    read_at: Cell<Option<Timestamp>>,
}

impl LogSync {
    pub(super) fn new(
        settings: &PurgeSettings,
        view: Rc<LogView>,
        pending: Rc<PendingPurges>,
        (writer, delivery, deploy): (Rc<LogWriter>, Rc<Delivery>, Rc<DeployPurge>),
        (neighbors, reader): (Rc<Neighbors>, LogReader),
    ) -> Self {
        Self {
            max_lag_millis: settings.max_lag_millis(),
            view,
            pending,
            writer,
            delivery,
            deploy,
            neighbors,
            reader,
            reads: SharedReads::default(),
            read_at: Cell::default(),
        }
    }

    /// Catches up as far as a request needs it, by what neighbors have read or by the log.
    ///
    /// While the log fails no request waits for it, and from time to time one of them finds out in the
    /// background whether it works again.
    pub async fn sync<R: Runtime>(self: &Rc<Self>, context: &Context<R>) {
        let is_recent = || self.view.is_recent(context.runtime.now(), context.own_write);
        if self.view.is_failing() {
            if !is_recent() {
                self.sync_in_background(context);
            }
            return;
        }
        self.read_until(context, is_recent, self.neighbors.may_learn()).await;
    }

    /// Catches up by a read of the log that begins from now on, unless the log has just failed. Returns
    /// whether the replica includes such a read.
    pub async fn sync_now<R: Runtime>(self: &Rc<Self>, context: &Context<R>) -> bool {
        let calls = self.view.calls();
        if self.view.may_read(context.runtime.now()) {
            self.read_until(context, || self.view.has_learned_after(calls), false).await;
        }
        self.view.has_learned_after(calls)
    }

    /// Catches up in the background, unless a read is under way or was made just now: by what neighbors
    /// have read, and by the log itself if it is this isolate's turn.
    pub fn sync_in_background<R: Runtime>(self: &Rc<Self>, context: &Context<R>) {
        let now = context.runtime.now();
        let pause = self.max_lag_millis / LOOKS_PER_MAX_LAG;
        let pauses = self.read_at.get().is_some_and(|at| now.is_within(pause, at));
        if !pauses && self.reads.under_way(now).is_none() {
            self.begin_read(context, Reach::NeighborsThenLogIfDue);
        }
    }

    /// Reads, or waits for the reads of other requests, until the replica is recent enough or a read fails.
    async fn read_until<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        is_enough: impl Fn() -> bool,
        mut from_neighbors: bool,
    ) {
        let runtime = &context.runtime;
        let failures = self.view.failures();
        let reading = async {
            while !is_enough() && self.view.failures() == failures {
                let reach = if from_neighbors { Reach::Neighbors } else { Reach::Log };
                match self.reads.next(reach, runtime.now()) {
                    Next::Begin => {
                        from_neighbors = false;
                        self.begin_read(context, reach);
                    }
                    Next::Pause(millis) => runtime.sleep(millis).await,
                    Next::Wait(signal) => {
                        from_neighbors = false;
                        runtime.wait_for_signal(signal).await;
                        // A lost signal counts as given. Without a pause the loop would then spin.
                        if self.reads.under_way(runtime.now()) == Some(signal) {
                            runtime.sleep(PAUSE_MILLIS).await;
                        }
                    }
                }
            }
            Ok::<(), Fault>(())
        };
        // Whether it was in time shows in the replica.
        let _ = within(runtime, WAIT_MILLIS, reading).await;
    }

    /// Begins a read that goes on after this request's response.
    fn begin_read<R: Runtime>(self: &Rc<Self>, context: &Context<R>, reach: Reach) {
        let signal = context.runtime.create_signal();
        self.reads.begin(signal, context.runtime.now());
        let (sync, background) = (self.clone(), context.clone());
        context.runtime.spawn(async move {
            let log_was_called = sync.read(&background, reach).await;
            sync.reads.end(signal);
            background.runtime.resolve_signal(signal);
            if log_was_called {
                // A log that can be read may take what is pending.
                sync.delivery.record_pending_if_due(&background.runtime).await;
                sync.deploy.record_if_due(&background.runtime).await;
            }
        });
    }

    /// Returns whether the log was called.
    async fn read<R: Runtime>(&self, context: &Context<R>, reach: Reach) -> bool {
        let runtime = &context.runtime;
        if reach != Reach::Log {
            self.neighbors.learn(context).await;
        }
        let calls_log = match reach {
            Reach::Neighbors => false,
            Reach::Log => true,
            Reach::NeighborsThenLogIfDue => self.is_due(runtime.now()),
        };
        if calls_log {
            let asked_at = runtime.now();
            self.reads.log_is_called(asked_at);
            self.reader.read(context, asked_at).await;
        }
        self.read_at.set(Some(runtime.now()));
        calls_log
    }

    /// Whether it is this isolate's turn to read the log.
    ///
    /// The replicas of isolates that share replies grow too old at the same moment. So that not all of
    /// them read the log, each waits for another part of a quarter of `max_lag`, and learns meanwhile
    /// whether another has read it. An isolate with pending purges does not wait: no other can record
    /// them.
    fn is_due(&self, now: Timestamp) -> bool {
        if !self.view.may_read(now) {
            return false;
        }
        let is_waiting = !self.pending.is_empty() && self.writer.breaker.may_probe(now);
        if self.view.is_failing() || self.view.is_in_doubt() || is_waiting {
            return true;
        }
        let max_lag = self.max_lag_millis;
        let wait = max_lag.div_ceil(2) + max_lag / 4 * self.neighbors.draw() / 1_000;
        self.view.synced_at().is_none_or(|at| !now.is_within(wait, at))
    }
}

#[cfg(test)]
mod tests;
