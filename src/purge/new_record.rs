//! A record on its way to the log, and when the log is to record the same purge again.

use super::{IntentId, Record};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A record that is to be appended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NewRecord {
    /// What it purges.
    #[serde(flatten)]
    pub record: Record,
    /// After how many seconds the log records the purge again, in rising order.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub repeat_after: Vec<u32>,
    /// The intents that are closed with it: those of writes whose outcome it is.
    #[serde(skip)]
    pub closes: Vec<IntentId>,
}

/// When a purge is repeated whose write may not be over: a gateway that gives up does not end what
/// it waited for. Most such writes are over within seconds; few take longer than a minute.
const AFTER_UNKNOWN_OUTCOME: [u32; 2] = [10, 60];

impl NewRecord {
    /// A purge of everything.
    pub fn everything() -> Self {
        Record::everything().into()
    }

    /// The same, repeated because nobody knows whether the write is over.
    pub fn with_unknown_outcome(mut self) -> Self {
        self.repeat_also(&AFTER_UNKNOWN_OUTCOME);
        self
    }

    /// Repeats it after these seconds too.
    pub fn repeat_also(&mut self, seconds: &[u32]) {
        self.repeat_after.extend(seconds);
        self.repeat_after.sort_unstable();
        self.repeat_after.dedup();
    }

    /// Whether it is for a write that is known to be over.
    pub fn has_known_outcome(&self) -> bool {
        self.repeat_after.is_empty()
    }

    /// Whether there is nothing to append: it purges nothing, and at most closes intents.
    pub fn is_empty(&self) -> bool {
        self.record.is_empty()
    }

    /// What is to be recorded later, and when, of a record that is appended now. With `settle`
    /// seconds each purge is repeated once more: what was fetched meanwhile may come from a copy
    /// that lags behind the origin's writes.
    pub fn repeats(&self, settle: u64, now: Timestamp) -> Vec<(Timestamp, Record)> {
        let Some(again) = self.record.again() else { return Vec::new() };
        let own = self.repeat_after.iter().map(|seconds| u64::from(*seconds));
        let seconds: BTreeSet<u64> =
            own.chain([0]).flat_map(|after| [after, after.saturating_add(settle)]).collect();
        let at = |seconds: u64| {
            Timestamp::from_millis(now.as_millis().saturating_add(seconds.saturating_mul(1_000)))
        };
        let later = seconds.into_iter().filter(|seconds| *seconds > 0);
        later.map(|seconds| (at(seconds), again.clone())).collect()
    }
}

impl From<Record> for NewRecord {
    fn from(record: Record) -> Self {
        Self { record, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purge::{Log, Mark, MemoryRows, Replica, SchemaInForce, Sizes, Subject, Verdict};
    use crate::tag::Tagging;
    use crate::time::Ttl;

    fn seconds_of(new: &NewRecord, settle: u64) -> Vec<u64> {
        let repeats = new.repeats(settle, Timestamp::from_millis(1_000));
        repeats.iter().map(|(at, _)| at.as_millis() / 1_000 - 1).collect()
    }

    #[test]
    fn a_purge_is_repeated_when_it_is_said() {
        let once = NewRecord::everything();
        let unknown = once.clone().with_unknown_outcome().with_unknown_outcome();
        assert_eq!(seconds_of(&once, 0), Vec::<u64>::new());
        assert_eq!(seconds_of(&once, 5), [5]);
        assert_eq!(seconds_of(&unknown, 0), [10, 60]);
        assert_eq!(seconds_of(&unknown, 5), [5, 10, 15, 60, 65]);
        assert_eq!(seconds_of(&unknown, 50), [10, 50, 60, 110]);
    }

    #[test]
    fn which_schema_is_in_force_is_not_repeated() {
        let schema = Some(SchemaInForce::of(7));
        let alone = NewRecord::from(Record { schema, ..Record::default() }).with_unknown_outcome();
        assert_eq!(alone.repeats(5, Timestamp::default()), []);
        let both =
            NewRecord::from(Record { schema, ..Record::everything() }).with_unknown_outcome();
        let repeats = both.repeats(0, Timestamp::default());
        assert!(repeats.iter().all(|(_, again)| *again == Record::everything()));
        assert_eq!(repeats.len(), 2);
    }

    /// The log of a write whose origin commits after its gateway gave up: what is stored before a
    /// repetition is gone after it, and nothing else is.
    #[test]
    fn what_is_stored_before_a_late_commit_is_gone_after_the_repetition() {
        let at = Timestamp::from_millis;
        let rows = MemoryRows::default();
        let mut log = Log::open(rows, Ttl::from_seconds(600), Sizes::default(), || 9).unwrap();
        let tagging = Tagging::of(&"rules");
        let new = NewRecord::from(Record { tags: vec![1], tagging, ..Record::default() });
        let new = new.with_unknown_outcome();
        let mut repeats = new.repeats(0, at(0));
        log.append(&new.record, at(0)).unwrap();
        let is_valid = |log: &Log<MemoryRows>, seq, tag| {
            let mut replica = Replica::new();
            assert!(replica.learn(log.since(None), at(0)));
            let (mark, tags) = (Mark { epoch: 9, seq }, &[tag]);
            replica.verdict(&Subject { mark, tags, tagging, key_from_kind: "gql" })
                == Verdict::Valid
        };
        for _ in 0..2 {
            let stored = log.head();
            assert!(is_valid(&log, stored, 1));
            let (due, again) = repeats.remove(0);
            log.append(&again, due).unwrap();
            assert!(!is_valid(&log, stored, 1) && is_valid(&log, stored, 2));
        }
        assert!(repeats.is_empty() && is_valid(&log, log.head(), 1));
    }
}
