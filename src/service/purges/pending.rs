//! Purges that the log has not taken yet, in memory.
//!
//! This isolate obeys a pending purge at once. It is recorded later, by this isolate or by any other that
//! finds it in the outbox (`outbox.rs`).

use crate::limits;
use crate::purge::{NewRecord, Subject};
use crate::time::Timestamp;
use std::cell::RefCell;

/// How long after an attempt to put a purge into the outbox there is another.
const RETRY_MILLIS: u64 = 10_000;
/// How many purges are put into the outbox at once.
const PUT_AT_ONCE: usize = 8;

/// A purge that the log has not taken yet.
#[derive(Debug)]
pub(super) struct PendingPurge {
    /// Its key in the outbox, which also identifies it here.
    pub key: String,
    /// What is to be recorded.
    pub new: NewRecord,
    /// Whether the outbox has it.
    pub in_outbox: bool,
    tried_at: Option<Timestamp>,
}

/// The pending purges of an isolate, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct PendingPurges {
    purges: RefCell<Vec<PendingPurge>>,
}

impl PendingPurges {
    /// Whether the log has taken everything.
    pub fn is_empty(&self) -> bool {
        self.purges.borrow().is_empty()
    }

    /// Whether a pending purge applies to the entry.
    pub fn purges(&self, subject: &Subject<'_>) -> bool {
        self.purges.borrow().iter().any(|pending| pending.new.record.purges(subject))
    }

    /// The oldest: its key, and what is to be recorded.
    pub fn first(&self) -> Option<(String, NewRecord)> {
        self.purges.borrow().first().map(|pending| (pending.key.clone(), pending.new.clone()))
    }

    /// Adds a purge.
    pub fn push(&self, key: String, new: NewRecord) {
        let pending = PendingPurge { key, new, tried_at: None, in_outbox: false };
        self.purges.borrow_mut().push(pending);
    }

    /// Takes all purges if there is room for no more: one of everything is to replace them.
    pub fn take_if_full(&self) -> Option<Vec<PendingPurge>> {
        let mut purges = self.purges.borrow_mut();
        (purges.len() >= limits::PENDING_PURGES).then(|| purges.drain(..).collect())
    }

    /// Takes a purge out.
    pub fn remove(&self, key: &str) -> Option<PendingPurge> {
        let mut purges = self.purges.borrow_mut();
        let place = purges.iter().position(|pending| pending.key == key)?;
        Some(purges.remove(place))
    }

    /// Takes a purge out that was recorded from the outbox. One that ends a schema stays: the outbox does
    /// not keep that part of it.
    pub fn remove_drained(&self, key: &str) {
        self.purges
            .borrow_mut()
            .retain(|pending| pending.key != key || pending.new.record.schema.is_some());
    }

    /// The keys and values that are to be put into the outbox now. `may_retry` is asked only about
    /// purges that were tried before: the first attempt is made whatever is known of KV.
    pub fn due_for_outbox(
        &self,
        now: Timestamp,
        may_retry: impl Fn() -> bool,
    ) -> Vec<(String, Vec<u8>)> {
        let mut due = Vec::new();
        for pending in self.purges.borrow_mut().iter_mut() {
            let waits = pending.tried_at.is_some_and(|at| now.millis_since(at) < RETRY_MILLIS);
            let left_alone = pending.tried_at.is_some() && !waits && !may_retry();
            if pending.in_outbox || waits || left_alone || due.len() >= PUT_AT_ONCE {
                continue;
            }
            pending.tried_at = Some(now);
            due.push((pending.key.clone(), pending.new.keep()));
        }
        due
    }

    /// Notes that the outbox has a purge. `false` if it is not pending any more.
    pub fn note_in_outbox(&self, key: &str) -> bool {
        let mut purges = self.purges.borrow_mut();
        let found = purges.iter_mut().find(|pending| pending.key == key);
        found.map(|pending| pending.in_outbox = true).is_some()
    }
}
