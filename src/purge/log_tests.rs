use super::super::{Lag, Mark, Subject, Verdict};
use super::*;
use crate::key::Pattern;
use proptest::prelude::*;

const EPOCH: u64 = 9;
const RETENTION: u64 = 3600;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn empty() -> Log {
    Log::restore(EPOCH, Ttl::from_seconds(RETENTION), (0, Schemas::default()), Vec::new())
}

fn tags(tags: &[u64]) -> Record {
    Record { tags: tags.to_vec(), ..Record::default() }
}

fn synced(log: &Log) -> Replica {
    let mut replica = Replica::new();
    assert!(replica.learn(log.since(None, 0), at(0)));
    replica
}

fn verdict(replica: &Replica, seq: Seq, tags: &[u64]) -> Verdict {
    let mark = Mark { epoch: EPOCH, seq };
    replica.verdict(&Subject { mark, tags, key_from_kind: "gql/product/Get/public/00" })
}

#[test]
fn an_entry_is_gone_when_a_tag_was_purged_after_its_mark() {
    let mut log = empty();
    log.append(tags(&[1]), at(0));
    let replica = synced(&log);
    assert_eq!(verdict(&replica, 0, &[1]), Verdict::Gone);
    assert_eq!(verdict(&replica, 1, &[1]), Verdict::Valid);
    assert_eq!(verdict(&replica, 0, &[2]), Verdict::Valid);
}

#[test]
fn soft_purges_make_stale_and_hard_ones_win() {
    let mut log = empty();
    log.append(Record { soft: true, ..tags(&[1]) }, at(0));
    assert_eq!(verdict(&synced(&log), 0, &[1]), Verdict::Stale);
    log.append(tags(&[1]), at(0));
    log.append(Record { soft: true, ..tags(&[1]) }, at(0));
    assert_eq!(verdict(&synced(&log), 0, &[1]), Verdict::Gone);
    assert_eq!(verdict(&synced(&log), 2, &[1]), Verdict::Stale);
}

#[test]
fn patterns_and_all_purge_what_they_name() {
    let mut log = empty();
    let pattern = Pattern::parse("gql/product/**").unwrap();
    log.append(Record { patterns: vec![pattern], ..Record::default() }, at(0));
    assert_eq!(verdict(&synced(&log), 0, &[]), Verdict::Gone);
    assert_eq!(verdict(&synced(&log), 1, &[]), Verdict::Valid);
    log.append(Record::everything(), at(0));
    assert_eq!(verdict(&synced(&log), 1, &[]), Verdict::Gone);
}

#[test]
fn patterns_beyond_the_limit_still_purge() {
    let mut log = empty();
    for n in 0..=limits::LOG_PATTERNS {
        let pattern = Pattern::parse(&format!("gql/type{n}/**")).unwrap();
        log.append(Record { patterns: vec![pattern], ..Record::default() }, at(0));
    }
    // The first pattern was forgotten: what is older than it is gone, whatever it matches.
    assert_eq!(verdict(&synced(&log), 0, &[]), Verdict::Gone);
    assert_eq!(verdict(&synced(&log), 1, &[]), Verdict::Valid);
}

/// A replica that was away while whole lists of patterns were purged gets what is left of them.
#[test]
fn many_patterns_come_as_a_snapshot() {
    let mut log = empty();
    let pattern = |n| Pattern::parse(&format!("gql/type{n}/**")).unwrap();
    for n in 0..2 {
        let patterns = (0..600).map(|m| pattern(n * 600 + m)).collect();
        log.append(Record { patterns, ..Record::default() }, at(0));
    }
    assert!(matches!(log.since(Some(EPOCH), 1), Delta::Records { .. }));
    assert!(matches!(log.since(Some(EPOCH), 0), Delta::Snapshot { .. }));
}

#[test]
fn tags_beyond_the_limit_still_purge() {
    let mut log = empty();
    log.append(tags(&[1]), at(0));
    let mut replica = synced(&log);
    let many: Vec<u64> = (0..=limits::LOG_TAGS as u64).collect();
    log.append(tags(&many), at(0));
    // So many tags come as a snapshot, whatever the replica has.
    let delta = log.since(Some(EPOCH), 1);
    assert!(matches!(delta, Delta::Snapshot { .. }));
    assert!(replica.learn(delta, at(1)));
    assert_eq!(verdict(&replica, 1, &[]), Verdict::Gone);
    assert_eq!(verdict(&replica, 2, &[1]), Verdict::Valid);
}

#[test]
fn an_entry_of_another_log_is_gone() {
    let replica = synced(&empty());
    let mark = Mark { epoch: EPOCH + 1, seq: 0 };
    let subject = Subject { mark, tags: &[], key_from_kind: "" };
    assert_eq!(replica.verdict(&subject), Verdict::Gone);
    assert_eq!(Replica::new().verdict(&subject), Verdict::Gone);
}

#[test]
fn what_is_older_than_any_entry_is_dropped_and_the_floor_rises() {
    let mut log = empty();
    log.append(tags(&[1]), at(0));
    log.append(tags(&[2]), at(RETENTION));
    assert_eq!(log.compact(at(RETENTION)), None);
    assert_eq!(log.compact(at(RETENTION + 1)), Some(1));
    let replica = synced(&log);
    assert_eq!(verdict(&replica, 0, &[]), Verdict::Gone);
    assert_eq!(verdict(&replica, 1, &[]), Verdict::Valid);
    assert_eq!(verdict(&replica, 1, &[2]), Verdict::Gone);
}

#[test]
fn a_restored_log_is_the_same_log() {
    let mut log = empty();
    for n in 0..5 {
        log.append(tags(&[n]), at(n));
    }
    log.compact(at(RETENTION + 2));
    let again = Log::restore(
        EPOCH,
        Ttl::from_seconds(RETENTION),
        (log.floor(), log.schemas()),
        log.records.iter().cloned().collect(),
    );
    assert_eq!(again.since(None, 0), log.since(None, 0));
    assert_eq!(again.next(), log.next());
}

#[test]
fn records_that_do_not_join_are_not_learned() {
    let mut replica = synced(&empty());
    let delta = Delta::Records { epoch: EPOCH, floor: 0, after: 5, records: vec![tags(&[1])] };
    assert!(!replica.learn(delta, at(1)));
    let other = Delta::Records { epoch: EPOCH + 1, floor: 0, after: 0, records: vec![] };
    assert!(!replica.learn(other, at(1)));
    assert_eq!(replica.synced_at(), Some(at(0)));
}

#[test]
fn a_delta_that_arrives_late_changes_nothing() {
    let mut log = empty();
    log.append(tags(&[1]), at(0));
    let early = log.since(Some(EPOCH), 0);
    log.append(tags(&[2]), at(0));
    let mut replica = synced(&log);
    assert!(replica.learn(early, at(0)));
    assert_eq!(replica.mark(), Some(Mark { epoch: EPOCH, seq: 2 }));
    assert_eq!(verdict(&replica, 1, &[2]), Verdict::Gone);
}

#[test]
fn a_repeated_purge_reaches_what_was_fetched_meanwhile_and_leaves_the_schema() {
    let schema = Some(crate::purge::SchemaInForce::of(1));
    let mut log = empty();
    let first = Record { schema, ..tags(&[1]) };
    log.append(first.clone(), at(0));
    assert_eq!(verdict(&synced(&log), 1, &[1]), Verdict::Valid);
    log.append(Record { schema: Some(crate::purge::SchemaInForce::NONE), ..tags(&[]) }, at(1));
    let before = log.schemas();
    log.append(first.again().unwrap(), at(2));
    assert_eq!(verdict(&synced(&log), 1, &[1]), Verdict::Gone);
    assert_eq!(verdict(&synced(&log), 3, &[1]), Verdict::Valid);
    assert_eq!(log.schemas(), before);
    assert_eq!(Record { schema, ..Record::default() }.again(), None);
}

const MAX_MILLIS: u64 = 5_000;

#[test]
fn a_replica_ages_and_then_is_too_old() {
    let mut replica = synced(&empty());
    assert_eq!(Replica::new().lag(at(0), MAX_MILLIS, None), Lag::TooOld);
    let lags = [0, 2_499, 2_500, 4_999, 5_000, u64::MAX]
        .map(|millis| replica.lag(Timestamp::from_millis(millis), MAX_MILLIS, None));
    use Lag::{Aging, Current, TooOld};
    assert_eq!(lags, [Current, Current, Aging, Aging, TooOld, TooOld]);
    assert!(replica.learn(empty().since(Some(EPOCH), 0), at(4)));
    assert_eq!(replica.lag(at(5), MAX_MILLIS, None), Current);
}

/// Else it would count as current until the clock is where it was.
#[test]
fn a_clock_that_was_set_back_makes_a_replica_too_old_until_it_catches_up() {
    let mut replica = synced(&empty());
    assert!(replica.learn(empty().since(Some(EPOCH), 0), at(3_600)));
    assert_eq!(replica.lag(at(3_600), MAX_MILLIS, None), Lag::Current);
    assert_eq!(replica.lag(at(10), MAX_MILLIS, None), Lag::TooOld);
    assert!(replica.learn(empty().since(Some(EPOCH), 0), at(10)));
    assert_eq!(replica.lag(at(10), MAX_MILLIS, None), Lag::Current);
    assert_eq!(replica.lag(at(15), MAX_MILLIS, None), Lag::TooOld);
}

#[test]
fn a_client_waits_for_its_number_and_not_for_one_that_cannot_be() {
    let mut log = empty();
    log.append(tags(&[1]), at(0));
    let replica = synced(&log);
    let lag = |wanted, now| replica.lag(at(now), MAX_MILLIS, Some(wanted));
    assert_eq!([lag(0, 0), lag(1, 0)], [Lag::Current; 2]);
    assert_eq!([lag(2, 0), lag(10_001, 0), lag(40_001, 3)], [Lag::TooOld; 3]);
    assert_eq!([lag(10_002, 0), lag(999_999_999, 0), lag(Seq::MAX, 0)], [Lag::Current; 3]);
    assert_eq!([lag(Seq::MAX, 4), lag(Seq::MAX, 5)], [Lag::Aging, Lag::TooOld]);
}

fn record() -> impl Strategy<Value = Record> {
    let pattern = prop::sample::select(vec!["gql/**", "gql/product/**", "rest/**"]);
    (prop::collection::vec(0_u64..6, 0..3), prop::option::of(pattern), 0..20, any::<bool>())
        .prop_map(|(tags, pattern, all, soft)| Record {
            schema: None,
            tags,
            patterns: pattern.map(|p| Pattern::parse(p).unwrap()).into_iter().collect(),
            all: all == 0,
            soft,
        })
}

proptest! {
    /// However a replica came by its knowledge, it never calls valid what the full history
    /// calls purged, and with no compaction it says exactly what the history says.
    #[test]
    fn a_replica_says_what_the_history_says(
        records in prop::collection::vec(record(), 0..20),
        syncs in prop::collection::vec(any::<bool>(), 20),
        seq in 0_u64..20,
        entry_tags in prop::collection::vec(0_u64..6, 0..3),
        compact_at in prop::option::of(0_u64..20),
    ) {
        let mut log = empty();
        let mut replica = synced(&log);
        for (n, record) in records.iter().enumerate() {
            log.append(record.clone(), at(n as u64));
            if syncs[n] {
                let mark = replica.mark().unwrap();
                prop_assert!(replica.learn(log.since(Some(mark.epoch), mark.seq), at(n as u64)));
            }
        }
        if let Some(seconds) = compact_at {
            log.compact(at(RETENTION + seconds));
        }
        let mark = replica.mark().unwrap();
        prop_assert!(replica.learn(log.since(Some(mark.epoch), mark.seq), at(99)));

        let key = "gql/product/Get/public/00";
        let touching = |soft: bool| records.iter().zip(1..).any(|(record, n)| {
            n > seq && record.soft == soft && (record.all
                || record.tags.iter().any(|tag| entry_tags.contains(tag))
                || record.patterns.iter().any(|pattern| pattern.matches(key)))
        });
        let truth = if touching(false) { Verdict::Gone }
            else if touching(true) { Verdict::Stale }
            else { Verdict::Valid };
        let said = verdict(&replica, seq, &entry_tags);
        if compact_at.is_none() {
            prop_assert_eq!(said, truth);
        } else {
            prop_assert!(said == truth || said == Verdict::Gone);
        }
    }
}
