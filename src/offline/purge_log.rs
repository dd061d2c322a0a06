//! The purge log, in memory.

use crate::purge::{
    AppendReply, IntentId, KvClaim, KvGrant, KvUse, Log, LogLimits, LogTime, Mark, MemoryRows,
    NewRecord, ReadReply, Record, Version,
};
use crate::service::Fault;
use crate::time::{Timestamp, Ttl};
use std::cell::{Cell, RefCell};

/// Whether the purge log records purges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purges {
    /// As in production.
    Recorded,
    /// The log confirms each purge and forgets it, so that entries end by their lifetime alone.
    Ignored,
}

/// What is recorded later: when, what, and for which intent.
type Due = (Timestamp, Record, Option<IntentId>);

/// The epoch of every log that is replayed.
const EPOCH: u64 = 1;

/// The log of one service.
pub(super) struct OfflineLog {
    log: RefCell<Log<MemoryRows>>,
    rows: MemoryRows,
    due: RefCell<Vec<Due>>,
    last_intent: Cell<u64>,
    kv_use: Cell<KvUse>,
    settle: u64,
    purges: Purges,
    /// Calls so far.
    pub calls: Cell<u64>,
    /// Records so far.
    pub records: Cell<u64>,
}

impl OfflineLog {
    /// An empty log that repeats each purge after `settle` seconds, unless that is 0.
    pub fn new(settle: u64, purges: Purges) -> Result<Self, Fault> {
        let rows = MemoryRows::default();
        let log = Log::open(rows.clone(), Ttl::MAX, LogLimits::default(), || EPOCH);
        Ok(Self {
            log: RefCell::new(log?),
            rows,
            due: RefCell::default(),
            last_intent: Cell::new(0),
            kv_use: Cell::default(),
            settle,
            purges,
            calls: Cell::new(0),
            records: Cell::new(0),
        })
    }

    /// Rows that were written so far.
    pub fn rows_written(&self) -> u64 {
        self.rows.written()
    }

    /// How many records are due later.
    #[cfg(test)]
    pub fn due_count(&self) -> usize {
        self.due.borrow().len()
    }

    /// What was recorded since a mark.
    pub fn since(&self, mark: Option<Mark>, now: Timestamp) -> Result<ReadReply, Fault> {
        self.call(now)?;
        let time = LogTime { clock: EPOCH, at: now };
        Ok(ReadReply { time, version: Version::CURRENT, delta: self.log.borrow().since(mark) })
    }

    /// Appends a record. If purges are ignored, it is confirmed and forgotten.
    pub fn append(
        &self,
        mark: Option<Mark>,
        new: &NewRecord,
        now: Timestamp,
    ) -> Result<AppendReply, Fault> {
        self.call(now)?;
        let is_closed = |due: &Due| due.2.is_some_and(|intent| new.closes.contains(&intent));
        self.due.borrow_mut().retain(|due| !is_closed(due));
        let repeats = new.repeats(self.settle, now).into_iter();
        self.due.borrow_mut().extend(repeats.map(|(at, record)| (at, record, None)));
        let seq = match new.is_empty() {
            true => self.log.borrow().head(),
            false => self.write(&new.record, now)?,
        };
        Ok(AppendReply { seq, version: Version::CURRENT, delta: self.log.borrow().since(mark) })
    }

    /// Announces an intent.
    pub fn intend(&self, intent: &NewRecord, now: Timestamp) -> Result<IntentId, Fault> {
        self.call(now)?;
        self.last_intent.set(self.last_intent.get() + 1);
        let id = IntentId::of(self.last_intent.get());
        let repeats = intent.intent_repeats(self.settle, now);
        self.due.borrow_mut().extend(repeats.map(|(at, record)| (at, record, Some(id))));
        Ok(id)
    }

    /// Grants writes to KV.
    pub fn claim(&self, claim: &KvClaim, now: Timestamp) -> Result<KvGrant, Fault> {
        self.call(now)?;
        let mut kv_use = self.kv_use.get();
        let grant = kv_use.grant(*claim, now);
        self.kv_use.set(kv_use);
        Ok(grant)
    }

    /// Counts a call, and records what has become due since the last one.
    fn call(&self, now: Timestamp) -> Result<(), Fault> {
        self.calls.set(self.calls.get() + 1);
        let mut due = self.due.take();
        due.sort_by_key(|(at, _, _)| *at);
        let first_later = due.partition_point(|(at, _, _)| *at <= now);
        let later = due.split_off(first_later);
        self.due.replace(later);
        for (at, record, _) in due {
            self.write(&record, at)?;
        }
        Ok(())
    }

    fn write(&self, record: &Record, at: Timestamp) -> Result<u64, Fault> {
        if self.purges == Purges::Ignored {
            return Ok(self.log.borrow().head());
        }
        self.records.set(self.records.get() + 1);
        let mut log = self.log.borrow_mut();
        let seq = log.append(record, at).map_err(str::to_owned)?;
        log.maintain(at).map_err(str::to_owned)?;
        Ok(seq)
    }
}
