//! The last records of a log, as many as the answer to a replica can hold.

use super::{Record, Seq};
use crate::limits;
use std::collections::VecDeque;

/// Beyond how much a snapshot is the shorter answer.
#[derive(Debug, Clone, Copy)]
pub struct DeltaLimits {
    /// Records.
    pub records: usize,
    /// Tags of them all.
    pub tags: usize,
    /// Patterns of them all: a snapshot has at most [`limits::LOG_PATTERNS`].
    pub patterns: usize,
}

impl Default for DeltaLimits {
    fn default() -> Self {
        Self { records: limits::DELTA_RECORDS, tags: 20_000, patterns: 1_000 }
    }
}

/// The last records, in order. Of older ones no replica is told one by one.
#[derive(Debug)]
pub(super) struct Recent {
    limits: DeltaLimits,
    records: VecDeque<Record>,
    tags: usize,
    patterns: usize,
}

impl Recent {
    pub fn of_at_most(limits: DeltaLimits) -> Self {
        Self { limits, records: VecDeque::new(), tags: 0, patterns: 0 }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Adds the latest, and lets go of the oldest beyond the limits.
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
        *self = Self::of_at_most(self.limits);
    }

    /// The last so many records, if they are all here.
    pub fn last(&self, count: Seq) -> Option<Vec<Record>> {
        let skipped = self.records.len().checked_sub(usize::try_from(count).ok()?)?;
        Some(self.records.iter().skip(skipped).cloned().collect())
    }

    #[cfg(any(test, feature = "sim"))]
    pub fn memory_bytes(&self) -> usize {
        // A pattern is kept as text and in segments.
        let record = |record: &Record| 100 + 8 * record.tags.len() + 2_000 * record.patterns.len();
        self.records.iter().map(record).sum()
    }
}
