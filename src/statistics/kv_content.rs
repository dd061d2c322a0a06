//! An estimate of what Workers KV holds: what was written, until its lifetime ends.
//!
//! KV cannot be counted without listing it. So the entries and bytes that were written are summed up by the
//! hour in which they expire. An entry that is written again counts twice until the first copy would have
//! expired, so the estimate is rather high.

use crate::record::{Read, Reader};
use crate::time::Timestamp;
use serde::Serialize;

/// Lifetimes beyond this many hours count as this long.
const MOST_HOURS: u64 = 30 * 24;
/// Up to this many hours a lifetime is kept to the hour, beyond it to the day.
const EXACT_HOURS: u64 = 48;

/// How many entries, and how many bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(into = "(u64, u64)")]
pub struct KvAmount {
    /// Entries.
    pub entries: u64,
    /// Bytes, as they are stored.
    pub bytes: u64,
}

impl Read for KvAmount {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (entries, bytes) = Read::read(from)?;
        Some(Self { entries, bytes })
    }
}

impl From<KvAmount> for (u64, u64) {
    fn from(KvAmount { entries, bytes }: KvAmount) -> Self {
        (entries, bytes)
    }
}

/// What was written to KV, by the hour since 1970 in which it expires.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct KvContent(Vec<(u64, KvAmount)>);

impl Read for KvContent {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Read::read(from).map(Self)
    }
}

impl KvContent {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts an entry that was written for so many seconds.
    pub fn written(&mut self, now: Timestamp, bytes: u64, seconds: u64) {
        let hour = hour_of(now);
        let lasts = seconds.div_ceil(3_600).min(MOST_HOURS);
        let until = match lasts {
            0..=EXACT_HOURS => hour + lasts,
            _ => (hour + lasts).div_ceil(24) * 24,
        };
        self.add_amount(until, KvAmount { entries: 1, bytes });
    }

    /// Adds what others have written.
    pub fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(until, amount)| self.add_amount(*until, *amount));
    }

    /// What is left, and drops the rest.
    pub fn left(&mut self, now: Timestamp) -> KvAmount {
        let hour = hour_of(now);
        // Nothing that is written lasts longer; a clock that is wrong must not add rows.
        let latest = hour + MOST_HOURS + 24;
        self.0.retain(|(until, _)| (hour..=latest).contains(until));
        let mut sum = KvAmount::default();
        for (_, amount) in &self.0 {
            sum.entries += amount.entries;
            sum.bytes += amount.bytes;
        }
        sum
    }

    fn add_amount(&mut self, until: u64, amount: KvAmount) {
        match self.0.iter_mut().find(|(known, _)| *known == until) {
            Some((_, sum)) => {
                sum.entries += amount.entries;
                sum.bytes += amount.bytes;
            }
            None => self.0.push((until, amount)),
        }
    }
}

fn hour_of(now: Timestamp) -> u64 {
    now.as_millis() / 3_600_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_expired_is_not_there() {
        let at = |hours: u64| Timestamp::from_millis(hours * 3_600_000);
        let mut content = KvContent::default();
        content.written(at(100), 10, 60);
        content.written(at(100), 5, 7_200);
        content.written(at(100), 1, u64::MAX);
        let mut sum = KvContent::default();
        sum.add(&content);
        sum.add(&content);
        let amount = |entries, bytes| KvAmount { entries, bytes };
        assert_eq!(sum.left(at(100)), amount(6, 32));
        assert_eq!(sum.left(at(102)), amount(4, 12));
        assert_eq!(sum.left(at(103)), amount(2, 2));
        assert_eq!(sum.left(at(100 + 40 * 24)), amount(0, 0));
        assert!(sum.is_empty());
    }

    #[test]
    fn there_are_few_rows() {
        let mut content = KvContent::default();
        for n in 0..3_000 {
            content.written(Timestamp::from_millis(0), 1, n * 3_600);
        }
        assert!(content.0.len() < 100);
    }
}
