//! Purges that the log does not take: kept in memory, where this isolate obeys them, and in KV,
//! where others find them if it ends.
//!
//! Whoever finds a value of the outbox records it and deletes it, as often as KV shows it: a purge
//! that is recorded twice purges twice, and that is all.

use super::handle::Service;
use super::runtime::{Fault, Runtime};
use crate::key::DigestBuilder;
use crate::limits;
use crate::purge::{NewRecord, OutboxValueError, Record};
use crate::time::Timestamp;
use futures_util::future::join_all;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};

/// How long KV may take; nobody waits for it.
pub(super) const KV_MILLIS: u64 = 5_000;
/// How long after a try to put a purge into the outbox there is another.
const RETRY_MILLIS: u64 = 10_000;
/// How often an isolate whose log is back looks in the outbox.
const LOOK_MILLIS: u64 = 60_000;
/// How many values of the outbox one look records.
const DRAINED_AT_ONCE: usize = 100;
/// How many values one look has in vain before it gives up.
const FAILURES: usize = 3;
/// How many values are put at once.
const PUT_AT_ONCE: usize = 8;
/// The least time for which values are kept, as long as the log keeps its records.
const LEAST_SECONDS: u64 = 86_400;

/// A purge that the log has not taken yet.
#[derive(Debug)]
pub(super) struct Pending {
    /// Where it is in the outbox; also what tells it from others that name the same.
    key: String,
    pub new: NewRecord,
    tried_at: Option<Timestamp>,
    in_outbox: bool,
}

impl Pending {
    /// Its key, and what is to be recorded.
    pub fn to_record(&self) -> (String, NewRecord) {
        (self.key.clone(), self.new.clone())
    }
}

/// What an isolate knows of the outbox.
#[derive(Debug, Default)]
pub(super) struct OutboxState {
    /// Counts the keys that were made.
    made: Cell<u64>,
    looked_at: Cell<Option<Timestamp>>,
    /// Whether the log has refused a purge since the last look.
    due: Cell<bool>,
    /// Keys whose purges are recorded: KV may show them for a while.
    done: RefCell<VecDeque<String>>,
    /// Keys of versions before, for which everything was purged.
    pub former: RefCell<BTreeSet<String>>,
}

impl OutboxState {
    /// The log did not take a purge. Others may have met the same.
    pub fn becomes_due(&self) {
        self.due.set(true);
    }

    fn is_done(&self, key: &str) -> bool {
        self.done.borrow().iter().any(|done| done == key)
    }

    fn note_done(&self, key: &str) {
        let mut done = self.done.borrow_mut();
        if done.len() >= limits::PENDING_PURGES {
            done.pop_front();
        }
        done.push_back(key.to_owned());
    }
}

/// Why a value of the outbox stays where it is.
enum Stuck {
    /// The log takes nothing: no other value will fare better.
    Log,
    /// KV failed for this one.
    Kv(Fault),
}

impl<W: Runtime> Service<W> {
    /// Records what waits here and in the outbox. For whoever calls now and then, with or without
    /// a request.
    pub async fn tend(&self) {
        // One look is enough.
        self.isolate.outbox.due.set(false);
        let outcome = self.record_pending().await;
        self.keep_in_outbox(outcome);
        self.drain_outbox().await;
    }

    /// Keeps a purge that the log did not take. A schema that it puts in force does not wait with
    /// it: late, it would take the place of a newer one. That there is none from now on may wait.
    pub(super) fn keep_pending(&self, mut new: NewRecord) {
        new.record.schema = new.record.schema.filter(|schema| !schema.is_some());
        let outbox = &self.isolate.outbox;
        outbox.becomes_due();
        let mut pending = self.isolate.log.pending.borrow_mut();
        let overflows = pending.len() >= limits::PENDING_PURGES;
        let replaced: Vec<Pending> = if overflows { pending.drain(..).collect() } else { vec![] };
        if overflows {
            new.record = Record::everything();
            for one in &replaced {
                new.repeat_also(&one.new.repeat_after);
                new.closes.extend(&one.new.closes);
            }
        }
        let key = self.outbox_key(&new);
        pending.push(Pending { key, new, tried_at: None, in_outbox: false });
        drop(pending);
        if !overflows {
            return self.fill_outbox();
        }
        let service = self.clone();
        self.runtime.spawn(async move {
            // What was there may go once the purge of everything is.
            if service.put_untried().await {
                for one in replaced.iter().filter(|one| one.in_outbox) {
                    service.delete_from_outbox(&one.key).await;
                }
            }
        });
    }

    /// A pending purge is recorded.
    pub(super) fn is_recorded(&self, key: &str) {
        let mut pending = self.isolate.log.pending.borrow_mut();
        let Some(place) = pending.iter().position(|waiting| waiting.key == key) else { return };
        let recorded = pending.remove(place);
        drop(pending);
        self.isolate.outbox.note_done(key);
        // One that is on its way there is deleted when it has arrived.
        if recorded.in_outbox {
            let service = self.clone();
            self.runtime.spawn(async move { service.delete_from_outbox(&recorded.key).await });
        }
    }

    /// Puts what is pending into the outbox, behind the answer, unless it is there.
    pub(super) fn fill_outbox(&self) {
        let service = self.clone();
        self.runtime.spawn(async move {
            service.put_untried().await;
        });
    }

    /// Whether all that had to be put is there.
    async fn put_untried(&self) -> bool {
        if !self.runtime.kv_bound() {
            return false;
        }
        let now = self.runtime.now();
        let mut puts = Vec::new();
        for one in self.isolate.log.pending.borrow_mut().iter_mut() {
            let waits = one.tried_at.is_some_and(|at| now.millis_since(at) < RETRY_MILLIS);
            let may_retry = one.tried_at.is_some();
            // The first try is worth it however KV fares.
            let left_alone = may_retry && !waits && !self.isolate.kv.allows(now);
            if one.in_outbox || waits || left_alone || puts.len() >= PUT_AT_ONCE {
                continue;
            }
            one.tried_at = Some(now);
            puts.push((one.key.clone(), one.new.encode_for_outbox()));
        }
        let put = puts.iter().map(|(key, value)| self.put_in_outbox(key, value));
        join_all(put).await.into_iter().all(|there| there)
    }

    async fn put_in_outbox(&self, key: &str, value: &[u8]) -> bool {
        let put = self.runtime.kv_put(key, value, self.outbox_seconds());
        if let Err(fault) = self.within(KV_MILLIS, put).await {
            self.isolate.kv.failed(self.runtime.now(), &fault);
            self.report_failure("outbox-write", &fault);
            return false;
        }
        if !self.is_still_pending(key) {
            self.delete_from_outbox(key).await;
        }
        true
    }

    /// Notes of what has arrived in the outbox that it is there, unless it was recorded meanwhile.
    fn is_still_pending(&self, key: &str) -> bool {
        let mut pending = self.isolate.log.pending.borrow_mut();
        let found = pending.iter_mut().find(|waiting| waiting.key == key);
        found.map(|waiting| waiting.in_outbox = true).is_some()
    }

    async fn delete_from_outbox(&self, key: &str) {
        // What stays is recorded once more.
        if let Err(fault) = self.within(KV_MILLIS, self.runtime.kv_delete(key)).await {
            self.report_failure("outbox-write", &fault);
        }
    }

    /// Looks in the outbox, beside what is being done, where the log is back after a failure.
    pub(super) fn look_in_outbox(&self) {
        let outbox = &self.isolate.outbox;
        let now = self.runtime.now();
        let looked = outbox.looked_at.get();
        let recently = looked.is_some_and(|at| now.millis_since(at) < LOOK_MILLIS);
        // What is still here would be found there, and recorded twice.
        let waits = !self.isolate.log.pending.borrow().is_empty();
        if !outbox.due.get() || recently || waits {
            return;
        }
        outbox.due.set(false);
        let service = self.clone();
        self.runtime.spawn(async move { service.drain_outbox().await });
    }

    /// Records what is in the outbox, whoever put it there.
    async fn drain_outbox(&self) {
        if !self.runtime.kv_bound() {
            return;
        }
        self.isolate.outbox.looked_at.set(Some(self.runtime.now()));
        if let Err(fault) = self.purge_for_former_outbox().await {
            self.report_failure("outbox-read", &fault);
        }
        let prefix = self.outbox_prefix();
        let listing = self.runtime.kv_list(&prefix, DRAINED_AT_ONCE);
        let keys = match self.within(KV_MILLIS, listing).await {
            Ok(keys) => keys,
            Err(fault) => return self.report_failure("outbox-read", &fault),
        };
        let (mut failures, mut purged_everything) = (0, false);
        for key in keys.iter().filter(|key| key.strip_prefix(&prefix).is_some_and(is_unique)) {
            match self.drain_one(key, &mut purged_everything).await {
                Ok(()) => {}
                Err(Stuck::Log) => return,
                Err(Stuck::Kv(fault)) => {
                    self.report_failure("outbox-read", &fault);
                    failures += 1;
                    if failures >= FAILURES {
                        return;
                    }
                }
            }
        }
    }

    /// Records one value, unless everything was purged since it was listed.
    async fn drain_one(&self, key: &str, purged_everything: &mut bool) -> Result<(), Stuck> {
        if !self.isolate.outbox.is_done(key) {
            let found =
                self.within(KV_MILLIS, self.runtime.kv_get(key)).await.map_err(Stuck::Kv)?;
            // Somebody else was quicker, or KV does not show it here yet.
            let Some(value) = found else { return Ok(()) };
            let read = NewRecord::decode_from_outbox(&value);
            if let Err(decode_from_outbox) = read {
                self.report_failure("outbox-value", decode_from_outbox.as_str());
            }
            if read == Err(OutboxValueError::Newer) {
                return self.purge_for_newer(key, purged_everything).await;
            }
            // Damaged or not, it stood for some purge, which may have been one to repeat.
            let new = read.unwrap_or_else(|_| NewRecord::everything().with_unknown_outcome());
            self.purge_for_value(&new, purged_everything).await?;
            self.isolate.outbox.note_done(key);
        }
        self.isolate.log.pending.borrow_mut().retain(|waiting| {
            // What is kept of a record says nothing of its schema.
            waiting.key != key || waiting.new.record.schema.is_some()
        });
        self.delete_from_outbox(key).await;
        Ok(())
    }

    /// A value of a later version is left to those that can read it, after everything was purged
    /// for it once.
    async fn purge_for_newer(&self, key: &str, purged_everything: &mut bool) -> Result<(), Stuck> {
        let mark = format!("outbox-purged/{key}");
        if self.isolate.outbox.is_done(&mark) {
            return Ok(());
        }
        let marked = self.within(KV_MILLIS, self.runtime.kv_get(&mark)).await.map_err(Stuck::Kv)?;
        if marked.is_none() {
            let new = NewRecord::everything().with_unknown_outcome();
            self.purge_for_value(&new, purged_everything).await?;
            let put = self.runtime.kv_put(&mark, b"1", self.outbox_seconds());
            self.within(KV_MILLIS, put).await.map_err(Stuck::Kv)?;
        }
        self.isolate.outbox.note_done(&mark);
        Ok(())
    }

    async fn purge_for_value(
        &self,
        new: &NewRecord,
        purged_everything: &mut bool,
    ) -> Result<(), Stuck> {
        let is_covered = *purged_everything && new.repeat_after.is_empty();
        if is_covered || new.record.is_empty() {
            return Ok(());
        }
        match self.append_waiting(new).await {
            Ok(()) => {
                *purged_everything |= new.record.is_everything();
                self.count_purge_of_everything(&new.record, "outbox");
                Ok(())
            }
            Err(fault) => {
                self.report_failure("purge-log-write", &fault);
                Err(Stuck::Log)
            }
        }
    }

    /// Where the purges of this isolate's log are kept. Several logs may share a KV namespace, as
    /// those of staging and production do.
    fn outbox_prefix(&self) -> String {
        format!("outbox/{}@{}/", self.isolate.log_name(), self.runtime.log_id())
    }

    /// Where a purge is kept. Two writers never share a key: not even isolates of one moment know
    /// the same of the log, have kept as many, and purge the same.
    fn outbox_key(&self, new: &NewRecord) -> String {
        let made = &self.isolate.outbox.made;
        made.set(made.get().saturating_add(1));
        let replica = self.isolate.replica.borrow();
        let mark = replica.mark().map(|mark| (mark.epoch, mark.seq)).unwrap_or_default();
        let synced_at = replica.synced_at().unwrap_or_default().as_millis();
        let now = self.runtime.now().as_millis();
        let digest = [made.get(), mark.0, mark.1, synced_at, now]
            .iter()
            .fold(DigestBuilder::new("outbox"), |digest, part| digest.part(&part.to_le_bytes()))
            .part(&new.encode_for_outbox());
        format!("{}{now:013}-{}", self.outbox_prefix(), digest.finish().to_short_hex())
    }

    /// How long a value is of use: no entry lives longer.
    pub(super) fn outbox_seconds(&self) -> u64 {
        let config = self.isolate.config.as_ref().ok();
        let longest = config.map_or(0, |config| config.longest_lifetime().as_seconds());
        longest.max(LEAST_SECONDS)
    }
}

/// Whether this is the last part of a key of the outbox. A service can have a name by which its
/// entries have another's prefix.
pub(super) fn is_unique(rest: &str) -> bool {
    let parts = rest.split_once('-');
    parts.is_some_and(|(time, digest)| {
        time.len() == 13
            && time.bytes().all(|byte| byte.is_ascii_digit())
            && digest.len() == 16
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_others_are_left_alone() {
        assert!(is_unique("1700000000000-0123456789abcdef"));
        for other in ["gql/product/P/public/0123", "1700000000000-0123456789abcdeg", "1-2", ""] {
            assert!(!is_unique(other), "{other}");
        }
    }
}
