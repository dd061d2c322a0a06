//! The replica: an isolate's copy of the purge log, which decides about entries.
//!
//! It has the last purges of each tag and pattern, and the log's head and floor. The log itself keeps
//! its state in the same form.

use super::delta::Delta;
use super::mark::{Mark, Seq};
use super::pause::Pause;
use super::record::Record;
use super::schemas::Schemas;
use super::state::{LastPurges, Snapshot, TableLimits, TagTable, TaggedPurges};
use super::subject::{PurgeCause, Subject, Verdict};
use crate::key::Pattern;
use crate::limits;
use crate::time::Timestamp;

/// How far a replica may be behind the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// Little enough.
    Current,
    /// It is time to catch up, in the background.
    Aging,
    /// Too far: no hit may be served before it has caught up.
    TooOld,
}

/// A copy of the log's state, as of the last successful read of the log.
#[derive(Debug, Clone, Default)]
pub struct Replica {
    epoch: Option<u64>,
    head: Seq,
    floor: Seq,
    all: LastPurges,
    tagged: TaggedPurges,
    tags: TagTable,
    patterns: Vec<(Pattern, LastPurges)>,
    schemas: Schemas,
    pause: Pause,
    synced_at: Option<Timestamp>,
}

impl Replica {
    /// An empty replica, which has not read the log yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The mark up to which it has read the log. `None` before the first successful read.
    pub fn mark(&self) -> Option<Mark> {
        self.epoch.map(|epoch| Mark { epoch, seq: self.head })
    }

    /// The last purge of everything, hard or soft. Its number is 0 if there was none, and `None` is before
    /// the first successful read.
    pub fn last_of_everything(&self) -> Option<Mark> {
        self.epoch.map(|epoch| Mark { epoch, seq: self.all.hard.max(self.all.soft) })
    }

    /// When the last successful read began.
    pub fn synced_at(&self) -> Option<Timestamp> {
        self.synced_at
    }

    /// Whether it has read the log up to that mark. `false` for a mark of another epoch.
    pub fn knows(&self, record: Mark) -> bool {
        self.epoch == Some(record.epoch) && record.seq <= self.head
    }

    /// How far it may be behind the log, if at most `max_millis` are allowed.
    pub fn lag(&self, now: Timestamp, max_millis: u64) -> Lag {
        let Some(at) = self.synced_at.filter(|_| self.epoch.is_some()) else { return Lag::TooOld };
        // If the clock was set back, the age is unknown.
        if !now.is_within(max_millis, at) {
            return Lag::TooOld;
        }
        if now.is_within(max_millis.div_ceil(2), at) { Lag::Current } else { Lag::Aging }
    }

    /// The schemas, according to the log.
    pub fn schemas(&self) -> Schemas {
        self.schemas
    }

    /// Until when the cache is paused, according to the log.
    pub fn pause(&self) -> Pause {
        self.pause
    }

    /// The verdict on an entry.
    ///
    /// An entry of another epoch counts as purged. An entry that is ahead of the replica is judged by
    /// what the replica knows, all of which was before the entry.
    pub fn verdict(&self, entry: &Subject<'_>) -> Verdict {
        if Some(entry.mark.epoch) != self.epoch || entry.mark.seq < self.floor {
            return Verdict::Purged;
        }
        let since = entry.mark.seq;
        let by_tag = entry.tags.iter().filter_map(|hash| self.tags.get(*hash));
        let by_pattern = self
            .patterns
            .iter()
            .filter(|(_, last)| last.hard > since || last.soft > since)
            .filter(|(pattern, _)| pattern.matches(entry.key_from_kind))
            .map(|(_, last)| *last);
        let by_other_rules = self.tagged.by_other_rules(entry.tagging);
        let mut verdict = self.all.verdict(since);
        for last in by_tag.chain(by_pattern).chain([by_other_rules]) {
            match last.verdict(since) {
                Verdict::Purged => return Verdict::Purged,
                Verdict::Stale if verdict == Verdict::Valid => verdict = Verdict::Stale,
                _ => {}
            }
        }
        verdict
    }

    /// The purge that is the reason for the verdict on an entry; `None` if it is valid. Of several, the
    /// latest one, and of its parts the narrowest.
    pub fn cause(&self, entry: &Subject<'_>) -> Option<PurgeCause> {
        if Some(entry.mark.epoch) != self.epoch {
            return Some(PurgeCause::OtherEpoch);
        }
        if entry.mark.seq < self.floor {
            return Some(PurgeCause::Forgotten(self.floor));
        }
        let verdict = self.verdict(entry);
        let seq_of = |last: LastPurges| {
            let seq = if verdict == Verdict::Purged { last.hard } else { last.soft };
            (verdict != Verdict::Valid && seq > entry.mark.seq).then_some(seq)
        };
        let tags = entry
            .tags
            .iter()
            .filter_map(|hash| Some(PurgeCause::Tag(seq_of(self.tags.get(*hash)?)?, *hash)));
        let matches = |pattern: &Pattern| pattern.matches(entry.key_from_kind);
        let patterns = self.patterns.iter().filter(|(pattern, _)| matches(pattern));
        let patterns = patterns.filter_map(|(pattern, last)| {
            Some(PurgeCause::Pattern(seq_of(*last)?, pattern.clone()))
        });
        let everything = seq_of(self.all).map(PurgeCause::Everything);
        let by_other_rules = seq_of(self.tagged.by_other_rules(entry.tagging));
        let others = everything.into_iter().chain(by_other_rules.map(PurgeCause::OtherRules));
        let all: Vec<PurgeCause> = tags.chain(patterns).chain(others).collect();
        // Of equal ones, `max_by_key` takes the last.
        all.into_iter().rev().max_by_key(PurgeCause::seq)
    }

    /// The records of a delta that are new to the replica. `None`: it may change anything.
    pub fn news<'a>(&self, delta: &'a Delta) -> Option<impl Iterator<Item = &'a Record> + use<'a>> {
        let Delta::Records { epoch, after, records, .. } = delta else { return None };
        let head = Some(self.head).filter(|_| self.epoch == Some(*epoch))?;
        Some((after + 1..).zip(records).filter(move |(seq, _)| *seq > head).map(|(_, one)| one))
    }

    /// Applies a delta to a request that was sent at `asked_at`. Returns `false` if the delta does not
    /// follow from the replica's state: then the replica is unchanged and has to ask again.
    pub fn learn(&mut self, delta: Delta, asked_at: Timestamp) -> bool {
        // A late reply of an earlier epoch. A later epoch is higher.
        if self.epoch.is_some_and(|known| delta.epoch() < known) {
            return false;
        }
        let head = delta.head();
        match delta {
            Delta::Records { epoch, floor, after, records } => {
                let is_first = self.epoch.is_none() && after == 0;
                if !is_first && (Some(epoch) != self.epoch || after > self.head) {
                    return false;
                }
                self.epoch = Some(epoch);
                self.apply_all(after, &records, floor);
            }
            Delta::Snapshot { epoch, snapshot } => {
                if Some(epoch) != self.epoch || snapshot.head >= self.head {
                    self.restore(epoch, snapshot);
                }
            }
            Delta::EncodedSnapshot { base, floor, records } => {
                let Mark { epoch, seq } = base.mark();
                if Some(epoch) != self.epoch || head >= self.head {
                    let Some(snapshot) = base.decode() else { return false };
                    self.restore(epoch, snapshot);
                    self.apply_all(seq, &records, floor);
                }
            }
        }
        // Not the later of the two times: if the clock was set back, the later one is wrong. Of two
        // concurrent reads the earlier one may end last, and then the replica counts as older than it
        // is, which is safe.
        self.synced_at = Some(asked_at);
        true
    }

    /// Applies the records after a known one.
    fn apply_all(&mut self, after: Seq, records: &[Record], floor: Seq) {
        for (seq, record) in (after + 1..).zip(records) {
            if seq > self.head {
                self.apply(seq, record);
            }
        }
        if floor > self.floor {
            self.raise_floor(floor);
        }
    }

    /// Applies a record. Applying a known record again, as a log does when it starts, changes
    /// nothing.
    pub(super) fn apply(&mut self, seq: Seq, record: &Record) {
        self.head = self.head.max(seq);
        if let Some(schema) = record.schema {
            self.schemas.apply(schema);
        }
        if let Some(pause) = record.pause {
            self.pause = pause;
        }
        let last = LastPurges::one(seq, record.soft);
        if record.all {
            self.all.join(last);
        }
        if !record.tags.is_empty() {
            self.tagged.note(seq, record.tagging, record.soft);
        }
        for tag in &record.tags {
            self.tags.note(*tag, last);
        }
        for pattern in &record.patterns {
            match self.patterns.iter_mut().find(|(known, _)| known == pattern) {
                Some((_, known)) => known.join(last),
                None => self.patterns.push((pattern.clone(), last)),
            }
        }
        self.enforce_limits();
    }

    fn enforce_limits(&mut self) {
        while self.patterns.len() > limits::LOG_PATTERNS {
            let (_, last) = self.patterns.remove(0);
            // What the forgotten pattern purged must stay purged.
            self.all.join(LastPurges::one(last.newest(), false));
        }
        while self.tags.is_too_large() {
            let floor = self.tags.forget_older_half(self.floor);
            self.raise_floor(floor);
        }
    }

    /// Raises the floor: entries below it count as purged, so purges up to it can be forgotten. Tags
    /// stay in the table until there are too many, or until their page is stored.
    pub(super) fn raise_floor(&mut self, floor: Seq) {
        self.floor = self.floor.max(floor);
        let floor = self.floor;
        self.patterns.retain(|(_, last)| last.newest() > floor);
    }

    pub(super) fn head(&self) -> Seq {
        self.head
    }

    /// Entries below it count as purged.
    pub fn floor(&self) -> Seq {
        self.floor
    }

    /// The state of a log that starts, without any purges.
    pub(super) fn of_log(epoch: u64, head: Seq, floor: Seq, limits: TableLimits) -> Self {
        let tags = TagTable::with_limits(limits);
        Self { epoch: Some(epoch), head, floor, tags, ..Self::default() }
    }

    /// Adds the tags of a stored page, which includes the records up to `up_to`.
    pub(super) fn add_tag_page(&mut self, up_to: Seq, tags: Vec<(u64, LastPurges)>) {
        self.head = self.head.max(up_to);
        tags.into_iter().for_each(|(tag, last)| self.tags.note(tag, last));
    }

    /// Adds the content of the stored global page, which includes the records up to `up_to`.
    pub(super) fn add_global_page(
        &mut self,
        up_to: Seq,
        all: LastPurges,
        tagged: TaggedPurges,
        patterns: Vec<(Pattern, LastPurges)>,
    ) {
        self.head = self.head.max(up_to);
        self.all.join(all);
        self.tagged = tagged;
        self.patterns = patterns;
    }

    pub(super) fn set_schemas(&mut self, schemas: Schemas) {
        self.schemas = schemas;
    }

    pub(super) fn set_pause(&mut self, pause: Pause) {
        self.pause = pause;
    }

    /// The tags of a page, to be stored.
    pub(super) fn tag_page(&mut self, number: usize) -> Vec<(u64, LastPurges)> {
        self.tags.prune(number, self.floor);
        self.tags.page(number)
    }

    /// The content of the global page, to be stored.
    pub(super) fn global_page(&self) -> (LastPurges, TaggedPurges, Vec<(Pattern, LastPurges)>) {
        (self.all, self.tagged, self.patterns.clone())
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            head: self.head,
            floor: self.floor,
            all: self.all,
            tagged: self.tagged,
            tags: self.tags.newer_than(self.floor),
            patterns: self.patterns.clone(),
            schemas: self.schemas,
            pause: self.pause,
        }
    }

    fn restore(&mut self, epoch: u64, snapshot: Snapshot) {
        self.epoch = Some(epoch);
        self.head = snapshot.head;
        self.floor = snapshot.floor;
        self.all = snapshot.all;
        self.tagged = snapshot.tagged;
        self.tags = TagTable::default();
        snapshot.tags.into_iter().for_each(|(tag, last)| self.tags.note(tag, last));
        self.patterns = snapshot.patterns;
        self.schemas = snapshot.schemas;
        self.pause = snapshot.pause;
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn tags(&self) -> usize {
        self.tags.len()
    }

    /// About how many bytes of memory it takes.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn memory_bytes(&self) -> usize {
        // A slot of a map has 25 bytes, and after the map has grown, 7 of 16 slots are in use.
        self.tags.len() * 25 * 16 / 7 + 2_000 * self.patterns.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag::Tagging;
    use proptest::prelude::*;

    fn record() -> impl Strategy<Value = Record> {
        (
            prop::collection::vec(0_u64..6, 0..3),
            prop::option::of(prop::sample::select(&["gql/a/**", "gql/**", "rest/**"][..])),
            prop::bool::weighted(0.1),
            any::<bool>(),
            1_u64..3,
        )
            .prop_map(|(tags, pattern, all, soft, rules)| Record {
                tags,
                patterns: pattern.into_iter().map(|text| Pattern::parse(text).unwrap()).collect(),
                all,
                soft,
                tagging: Tagging::from_number(rules),
                ..Record::default()
            })
    }

    proptest! {
        /// An entry has a cause if and only if it is not valid, and without that purge and the later
        /// ones the cause would be another.
        #[test]
        fn the_cause_is_what_the_verdict_goes_by(
            records in prop::collection::vec(record(), 1..12),
            tags in prop::collection::vec(0_u64..6, 0..4),
            seq in 0_u64..12,
            floor in 0_u64..3,
            rules in 1_u64..3,
        ) {
            let mut replica = Replica::of_log(1, 0, 0, TableLimits::default());
            for (seq, record) in (1..).zip(&records) {
                replica.apply(seq, record);
            }
            replica.raise_floor(floor);
            let mark = Mark { epoch: 1, seq };
            let tagging = Tagging::from_number(rules);
            let entry = Subject { mark, tags: &tags, tagging, key_from_kind: "gql/a/b/public/0" };
            let (verdict, cause) = (replica.verdict(&entry), replica.cause(&entry));
            prop_assert_eq!(verdict == Verdict::Valid, cause.is_none());
            let Some(cause) = cause else { return Ok(()) };
            if seq < floor {
                prop_assert_eq!(cause, PurgeCause::Forgotten(floor));
                return Ok(());
            }
            let at = cause.seq().unwrap();
            let record = &records[at as usize - 1];
            prop_assert!(at > seq && record.soft == (verdict == Verdict::Stale));
            let is_of_it = match &cause {
                PurgeCause::Tag(_, hash) => record.tags.contains(hash) && tags.contains(hash),
                PurgeCause::Pattern(_, pattern) => {
                    record.patterns.contains(pattern) && pattern.matches(entry.key_from_kind)
                }
                PurgeCause::Everything(_) => record.all,
                PurgeCause::OtherRules(_) => {
                    !record.tags.is_empty() && !record.tagging.is_same(tagging)
                }
                _ => false,
            };
            prop_assert!(is_of_it, "{cause:?} {record:?}");
            let later = |seq: Seq| records[seq as usize..].iter().zip(seq + 1..);
            prop_assert!(
                later(at).all(|(later, n)| later.soft != record.soft
                    || Replica::after(n, later).verdict(&entry) == Verdict::Valid),
                "it is the latest"
            );
            let elsewhere = Subject { mark: Mark { epoch: 2, seq }, ..entry };
            prop_assert_eq!(replica.cause(&elsewhere), Some(PurgeCause::OtherEpoch));
        }
    }

    impl Replica {
        /// One that knows a single record.
        fn after(seq: Seq, record: &Record) -> Self {
            let mut replica = Self::of_log(1, 0, 0, TableLimits::default());
            replica.apply(seq, record);
            replica
        }
    }
}
