//! What an isolate knows of the purge log.

use super::table::{Most, TagTable};
use super::tagged_purges::TaggedPurges;
use super::{Base, Mark, Record, SchemaInForce, Seq};
use crate::key::Pattern;
use crate::limits;
use crate::tag::Tagging;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a purge may name of an entry.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Where the log stood before the entry was fetched.
    pub mark: Mark,
    /// The hashes of the entry's tags.
    pub tags: &'a [u64],
    /// By which rules it has them.
    pub tagging: Tagging,
    /// The entry's key, from its kind on.
    pub key_from_kind: &'a str,
}

/// What the log says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing that it depends on was purged since before it was fetched.
    Valid,
    /// It was purged softly: it may be served stale.
    Stale,
    /// It was purged, or is older than what the log still knows.
    Gone,
}

/// How close a replica is to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// Close enough.
    Current,
    /// It is time to catch up, beside what is being done.
    Aging,
    /// No hit may be served before it has caught up.
    TooOld,
}

/// The last hard and the last soft purge of one thing; 0 for never.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[cfg_attr(test, derive(Serialize))]
pub(super) struct LastPurges {
    #[cfg_attr(test, serde(rename = "h"))]
    pub hard: Seq,
    #[cfg_attr(test, serde(rename = "s"))]
    pub soft: Seq,
}

impl LastPurges {
    /// One purge.
    fn one(seq: Seq, soft: bool) -> Self {
        if soft { Self { hard: 0, soft: seq } } else { Self { hard: seq, soft: 0 } }
    }

    /// The later ones of both.
    pub fn join(&mut self, other: Self) {
        self.hard = self.hard.max(other.hard);
        self.soft = self.soft.max(other.soft);
    }

    /// The number of the last purge of either kind.
    pub fn newest(self) -> Seq {
        self.hard.max(self.soft)
    }

    fn verdict(self, since: Seq) -> Verdict {
        match self {
            LastPurges { hard, .. } if hard > since => Verdict::Gone,
            LastPurges { soft, .. } if soft > since => Verdict::Stale,
            _ => Verdict::Valid,
        }
    }
}

/// A replica's whole state, for one that is far behind.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(test, derive(Serialize))]
pub struct Snapshot {
    pub(super) head: Seq,
    pub(super) floor: Seq,
    pub(super) all: LastPurges,
    pub(super) tagged: TaggedPurges,
    pub(super) tags: Vec<(u64, LastPurges)>,
    pub(super) patterns: Vec<(Pattern, LastPurges)>,
    pub(super) schemas: Schemas,
}

/// The schema in force, and the one that an answer has contradicted last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schemas {
    /// What is in force.
    pub in_force: SchemaInForce,
    /// What was in force when it was found to be wrong.
    pub distrusted: SchemaInForce,
}

impl Schemas {
    fn follow(&mut self, next: SchemaInForce) {
        self.distrusted = match next.is_some() {
            true => SchemaInForce::NONE,
            false if self.in_force.is_some() => self.in_force,
            false => self.distrusted,
        };
        self.in_force = next;
    }
}

/// What the log tells a replica.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(test, derive(Serialize))]
pub enum Delta {
    /// The records after the one that the replica named, in order.
    Records {
        /// Which log.
        epoch: u64,
        /// Entries older than this are gone.
        floor: Seq,
        /// The record before the first of `records`.
        after: Seq,
        /// The records, numbered from `after + 1`.
        records: Vec<Record>,
    },
    /// All there is.
    Snapshot {
        /// Which log.
        epoch: u64,
        /// The state.
        snapshot: Snapshot,
    },
    /// All there is, as a snapshot of before and the records after it.
    #[cfg_attr(test, serde(skip))]
    Base {
        /// The snapshot.
        base: Base,
        /// Entries older than this are gone.
        floor: Seq,
        /// The records after the snapshot, in order.
        records: Vec<Record>,
    },
}

impl Delta {
    /// Which log says it.
    pub fn epoch(&self) -> u64 {
        match self {
            Self::Records { epoch, .. } | Self::Snapshot { epoch, .. } => *epoch,
            Self::Base { base, .. } => base.mark().epoch,
        }
    }

    /// The number of the last record that it tells of.
    pub fn head(&self) -> Seq {
        let last = |after: Seq, records: &[Record]| {
            after.saturating_add(u64::try_from(records.len()).unwrap_or(u64::MAX))
        };
        match self {
            Self::Records { after, records, .. } => last(*after, records),
            Self::Snapshot { snapshot, .. } => snapshot.head,
            Self::Base { base, records, .. } => last(base.mark().seq, records),
        }
    }
}

/// An isolate's copy of what the log says, as of its last good sync.
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
    synced_at: Option<Timestamp>,
}

impl Replica {
    /// A replica that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the replica stands; none before the first good sync.
    pub fn mark(&self) -> Option<Mark> {
        self.epoch.map(|epoch| Mark { epoch, seq: self.head })
    }

    /// When the last good sync began.
    pub fn synced_at(&self) -> Option<Timestamp> {
        self.synced_at
    }

    /// Whether the replica knows that record, and all before it. Of a record of another log it
    /// cannot tell.
    pub fn knows(&self, record: Mark) -> bool {
        self.epoch == Some(record.epoch) && record.seq <= self.head
    }

    /// How close the replica is to the log, where it may be `max_millis` behind.
    pub fn lag(&self, now: Timestamp, max_millis: u64) -> Lag {
        let Some(at) = self.synced_at.filter(|_| self.epoch.is_some()) else { return Lag::TooOld };
        // A clock that was set back does not tell how long ago that was.
        if !now.is_within(max_millis, at) {
            return Lag::TooOld;
        }
        if now.is_within(max_millis.div_ceil(2), at) { Lag::Current } else { Lag::Aging }
    }

    /// What the log says of schemas.
    pub fn schemas(&self) -> Schemas {
        self.schemas
    }

    /// What the log says of an entry.
    ///
    /// An entry of another epoch is gone. One that is ahead of the replica is judged by what the
    /// replica knows: nothing that it knows can have been purged after it.
    pub fn verdict(&self, entry: &Subject<'_>) -> Verdict {
        if Some(entry.mark.epoch) != self.epoch || entry.mark.seq < self.floor {
            return Verdict::Gone;
        }
        let since = entry.mark.seq;
        let by_tag = entry.tags.iter().filter_map(|hash| self.tags.get(*hash));
        let by_pattern = self
            .patterns
            .iter()
            .filter(|(_, last)| last.hard > since || last.soft > since)
            .filter(|(pattern, _)| pattern.matches(entry.key_from_kind))
            .map(|(_, last)| *last);
        let by_others = self.tagged.by_others_than(entry.tagging);
        let mut verdict = self.all.verdict(since);
        for last in by_tag.chain(by_pattern).chain([by_others]) {
            match last.verdict(since) {
                Verdict::Gone => return Verdict::Gone,
                Verdict::Stale if verdict == Verdict::Valid => verdict = Verdict::Stale,
                _ => {}
            }
        }
        verdict
    }

    /// Learns what the log said, to a question asked at `asked_at`. False where the records do
    /// not join what is known: then the replica is as before and must ask again.
    pub fn learn(&mut self, delta: Delta, asked_at: Timestamp) -> bool {
        // What an earlier log has answered may come late. A later one has a higher epoch.
        if self.epoch.is_some_and(|known| delta.epoch() < known) {
            return false;
        }
        let head = delta.head();
        match delta {
            Delta::Records { epoch, floor, after, records } => {
                let fresh = self.epoch.is_none() && after == 0;
                if !fresh && (Some(epoch) != self.epoch || after > self.head) {
                    return false;
                }
                self.epoch = Some(epoch);
                self.follow(after, &records, floor);
            }
            Delta::Snapshot { epoch, snapshot } => {
                if Some(epoch) != self.epoch || snapshot.head >= self.head {
                    self.restore(epoch, snapshot);
                }
            }
            Delta::Base { base, floor, records } => {
                let Mark { epoch, seq } = base.mark();
                if Some(epoch) != self.epoch || head >= self.head {
                    let Some(snapshot) = base.decode() else { return false };
                    self.restore(epoch, snapshot);
                    self.follow(seq, &records, floor);
                }
            }
        }
        // Not the later of the two: after a clock was set back, the later one is wrong. Of two
        // syncs at once the earlier may come last; then this counts as older than it is.
        self.synced_at = Some(asked_at);
        true
    }

    /// Learns the records after one that is known.
    fn follow(&mut self, after: Seq, records: &[Record], floor: Seq) {
        for (seq, record) in (after + 1..).zip(records) {
            if seq > self.head {
                self.apply(seq, record);
            }
        }
        if floor > self.floor {
            self.raise_floor(floor);
        }
    }

    /// Learns the record of that number. A log that starts learns records again that it knows
    /// already: that changes nothing.
    pub(super) fn apply(&mut self, seq: Seq, record: &Record) {
        self.head = self.head.max(seq);
        if let Some(schema) = record.schema {
            self.schemas.follow(schema);
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
        self.forget_what_is_too_much();
    }

    fn forget_what_is_too_much(&mut self) {
        while self.patterns.len() > limits::LOG_PATTERNS {
            let (_, last) = self.patterns.remove(0);
            // Forgetting a pattern must not revive what it purged.
            self.all.join(LastPurges::one(last.newest(), false));
        }
        while self.tags.is_too_large() {
            let floor = self.tags.forget_older_half(self.floor);
            self.raise_floor(floor);
        }
    }

    /// Forgets what was purged at or before `floor`; entries from before it are gone instead. Tags
    /// stay in the table until there are too many, or their page is written down.
    pub(super) fn raise_floor(&mut self, floor: Seq) {
        self.floor = self.floor.max(floor);
        let floor = self.floor;
        self.patterns.retain(|(_, last)| last.newest() > floor);
    }

    pub(super) fn head(&self) -> Seq {
        self.head
    }

    pub(super) fn floor(&self) -> Seq {
        self.floor
    }

    /// The state of a log that starts.
    pub(super) fn start(epoch: u64, head: Seq, floor: Seq, most: Most) -> Self {
        let tags = TagTable::of_at_most(most);
        Self { epoch: Some(epoch), head, floor, tags, ..Self::default() }
    }

    /// Learns tags that were written down, which knew the records up to that one.
    pub(super) fn learn_tags(&mut self, up_to: Seq, tags: Vec<(u64, LastPurges)>) {
        self.head = self.head.max(up_to);
        tags.into_iter().for_each(|(tag, last)| self.tags.note(tag, last));
    }

    /// The same for what is not about tags.
    pub(super) fn learn_rest(
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

    /// What is to be written down of a page's tags.
    pub(super) fn page_of_tags(&mut self, number: usize) -> Vec<(u64, LastPurges)> {
        self.tags.prune(number, self.floor);
        self.tags.page(number)
    }

    /// The same of what is not about tags.
    pub(super) fn rest(&self) -> (LastPurges, TaggedPurges, Vec<(Pattern, LastPurges)>) {
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
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn tags(&self) -> usize {
        self.tags.len()
    }

    /// About how many bytes of memory it takes.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn memory_bytes(&self) -> usize {
        // A place in a map has 25 bytes, and after it has grown 7 in 16 are taken.
        self.tags.len() * 25 * 16 / 7 + 2_000 * self.patterns.len()
    }
}
