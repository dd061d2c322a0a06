//! Intents: announcing slow writes to the log before their outcome is known (`purge::intent`).
//!
//! A write that is over within seconds is not announced. For any other the log notes what the write would
//! purge by its request alone, and the record of the write closes that. If the outcome stays unknown,
//! nothing closes the intent, and the log goes on purging what the origin may do in the next five minutes.
//!
//! In scope: when a write is announced, how often, and what happens if the log does not take the intent.
//! Not in scope: what a write purges by its request (`engine::write_purge`).

use super::delivery::Delivery;
use super::log_writer::LogWriter;
use super::timeouts::WRITE_MILLIS;
use crate::purge::{IntentId, NewRecord, Record};
use crate::service::report::{report, report_failure};
use crate::service::runtime::Runtime;
use crate::time::Timestamp;
use futures_util::future::{Either, select};
use serde_json::json;
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

/// How long a write may take before it is announced.
const SLOW_MILLIS: u64 = 5_000;
/// How long after that it is announced again: before the log stops recording the intent.
const AGAIN_MILLIS: u64 = 240_000;

/// The period over which announcements are counted.
const WINDOW_MILLIS: u64 = 10_000;
/// How many writes are announced one by one in that time. Beyond them one intent of everything is
/// announced each second: if an origin hangs, every write becomes a slow one.
const ONE_BY_ONE: u32 = 50;
const SHARED_MILLIS: u64 = 1_000;

/// A write whose outcome is not known yet.
#[derive(Debug)]
pub struct WriteInProgress {
    began: Timestamp,
    announced_at: Cell<Option<Timestamp>>,
    /// What the log calls its intent.
    intent: Cell<Option<IntentId>>,
    is_over: Cell<bool>,
}

impl WriteInProgress {
    /// A write that begins now.
    pub fn new(now: Timestamp) -> Rc<Self> {
        let (announced_at, intent, is_over) = Default::default();
        Rc::new(Self { began: now, announced_at, intent, is_over })
    }

    /// The outcome is known. Returns the intent that the write's record is to close.
    pub fn close(&self) -> Option<IntentId> {
        self.is_over.set(true);
        self.intent.take()
    }

    /// After how many milliseconds the write is to be announced.
    fn pause(&self, now: Timestamp) -> u64 {
        let (since, millis) = match self.announced_at.get() {
            None => (self.began, SLOW_MILLIS),
            Some(at) => (at, AGAIN_MILLIS),
        };
        millis.saturating_sub(now.millis_since(since))
    }
}

/// How a write is announced.
#[derive(Debug, PartialEq)]
enum Announcement {
    /// By an intent of its own.
    Own,
    /// By an intent of everything, for all writes of the next second too.
    Shared,
    /// An intent of everything that was announced within the last second covers it.
    Covered,
}

/// Counts the announcements of an isolate.
#[derive(Debug, Default)]
struct Rate {
    /// When the period began, and how many announcements there were in it.
    window: Cell<(Timestamp, u32)>,
    shared_at: Cell<Option<Timestamp>>,
}

impl Rate {
    fn admit(&self, now: Timestamp) -> Announcement {
        let (began, count) = self.window.get();
        let (began, count) = match now.is_within(WINDOW_MILLIS, began) {
            true => (began, count),
            false => (now, 0),
        };
        self.window.set((began, count.saturating_add(1)));
        if count < ONE_BY_ONE {
            return Announcement::Own;
        }
        if self.shared_at.get().is_some_and(|at| now.is_within(SHARED_MILLIS, at)) {
            return Announcement::Covered;
        }
        self.shared_at.set(Some(now));
        Announcement::Shared
    }
}

/// Announces slow writes to the log.
#[derive(Debug)]
pub struct Intents {
    writer: Rc<LogWriter>,
    delivery: Rc<Delivery>,
    rate: Rate,
}

impl Intents {
    pub(super) fn new(writer: Rc<LogWriter>, delivery: Rc<Delivery>) -> Self {
        Self { writer, delivery, rate: Rate::default() }
    }

    /// Waits for a write's outcome, and announces the write if that takes long. `purges` returns what the
    /// write would purge; `None` if nothing.
    pub async fn watch<R: Runtime, T>(
        self: &Rc<Self>,
        runtime: &R,
        write: &Rc<WriteInProgress>,
        purges: impl Fn() -> Option<Record>,
        outcome: impl Future<Output = T>,
    ) -> T {
        let mut outcome = pin!(outcome);
        loop {
            let pause = write.pause(runtime.now()).max(1);
            match select(outcome.as_mut(), pin!(runtime.sleep(pause))).await {
                Either::Left((outcome, _)) => return outcome,
                Either::Right(_) => self.announce_in_background(runtime, write, purges()),
            }
        }
    }

    /// Announces a write in the background: its client waits for the origin alone.
    fn announce_in_background<R: Runtime>(
        self: &Rc<Self>,
        runtime: &R,
        write: &Rc<WriteInProgress>,
        record: Option<Record>,
    ) {
        write.announced_at.set(Some(runtime.now()));
        let Some(record) = record else { return };
        let (intents, background, write) = (self.clone(), runtime.clone(), write.clone());
        runtime.spawn(async move {
            let Some(id) = intents.announce(&background, record).await else { return };
            match write.is_over.get() {
                // It was over before the log had replied.
                true => intents.close(&background, id).await,
                false => write.intent.set(Some(id)),
            }
        });
    }

    /// Announces what a write would purge. Returns what the log calls the intent, if a record can close
    /// it. If the log does not take the intent, it becomes a pending purge, which nothing closes.
    pub async fn announce<R: Runtime>(&self, runtime: &R, record: Record) -> Option<IntentId> {
        let (record, is_shared) = match self.rate.admit(runtime.now()) {
            Announcement::Own => (record, false),
            Announcement::Shared => (Record::everything(), true),
            Announcement::Covered => return None,
        };
        let everything = record.is_everything();
        let line = json!({ "event": "slow-write", "everything": everything, "shared": is_shared });
        report(runtime, &line);
        let new = NewRecord::intent(record);
        if !self.writer.breaker.is_open() {
            match self.writer.announce(runtime, &new, WRITE_MILLIS).await {
                Ok(id) => return (!is_shared).then_some(id),
                Err(fault) => report_failure(runtime, "purge-log-write", &fault),
            }
        }
        self.delivery.keep(runtime, new);
        None
    }

    /// Adds to a write's record that it closes the write's intent, if the write is known to be over. For
    /// a write that purges nothing the intent is closed in the background.
    pub fn closing<R: Runtime>(
        self: &Rc<Self>,
        runtime: &R,
        new: Option<NewRecord>,
        close: impl FnOnce() -> Option<IntentId>,
    ) -> Option<NewRecord> {
        let Some(mut new) = new else {
            if let Some(id) = close() {
                let (intents, background) = (self.clone(), runtime.clone());
                runtime.spawn(async move { intents.close(&background, id).await });
            }
            return None;
        };
        if new.has_known_outcome() {
            new.closes.extend(close());
        }
        Some(new)
    }

    /// Closes an intent. One that stays open purges too much, and ends after five minutes.
    async fn close<R: Runtime>(&self, runtime: &R, id: IntentId) {
        if self.writer.breaker.is_open() {
            return;
        }
        if let Err(fault) = self.writer.close_intent(runtime, id, WRITE_MILLIS).await {
            report_failure(runtime, "purge-log-write", &fault);
        }
    }
}

#[cfg(test)]
mod tests;
