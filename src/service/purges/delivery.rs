//! Delivering purges to the log: a purge is appended, or it stays pending and is tried again until the log
//! takes it.
//!
//! In scope: how often a write tries, when a purge becomes pending, and who tries again. Not in scope:
//! which purges share an append (`shared_appends.rs`), and where pending purges are kept (`outbox.rs`).

use super::log_view::LogView;
use super::log_writer::LogWriter;
use super::outbox::Outbox;
use super::outbox_drain::OutboxDrain;
use super::pending::PendingPurges;
use super::timeouts::WRITE_MILLIS;
use crate::purge::{Mark, NewRecord};
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use std::rc::Rc;

/// How many pending purges are recorded in one go.
const RECORDED_AT_ONCE: usize = 8;
/// For how long one request goes on with probes. The runtime ends work that takes 30 s; a later request
/// takes over.
const PROBING_MILLIS: u64 = 25_000;
/// Why a purge became pending without an attempt.
const BREAKER_OPEN: &str = "the purge log takes nothing";

/// Delivers purges to the log.
#[derive(Debug)]
pub(super) struct Delivery {
    view: Rc<LogView>,
    pending: Rc<PendingPurges>,
    writer: Rc<LogWriter>,
    outbox: Rc<Outbox>,
    drain: Rc<OutboxDrain>,
}

impl Delivery {
    pub fn new(
        view: Rc<LogView>,
        pending: Rc<PendingPurges>,
        writer: Rc<LogWriter>,
        outbox: Rc<Outbox>,
        drain: Rc<OutboxDrain>,
    ) -> Self {
        Self { view, pending, writer, outbox, drain }
    }

    /// Appends a purge, or makes it pending if the log does not take it. While the breaker is open it
    /// becomes pending without an attempt.
    pub async fn append_or_keep<R: Runtime>(
        self: &Rc<Self>,
        runtime: &R,
        new: &NewRecord,
    ) -> Result<Mark, Fault> {
        if self.writer.breaker.is_open() && !self.pending.is_empty() {
            self.keep(runtime, new.clone());
            return Err(BREAKER_OPEN.to_owned());
        }
        self.try_or_keep(runtime, new).await
    }

    /// The same with at least one attempt; with two while the breaker is closed.
    pub async fn try_or_keep<R: Runtime>(
        self: &Rc<Self>,
        runtime: &R,
        new: &NewRecord,
    ) -> Result<Mark, Fault> {
        let taken_before = self.writer.breaker.taken();
        let mut appended = self.writer.append(runtime, new, WRITE_MILLIS).await;
        if appended.is_err() && !self.writer.breaker.is_open() {
            appended = self.writer.append(runtime, new, WRITE_MILLIS).await;
        }
        match &appended {
            Ok(_) => self.drain.drain_if_due(runtime),
            Err(fault) => {
                let now = runtime.now();
                self.writer.breaker.failed(now, taken_before);
                self.view.failed(now, fault);
                report_failure(runtime, "purge-log-write", fault);
                self.keep(runtime, new.clone());
            }
        }
        appended
    }

    /// Appends a record by one attempt, and does not keep it.
    pub async fn try_once<R: Runtime>(&self, runtime: &R, new: &NewRecord) -> Result<Mark, Fault> {
        let appended = self.writer.append(runtime, new, WRITE_MILLIS).await;
        appended.inspect_err(|fault| report_failure(runtime, "purge-log-write", fault))
    }

    /// Makes a purge pending, and sees to it that it is tried again.
    pub fn keep<R: Runtime>(self: &Rc<Self>, runtime: &R, new: NewRecord) {
        self.outbox.keep(runtime, new);
        self.probe_in_background(runtime);
    }

    /// Records pending purges, unless it is too early to try again.
    pub async fn record_pending_if_due<R: Runtime>(&self, runtime: &R) {
        if self.pending.is_empty() || self.writer.breaker.begin_probe(runtime.now()) {
            self.record_pending(runtime).await;
        }
    }

    /// Records everything that is pending here or in the outbox. For a cron trigger.
    pub async fn record_everything_pending<R: Runtime>(&self, runtime: &R) {
        // This drains the outbox already; `record_pending` need not.
        self.outbox.is_being_drained();
        self.record_pending(runtime).await;
        self.drain.drain(runtime).await;
    }

    /// Records pending purges in order, and fills the outbox if the log does not take one.
    async fn record_pending<R: Runtime>(&self, runtime: &R) {
        for _ in 0..RECORDED_AT_ONCE {
            let Some((key, new)) = self.pending.first() else { break };
            if let Err(fault) = self.writer.append_pending(runtime, &new).await {
                self.writer.breaker.probe_failed(runtime.now());
                report_failure(runtime, "purge-log-write", &fault);
                self.outbox.fill(runtime);
                return;
            }
            self.outbox.note_recorded(runtime, &key);
        }
        self.drain.drain_if_due(runtime);
    }

    /// Probes in the background until the log has taken what is pending, unless another request does.
    fn probe_in_background<R: Runtime>(self: &Rc<Self>, runtime: &R) {
        let began = runtime.now();
        if !self.writer.breaker.begin_probing(began) {
            return;
        }
        let (delivery, background) = (self.clone(), runtime.clone());
        runtime.spawn(async move {
            let breaker = &delivery.writer.breaker;
            while breaker.is_probing(began)
                && !delivery.pending.is_empty()
                && background.now().is_within(PROBING_MILLIS, began)
            {
                let pause = breaker.pause(background.now());
                background.sleep(pause.max(1)).await;
                delivery.record_pending_if_due(&background).await;
            }
            breaker.end_probing(began);
        });
    }
}

#[cfg(test)]
mod tests;
