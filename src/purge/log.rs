//! The log itself: it numbers records, keeps as many as are needed, and answers replicas.
//!
//! The Durable Object keeps one in memory, made from its rows at start, and writes each record
//! down before it says its number; the simulated world keeps one without rows.

use super::{Delta, Record, Replica, Schemas, Seq};
use crate::limits;
use crate::time::{Timestamp, Ttl};
use std::collections::VecDeque;

/// Tags in a delta beyond which a snapshot is the shorter answer.
const DELTA_TAGS: usize = 20_000;
/// The same for patterns: a snapshot has at most [`limits::LOG_PATTERNS`].
const DELTA_PATTERNS: usize = 1_000;

/// A record as it was written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its number.
    pub seq: Seq,
    /// When it was appended.
    pub at: Timestamp,
    /// What it purges.
    pub record: Record,
}

/// The log of one service.
#[derive(Debug)]
pub struct Log {
    epoch: u64,
    retention: Ttl,
    records: VecDeque<Stored>,
    state: Replica,
}

impl Log {
    /// The log from what was written down: the number of the last record that was dropped, what
    /// was known of schemas then, and the records after it, in order. `retention` is the longest
    /// lifetime of any entry.
    pub fn restore(
        epoch: u64,
        retention: Ttl,
        (dropped, schemas): (Seq, Schemas),
        stored: Vec<Stored>,
    ) -> Self {
        let mut state = Replica::start(epoch, dropped, schemas);
        for one in &stored {
            state.apply(one.seq, &one.record);
        }
        Self { epoch, retention, records: stored.into(), state }
    }

    /// The number of the last record.
    pub fn head(&self) -> Seq {
        self.state.head()
    }

    /// The number of the last record that was dropped: entries older than it are gone.
    pub fn floor(&self) -> Seq {
        self.state.floor()
    }

    /// What is known of schemas.
    pub fn schemas(&self) -> Schemas {
        self.state.schemas()
    }

    /// The number that the next record gets. It is to be written down before [`Log::append`].
    pub fn next(&self) -> Seq {
        self.state.head() + 1
    }

    /// Adds a record as number [`Log::next`].
    pub fn append(&mut self, record: Record, at: Timestamp) -> Seq {
        let seq = self.next();
        self.state.apply(seq, &record);
        self.records.push_back(Stored { seq, at, record });
        seq
    }

    /// Drops the records that are older than any entry can be, and the oldest beyond the limit.
    /// Returns the new floor where it rose.
    pub fn compact(&mut self, now: Timestamp) -> Option<Seq> {
        let before = self.floor();
        while let Some(oldest) = self.records.front() {
            let expired = now.seconds_since(oldest.at) > self.retention.as_seconds();
            if !expired && self.records.len() <= limits::LOG_RECORDS {
                break;
            }
            let seq = oldest.seq;
            self.records.pop_front();
            self.state.raise_floor(seq);
        }
        (self.floor() > before).then(|| self.floor())
    }

    /// What a replica that stands at `seq` of log `epoch` has to learn.
    pub fn since(&self, epoch: Option<u64>, seq: Seq) -> Delta {
        let known = epoch == Some(self.epoch) && seq >= self.floor() && seq <= self.head();
        let behind = usize::try_from(self.head().saturating_sub(seq)).unwrap_or(usize::MAX);
        if known && behind <= limits::DELTA_RECORDS {
            let missed = self.records.iter().skip(self.records.len().saturating_sub(behind));
            let tags: usize = missed.clone().map(|one| one.record.tags.len()).sum();
            let patterns: usize = missed.clone().map(|one| one.record.patterns.len()).sum();
            if tags <= DELTA_TAGS && patterns <= DELTA_PATTERNS {
                let (epoch, floor) = (self.epoch, self.floor());
                let records = missed.map(|one| one.record.clone()).collect();
                return Delta::Records { epoch, floor, after: seq, records };
            }
        }
        Delta::Snapshot { epoch: self.epoch, snapshot: self.state.snapshot() }
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
