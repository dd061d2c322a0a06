//! Counts by name, for a bounded number of names.
//!
//! Clients choose the names of operations and paths. So a table has at most a given number of names, and a
//! new one takes the place of the rarest, whose counts go to `other`. The sums stay right, and what is
//! frequent stays.

use super::counts::Counts;
use crate::order;
use crate::record::{Read, Reader, members};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The name of the row for all names that are not listed. No type, operation or path can have it.
pub const OTHER: &str = "(other)";

/// How many bytes of a name are kept.
const NAME_BYTES: usize = 120;

/// Counts by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct NameTable {
    /// In the order of the names. A list takes less code than a map, and there are few.
    names: Vec<(String, Counts)>,
    other: Counts,
}

members!(NameTable { names, other });

/// The beginning of a name, as far as it is kept.
pub fn short_name(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES)).unwrap_or_default()
}

impl NameTable {
    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.other == Counts::default()
    }

    /// Counts something of a name. If there are `most` names already, a new one replaces the rarest.
    pub fn count(&mut self, name: &str, most: usize, count: impl FnOnce(&mut Counts)) {
        let name = short_name(name);
        if name == OTHER || most == 0 {
            return count(&mut self.other);
        }
        if let Ok(place) = self.place(name)
            && let Some((_, counts)) = self.names.get_mut(place)
        {
            return count(counts);
        }
        if self.names.len() >= most {
            self.keep_most_frequent(most - 1);
        }
        count(self.counts_of(name));
    }

    /// Adds another table. Call [`Self::keep_most_frequent`] afterwards.
    pub fn add(&mut self, other: &Self) {
        for (name, counts) in &other.names {
            self.counts_of(name).add(counts);
        }
        self.other.add(&other.other);
    }

    /// Keeps the names with the most requests. The counts of the others go to `other`.
    pub fn keep_most_frequent(&mut self, most: usize) {
        if self.names.len() <= most {
            return;
        }
        let mut is_kept = vec![false; self.names.len()];
        for place in self.by_frequency().into_iter().take(most) {
            if let Some(is_kept) = is_kept.get_mut(place) {
                *is_kept = true;
            }
        }
        let mut is_kept = is_kept.into_iter();
        let other = &mut self.other;
        self.names.retain(|(_, counts)| {
            let is_kept = is_kept.next().unwrap_or(false);
            if !is_kept {
                other.add(counts);
            }
            is_kept
        });
    }

    /// Each name with its counts, without the row for all others.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Counts)> {
        self.names.iter().map(|(name, counts)| (name.as_str(), counts))
    }

    /// The counts of a name.
    pub fn get(&self, name: &str) -> Option<&Counts> {
        let place = self.place(name).ok()?;
        self.names.get(place).map(|(_, counts)| counts)
    }

    /// At most `most` rows, those with the most requests first. If names are missing, the last row is
    /// [`OTHER`].
    pub fn rows(&self, most: usize) -> Vec<(String, Counts)> {
        self.rows_by(most, Counts::requests)
    }

    /// The same, those first that have the most of something else.
    pub fn rows_by(&self, most: usize, measure: impl Fn(&Counts) -> u64) -> Vec<(String, Counts)> {
        let needs_other = self.names.len() > most || self.other != Counts::default();
        let listed = most.saturating_sub(usize::from(needs_other));
        let places = most_first(self.names.iter().map(|(_, counts)| measure(counts)));
        let mut sorted = places.into_iter().filter_map(|place| self.names.get(place));
        let mut rows: Vec<(String, Counts)> = sorted.by_ref().take(listed).cloned().collect();
        if needs_other {
            let mut other = self.other;
            sorted.for_each(|(_, counts)| other.add(counts));
            rows.push((OTHER.to_owned(), other));
        }
        rows
    }

    /// The sum of the counts of all names.
    pub fn sum(&self) -> Counts {
        let mut sum = self.other;
        self.names.iter().for_each(|(_, counts)| sum.add(counts));
        sum
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.names.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }

    /// The counts of a name, which is added if it is new.
    fn counts_of(&mut self, name: &str) -> &mut Counts {
        let place = self.place(name).unwrap_or_else(|place| {
            self.names.insert(place, (name.to_owned(), Counts::default()));
            place
        });
        match self.names.get_mut(place) {
            Some((_, counts)) => counts,
            None => &mut self.other,
        }
    }

    /// The places of the names, those with the most requests first.
    fn by_frequency(&self) -> Vec<usize> {
        most_first(self.names.iter().map(|(_, counts)| counts.requests()))
    }
}

/// Names of which something is known, without counts. For names that the configuration chooses.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NameList(Vec<String>);

impl Read for NameList {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Read::read(from).map(Self)
    }
}

/// How many names a list has at most.
const LISTED: usize = 300;

impl NameList {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a name, if it is new and there is room.
    pub fn note(&mut self, name: &str) {
        if self.0.len() < LISTED && !self.0.iter().any(|known| known == name) {
            self.0.push(name.to_owned());
        }
    }

    /// Adds the names of another list.
    pub fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|name| self.note(name));
    }

    /// Whether a name is not in the list, and would be if it had been added.
    pub fn lacks(&self, name: &str) -> bool {
        self.0.len() < LISTED && !self.0.iter().any(|known| known == name)
    }
}

/// The places of numbers, the highest first.
pub(super) fn most_first(numbers: impl Iterator<Item = u64>) -> Vec<usize> {
    let mut places: Vec<(Reverse<u64>, usize)> = numbers.map(Reverse).zip(0..).collect();
    order::sort(&mut places);
    places.into_iter().map(|(_, place)| place).collect()
}

/// Adds to the number of a name. If there are `most` names already, a new one replaces the one with the
/// lowest number, which is lost: for lists of examples, not for sums.
pub(super) fn add_to_examples(
    examples: &mut BTreeMap<String, u64>,
    name: &str,
    amount: u64,
    most: usize,
) {
    let name = short_name(name);
    if let Some(number) = examples.get_mut(name) {
        *number += amount;
        return;
    }
    while examples.len() >= most {
        let rarest = examples.iter().min_by_key(|(_, number)| **number);
        let Some(rarest) = rarest.map(|(name, _)| name.clone()) else { return };
        examples.remove(&rarest);
    }
    examples.insert(name.to_owned(), amount);
}

#[cfg(test)]
mod tests {
    use super::super::counts::Counter;
    use super::*;
    use proptest::prelude::*;

    fn hit(counts: &mut Counts) {
        counts.add_to(Counter::Hits, 1);
    }

    #[test]
    fn of_many_names_the_frequent_ones_stay() {
        let mut table = NameTable::default();
        for n in 0..1_000 {
            table.count("often", 10, hit);
            table.count(&format!("{n}{}", "é".repeat(200)), 10, hit);
        }
        assert_eq!(table.get("often").unwrap().requests(), 1_000);
        assert!(table.named().count() == 10 && table.named().all(|(name, _)| name.len() <= 120));
        assert_eq!(table.sum().requests(), 2_000);
        let rows = table.rows(3);
        let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names.len(), names[0], names[2]), (3, "often", OTHER));
    }

    #[test]
    fn rows_are_sorted_by_anything_before_they_are_cut() {
        let mut table = NameTable::default();
        for n in 1..=60 {
            table.count(&format!("{n}"), 100, |counts| {
                counts.add_to(Counter::Hits, n);
                counts.add_to(Counter::BytesCached, 1_000 - n);
            });
        }
        let of = |rows: &[(String, Counts)]| -> Vec<String> {
            rows.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(of(&table.rows(3)), ["60", "59", OTHER]);
        let rows = table.rows_by(3, |counts| counts.of(Counter::BytesCached));
        assert_eq!(of(&rows), ["1", "2", OTHER]);
        assert_eq!(rows.iter().map(|(_, counts)| counts.requests()).sum::<u64>(), 60 * 61 / 2);
    }

    #[test]
    fn nobody_can_take_the_name_of_the_others() {
        let mut table = NameTable::default();
        table.count(OTHER, 10, hit);
        assert_eq!(table.rows(10), [(OTHER.to_owned(), table.other)]);
    }

    proptest! {
        /// However tables are split, ordered and bounded: nothing is counted twice or lost.
        #[test]
        fn sums_stay_right(names in prop::collection::vec((0u8..30, 1usize..4), 0..200), most in 0usize..12) {
            let mut tables = [NameTable::default(), NameTable::default(), NameTable::default()];
            for (n, (name, times)) in names.iter().enumerate() {
                for _ in 0..*times {
                    tables[n % 3].count(&name.to_string(), most, hit);
                }
            }
            let all: u64 = names.iter().map(|(_, times)| *times as u64).sum();
            for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
                let mut sum = NameTable::default();
                for place in order {
                    sum.add(&tables[place]);
                    sum.keep_most_frequent(most);
                    prop_assert!(sum.named().count() <= most);
                }
                prop_assert_eq!(sum.sum().requests(), all);
                let rows = sum.rows(most.max(1));
                prop_assert!(rows.len() <= most.max(1));
                prop_assert_eq!(rows.iter().map(|(_, counts)| counts.requests()).sum::<u64>(), all);
            }
        }
    }
}
