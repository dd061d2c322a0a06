//! Counts of purges, and the last of them.

use super::names::{add_to_examples, short_name};
use crate::record::{Read, Reader, members};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many sources and sizes are counted by name. There are fewer.
const SOURCES: usize = 40;
/// How many mutation fields are counted by name. Clients choose the names, so a new one replaces the
/// rarest.
const FIELDS: usize = 50;
/// How many purges are kept with their details.
const RECENT: usize = 50;

/// Counts of purges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct PurgeCounts {
    /// Those that the log has recorded.
    pub recorded: u64,
    /// The same by what caused them.
    pub by_source: BTreeMap<String, u64>,
    /// The same by how much they name.
    pub by_size: BTreeMap<String, u64>,
    /// Purges of everything that were asked for.
    pub of_everything: u64,
    /// The same by what caused them.
    pub of_everything_by_source: BTreeMap<String, u64>,
    /// The mutation fields that caused them.
    pub of_everything_by_field: BTreeMap<String, u64>,
}

members!(PurgeCounts {
    recorded,
    by_source,
    by_size,
    of_everything,
    of_everything_by_source,
    of_everything_by_field,
});

impl PurgeCounts {
    /// Counts a purge that was recorded.
    pub fn record(&mut self, purge: &RecentPurge) {
        self.recorded += 1;
        add_to_examples(&mut self.by_source, &purge.source, 1, SOURCES);
        add_to_examples(&mut self.by_size, purge.size(), 1, SOURCES);
    }

    /// Counts a purge of everything that was asked for.
    pub fn request_everything(&mut self, source: &str) {
        self.of_everything += 1;
        add_to_examples(&mut self.of_everything_by_source, source, 1, SOURCES);
    }

    /// Counts the mutation field that caused a purge of everything.
    pub fn note_field(&mut self, field: &str) {
        add_to_examples(&mut self.of_everything_by_field, field, 1, FIELDS);
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.recorded += other.recorded;
        self.of_everything += other.of_everything;
        for (sum, counts, most) in [
            (&mut self.by_source, &other.by_source, SOURCES),
            (&mut self.by_size, &other.by_size, SOURCES),
            (&mut self.of_everything_by_source, &other.of_everything_by_source, SOURCES),
            (&mut self.of_everything_by_field, &other.of_everything_by_field, FIELDS),
        ] {
            counts.iter().for_each(|(name, number)| add_to_examples(sum, name, *number, most));
        }
    }
}

/// A purge, as `GET stats` lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct RecentPurge {
    /// When the log had recorded it, in milliseconds since 1970.
    pub at: u64,
    /// What caused it.
    pub source: String,
    /// The sequence number of its record.
    pub seq: u64,
    /// How many tags it has, including those that are purged with the named ones.
    pub tags: usize,
    /// How many patterns it has.
    pub patterns: usize,
    /// Whether it purges everything.
    pub all: bool,
    /// Whether it is soft.
    pub soft: bool,
    /// The mutation field, the path or the name of the token that caused it.
    pub cause: Option<String>,
}

members!(RecentPurge { at, source, seq, tags, patterns, all, soft, cause });

impl RecentPurge {
    /// How much the purge names, as a word.
    pub fn size(&self) -> &'static str {
        match (self.all, self.patterns, self.tags) {
            (true, _, _) => "everything",
            (false, 1.., _) => "patterns",
            (false, 0, 0..=1) => "1 tag",
            (false, 0, 2..=10) => "2 to 10 tags",
            (false, 0, 11..=100) => "11 to 100 tags",
            (false, 0, 101..) => "over 100 tags",
        }
    }
}

/// The last purges, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RecentPurges(Vec<RecentPurge>);

impl Read for RecentPurges {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Read::read(from).map(Self)
    }
}

impl RecentPurges {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The purges, the latest first.
    pub fn list(&self) -> &[RecentPurge] {
        &self.0
    }

    /// Adds a purge, unless it is there already.
    pub fn push(&mut self, mut purge: RecentPurge) {
        purge.source = short_name(&purge.source).to_owned();
        purge.cause = purge.cause.map(|cause| short_name(&cause).to_owned());
        if self.0.contains(&purge) {
            return;
        }
        let place = self.0.partition_point(|other| other.at > purge.at);
        self.0.insert(place, purge);
        self.0.truncate(RECENT);
    }

    /// Adds other purges.
    pub fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|purge| self.push(purge.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purge(at: u64) -> RecentPurge {
        RecentPurge { at, source: "mutation".to_owned(), tags: at as usize, ..Default::default() }
    }

    #[test]
    fn the_last_purges_are_kept_once_and_in_order() {
        let mut recent = RecentPurges::default();
        for at in [5, 3, 5, 9].into_iter().chain(10..100) {
            recent.push(purge(at));
        }
        let times: Vec<u64> = recent.list().iter().map(|purge| purge.at).collect();
        assert_eq!(times, (50..100).rev().collect::<Vec<u64>>());
    }

    #[test]
    fn purges_are_counted_by_source_and_size() {
        let mut counts = PurgeCounts::default();
        [0, 1, 10, 11, 101].iter().for_each(|tags| counts.record(&purge(*tags)));
        counts.record(&RecentPurge { all: true, ..purge(3) });
        counts.record(&RecentPurge { patterns: 1, ..purge(3) });
        assert_eq!((counts.recorded, counts.by_source["mutation"]), (7, 7));
        assert_eq!((counts.by_size["1 tag"], counts.by_size["everything"]), (2, 1));
        let mut sum = counts.clone();
        sum.add(&counts);
        assert_eq!((sum.recorded, sum.by_size["2 to 10 tags"]), (14, 2));
    }

    #[test]
    fn of_many_fields_the_frequent_ones_stay() {
        let mut counts = PurgeCounts::default();
        for n in 0..1_000 {
            counts.note_field("often");
            counts.note_field(&format!("{n}{}", "x".repeat(200)));
        }
        let fields = &counts.of_everything_by_field;
        assert_eq!((fields.len(), fields["often"]), (FIELDS, 1_000));
    }
}
