//! What an isolate knows of the purge log: its replica, how old that is, and whether the log can be read.
//!
//! In scope: the state, and the decisions that follow from it without any I/O. Not in scope: how the
//! replica catches up (`sync.rs`).

use super::pending::PendingPurges;
use super::settings::PurgeSettings;
use crate::purge::{Delta, Lag, Mark, Replica, Schemas, Subject, Verdict};
use crate::service::backoff::Backoff;
use crate::service::context::OwnWrite;
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The longest pause after failed reads of the log.
const LONGEST_PAUSE_MILLIS: u64 = 4_000;

/// What an isolate knows of the purge log.
#[derive(Debug)]
pub struct LogView {
    max_lag_millis: u64,
    serves_unreadable: bool,
    replica: RefCell<Replica>,
    pending: Rc<PendingPurges>,
    /// How many calls to the log were begun. Unlike a clock, a count is never set back.
    calls: Cell<u64>,
    /// The last of these calls whose reply the replica includes.
    learned_call: Cell<u64>,
    /// The latest record of which a client has shown a token since the log was read.
    shown: Cell<Option<Mark>>,
    failure: RefCell<Option<String>>,
    backoff: Backoff<LONGEST_PAUSE_MILLIS>,
}

impl LogView {
    pub(super) fn new(settings: &PurgeSettings, pending: Rc<PendingPurges>) -> Self {
        Self {
            max_lag_millis: settings.max_lag_millis(),
            serves_unreadable: settings.serves_unreadable,
            replica: RefCell::new(Replica::new()),
            pending,
            calls: Cell::default(),
            learned_call: Cell::default(),
            shown: Cell::default(),
            failure: RefCell::default(),
            backoff: Backoff::default(),
        }
    }

    /// The position of the replica in the log; `None` before the first successful read.
    pub fn mark(&self) -> Option<Mark> {
        self.replica.borrow().mark()
    }

    /// When the read began of which the replica is.
    pub(super) fn synced_at(&self) -> Option<Timestamp> {
        self.replica.borrow().synced_at()
    }

    /// The schema in force, and one that is not to be trusted.
    pub fn schemas(&self) -> Schemas {
        self.replica.borrow().schemas()
    }

    /// Whether this isolate has ended the schema in force, and the log has not taken that yet.
    pub fn schema_end_is_pending(&self) -> bool {
        self.pending.ends_schema()
    }

    /// Whether an entry is purged, by the log or by a purge that the log has not taken yet.
    pub fn verdict(&self, subject: &Subject<'_>) -> Verdict {
        match self.pending.purges(subject) {
            true => Verdict::Purged,
            false => self.replica.borrow().verdict(subject),
        }
    }

    /// How far the replica is behind the log. It is too old for a client whose own write it may lack.
    pub fn lag(&self, now: Timestamp, own_write: Option<OwnWrite>) -> Lag {
        match self.knows_own_write(own_write) {
            true => self.replica.borrow().lag(now, self.max_lag_millis),
            false => Lag::TooOld,
        }
    }

    /// Whether the replica is recent enough for a request: the last successful read began less than
    /// `max_lag` ago, and it includes the client's own write.
    pub fn is_recent(&self, now: Timestamp, own_write: Option<OwnWrite>) -> bool {
        self.lag(now, own_write) != Lag::TooOld
    }

    /// Whether entries may be judged: the replica is recent enough, or the configuration prefers
    /// availability to freshness. It has to include the client's own write in any case.
    pub fn may_judge(&self, now: Timestamp, own_write: Option<OwnWrite>) -> bool {
        self.is_recent(now, own_write)
            || (self.serves_unreadable && self.mark().is_some() && self.knows_own_write(own_write))
    }

    fn knows_own_write(&self, own_write: Option<OwnWrite>) -> bool {
        own_write.is_none_or(|OwnWrite { record, calls_before }| {
            let replica = self.replica.borrow();
            let was_called_since = self.has_learned_after(calls_before);
            match record {
                Some(record) if replica.knows(record) => true,
                // The record is of an earlier epoch. A log that lacks a record of its own epoch was not
                // asked from there yet.
                Some(record) => was_called_since && replica.mark() > Some(record),
                None => was_called_since,
            }
        })
    }

    /// How many calls to the log were begun.
    pub(super) fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Counts a call to the log that is about to begin, and returns its number.
    pub(super) fn begin_call(&self) -> u64 {
        self.calls.set(self.calls.get().saturating_add(1));
        self.calls.get()
    }

    /// Whether the replica includes the reply to a call that was begun after that one.
    pub(super) fn has_learned_after(&self, call: u64) -> bool {
        self.learned_call.get() > call
    }

    /// Takes in the log's reply to a call that was begun at `asked_at`. `false` if the replica cannot
    /// follow from there.
    pub(super) fn learn(&self, delta: Delta, asked_at: Timestamp, call: u64) -> bool {
        let learned = self.replica.borrow_mut().learn(delta, asked_at);
        if learned {
            self.learned_call.set(self.learned_call.get().max(call));
            self.backoff.succeeded();
            self.failure.replace(None);
        }
        learned
    }

    /// Takes in a reply that a neighbor got at `replied_at`, unless this isolate knows a later one.
    pub(super) fn learn_from_neighbor(&self, delta: Delta, replied_at: Timestamp) -> bool {
        let mut replica = self.replica.borrow_mut();
        let learned = replica.synced_at().is_some_and(|at| at < replied_at)
            && replica.learn(delta, replied_at);
        // Whether the log takes the purges that are pending here, a neighbor cannot know.
        if learned && self.pending.is_empty() {
            self.failure.replace(None);
        }
        learned
    }

    /// A client has shown a genuine token of this record.
    pub(super) fn note_shown(&self, record: Mark) {
        self.shown.set(self.shown.get().max(Some(record)));
    }

    /// The latest record of which a client has shown a token since the log was read.
    pub(super) fn shown(&self) -> Option<Mark> {
        self.shown.get()
    }

    /// The log was read from that record, or knows it.
    pub(super) fn shown_is_settled(&self, shown: Option<Mark>) {
        if self.shown.get() == shown {
            self.shown.set(None);
        }
    }

    /// A call to the log failed.
    pub(super) fn failed(&self, now: Timestamp, reason: &str) {
        self.backoff.failed(now);
        self.failure.replace(Some(reason.to_owned()));
    }

    /// Why the last call to the log failed; `None` if this isolate or a neighbor has read it since.
    pub fn failure(&self) -> Option<String> {
        self.failure.borrow().clone()
    }

    /// Whether the last call to the log failed.
    pub fn is_failing(&self) -> bool {
        self.failure.borrow().is_some()
    }

    /// How many calls to the log have failed.
    pub(super) fn failures(&self) -> u64 {
        self.backoff.failures()
    }

    /// Whether the log may be read now: not too soon after a failure.
    pub(super) fn may_read(&self, now: Timestamp) -> bool {
        self.backoff.allows(now)
    }
}

#[cfg(test)]
mod tests;
