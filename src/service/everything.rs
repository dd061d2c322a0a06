//! Purges of everything that writes cause: an isolate appends at most one a second. Those of
//! administrators do not wait.
//!
//! In scope: which purges share an append. A purge joins only an append that begins after the purge
//! was asked for, and so after the origin has answered the write that it is for: one that was already
//! on its way may have been recorded before the origin was done. Whoever joins gets the number of
//! that append. Not in scope: how a record is appended (`record`).

use super::handle::Service;
use super::record::WRITE_MILLIS;
use super::runtime::{Fault, Runtime};
use crate::purge::{IntentId, Mark, NewRecord, Record};
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};

/// The time between the beginnings of two appends.
const PAUSE_MILLIS: u64 = 1_000;
/// How long a purge waits for another's append: as long as that may take, and a little.
const WAIT_MILLIS: u64 = 2 * WRITE_MILLIS + 500;

/// What an isolate knows of the purges of everything that it appends.
#[derive(Debug, Default)]
pub(super) struct Everything {
    /// How many appends were begun; the last of them has this number.
    begun: Cell<u64>,
    begun_at: Cell<Option<Timestamp>>,
    /// The append that is under way, and the signal that it is over.
    under_way: Cell<Option<(u64, u32)>>,
    /// The last append that is over, and what came of it.
    over: RefCell<Option<(u64, Result<Mark, Fault>)>>,
    /// After how many seconds the next one is to be repeated.
    repeat_after: RefCell<Vec<u32>>,
    /// The intents that the next one closes.
    closes: RefCell<Vec<IntentId>>,
}

impl Everything {
    /// What came of an append that began after the one of that number.
    fn over_after(&self, number: u64) -> Option<Result<Mark, Fault>> {
        let over = self.over.borrow();
        over.as_ref().filter(|(over, _)| *over > number).map(|(_, recorded)| recorded.clone())
    }

    /// The signal of the append that is under way, if it began after the one of that number.
    fn under_way_after(&self, number: u64) -> Option<u32> {
        self.under_way.get().filter(|(begun, _)| *begun > number).map(|(_, signal)| signal)
    }

    /// For how long none may begin.
    fn pause(&self, now: Timestamp) -> u64 {
        let begun_at = self.begun_at.get().filter(|at| now.is_within(PAUSE_MILLIS, *at));
        begun_at.map_or(0, |at| PAUSE_MILLIS - now.millis_since(at))
    }
}

impl<W: Runtime> Service<W> {
    /// Appends a purge of everything, or joins one that begins from here on. Each waits by its own
    /// timer, and the first whose time has come appends for all: a request that ends early keeps
    /// nobody waiting.
    pub(super) async fn append_everything(&self, wanted: &NewRecord) -> Result<Mark, Fault> {
        let everything = &self.isolate.log.everything;
        let before = everything.begun.get();
        everything.repeat_after.borrow_mut().extend(&wanted.repeat_after);
        everything.closes.borrow_mut().extend(&wanted.closes);
        loop {
            if let Some(recorded) = everything.over_after(before) {
                return recorded;
            }
            if let Some(signal) = everything.under_way_after(before) {
                let waiting = async {
                    self.runtime.wait(signal).await;
                    Ok::<(), Fault>(())
                };
                // Whether it was in time shows in what there is.
                let _ = self.within(WAIT_MILLIS, waiting).await;
                return match everything.over_after(before) {
                    Some(recorded) => recorded,
                    // The request that appended has ended.
                    None => self.begin_everything(&wanted.repeat_after).await,
                };
            }
            match everything.pause(self.runtime.now()) {
                0 => return self.begin_everything(&[]).await,
                millis => self.runtime.sleep(millis).await,
            }
        }
    }

    async fn begin_everything(&self, repeat_after: &[u32]) -> Result<Mark, Fault> {
        let everything = &self.isolate.log.everything;
        let number = everything.begun.get().saturating_add(1);
        let signal = self.runtime.signal();
        everything.begun.set(number);
        everything.begun_at.set(Some(self.runtime.now()));
        everything.under_way.set(Some((number, signal)));
        let mut new = NewRecord::everything();
        new.repeat_also(&everything.repeat_after.take());
        new.repeat_also(repeat_after);
        new.closes = everything.closes.take();
        let recorded = self.append_or_keep(&new).await;
        let is_last = everything.over.borrow().as_ref().is_none_or(|(over, _)| *over < number);
        if is_last {
            everything.over.replace(Some((number, recorded.clone())));
        }
        if everything.under_way.get().is_some_and(|(begun, _)| begun == number) {
            everything.under_way.set(None);
        }
        self.runtime.give(signal);
        recorded
    }

    /// Counts a record that purges everything, by where it comes from.
    pub(super) fn count_purge_of_everything(&self, record: &Record, source: &'static str) {
        if record.is_everything() {
            self.isolate.stats.borrow_mut().purged_everything(self.runtime.now(), source);
        }
    }
}
