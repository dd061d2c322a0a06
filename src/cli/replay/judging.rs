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
    /// By their start.
    writes: VecDeque<(Timestamp, Timestamp)>,
    longest_write: u64,
    by_lifetime_alone: BTreeMap<(String, String), StaleAnswers>,
    with_purges: BTreeMap<(String, String), StaleAnswers>,
    /// Reads that overlapped a write and differ.
    pub undecided: u64,
}

impl Judging {
    /// Notes a write.
    pub fn write(&mut self, start: Timestamp, end: Timestamp) {
        self.writes.push_back((start, end));
        self.longest_write = self.longest_write.max(end.millis_since(start));
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
        let oldest = self.open.values().map(|read| read.start).min().unwrap_or(now).min(now);
        // A read that is still under way may have begun an hour ago at most.
        let kept = Timestamp::from_millis(oldest.as_millis().saturating_sub(3_600_000));
        while self.writes.front().is_some_and(|(_, end)| *end < kept) {
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
        let overlaps =
            |(start, end): &(Timestamp, Timestamp)| *start <= read.end && *end >= read.start;
        let longest = self.longest_write;
        let may_reach = |(start, _): &&(Timestamp, Timestamp)| {
            start.as_millis().saturating_add(longest) >= read.start.as_millis()
        };
        if self.writes.iter().rev().take_while(may_reach).any(overlaps) {
            self.undecided += 1;
            return;
        }
        if let Some(difference) = read.with_purges.take() {
            note(&mut self.with_purges, &read, difference);
        } else if let Some(difference) = read.by_lifetime_alone.take() {
            note(&mut self.by_lifetime_alone, &read, difference);
        }
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
