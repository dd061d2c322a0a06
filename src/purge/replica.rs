//! What an isolate knows of the purge log.

use super::{Mark, Record, SchemaInForce, Seq};
use crate::key::Pattern;
use crate::limits;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a purge may name of an entry.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Where the log stood before the entry was fetched.
    pub mark: Mark,
    /// The hashes of the entry's tags.
    pub tags: &'a [u64],
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

/// More records than any log gets in a second: a Durable Object takes about a thousand requests.
const RECORDS_A_SECOND: Seq = 10_000;

/// The last hard and the last soft purge of one thing; 0 for never.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[cfg_attr(test, derive(Serialize))]
pub(super) struct Last {
    #[cfg_attr(test, serde(rename = "h"))]
    pub hard: Seq,
    #[cfg_attr(test, serde(rename = "s"))]
    pub soft: Seq,
}

impl Last {
    fn note(&mut self, seq: Seq, soft: bool) {
        let place = if soft { &mut self.soft } else { &mut self.hard };
        *place = (*place).max(seq);
    }

    fn verdict(self, since: Seq) -> Verdict {
        match self {
            Last { hard, .. } if hard > since => Verdict::Gone,
            Last { soft, .. } if soft > since => Verdict::Stale,
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
    pub(super) all: Last,
    pub(super) tags: Vec<(u64, Last)>,
    pub(super) patterns: Vec<(Pattern, Last)>,
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
}

/// An isolate's copy of what the log says, as of its last good sync.
#[derive(Debug, Clone, Default)]
pub struct Replica {
    epoch: Option<u64>,
    head: Seq,
    floor: Seq,
    all: Last,
    tags: HashMap<u64, Last>,
    patterns: Vec<(Pattern, Last)>,
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

    /// How close the replica is to the log, where it may be `max_millis` behind. A client that
    /// shows the number of its own write wants at least that; a number that no log can have
    /// reached since the last sync is none.
    pub fn lag(&self, now: Timestamp, max_millis: u64, wanted: Option<Seq>) -> Lag {
        let Some(at) = self.synced_at.filter(|_| self.epoch.is_some()) else { return Lag::TooOld };
        // A clock that was set back does not tell how long ago that was.
        if !now.is_within(max_millis, at) {
            return Lag::TooOld;
        }
        let possible = RECORDS_A_SECOND.saturating_mul(now.seconds_since(at).saturating_add(1));
        let ahead = wanted.map_or(0, |seq| seq.saturating_sub(self.head));
        if ahead > 0 && ahead <= possible {
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
        let by_tag = entry.tags.iter().filter_map(|hash| self.tags.get(hash));
        let by_pattern = self
            .patterns
            .iter()
            .filter(|(_, last)| last.hard > since || last.soft > since)
            .filter(|(pattern, _)| pattern.matches(entry.key_from_kind))
            .map(|(_, last)| last);
        let mut verdict = self.all.verdict(since);
        for last in by_tag.chain(by_pattern) {
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
        match delta {
            Delta::Records { epoch, floor, after, records } => {
                let fresh = self.epoch.is_none() && after == 0;
                if !fresh && (Some(epoch) != self.epoch || after > self.head) {
                    return false;
                }
                self.epoch = Some(epoch);
                for (seq, record) in (after + 1..).zip(&records) {
                    if seq > self.head {
                        self.apply(seq, record);
                    }
                }
                if floor > self.floor {
                    self.raise_floor(floor);
                }
            }
            Delta::Snapshot { epoch, snapshot } => {
                if Some(epoch) != self.epoch || snapshot.head >= self.head {
                    self.restore(epoch, snapshot);
                }
            }
        }
        // Not the later of the two: after a clock was set back, the later one is wrong. Of two
        // syncs at once the earlier may come last; then this counts as older than it is.
        self.synced_at = Some(asked_at);
        true
    }

    /// Applies the record of that number, which follows `head`.
    pub(super) fn apply(&mut self, seq: Seq, record: &Record) {
        self.head = seq;
        if let Some(schema) = record.schema {
            self.schemas.follow(schema);
        }
        if record.all {
            self.all.note(seq, record.soft);
        }
        for tag in &record.tags {
            self.tags.entry(*tag).or_default().note(seq, record.soft);
        }
        for pattern in &record.patterns {
            match self.patterns.iter_mut().find(|(known, _)| known == pattern) {
                Some((_, last)) => last.note(seq, record.soft),
                None => {
                    let mut last = Last::default();
                    last.note(seq, record.soft);
                    self.patterns.push((pattern.clone(), last));
                }
            }
        }
        while self.patterns.len() > limits::LOG_PATTERNS {
            let (_, last) = self.patterns.remove(0);
            // Forgetting a pattern must not revive what it purged.
            self.all.note(last.hard.max(last.soft), false);
        }
        if self.tags.len() > limits::LOG_TAGS {
            self.raise_floor(seq);
        }
    }

    /// Forgets what was purged at or before `floor`; entries from before it are gone instead.
    pub(super) fn raise_floor(&mut self, floor: Seq) {
        self.floor = self.floor.max(floor);
        let floor = self.floor;
        self.tags.retain(|_, last| last.hard.max(last.soft) > floor);
        self.patterns.retain(|(_, last)| last.hard.max(last.soft) > floor);
    }

    pub(super) fn head(&self) -> Seq {
        self.head
    }

    pub(super) fn floor(&self) -> Seq {
        self.floor
    }

    pub(super) fn start(epoch: u64, head: Seq, schemas: Schemas) -> Self {
        Self { epoch: Some(epoch), head, floor: head, schemas, ..Self::default() }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let mut tags: Vec<_> = self.tags.iter().map(|(hash, last)| (*hash, *last)).collect();
        tags.sort_unstable_by_key(|(hash, _)| *hash);
        Snapshot {
            head: self.head,
            floor: self.floor,
            all: self.all,
            tags,
            patterns: self.patterns.clone(),
            schemas: self.schemas,
        }
    }

    fn restore(&mut self, epoch: u64, snapshot: Snapshot) {
        self.epoch = Some(epoch);
        self.head = snapshot.head;
        self.floor = snapshot.floor;
        self.all = snapshot.all;
        self.tags = snapshot.tags.into_iter().collect();
        self.patterns = snapshot.patterns;
        self.schemas = snapshot.schemas;
    }
}
