//! What an isolate knows of the purge log: its replica, how old that is, and whether the log can be read.
//!
//! In scope: the state, and the decisions that follow from it without any I/O. Not in scope: how the
//! replica catches up (`sync.rs`).

use super::pending::PendingPurges;
use super::settings::PurgeSettings;
use crate::purge::{
    Delta, Lag, Mark, Pause, PurgeCause, Replica, Schemas, Subject, Verdict, Version,
};
use crate::service::answers::Stamps;
use crate::service::backoff::Backoff;
use crate::service::context::OwnWrite;
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The longest pause after failed reads of the log.
const LONGEST_PAUSE_MILLIS: u64 = 4_000;
/// How often in `max_lag` an isolate looks for what neighbors have read, at most.
pub(super) const LOOKS_PER_MAX_LAG: u64 = 16;
/// How often a request reaches Wasm at least, however many JavaScript can answer.
const HEARTBEAT_MILLIS: u64 = 1_000;

/// Whether a replica has all that the log knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Completeness {
    #[default]
    Complete,
    /// A part was read in an earlier version of messages, which cannot express everything.
    InEarlierVersion,
    /// The same, and the log has replied in the current version since. It may have replied in the earlier
    /// version when it knew more, and then the replica lacks that.
    InDoubt,
}

/// What an isolate knows of the purge log.
#[derive(Debug)]
pub struct LogView {
    max_lag_millis: u64,
    serves_unreadable: bool,
    replica: RefCell<Replica>,
    completeness: Cell<Completeness>,
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
            completeness: Cell::default(),
            pending,
            calls: Cell::default(),
            learned_call: Cell::default(),
            shown: Cell::default(),
            failure: RefCell::default(),
            backoff: Backoff::default(),
        }
    }

    /// What JavaScript knows of the replica and of memory.
    pub fn stamps(&self) -> &Rc<Stamps> {
        &self.pending.stamps
    }

    /// The position of the replica in the log; `None` before the first successful read.
    pub fn mark(&self) -> Option<Mark> {
        self.replica.borrow().mark()
    }

    /// The last purge of everything, as far as the replica knows; the beginning of the log if there was none.
    pub fn last_of_everything(&self) -> Option<Mark> {
        self.replica.borrow().last_of_everything()
    }

    /// When the read began of which the replica is.
    pub(super) fn synced_at(&self) -> Option<Timestamp> {
        self.replica.borrow().synced_at()
    }

    /// The schema in force, and one that is not to be trusted.
    pub fn schemas(&self) -> Schemas {
        self.replica.borrow().schemas()
    }

    /// Until when the cache is paused, as far as the replica knows.
    pub fn pause(&self) -> Pause {
        self.replica.borrow().pause()
    }

    /// Whether the cache is paused: no stored response may be used.
    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.pause().holds(now)
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

    /// The purge that is the reason for the verdict on an entry; `None` if it is valid.
    pub fn cause(&self, subject: &Subject<'_>) -> Option<PurgeCause> {
        match self.pending.purges(subject) {
            true => Some(PurgeCause::Pending),
            false => self.replica.borrow().cause(subject),
        }
    }

    /// How far the replica is behind the log. It is too old for a client whose own write it may lack, and
    /// for everybody if it has to be read as a whole.
    pub fn lag(&self, now: Timestamp, own_write: Option<OwnWrite>) -> Lag {
        match self.knows_own_write(own_write) && !self.is_in_doubt() {
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
    /// availability to freshness. It has to include the client's own write in any case. While the cache
    /// is paused no entry is judged, and so none is used.
    pub fn may_judge(&self, now: Timestamp, own_write: Option<OwnWrite>) -> bool {
        if self.is_paused(now) {
            return false;
        }
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

    /// Whether the log has to be read as a whole: it was read in an earlier version of messages, and
    /// replies in the current one now.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.completeness.get() == Completeness::InDoubt
    }

    /// Whether all of the replica was read in the current version of messages.
    pub(super) fn is_complete(&self) -> bool {
        self.completeness.get() == Completeness::Complete
    }

    /// How complete the replica is once it has learned that.
    fn completeness_with(&self, delta: &Delta, version: Version) -> Completeness {
        let is_earlier = delta.version_in(version) < Version::CURRENT;
        // The replica keeps what it has if that is later.
        let replaces = delta.is_whole() && self.mark() <= Some(delta.mark());
        match self.completeness.get() {
            Completeness::InDoubt if !replaces => Completeness::InDoubt,
            _ if is_earlier => Completeness::InEarlierVersion,
            Completeness::InEarlierVersion if !replaces => Completeness::InDoubt,
            _ => Completeness::Complete,
        }
    }

    /// Takes in the log's reply in that version to a call that was begun at `asked_at`. `false` if the
    /// replica cannot follow from there.
    pub(super) fn learn(
        &self,
        delta: Delta,
        version: Version,
        asked_at: Timestamp,
        call: u64,
    ) -> bool {
        let completeness = self.completeness_with(&delta, version);
        let learned = self.apply(delta, asked_at);
        if learned {
            self.completeness.set(completeness);
            self.learned_call.set(self.learned_call.get().max(call));
            self.backoff.succeeded();
            self.failure.replace(None);
        }
        self.tell_when();
        learned
    }

    /// Applies a delta to the replica. JavaScript is told what that changes.
    fn apply(&self, delta: Delta, asked_at: Timestamp) -> bool {
        let mut replica = self.replica.borrow_mut();
        match replica.news(&delta) {
            Some(records) => records.for_each(|record| self.stamps().purged(record)),
            None => self.stamps().everything_changed(),
        }
        let learned = replica.learn(delta, asked_at);
        self.stamps().floor_rose(replica.floor());
        learned
    }

    /// Tells JavaScript from when and until when the replica may judge.
    fn tell_when(&self) {
        let synced_at = self.synced_at().filter(|_| !self.is_in_doubt());
        let from = synced_at.map(Timestamp::as_millis);
        let until = from.map_or(0, |from| from.saturating_add(self.max_lag_millis));
        self.stamps().may_judge(from.unwrap_or(0), until);
    }

    /// A read is looked up, and what has to go on in the background goes on. Tells JavaScript when another
    /// one has to be: soon while the replica is to catch up, so that it does.
    pub fn look_up_begins(&self, now: Timestamp) {
        let replica = self.replica.borrow();
        let due = match (replica.lag(now, self.max_lag_millis), replica.synced_at()) {
            (Lag::Current, Some(at)) => {
                let aging = at.as_millis().saturating_add(self.max_lag_millis.div_ceil(2));
                aging.min(now.as_millis().saturating_add(HEARTBEAT_MILLIS))
            }
            _ => now.as_millis().saturating_add((self.max_lag_millis / LOOKS_PER_MAX_LAG).max(1)),
        };
        self.stamps().due_at(due);
    }

    /// Takes in a reply that a neighbor got at `replied_at`, unless this isolate knows a later one. Only
    /// replies in the current version are shared.
    pub(super) fn learn_from_neighbor(&self, delta: Delta, replied_at: Timestamp) -> bool {
        let learned =
            self.synced_at().is_some_and(|at| at < replied_at) && self.apply(delta, replied_at);
        self.tell_when();
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

    /// How old the replica is, in milliseconds since the last successful read began. `None`: the log was never
    /// read.
    pub fn age_millis(&self, now: Timestamp) -> Option<u64> {
        self.replica.borrow().synced_at().map(|at| now.millis_since(at))
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
