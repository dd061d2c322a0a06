//! Which answers from the cache were stale: those that say something else than the recorded response.
//!
//! A read that overlaps a write is not judged: both the old and the new state are right then.

use super::difference::Difference;
use crate::time::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// How many types and operations are counted by themselves. What comes later is counted as `(others)`.
const KINDS: usize = 500;
const OTHERS: &str = "(others)";
/// How long ago a read that is not judged yet may have begun: in the recording it took an hour at most, and
/// its answer in a world may take as long again.
const READ_MILLIS: u64 = 2 * 3_600_000;

/// A read with its answers in both worlds.
pub(super) struct Read {
    pub start: Timestamp,
    pub end: Timestamp,
    pub operation: String,
    pub type_name: String,
    pub url: String,
    /// The difference, if the answer came from the cache and differs.
    pub with_purges: Option<Difference>,
    pub by_lifetime_alone: Option<Difference>,
}

/// Stale answers of one type and operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct StaleAnswers {
    #[serde(rename = "type")]
    pub type_name: String,
    pub operation: String,
    pub count: u64,
    pub example: Example,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Example {
    /// Milliseconds since 1970.
    pub at: u64,
    pub url: String,
    #[serde(flatten)]
    pub difference: Difference,
}

/// The stale answers so far.
#[derive(Default)]
pub(super) struct Judging {
    /// Reads that a write which begins later may still overlap, by their end.
    open: BTreeMap<(Timestamp, u64), Read>,
    count: u64,
    /// When writes were under way. Writes that overlap are one time.
    writes: VecDeque<(Timestamp, Timestamp)>,
    by_lifetime_alone: BTreeMap<(String, String), StaleAnswers>,
    with_purges: BTreeMap<(String, String), StaleAnswers>,
    /// Reads that overlapped a write and differ.
    pub undecided: u64,
}

impl Judging {
    /// Notes a write. None begins before one that was noted earlier.
    pub fn write(&mut self, start: Timestamp, end: Timestamp) {
        match self.writes.back_mut().filter(|(_, last)| start <= *last) {
            Some((_, last)) => *last = end.max(*last),
            None => self.writes.push_back((start, end)),
        }
    }

    /// Notes a read whose answers are known.
    pub fn read(&mut self, read: Read) {
        if read.with_purges.is_some() || read.by_lifetime_alone.is_some() {
            self.count += 1;
            self.open.insert((read.end, self.count), read);
        }
    }

    /// Judges the reads that ended before `now`: every write that may overlap them is known.
    pub fn judge_until(&mut self, now: Timestamp) {
        while let Some(first) = self.open.first_entry().filter(|read| read.key().0 < now) {
            let read = first.remove();
            self.judge(read);
        }
        let oldest = Timestamp::from_millis(now.as_millis().saturating_sub(READ_MILLIS));
        while self.writes.front().is_some_and(|(_, end)| *end < oldest) {
            self.writes.pop_front();
        }
    }

    /// What a cache without purges would have served stale and Evergraph did not, and what Evergraph
    /// itself served stale.
    pub fn found(&self) -> (Vec<StaleAnswers>, Vec<StaleAnswers>) {
        let listed = |map: &BTreeMap<_, StaleAnswers>| {
            let mut list: Vec<StaleAnswers> = map.values().cloned().collect();
            list.sort_by_key(|one| std::cmp::Reverse(one.count));
            list
        };
        (listed(&self.by_lifetime_alone), listed(&self.with_purges))
    }

    fn judge(&mut self, mut read: Read) {
        if self.overlaps_write(&read) {
            self.undecided += 1;
            return;
        }
        if let Some(difference) = read.with_purges.take() {
            note(&mut self.with_purges, &read, difference);
        } else if let Some(difference) = read.by_lifetime_alone.take() {
            note(&mut self.by_lifetime_alone, &read, difference);
        }
    }

    fn overlaps_write(&self, read: &Read) -> bool {
        let begun = self.writes.partition_point(|(start, _)| *start <= read.end);
        let last = begun.checked_sub(1).and_then(|last| self.writes.get(last));
        last.is_some_and(|(_, end)| *end >= read.start)
    }

    /// How many reads are not judged yet, and how many times of writes there are.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.open.len() + self.writes.len()
    }
}

fn note(map: &mut BTreeMap<(String, String), StaleAnswers>, read: &Read, difference: Difference) {
    let mut key = (read.type_name.clone(), read.operation.clone());
    if !map.contains_key(&key) && map.len() >= KINDS {
        key = (OTHERS.to_owned(), OTHERS.to_owned());
    }
    let (type_name, operation) = key.clone();
    let first = || {
        let example = Example { at: read.start.as_millis(), url: read.url.clone(), difference };
        StaleAnswers { type_name, operation, count: 0, example }
    };
    map.entry(key).or_insert_with(first).count += 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn read(start: u64, end: u64) -> Read {
        Read {
            start: at(start),
            end: at(end),
            operation: String::new(),
            type_name: String::new(),
            url: String::new(),
            with_purges: None,
            by_lifetime_alone: None,
        }
    }

    #[test]
    fn writes_are_forgotten_when_no_read_can_overlap_them() {
        let mut judging = Judging::default();
        let hour = 3_600_000;
        judging.write(at(0), at(10));
        for begun in 1..=100 {
            judging.write(at(begun * hour), at(begun * hour + 10));
            judging.judge_until(at(begun * hour + 10));
            assert!(judging.count() <= 3, "{} after {begun} hours", judging.count());
        }
        assert!(judging.overlaps_write(&read(99 * hour, 100 * hour - 1)));
    }

    /// A write at every moment is one long write.
    #[test]
    fn writes_that_overlap_are_one() {
        let mut judging = Judging::default();
        for start in 0..1_000 {
            judging.write(at(start), at(start + 1));
        }
        assert_eq!(judging.count(), 1);
    }

    proptest! {
        #[test]
        fn a_read_overlaps_a_write_if_it_overlaps_any(
            mut writes in prop::collection::vec((0..200_u64, 0..30_u64), 0..12),
            start in 0..200_u64,
            length in 0..30_u64,
        ) {
            writes.sort_by_key(|(start, _)| *start);
            let mut judging = Judging::default();
            for (start, length) in &writes {
                judging.write(at(*start), at(start + length));
            }
            let end = start + length;
            let any = writes.iter().any(|(from, length)| *from <= end && from + length >= start);
            prop_assert_eq!(judging.overlaps_write(&read(start, end)), any, "{:?}", writes);
        }
    }
}
