use super::*;
use crate::key::Pattern;
use crate::purge::{
    Delta, DeltaLimits, Log, LogLimits, LogTime, MemoryRows, ReadReply, Record, Replica, Seq,
    Subject, Version,
};
use crate::tag::Tagging;
use crate::time::{Timestamp, Ttl};
use proptest::prelude::*;

const EPOCH: u64 = 7;
const NOW: Timestamp = Timestamp::from_millis(0);

fn log_of(records: usize) -> Log<MemoryRows> {
    let delta = DeltaLimits { records, tags: 30, patterns: 10 };
    let limits = LogLimits { tags: 9, page_tags: 5, delta, page_cost: 300 };
    let rows = MemoryRows::of_log(EPOCH, 0);
    Log::open(rows, Ttl::from_seconds(60), limits, || EPOCH).unwrap()
}

fn add(log: &mut Log<MemoryRows>, record: &Record) {
    log.append(record, NOW).unwrap();
    log.maintain(NOW).unwrap();
}

fn tag(tag: u64) -> Record {
    Record { tags: vec![tag], ..Record::default() }
}

fn snapshot_of(delta: Delta) -> (EncodedSnapshot, Vec<Record>) {
    match delta {
        Delta::EncodedSnapshot { base, records, .. } => (base, records),
        other => panic!("{other:?}"),
    }
}

fn learned(delta: Delta) -> Replica {
    let mut replica = Replica::new();
    assert!(replica.learn(delta, NOW));
    replica
}

/// During a deployment, isolates of two versions ask in turn.
#[test]
fn a_snapshot_is_encoded_once_for_each_version() {
    let mut log = log_of(5);
    add(&mut log, &tag(1));
    let in_turn = |log: &mut Log<MemoryRows>| {
        [Version::CURRENT, Version::PREVIOUS].map(|version| {
            let (base, _) = snapshot_of(log.since_encoded(None, version));
            assert_eq!(base.version(), version);
            base
        })
    };
    let first = in_turn(&mut log);
    add(&mut log, &tag(2));
    for (first, second) in first.iter().zip(in_turn(&mut log)) {
        assert!(std::ptr::eq(first.bytes(), second.bytes()));
    }
    // One that cannot be sent again is forgotten.
    let mut other = log_of(5);
    [1, 2].into_iter().for_each(|n| add(&mut other, &tag(n)));
    for log in [&mut log, &mut other] {
        (0..5).for_each(|_| add(log, &tag(2)));
        log.since_encoded(None, Version::CURRENT);
    }
    assert_eq!(log.memory_bytes(), other.memory_bytes());
}

#[test]
fn a_snapshot_is_encoded_once_while_the_records_after_it_fit() {
    let mut log = log_of(5);
    add(&mut log, &tag(1));
    let (first, records) = snapshot_of(log.since_encoded(None, Version::CURRENT));
    assert_eq!((first.mark().seq, records.len()), (1, 0));
    (0..5).for_each(|n| add(&mut log, &tag(n)));
    let (second, records) = snapshot_of(log.since_encoded(None, Version::CURRENT));
    assert!(std::ptr::eq(first.bytes(), second.bytes()));
    assert_eq!(records.len(), 5);
    add(&mut log, &tag(9));
    let (third, records) = snapshot_of(log.since_encoded(None, Version::CURRENT));
    assert_eq!((third.mark().seq, records.len()), (7, 0));
}

#[test]
fn a_log_that_begins_a_new_epoch_has_no_snapshot_of_before() {
    let mut log = log_of(5);
    add(&mut log, &tag(1));
    log.since_encoded(None, Version::CURRENT);
    log.begin_epoch_if_behind(Some(Mark { epoch: EPOCH, seq: 3 }), || EPOCH + 1).unwrap();
    let (base, _) = snapshot_of(log.since_encoded(None, Version::CURRENT));
    assert_eq!(base.mark(), Mark { epoch: EPOCH + 1, seq: 3 });
}

/// A neighbor's snapshot is used only if the log has the records after it.
#[test]
fn a_log_continues_only_its_own_snapshots() {
    let mut log = log_of(5);
    add(&mut log, &tag(1));
    let (base, _) = snapshot_of(log.since_encoded(None, Version::CURRENT));
    add(&mut log, &tag(2));
    let said =
        |delta| ReadReply { time: LogTime { clock: 1, at: NOW }, version: Version::CURRENT, delta };
    let delta = base
        .clone()
        .followed_by(said(log.since_encoded(Some(base.mark()), Version::CURRENT)))
        .unwrap();
    assert_eq!(learned(delta).mark(), Some(Mark { epoch: EPOCH, seq: 2 }));
    let marks =
        [(EPOCH + 1, 1), (EPOCH - 1, 1), (EPOCH, 3)].map(|(epoch, seq)| Mark { epoch, seq });
    for mark in marks {
        let foreign = EncodedSnapshot { mark, ..base.clone() };
        let answer = said(log.since_encoded(Some(mark), Version::CURRENT));
        let answer = foreign.followed_by(answer).unwrap_err();
        assert_eq!(learned(answer.delta).mark(), Some(Mark { epoch: EPOCH, seq: 2 }), "{mark:?}");
    }
}

/// The checksum is right, but the content is invalid.
#[test]
fn an_invalid_snapshot_is_not_learned() {
    let mut log = log_of(5);
    let (base, _) = snapshot_of(log.since_encoded(None, Version::CURRENT));
    let shorter = EncodedSnapshot { bytes: base.bytes[..base.bytes.len() - 1].into(), ..base };
    assert_eq!(EncodedSnapshot::read(shorter.bytes.clone()), Err(MessageError::Checksum));
    let delta = Delta::EncodedSnapshot { base: shorter, floor: 0, records: vec![] };
    let mut replica = Replica::new();
    assert!(!replica.learn(delta, NOW));
    assert_eq!(replica.mark(), None);
}

fn record() -> impl Strategy<Value = Record> {
    let pattern = prop::sample::select(vec!["gql/**", "rest/a/*", "rest/b/*"])
        .prop_map(|text| Pattern::parse(text).unwrap());
    let patterns = prop::collection::vec(pattern, 0..2);
    let tags = prop::collection::vec(0_u64..12, 0..4);
    // Most by the same rules.
    let tagging = prop_oneof![9 => Just(1), 1 => 0_u64..3].prop_map(Tagging::from_number);
    (tags, tagging, patterns, prop::bool::weighted(0.03), any::<bool>()).prop_map(
        |(tags, tagging, patterns, all, soft)| Record {
            tags,
            tagging,
            patterns,
            all,
            soft,
            schema: None,
            pause: None,
        },
    )
}

proptest! {
    /// A replica that learns an earlier snapshot and the records after it judges like one that learns a
    /// current snapshot.
    #[test]
    fn a_snapshot_and_records_agree_with_a_later_snapshot(
        steps in prop::collection::vec((record(), prop::bool::weighted(0.3)), 1..30),
        limit in 1_usize..20,
    ) {
        let mut log = log_of(limit);
        let spread = |tag: u64| xxhash_rust::xxh3::xxh3_64(&tag.to_le_bytes());
        for (mut record, is_asked) in steps {
            record.tags.iter_mut().for_each(|tag| *tag = spread(*tag));
            add(&mut log, &record);
            if !is_asked {
                continue;
            }
            let now = learned(log.since(None));
            let based = learned(log.since_encoded(None, Version::CURRENT));
            prop_assert_eq!(based.mark(), now.mark());
            prop_assert_eq!(based.schemas(), now.schemas());
            for seq in 0..=log.head() as Seq {
                for tag in 0..12 {
                    let mark = Mark { epoch: EPOCH, seq };
                    let tags = [spread(tag)];
                    let subject = Subject { mark, tags: &tags, tagging: Tagging::from_number(1), key_from_kind: "rest/b/1" };
                    prop_assert_eq!(based.verdict(&subject), now.verdict(&subject));
                }
            }
        }
    }
}
