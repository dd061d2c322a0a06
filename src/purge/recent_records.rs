//! The last records of a log: as many as a reply to a replica may hold.

use super::mark::Seq;
use super::record::Record;
use crate::limits;
use std::collections::VecDeque;

/// How many records a reply may hold. If there are more, a snapshot is the shorter reply.
#[derive(Debug, Clone, Copy)]
pub struct DeltaLimits {
    /// Records.
    pub records: usize,
    /// Tags of all records.
    pub tags: usize,
    /// Patterns of all records. A snapshot has at most [`limits::LOG_PATTERNS`].
    pub patterns: usize,
}

impl Default for DeltaLimits {
    fn default() -> Self {
        Self { records: limits::DELTA_RECORDS, tags: 20_000, patterns: 1_000 }
    }
}

/// The last records, in order. Older ones are no longer sent one by one.
#[derive(Debug)]
pub(super) struct RecentRecords {
    limits: DeltaLimits,
    records: VecDeque<Record>,
    tags: usize,
    patterns: usize,
}

impl RecentRecords {
    pub fn with_limits(limits: DeltaLimits) -> Self {
        Self { limits, records: VecDeque::new(), tags: 0, patterns: 0 }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Adds the latest record, and drops the oldest ones beyond the limits.
    pub fn push(&mut self, record: Record) {
        self.tags += record.tags.len();
        self.patterns += record.patterns.len();
        self.records.push_back(record);
        while self.records.len() > self.limits.records
            || self.tags > self.limits.tags
            || self.patterns > self.limits.patterns
        {
            let Some(oldest) = self.records.pop_front() else { break };
            self.tags -= oldest.tags.len();
            self.patterns -= oldest.patterns.len();
        }
    }

    pub fn clear(&mut self) {
        *self = Self::with_limits(self.limits);
    }

    /// The last `count` records. `None` if there are fewer.
    pub fn last(&self, count: Seq) -> Option<Vec<Record>> {
        let skipped = self.records.len().checked_sub(usize::try_from(count).ok()?)?;
        Some(self.records.iter().skip(skipped).cloned().collect())
    }

    #[cfg(any(test, feature = "sim"))]
    pub fn memory_bytes(&self) -> usize {
        // A pattern is stored as text and in segments.
        let record = |record: &Record| 100 + 8 * record.tags.len() + 2_000 * record.patterns.len();
        self.records.iter().map(record).sum()
    }
}
