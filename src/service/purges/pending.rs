//! Purges that the log has not taken yet, in memory.
//!
//! This isolate obeys a pending purge at once. It is recorded later, by this isolate or by any other that
//! finds it in the outbox (`outbox.rs`).

use crate::limits;
use crate::purge::{NewRecord, Subject};
use crate::service::answers::Stamps;
use crate::time::Timestamp;
use std::cell::RefCell;
use std::rc::Rc;

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
    in_outbox: bool,
    /// Whether the outbox may have it: a put that failed may have arrived.
    may_be_in_outbox: bool,
    tried_at: Option<Timestamp>,
    /// What it replaces: the keys that are to be deleted from the outbox when it is there itself.
    replaces: Vec<String>,
}

impl PendingPurge {
    /// The keys that the outbox may have of it and of what it replaces. Without one whose put is under way,
    /// which is deleted when it has arrived.
    pub fn into_outbox_keys(self) -> Vec<String> {
        let own = self.may_be_in_outbox.then_some(self.key);
        own.into_iter().chain(self.replaces).collect()
    }
}

/// The pending purges of an isolate, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct PendingPurges {
    purges: RefCell<Vec<PendingPurge>>,
    /// What JavaScript knows of purges.
    pub stamps: Rc<Stamps>,
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

    /// Whether one of them ends the schema in force.
    pub fn ends_schema(&self) -> bool {
        self.purges.borrow().iter().any(|pending| pending.new.record.schema.is_some())
    }

    /// The oldest: its key, and what is to be recorded.
    pub fn first(&self) -> Option<(String, NewRecord)> {
        self.purges.borrow().first().map(|pending| (pending.key.clone(), pending.new.clone()))
    }

    /// Adds a purge, and the keys of those that it replaces.
    pub fn push(&self, key: String, new: NewRecord, replaces: Vec<String>) {
        self.stamps.purged(&new.record);
        let (in_outbox, may_be_in_outbox, tried_at) = Default::default();
        let pending = PendingPurge { key, new, in_outbox, may_be_in_outbox, tried_at, replaces };
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
            due.push((pending.key.clone(), pending.new.encode_for_outbox()));
        }
        due
    }

    /// Whether a purge of everything replaces the one with that key and is not in the outbox yet. Then it notes
    /// that it is to delete the other.
    pub fn is_replaced(&self, key: &str) -> bool {
        let mut purges = self.purges.borrow_mut();
        let replacing = |pending: &&mut PendingPurge| pending.new.record.all && !pending.in_outbox;
        let replacing = purges.iter_mut().find(replacing);
        replacing.map(|pending| pending.replaces.push(key.to_owned())).is_some()
    }

    /// Notes that a purge was put into the outbox, or that this failed. Returns the keys of those that it
    /// replaces there; `None` if it is not pending any more.
    pub fn note_put(&self, key: &str, is_put: bool) -> Option<Vec<String>> {
        let mut purges = self.purges.borrow_mut();
        let found = purges.iter_mut().find(|pending| pending.key == key)?;
        found.may_be_in_outbox = true;
        found.in_outbox = is_put;
        Some(if is_put { std::mem::take(&mut found.replaces) } else { Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purge::{Mark, Record, SchemaInForce};
    use crate::service::purges::fixture::{entry_of, purge_of};

    impl PendingPurges {
        /// The key of the purge that was added last.
        pub(in super::super) fn last_key(&self) -> String {
            self.purges.borrow().last().unwrap().key.clone()
        }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn pending(count: usize) -> PendingPurges {
        let pending = PendingPurges::default();
        (0..count).for_each(|n| pending.push(n.to_string(), purge_of(n as u64), Vec::new()));
        pending
    }

    #[test]
    fn what_is_pending_applies_until_it_is_removed() {
        let (pending, mark) = (pending(1), Mark { epoch: 1, seq: 9 });
        assert!(pending.purges(&entry_of(mark, &[0])) && !pending.purges(&entry_of(mark, &[1])));
        assert!(pending.remove("0").is_some() && pending.remove("0").is_none());
        assert!(!pending.purges(&entry_of(mark, &[0])));
    }

    #[test]
    fn a_few_go_into_the_outbox_at_once_and_again_after_a_while() {
        let pending = pending(PUT_AT_ONCE + 1);
        let due = |millis, may_retry| pending.due_for_outbox(at(millis), || may_retry).len();
        assert_eq!(due(0, false), PUT_AT_ONCE, "the first attempt is made whatever KV does");
        assert_eq!((due(1, false), due(2, true)), (1, 0));
        assert!(pending.note_put("0", true).is_some() && pending.note_put("other", true).is_none());
        assert_eq!(due(RETRY_MILLIS, false), 0);
        assert_eq!(due(RETRY_MILLIS, true), PUT_AT_ONCE - 1, "the first is there");
    }

    #[test]
    fn all_make_room_for_one_of_everything() {
        let almost = pending(limits::PENDING_PURGES - 1);
        assert!(almost.take_if_full().is_none());
        let full = pending(limits::PENDING_PURGES);
        assert_eq!(full.take_if_full().map(|all| all.len()), Some(limits::PENDING_PURGES));
        assert!(full.is_empty());
    }

    #[test]
    fn the_end_of_a_schema_stays_though_its_purge_is_recorded() {
        let pending = pending(1);
        let schema = Some(SchemaInForce::NONE);
        let end = Record { schema, ..Record::everything() };
        pending.push("end".to_owned(), end.into(), Vec::new());
        pending.remove_drained("0");
        pending.remove_drained("end");
        assert_eq!(pending.first().map(|(key, _)| key).as_deref(), Some("end"));
    }
}
