//! Telling the log of writes that take long, before their outcome is known (`purge::intent`).
//!
//! A write that is over within seconds makes no call for this. For any other the log notes what the
//! write would purge by its request alone, and the write's own record closes that. Where the outcome
//! stays unknown nothing is closed: what the origin does within five minutes is purged all the same.
//!
//! In scope: when the log is told, how often, and what becomes of an intent that it does not take. Not
//! in scope: what a write purges by its request (`engine::write`).

use super::handle::Service;
use super::record::WRITE_MILLIS;
use super::runtime::Runtime;
use crate::purge::{IntentId, NewRecord, Record};
use crate::time::Timestamp;
use futures_util::future::{Either, select};
use serde_json::json;
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

/// How long a write may take before the log is told.
const SLOW_MILLIS: u64 = 5_000;
/// How long after that it is told again: before the log stops recording the intent.
const AGAIN_MILLIS: u64 = 240_000;

/// For how long an isolate counts the intents that it tells.
const WINDOW_MILLIS: u64 = 10_000;
/// How many it tells in that time. Beyond them one of everything is told a second: where an origin
/// hangs, each write becomes a slow one.
const IN_WINDOW: u32 = 50;
const SHARED_MILLIS: u64 = 1_000;

/// A write whose outcome is not known yet.
#[derive(Debug)]
pub(super) struct Intent {
    began: Timestamp,
    told_at: Cell<Option<Timestamp>>,
    /// What the log calls it.
    id: Cell<Option<IntentId>>,
    is_over: Cell<bool>,
}

impl Intent {
    /// A write that begins now.
    pub fn new(now: Timestamp) -> Rc<Self> {
        let (told_at, id, is_over) = Default::default();
        Rc::new(Self { began: now, told_at, id, is_over })
    }

    /// The outcome is known. Returns what a record has to close.
    pub fn close(&self) -> Option<IntentId> {
        self.is_over.set(true);
        self.id.take()
    }

    /// After how many milliseconds the log is to be told.
    fn waits(&self, now: Timestamp) -> u64 {
        let (since, millis) = match self.told_at.get() {
            None => (self.began, SLOW_MILLIS),
            Some(at) => (at, AGAIN_MILLIS),
        };
        millis.saturating_sub(now.millis_since(since))
    }
}

/// The intents that an isolate tells the log.
#[derive(Debug, Default)]
pub(super) struct Intents {
    /// When the count began, and how many there are.
    window: Cell<(Timestamp, u32)>,
    shared_at: Cell<Option<Timestamp>>,
}

/// How an intent is told.
#[derive(Debug, PartialEq)]
enum Telling {
    /// By itself.
    Alone,
    /// As one of everything, for all that are told within a second.
    Shared,
    /// Another has told it.
    Told,
}

impl Intents {
    fn admit(&self, now: Timestamp) -> Telling {
        let (began, count) = self.window.get();
        let (began, count) = match now.is_within(WINDOW_MILLIS, began) {
            true => (began, count),
            false => (now, 0),
        };
        self.window.set((began, count.saturating_add(1)));
        if count < IN_WINDOW {
            return Telling::Alone;
        }
        if self.shared_at.get().is_some_and(|at| now.is_within(SHARED_MILLIS, at)) {
            return Telling::Told;
        }
        self.shared_at.set(Some(now));
        Telling::Shared
    }
}

impl<W: Runtime> Service<W> {
    /// Waits for what shows a write's outcome, and tells the log of the write where that takes long.
    /// `purges` is what it would purge; none where that is nothing.
    pub(super) async fn telling<T>(
        &self,
        intent: &Rc<Intent>,
        purges: impl Fn() -> Option<Record>,
        outcome: impl Future<Output = T>,
    ) -> T {
        let mut outcome = pin!(outcome);
        loop {
            let waits = intent.waits(self.runtime.now()).max(1);
            match select(outcome.as_mut(), pin!(self.runtime.sleep(waits))).await {
                Either::Left((outcome, _)) => return outcome,
                Either::Right(_) => self.tell_intent(intent, purges()),
            }
        }
    }

    /// Tells the log beside what is being done: who waits for the write does not wait for this.
    fn tell_intent(&self, intent: &Rc<Intent>, record: Option<Record>) {
        intent.told_at.set(Some(self.runtime.now()));
        let Some(record) = record else { return };
        let (service, intent) = (self.clone(), intent.clone());
        self.runtime.spawn(async move {
            let Some(id) = service.intend(record).await else { return };
            match intent.is_over.get() {
                // It was over before the log had answered.
                true => service.close_intent(id).await,
                false => intent.id.set(Some(id)),
            }
        });
    }

    /// Tells the log what a write would purge. Where the log does not take that, it is kept as a purge
    /// that the log is to repeat, which nothing closes.
    pub(super) async fn intend(&self, record: Record) -> Option<IntentId> {
        let log = &self.isolate.log;
        let (record, is_shared) = match log.intents.admit(self.runtime.now()) {
            Telling::Alone => (record, false),
            Telling::Shared => (Record::everything(), true),
            Telling::Told => return None,
        };
        let everything = record.is_everything();
        self.report(
            &json!({ "event": "slow-write", "everything": everything, "shared": is_shared }),
        );
        let new = NewRecord::intent(record);
        if !log.writes.is_open() {
            match self.within(WRITE_MILLIS, self.runtime.log_intend(&new)).await {
                Ok(id) => return (!is_shared).then_some(id),
                Err(fault) => self.report_failure("purge-log-write", &fault),
            }
        }
        self.keep_pending(new);
        self.probe_in_background();
        None
    }

    /// The record of a write, which closes its intent where it is known that the write is over. A write
    /// that has changed nothing closes it beside what is being done.
    pub(super) fn closing(
        &self,
        new: Option<NewRecord>,
        close: impl FnOnce() -> Option<IntentId>,
    ) -> Option<NewRecord> {
        let Some(mut new) = new else {
            if let Some(id) = close() {
                let service = self.clone();
                self.runtime.spawn(async move { service.close_intent(id).await });
            }
            return None;
        };
        if new.has_known_outcome() {
            new.closes.extend(close());
        }
        Some(new)
    }

    /// Closes an intent by itself. One that stays open purges too much, and ends after five minutes.
    async fn close_intent(&self, id: IntentId) {
        if self.isolate.log.writes.is_open() {
            return;
        }
        let nothing = NewRecord { closes: vec![id], ..NewRecord::default() };
        let mark = self.isolate.replica.borrow().mark();
        let closing = self.within(WRITE_MILLIS, self.runtime.log_append(mark, &nothing));
        if let Err(fault) = closing.await {
            self.report_failure("purge-log-write", &fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn the_log_is_told_after_five_seconds_and_before_it_stops() {
        let intent = Intent::new(at(0));
        assert_eq!((intent.waits(at(0)), intent.waits(at(4_999))), (5_000, 1));
        assert_eq!(intent.waits(at(6_000)), 0);
        intent.told_at.set(Some(at(6_000)));
        assert_eq!(intent.waits(at(6_000)), AGAIN_MILLIS);
        let rows = NewRecord::intent(Record::everything()).intent_repeats(0, at(0));
        let last = rows.last().unwrap().0;
        assert!(last.millis_since(at(0)) >= AGAIN_MILLIS + WRITE_MILLIS, "no minute is left out");
    }

    #[test]
    fn a_hanging_origin_does_not_flood_the_log() {
        let intents = Intents::default();
        let told: Vec<Telling> = (0..20_000).map(|n| intents.admit(at(n))).collect();
        let count = |of: &Telling| told.iter().filter(|one| *one == of).count();
        assert_eq!(count(&Telling::Alone), 2 * IN_WINDOW as usize);
        assert!(count(&Telling::Shared) <= 20, "{}", count(&Telling::Shared));
        // None is left out: one that another has told was told less than a second before.
        let mut shared = None;
        for (millis, one) in told.iter().enumerate() {
            match one {
                Telling::Shared => shared = Some(millis),
                Telling::Told => assert!(shared.is_some_and(|at| millis - at < 1_000)),
                Telling::Alone => {}
            }
        }
        assert_eq!(intents.admit(at(0)), Telling::Alone, "a clock that was set back begins anew");
    }
}
