use super::*;
use crate::purge::{Log, LogLimits, Mark, MemoryRows, Replica, SchemaInForce, Subject, Verdict};
use crate::tag::Tagging;
use crate::time::Ttl;

fn seconds_of(new: &NewRecord, settle: u64) -> Vec<u64> {
    let repeats = new.repeats(settle, Timestamp::from_millis(1_000));
    repeats.iter().map(|(at, _)| at.as_millis() / 1_000 - 1).collect()
}

#[test]
fn a_purge_is_repeated_at_the_given_times() {
    let once = NewRecord::everything();
    let unknown = once.clone().with_unknown_outcome().with_unknown_outcome();
    assert_eq!(seconds_of(&once, 0), Vec::<u64>::new());
    assert_eq!(seconds_of(&once, 5), [5]);
    assert_eq!(seconds_of(&unknown, 0), [10, 60]);
    assert_eq!(seconds_of(&unknown, 5), [5, 10, 15, 60, 65]);
    assert_eq!(seconds_of(&unknown, 50), [10, 50, 60, 110]);
}

#[test]
fn the_schema_is_not_repeated() {
    let schema = Some(SchemaInForce::of(7));
    let alone = NewRecord::from(Record { schema, ..Record::default() }).with_unknown_outcome();
    assert_eq!(alone.repeats(5, Timestamp::default()), []);
    let both = NewRecord::from(Record { schema, ..Record::everything() }).with_unknown_outcome();
    let repeats = both.repeats(0, Timestamp::default());
    assert!(repeats.iter().all(|(_, repetition)| *repetition == Record::everything()));
    assert_eq!(repeats.len(), 2);
}

/// For a write that is committed after its gateway gave up: an entry that is stored before a repetition
/// is purged by it, and nothing else is.
#[test]
fn an_entry_from_before_a_late_commit_is_purged_by_the_repetition() {
    let at = Timestamp::from_millis;
    let rows = MemoryRows::default();
    let mut log = Log::open(rows, Ttl::from_seconds(600), LogLimits::default(), || 9).unwrap();
    let tagging = Tagging::of(&"rules");
    let new = NewRecord::from(Record { tags: vec![1], tagging, ..Record::default() });
    let new = new.with_unknown_outcome();
    let mut repeats = new.repeats(0, at(0));
    log.append(&new.record, at(0)).unwrap();
    let is_valid = |log: &Log<MemoryRows>, seq, tag| {
        let mut replica = Replica::new();
        assert!(replica.learn(log.since(None), at(0)));
        let (mark, tags) = (Mark { epoch: 9, seq }, &[tag]);
        replica.verdict(&Subject { mark, tags, tagging, key_from_kind: "gql" }) == Verdict::Valid
    };
    for _ in 0..2 {
        let stored = log.head();
        assert!(is_valid(&log, stored, 1));
        let (due, repetition) = repeats.remove(0);
        log.append(&repetition, due).unwrap();
        assert!(!is_valid(&log, stored, 1) && is_valid(&log, stored, 2));
    }
    assert!(repeats.is_empty() && is_valid(&log, log.head(), 1));
}

#[test]
fn an_intent_is_recorded_each_minute_for_five() {
    let intent = NewRecord::intent(Record::everything());
    let now = Timestamp::from_millis(1_700_000_000_001);
    let dues = |settle| {
        let rows = intent.intent_repeats(settle, now);
        rows.map(|(at, _)| at.as_millis() - 1_700_000_000_000).collect::<Vec<_>>()
    };
    assert_eq!(dues(0), [61_000, 121_000, 181_000, 241_000, 301_000]);
    assert_eq!(dues(60), [61_000, 121_000, 181_000, 241_000, 301_000, 361_000]);
    assert_eq!(dues(1).len(), 11);
    assert!(intent.intent_repeats(0, now).all(|(_, record)| record.is_everything()));
}
