//! Numbers in memory that rise when something changes that the answers told to JavaScript depend on.
//!
//! A number for everything, and counters for parts: each tag and each key has one of the counters, by its
//! hash. An answer notes the numbers of what it depends on. While they stay the same, the purge log's verdict
//! and the memory tier's content are the same. A counter that two tags share only rises too often.

use crate::purge::{Record, Seq};
use crate::tag::Tagging;
use crate::time::Timestamp;
use std::cell::Cell;
use xxhash_rust::xxh3::xxh3_64;

/// How many counters tags have, and how many keys.
const COUNTERS: usize = 1 << 13;
/// The counter that rises with every record that names tags, in addition to those of its tags.
const ANY_TAG: u16 = 0;
/// An answer with more tags than this goes by that counter alone.
const MOST_TAGS: usize = 100;

/// The numbers by which JavaScript decides whether it may give an answer again. It reads them in memory, so
/// they stay where they are.
#[derive(Debug)]
pub struct Stamps {
    /// The version of everything; from when and until when the replica may judge; when a request has to reach
    /// Wasm again. The times are milliseconds; the last two are not included.
    numbers: Box<[Cell<f64>; 4]>,
    /// First those of tags, then those of keys.
    counters: Box<[Cell<u32>]>,
    /// Of the answers that were told in this version: the lowest number of a mark, and the rules that made
    /// their tags.
    told: Cell<Option<(Seq, Tagging)>>,
}

/// What an answer depends on, and the numbers of that when it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Stamp {
    /// The version of everything.
    pub version: f64,
    /// The places of counters.
    pub places: Vec<u16>,
    /// The sum of these counters.
    pub sum: f64,
}

impl Default for Stamps {
    fn default() -> Self {
        Self {
            numbers: Box::new([const { Cell::new(0.0) }; 4]),
            counters: vec![Cell::new(0); 2 * COUNTERS].into_boxed_slice(),
            told: Cell::default(),
        }
    }
}

impl Stamps {
    /// The addresses of the numbers and of the counters in memory.
    pub fn addresses(&self) -> (usize, usize) {
        (self.numbers.as_ptr() as usize, self.counters.as_ptr() as usize)
    }

    /// How many counters there are.
    pub fn count(&self) -> usize {
        self.counters.len()
    }

    /// Something has changed that any answer may depend on.
    pub fn everything_changed(&self) {
        let [version, ..] = &*self.numbers;
        version.set(version.get() + 1.0);
        self.told.set(None);
    }

    /// A record applies from now on.
    pub fn purged(&self, record: &Record) {
        let Record { tags, tagging, patterns, all, schema, pause, soft: _ } = record;
        let is_general = *all || !patterns.is_empty() || schema.is_some() || pause.is_some();
        // A purge by tags that other rules have chosen applies to every entry.
        let is_of_other_rules =
            || self.told.get().is_some_and(|(_, rules)| !rules.is_same(*tagging));
        if is_general || !tags.is_empty() && is_of_other_rules() {
            return self.everything_changed();
        }
        if !tags.is_empty() {
            self.raise(ANY_TAG);
            tags.iter().for_each(|tag| self.raise(tag_place(*tag)));
        }
    }

    /// Entries with a mark below this count as purged from now on.
    pub fn floor_rose(&self, floor: Seq) {
        if self.told.get().is_some_and(|(lowest, _)| lowest < floor) {
            self.everything_changed();
        }
    }

    /// Memory has another entry under a key.
    pub fn entry_changed(&self, key: &str) {
        self.raise(key_place(key));
    }

    /// From when and until when the replica may judge. If the clock is set back to before that, nobody knows how
    /// old it is. Zeros: not now.
    pub fn may_judge(&self, from: u64, until: u64) {
        let [_, judges_from, judges_until, _] = &*self.numbers;
        judges_from.set(from as f64);
        judges_until.set(until as f64);
    }

    /// When a request has to reach Wasm again, so that what goes on in the background of requests goes on.
    pub fn due_at(&self, at: u64) {
        let [.., due] = &*self.numbers;
        due.set(at as f64);
    }

    /// What an entry with these tags and these keys in memory depends on. Its tags were made by these rules,
    /// and its mark has this number. `None` if it must not be told: others were made by other rules.
    pub fn of_entry(
        &self,
        tags: &[u64],
        keys: [&str; 2],
        (seq, rules): (Seq, Tagging),
    ) -> Option<Stamp> {
        let lowest = match self.told.get() {
            Some((_, others)) if !rules.is_same(others) => return None,
            Some((lowest, _)) => lowest.min(seq),
            None => seq,
        };
        self.told.set(Some((lowest, rules)));
        let mut places: Vec<u16> = match tags.len() > MOST_TAGS {
            true => vec![ANY_TAG],
            false => tags.iter().map(|tag| tag_place(*tag)).collect(),
        };
        places.extend(keys.map(key_place));
        places.sort_unstable();
        places.dedup();
        let [version, ..] = &*self.numbers;
        Some(Stamp { version: version.get(), sum: self.sum(&places), places })
    }

    /// What an answer depends on that was made of several entries, whose stamps were read just now.
    pub fn of_all(&self, stamps: impl Iterator<Item = Stamp>) -> Stamp {
        let mut places: Vec<u16> = stamps.flat_map(|stamp| stamp.places).collect();
        places.sort_unstable();
        places.dedup();
        let [version, ..] = &*self.numbers;
        Stamp { version: version.get(), sum: self.sum(&places), places }
    }

    /// Whether an answer with that stamp may be given now. JavaScript compares the same numbers.
    pub fn holds(&self, stamp: &Stamp, now: Timestamp) -> bool {
        let now = now.as_millis() as f64;
        let [version, judges_from, judges_until, due] = &*self.numbers;
        version.get() == stamp.version
            && now >= judges_from.get()
            && now < judges_until.get()
            && now < due.get()
            && self.sum(&stamp.places) == stamp.sum
    }

    fn sum(&self, places: &[u16]) -> f64 {
        let counters = places.iter().filter_map(|place| self.counters.get(usize::from(*place)));
        counters.map(|counter| f64::from(counter.get())).sum()
    }

    fn raise(&self, place: u16) {
        if let Some(counter) = self.counters.get(usize::from(place)) {
            counter.set(counter.get().wrapping_add(1));
        }
    }
}

/// The counter of a tag. The first one is that of all tags.
fn tag_place(tag: u64) -> u16 {
    1 + (tag % (COUNTERS as u64 - 1)) as u16
}

fn key_place(key: &str) -> u16 {
    COUNTERS as u16 + (xxh3_64(key.as_bytes()) % COUNTERS as u64) as u16
}

#[cfg(test)]
mod tests;
