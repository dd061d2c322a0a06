use super::*;
use crate::key::Pattern;
use crate::limits;
use crate::purge::state::PAGES;
use crate::purge::{Lag, MemoryRows, SchemaInForce, Subject, Verdict};
use crate::tag::Tagging;
use proptest::prelude::*;

const EPOCH: u64 = 9;
const RETENTION: u64 = 3600;
/// The rules by which tags are made unless a test says otherwise.
const RULES: u64 = 1;
const KEY: &str = "gql/product/Get/public/00";

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn opened(rows: &MemoryRows, limits: LogLimits) -> Log<MemoryRows> {
    Log::open(rows.clone(), Ttl::from_seconds(RETENTION), limits, || EPOCH).unwrap()
}

fn empty() -> Log<MemoryRows> {
    opened(&MemoryRows::default(), LogLimits::default())
}

fn add(log: &mut Log<MemoryRows>, record: Record, at: Timestamp) {
    log.append(&record, at).unwrap();
    log.maintain(at).unwrap();
}

fn mark(seq: Seq) -> Option<Mark> {
    Some(Mark { epoch: EPOCH, seq })
}

fn tags(tags: &[u64]) -> Record {
    Record { tags: tags.to_vec(), tagging: Tagging::from_number(RULES), ..Record::default() }
}

fn synced(log: &Log<MemoryRows>) -> Replica {
    let mut replica = Replica::new();
    assert!(replica.learn(log.since(None), at(0)));
    replica
}

fn verdict(replica: &Replica, seq: Seq, tags: &[u64]) -> Verdict {
    verdict_by(replica, seq, tags, RULES)
}

fn verdict_by(replica: &Replica, seq: Seq, tags: &[u64], rules: u64) -> Verdict {
    let (mark, tagging) = (Mark { epoch: EPOCH, seq }, Tagging::from_number(rules));
    replica.verdict(&Subject { mark, tags, tagging, key_from_kind: KEY })
}

#[test]
fn an_entry_is_purged_if_a_tag_was_purged_after_its_mark() {
    let mut log = empty();
    add(&mut log, tags(&[1]), at(0));
    let replica = synced(&log);
    assert_eq!(verdict(&replica, 0, &[1]), Verdict::Purged);
    assert_eq!(verdict(&replica, 1, &[1]), Verdict::Valid);
    assert_eq!(verdict(&replica, 0, &[2]), Verdict::Valid);
}

#[test]
fn soft_purges_make_stale_and_hard_ones_win() {
    let mut log = empty();
    add(&mut log, Record { soft: true, ..tags(&[1]) }, at(0));
    assert_eq!(verdict(&synced(&log), 0, &[1]), Verdict::Stale);
    add(&mut log, tags(&[1]), at(0));
    add(&mut log, Record { soft: true, ..tags(&[1]) }, at(0));
    assert_eq!(verdict(&synced(&log), 0, &[1]), Verdict::Purged);
    assert_eq!(verdict(&synced(&log), 2, &[1]), Verdict::Stale);
}

/// Two reads of one isolate overlap, and the reply to the earlier one arrives last.
#[test]
fn a_snapshot_older_than_the_replica_takes_nothing_back() {
    let mut log = empty();
    add(&mut log, tags(&[1]), at(0));
    let older = [log.since(None), log.since_encoded(None, Version::CURRENT)];
    assert!(matches!(older, [Delta::Snapshot { .. }, Delta::EncodedSnapshot { .. }]));
    add(&mut log, tags(&[2]), at(0));
    for reply in older {
        let mut replica = synced(&log);
        assert!(replica.learn(reply, at(0)));
        assert_eq!(replica.mark(), mark(2));
        assert_eq!(verdict(&replica, 1, &[2]), Verdict::Purged);
    }
}

/// A deployment with other rules, one back, and both at once.
#[test]
fn a_purge_by_tags_purges_every_entry_whose_tags_other_rules_made() {
    const OTHER: u64 = RULES + 1;
    let by = |rules, soft| Record { tagging: Tagging::from_number(rules), soft, ..tags(&[1]) };
    let mut log = empty();
    add(&mut log, by(RULES, false), at(0));
    let gone = |log: &Log<MemoryRows>, seq, rules| {
        let before = verdict_by(&synced(log), seq, &[2], rules);
        let again = opened(&log.rows, LogLimits::default());
        assert_eq!(verdict_by(&synced(&again), seq, &[2], rules), before);
        before
    };
    assert_eq!(gone(&log, 0, RULES), Verdict::Valid);
    assert_eq!(gone(&log, 0, OTHER), Verdict::Purged);
    assert_eq!(gone(&log, 1, OTHER), Verdict::Valid);
    // A soft one by the new rules, and back.
    add(&mut log, by(OTHER, true), at(0));
    assert_eq!([gone(&log, 1, RULES), gone(&log, 2, RULES)], [Verdict::Stale, Verdict::Valid]);
    assert_eq!(gone(&log, 1, OTHER), Verdict::Valid);
    add(&mut log, by(RULES, false), at(0));
    assert_eq!([gone(&log, 1, RULES), gone(&log, 2, RULES)], [Verdict::Stale, Verdict::Valid]);
    assert_eq!([gone(&log, 2, OTHER), gone(&log, 3, OTHER)], [Verdict::Purged, Verdict::Valid]);
    // A version without fingerprints counts as other rules for all.
    add(&mut log, by(0, false), at(0));
    assert_eq!([gone(&log, 3, RULES), gone(&log, 3, OTHER)], [Verdict::Purged; 2]);
    assert_eq!([gone(&log, 4, RULES), gone(&log, 4, OTHER)], [Verdict::Valid; 2]);
    // What names no tags has none that could be other ones.
    let pattern = Pattern::parse("rest/**").unwrap();
    add(&mut log, Record { patterns: vec![pattern], ..Record::default() }, at(0));
    add(&mut log, Record { schema: Some(SchemaInForce::of(1)), ..Record::default() }, at(0));
    assert_eq!([gone(&log, 4, RULES), gone(&log, 4, OTHER)], [Verdict::Valid; 2]);
}

#[test]
fn patterns_and_all_purge_what_they_name() {
    let mut log = empty();
    let pattern = Pattern::parse("gql/product/**").unwrap();
    add(&mut log, Record { patterns: vec![pattern], ..Record::default() }, at(0));
    assert_eq!(verdict(&synced(&log), 0, &[]), Verdict::Purged);
    assert_eq!(verdict(&synced(&log), 1, &[]), Verdict::Valid);
    add(&mut log, Record::everything(), at(0));
    assert_eq!(verdict(&synced(&log), 1, &[]), Verdict::Purged);
}

#[test]
fn patterns_beyond_the_limit_still_purge() {
    let mut log = empty();
    for n in 0..=limits::LOG_PATTERNS {
        let pattern = Pattern::parse(&format!("gql/type{n}/**")).unwrap();
        add(&mut log, Record { patterns: vec![pattern], ..Record::default() }, at(0));
    }
    // The first pattern was forgotten: what is older than it is gone, whatever it matches.
    assert_eq!(verdict(&synced(&log), 0, &[]), Verdict::Purged);
    assert_eq!(verdict(&synced(&log), 1, &[]), Verdict::Valid);
}

/// A replica that is far behind many purges by patterns gets what is left of them.
#[test]
fn many_patterns_come_as_a_snapshot() {
    let mut log = empty();
    let pattern = |n| Pattern::parse(&format!("gql/type{n}/**")).unwrap();
    for n in 0..2 {
        let patterns = (0..600).map(|m| pattern(n * 600 + m)).collect();
        add(&mut log, Record { patterns, ..Record::default() }, at(0));
    }
    assert!(matches!(log.since(mark(1)), Delta::Records { .. }));
    assert!(matches!(log.since(mark(0)), Delta::Snapshot { .. }));
}

#[test]
fn tags_beyond_the_limit_still_purge() {
    let mut log = empty();
    add(&mut log, tags(&[1]), at(0));
    let mut replica = synced(&log);
    let many: Vec<u64> = (0..=limits::LOG_TAGS as u64).collect();
    add(&mut log, tags(&many), at(0));
    // So many tags come as a snapshot, whatever the replica has. All of them have the same
    // number, so all are in the older half.
    let delta = log.since(mark(1));
    assert!(matches!(delta, Delta::Snapshot { .. }));
    assert!(replica.learn(delta, at(1)));
    assert_eq!(verdict(&replica, 1, &[]), Verdict::Purged);
    assert_eq!(verdict(&replica, 2, &[1]), Verdict::Valid);
}

#[test]
fn an_entry_of_another_epoch_is_purged() {
    let replica = synced(&empty());
    let mark = Mark { epoch: EPOCH + 1, seq: 0 };
    let tagging = Tagging::UNKNOWN;
    let subject = Subject { mark, tags: &[], tagging, key_from_kind: "" };
    assert_eq!(replica.verdict(&subject), Verdict::Purged);
    assert_eq!(Replica::new().verdict(&subject), Verdict::Purged);
}

#[test]
fn what_is_older_than_any_entry_is_dropped_and_the_floor_rises() {
    let mut log = empty();
    add(&mut log, tags(&[1]), at(0));
    add(&mut log, tags(&[2]), at(RETENTION));
    log.maintain(at(RETENTION)).unwrap();
    assert_eq!(log.floor(), 0);
    log.maintain(at(RETENTION + 1)).unwrap();
    assert_eq!((log.floor(), log.rows.seqs()), (1, vec![2]));
    let replica = synced(&log);
    assert_eq!(verdict(&replica, 0, &[]), Verdict::Purged);
    assert_eq!(verdict(&replica, 1, &[]), Verdict::Valid);
    assert_eq!(verdict(&replica, 1, &[2]), Verdict::Purged);
}

#[test]
fn a_log_that_starts_again_is_the_same_log() {
    let mut log = empty();
    for n in 0..5 {
        add(&mut log, Record { schema: Some(SchemaInForce::of(n)), ..tags(&[n]) }, at(n));
    }
    add(&mut log, Record { schema: Some(SchemaInForce::NONE), ..tags(&[9]) }, at(9));
    log.maintain(at(RETENTION + 2)).unwrap();
    let mut again = opened(&log.rows, LogLimits::default());
    assert_eq!(again.since(None), log.since(None));
    assert_eq!(again.since(mark(4)), log.since(mark(4)));
    assert_eq!(again.append(&tags(&[7]), at(10)), Ok(7));
}

/// The newer half is still judged by its tags.
#[test]
fn a_full_table_forgets_its_older_half() {
    let limits = LogLimits { tags: 100, ..LogLimits::default() };
    let mut log = opened(&MemoryRows::default(), limits);
    (0..=100).for_each(|n| add(&mut log, tags(&[spread(n)]), at(0)));
    assert_eq!(log.floor(), 51);
    assert_eq!(verdict(&synced(&log), 50, &[]), Verdict::Purged);
    assert_eq!(verdict(&synced(&log), 51, &[spread(50)]), Verdict::Valid);
    assert_eq!(verdict(&synced(&log), 51, &[spread(51)]), Verdict::Purged);
    assert_eq!(opened(&log.rows, limits).floor(), 51);
}

#[test]
fn a_replica_that_learns_too_many_tags_forgets_its_older_half() {
    let mut replica = synced(&empty());
    let half = limits::LOG_TAGS as u64 / 2;
    for (first, n) in [0, half, 2 * half].into_iter().zip(0..) {
        let records = vec![tags(&(first..first + half).map(spread).collect::<Vec<_>>())];
        let delta = Delta::Records { epoch: EPOCH, floor: 0, after: n, records };
        assert!(replica.learn(delta, at(1)));
    }
    assert_eq!(verdict(&replica, 0, &[]), Verdict::Purged);
    assert_eq!(verdict(&replica, 1, &[]), Verdict::Purged);
    assert_eq!(verdict(&replica, 2, &[]), Verdict::Valid);
    assert_eq!(verdict(&replica, 2, &[spread(2 * half)]), Verdict::Purged);
}

#[test]
fn records_that_do_not_follow_are_not_learned() {
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
    add(&mut log, tags(&[1]), at(0));
    let early = log.since(mark(0));
    add(&mut log, tags(&[2]), at(0));
    let mut replica = synced(&log);
    assert!(replica.learn(early, at(0)));
    assert_eq!(replica.mark(), mark(2));
    assert_eq!(verdict(&replica, 1, &[2]), Verdict::Purged);
}

/// It would bring back entries of the earlier epoch.
#[test]
fn a_late_reply_of_an_earlier_epoch_is_not_learned() {
    let late = empty().since(None);
    let mut log = empty();
    log.begin_epoch_if_behind(Some(Mark { epoch: EPOCH, seq: 1 }), || EPOCH + 1).unwrap();
    let mut replica = synced(&log);
    assert!(!replica.learn(late, at(1)));
    assert_eq!(replica.mark(), Some(Mark { epoch: EPOCH + 1, seq: 1 }));
    assert_eq!(verdict(&replica, 1, &[]), Verdict::Purged);
}

#[test]
fn a_repeated_purge_reaches_what_was_fetched_meanwhile_and_leaves_the_schema() {
    let schema = Some(SchemaInForce::of(1));
    let mut log = empty();
    let first = Record { schema, ..tags(&[1]) };
    add(&mut log, first.clone(), at(0));
    assert_eq!(verdict(&synced(&log), 1, &[1]), Verdict::Valid);
    add(&mut log, Record { schema: Some(SchemaInForce::NONE), ..tags(&[]) }, at(1));
    let before = log.schemas();
    add(&mut log, first.repetition().unwrap(), at(2));
    assert_eq!(verdict(&synced(&log), 1, &[1]), Verdict::Purged);
    assert_eq!(verdict(&synced(&log), 3, &[1]), Verdict::Valid);
    assert_eq!(log.schemas(), before);
    assert_eq!(Record { schema, ..Record::default() }.repetition(), None);
    assert_eq!(first.repetition().unwrap().tagging, first.tagging);
}

fn pause(until: u64) -> Record {
    Record::of_pause(Pause::until(at(until)))
}

#[test]
fn the_last_record_with_a_pause_counts_and_it_purges_nothing() {
    let mut log = empty();
    let is_paused = |log: &mut Log<MemoryRows>, now| {
        let mut from_snapshot = Replica::new();
        from_snapshot.learn(log.since_encoded(None, Version::CURRENT), at(0));
        let by_records = synced(log).pause().holds(at(now));
        assert_eq!(by_records, from_snapshot.pause().holds(at(now)));
        by_records
    };
    assert!(!is_paused(&mut log, 0));
    add(&mut log, pause(10), at(0));
    assert!(is_paused(&mut log, 9) && !is_paused(&mut log, 10), "it ends by itself");
    add(&mut log, Record::of_pause(Pause::UNTIL_RESUMED), at(0));
    add(&mut log, tags(&[1]), at(0));
    assert!(is_paused(&mut log, 10_000_000), "a purge changes nothing about it");
    assert_eq!(verdict(&synced(&log), 0, &[2]), Verdict::Valid);
    assert_eq!(pause(1).repetition(), None, "a pause is not repeated");
    add(&mut log, Record::of_pause(Pause::NONE), at(0));
    assert!(!is_paused(&mut log, 1));
}

#[test]
fn a_pause_outlives_its_record_and_a_restart() {
    let limits = LogLimits {
        page_cost: 1,
        delta: DeltaLimits { records: 2, tags: 10, patterns: 10 },
        ..LogLimits::default()
    };
    for forgets in [false, true] {
        let mut log = opened(&MemoryRows::default(), limits);
        add(&mut log, pause(100), at(0));
        (0..9).for_each(|n| add(&mut log, tags(&[spread(n)]), at(1)));
        if forgets {
            log.forget(log.head()).unwrap();
        }
        assert!(!log.rows.seqs().contains(&1), "its record is dropped");
        assert_eq!(opened(&log.rows, limits).pause(), Pause::until(at(100)));
        // Without its page it is still in the row of what was dropped.
        log.rows.lose_page(GLOBAL_PAGE);
        assert_eq!(opened(&log.rows, limits).pause(), Pause::until(at(100)));
    }
}

/// Such a build takes a global page with a pause for missing, and then all that was dropped for purged.
#[test]
fn a_pause_that_is_over_is_on_no_page_that_a_build_from_before_pauses_reads() {
    let layout = |rows: &MemoryRows| rows.page(GLOBAL_PAGE).unwrap().unwrap()[0];
    for ends_by_time in [true, false] {
        let rows = MemoryRows::default();
        let mut log = opened(&rows, LogLimits { page_cost: 1, ..LogLimits::default() });
        add(&mut log, pause(100), at(0));
        (0..9).for_each(|n| add(&mut log, tags(&[spread(n)]), at(1)));
        assert_eq!(layout(&rows), 3);
        // No page is due for a while.
        let mut log = opened(&rows, LogLimits { page_cost: 1_000_000, ..LogLimits::default() });
        log.maintain(at(99)).unwrap();
        assert_eq!((layout(&rows), log.pause()), (3, Pause::until(at(100))));
        rows.fails_after(Some(if ends_by_time { 0 } else { 1 }));
        let failed = match ends_by_time {
            true => log.maintain(at(100)),
            false => {
                log.append(&Record::of_pause(Pause::NONE), at(99)).unwrap();
                log.maintain(at(99))
            }
        };
        assert!(failed.is_err());
        rows.fails_after(None);
        log.maintain(at(100)).unwrap();
        assert_eq!((layout(&rows), log.pause()), (2, Pause::NONE));
        let written = rows.written();
        log.maintain(at(101)).unwrap();
        assert_eq!(rows.written(), written, "once");
        assert_eq!(opened(&rows, LogLimits::default()).pause(), Pause::NONE);
    }
}

/// A snapshot is encoded for the version of whoever asks.
#[test]
fn isolates_of_version_4_get_what_they_can_read_and_do_not_pause() {
    let mut log = empty();
    add(&mut log, pause(100), at(0));
    for (version, expected) in
        [(Version::V5, at(100)), (Version::V4, at(0)), (Version::V5, at(100))]
    {
        let Delta::EncodedSnapshot { base, .. } = log.since_encoded(None, version) else {
            panic!()
        };
        assert_eq!(base.bytes()[3], version.byte());
        let mut replica = Replica::new();
        let base = EncodedSnapshot::read(base.bytes().into()).unwrap();
        assert!(replica.learn(Delta::EncodedSnapshot { base, floor: 0, records: vec![] }, at(0)));
        assert_eq!((replica.pause(), replica.mark()), (Pause::until(expected), mark(1)));
    }
}

const MAX_MILLIS: u64 = 5_000;

#[test]
fn a_replica_ages_and_then_is_too_old() {
    let mut replica = synced(&empty());
    assert_eq!(Replica::new().lag(at(0), MAX_MILLIS), Lag::TooOld);
    let lags = [0, 2_499, 2_500, 4_999, 5_000, u64::MAX]
        .map(|millis| replica.lag(Timestamp::from_millis(millis), MAX_MILLIS));
    use Lag::{Aging, Current, TooOld};
    assert_eq!(lags, [Current, Current, Aging, Aging, TooOld, TooOld]);
    assert!(replica.learn(empty().since(mark(0)), at(4)));
    assert_eq!(replica.lag(at(5), MAX_MILLIS), Current);
}

/// Otherwise it would count as current until the clock has caught up.
#[test]
fn a_clock_that_was_set_back_makes_a_replica_too_old_until_it_catches_up() {
    let mut replica = synced(&empty());
    assert!(replica.learn(empty().since(mark(0)), at(3_600)));
    assert_eq!(replica.lag(at(3_600), MAX_MILLIS), Lag::Current);
    assert_eq!(replica.lag(at(10), MAX_MILLIS), Lag::TooOld);
    assert!(replica.learn(empty().since(mark(0)), at(10)));
    assert_eq!(replica.lag(at(10), MAX_MILLIS), Lag::Current);
    assert_eq!(replica.lag(at(15), MAX_MILLIS), Lag::TooOld);
}

#[test]
fn a_replica_knows_the_records_of_its_own_log_up_to_its_head() {
    let mut log = empty();
    add(&mut log, tags(&[1]), at(0));
    let replica = synced(&log);
    let knows = |epoch, seq| replica.knows(Mark { epoch, seq });
    assert_eq!([knows(EPOCH, 0), knows(EPOCH, 1), knows(EPOCH, 2)], [true, true, false]);
    assert_eq!([knows(EPOCH - 1, 0), knows(EPOCH + 1, 1), knows(0, 0)], [false; 3]);
    assert!(!Replica::new().knows(Mark { epoch: 0, seq: 0 }));
}

proptest! {
    /// Whatever happens to the log, a replica that knows a record has read the log since it was appended.
    /// So a client that shows its write's token gets nothing older.
    #[test]
    fn a_replica_that_knows_a_record_has_read_the_log_since(
        steps in prop::collection::vec((0_usize..8, 0_usize..3), 1..60),
    ) {
        let rows = MemoryRows::of_log(EPOCH, 0);
        let mut older = rows.copy();
        let mut log = opened(&rows, LogLimits::default());
        let mut replicas: [(Replica, usize); 3] = Default::default();
        let mut records: Vec<(Mark, usize)> = Vec::new();
        for (now, (step, which)) in steps.into_iter().enumerate() {
            let (replica, read_at) = &mut replicas[which];
            match step {
                0 => older = rows.copy(),
                // It loses its storage, and nobody knows.
                1 => {
                    rows.roll_back(&MemoryRows::of_log(log.epoch() + 1, 0));
                    log = opened(&rows, LogLimits::default());
                }
                // It is rolled back, and who knows more asks first.
                2 => {
                    let mark = Mark { epoch: log.epoch(), seq: log.head() };
                    rows.roll_back(&older);
                    log = opened(&rows, LogLimits::default());
                    log.begin_epoch_if_behind(Some(mark), || 0).unwrap();
                }
                _ => {
                    log.begin_epoch_if_behind(replica.mark(), || 0).unwrap();
                    if step < 5 {
                        let seq = log.append(&tags(&[1]), at(0)).unwrap();
                        records.push((Mark { epoch: log.epoch(), seq }, now));
                    }
                    if replica.learn(log.since(replica.mark()), at(0))
                        || replica.learn(log.since(None), at(0))
                    {
                        *read_at = now;
                    }
                }
            }
            for (replica, read_at) in &replicas {
                for (record, recorded_at) in &records {
                    prop_assert!(!replica.knows(*record) || read_at >= recorded_at, "{record:?}");
                }
            }
        }
    }
}

fn record() -> impl Strategy<Value = Record> {
    let pattern = prop::sample::select(vec!["gql/**", "gql/product/**", "rest/**"]);
    let rules = prop_oneof![6 => Just(RULES), 1 => Just(RULES + 1), 1 => Just(0)];
    (prop::collection::vec(0_u64..12, 0..3), rules, prop::option::of(pattern), 0..20, any::<bool>())
        .prop_map(|(tags, rules, pattern, all, soft)| Record {
            schema: None,
            pause: None,
            tags: tags.into_iter().map(spread).collect(),
            tagging: Tagging::from_number(rules),
            patterns: pattern.map(|p| Pattern::parse(p).unwrap()).into_iter().collect(),
            all: all == 0,
            soft,
        })
}

fn spread(tag: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&tag.to_le_bytes())
}

/// Rows as a version without pages left them: 400 purges of 10,000 ids each.
#[test]
fn the_largest_log_that_an_older_version_left_starts_within_its_memory_and_only_once() {
    const PURGES: u64 = 400;
    const IDS: u64 = 10_000;
    let rows = MemoryRows::of_log(EPOCH, 0);
    for seq in 1..=PURGES {
        let ids: Vec<u64> = (0..IDS).map(|id| spread(seq * IDS + id)).collect();
        rows.put_record(seq, at(0), &tags(&ids)).unwrap();
    }
    let mut log = opened(&rows, LogLimits::default());
    log.maintain(at(0)).unwrap();
    assert!(log.memory_bytes() < 30 << 20, "{}", log.memory_bytes());
    assert!(log.tags() <= limits::LOG_TAGS && log.tags() >= limits::LOG_TAGS / 2);
    // The last record is obeyed, and what is older than the half that is left is gone.
    assert_eq!(verdict(&synced(&log), PURGES - 1, &[spread(PURGES * IDS)]), Verdict::Purged);
    assert_eq!(verdict(&synced(&log), PURGES, &[spread(PURGES * IDS)]), Verdict::Valid);
    assert_eq!(verdict(&synced(&log), log.floor() - 1, &[]), Verdict::Purged);
    // From here on it starts from its pages, and from the records that may be told.
    assert!(rows.seqs().len() <= 3, "{:?}", rows.seqs());
    let pages = rows.page_bytes();
    assert_eq!(pages.len(), PAGES + 1);
    assert!(pages.iter().all(|bytes| *bytes < 50_000), "{pages:?}");
    let written = rows.written();
    assert_eq!(opened(&rows, LogLimits::default()).since(None), log.since(None));
    assert_eq!(rows.written(), written);
}

/// What a start reads and what an append writes is bounded, however long a log has run.
#[test]
fn rows_and_writes_stay_bounded() {
    let rows = MemoryRows::default();
    let mut log = opened(&rows, LogLimits::default());
    let (mut most, mut tag) = (0, 0);
    for n in 0..6_000_u64 {
        let many = if n % 100 == 99 { 5_000 } else { 5 };
        let record = tags(&(tag..tag + many).map(spread).collect::<Vec<_>>());
        tag += many;
        let before = rows.written();
        add(&mut log, record, at(n));
        let written = rows.written() - before;
        assert!(written <= 4 + many / 500, "{written} rows for {many} tags");
        most = most.max(rows.seqs().len());
    }
    assert!(most <= 2_300, "{most}");
    // Two rows for each record, its own and its part of a page, and one in hundreds to drop it.
    assert!(rows.written() < 6_000 * 2, "{}", rows.written());
    assert_eq!(opened(&rows, LogLimits::default()).since(None), log.since(None));
}

/// A log that lacks what a replica knows was rolled back: its next sequence numbers were used before.
#[test]
fn a_log_that_is_asked_from_above_its_head_begins_a_new_epoch() {
    let rows = MemoryRows::default();
    let mut log = opened(&rows, LogLimits::default());
    add(&mut log, tags(&[1]), at(0));
    let older = rows.copy();
    let mut replica = synced(&log);
    assert_eq!(verdict(&replica, 1, &[1]), Verdict::Valid);
    add(&mut log, tags(&[2]), at(1));
    assert!(replica.learn(log.since(replica.mark()), at(1)));
    rows.roll_back(&older);

    let mut log = opened(&rows, LogLimits::default());
    // One that knows no more than the log does not notice; nor does one of another log.
    let other = Mark { epoch: EPOCH - 1, seq: 9 };
    assert_eq!(log.begin_epoch_if_behind(mark(1), || 77), Ok(false));
    assert_eq!(log.begin_epoch_if_behind(Some(other), || 77), Ok(false));
    assert_eq!(log.begin_epoch_if_behind(None, || 77), Ok(false));
    // Before it answers it is written down.
    rows.fails_after(Some(0));
    assert!(log.begin_epoch_if_behind(mark(2), || 77).is_err());
    assert_eq!(log.epoch(), EPOCH);
    rows.fails_after(None);
    assert_eq!(log.begin_epoch_if_behind(mark(2), || 77), Ok(true));
    assert_eq!(log.epoch(), 77);
    assert_eq!(opened(&rows, LogLimits::default()).since(None), log.since(None));
    assert!(replica.learn(log.since(mark(2)), at(2)));
    assert_eq!(verdict(&replica, 2, &[]), Verdict::Purged);
    let fresh = Mark { epoch: 77, seq: 2 };
    let tagging = Tagging::UNKNOWN;
    let entry = Subject { mark: fresh, tags: &[], tagging, key_from_kind: "" };
    assert_eq!(replica.verdict(&entry), Verdict::Valid);
    assert_eq!(log.append(&tags(&[3]), at(3)), Ok(3));
    assert_eq!(log.schemas(), Schemas::default());

    // The same storage a second time: it knows nothing of the epoch that has begun meanwhile.
    rows.roll_back(&older);
    let mut log = opened(&rows, LogLimits::default());
    assert_eq!(log.begin_epoch_if_behind(Some(fresh), || 70), Ok(true));
    assert_eq!((log.epoch(), log.begin_epoch_if_behind(Some(fresh), || 70)), (78, Ok(false)));
}

/// What an unreadable page held is unknown.
#[test]
fn a_lost_page_purges_older_entries() {
    let limits = LogLimits { page_cost: 1, delta: few(), ..LogLimits::default() };
    let rows = MemoryRows::default();
    let mut log = opened(&rows, limits);
    (1..=9).for_each(|n| add(&mut log, tags(&[n]), at(0)));
    assert_eq!(rows.seqs(), [7, 8, 9]);
    rows.lose_page(3);
    let log = opened(&rows, limits);
    assert_eq!((log.floor(), log.head()), (6, 9));
    assert_eq!(verdict(&synced(&log), 5, &[]), Verdict::Purged);
    assert_eq!(verdict(&synced(&log), 6, &[7]), Verdict::Purged);
    assert_eq!(verdict(&synced(&log), 6, &[6]), Verdict::Valid);
}

fn few() -> DeltaLimits {
    DeltaLimits { records: 3, tags: 6, patterns: 6 }
}

/// What can happen to a log.
#[derive(Debug, Clone)]
enum Event {
    Append(Record),
    /// Everything was answered for so many seconds.
    Passes(u64),
    /// The object ends after this many more writes, and another one starts.
    Ends(u64),
    /// A version without pages runs for a while, and keeps this many records.
    RunsWithoutPages(usize),
    /// A replica asks.
    Asks(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => record().prop_map(Event::Append),
        1 => (0_u64..RETENTION / 2).prop_map(Event::Passes),
        2 => (0_u64..4).prop_map(Event::Ends),
        1 => (0_usize..9).prop_map(Event::RunsWithoutPages),
        4 => (0_usize..3).prop_map(Event::Asks),
    ]
}

fn few_limits() -> impl Strategy<Value = LogLimits> {
    let page_cost = prop::sample::select(vec![1, 2, 20, 300, 2_000]);
    (4_usize..20, 2_usize..9, page_cost).prop_map(|(tags, page_tags, page_cost)| LogLimits {
        tags,
        page_tags,
        delta: few(),
        page_cost,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever happens to the object, no replica calls an entry valid that was purged according to the
    /// full history. Entries above the floor are judged exactly by the history.
    #[test]
    fn a_log_with_few_rows_agrees_with_the_full_history(
        events in prop::collection::vec(event(), 0..60),
        limits in few_limits(),
        probes in prop::collection::vec(
            (0_u64..60, prop::collection::vec(0_u64..12, 0..3), 0_u64..4),
            20,
        ),
    ) {
        let rows = MemoryRows::default();
        let mut log = opened(&rows, limits);
        let mut history = Vec::new();
        let mut replicas = vec![Replica::new(); 3];
        let (mut now, mut fails, mut dropped) = (0, false, false);
        for event in events {
            match event {
                Event::Append(record) => match log.append(&record, at(now)) {
                    Ok(seq) => {
                        history.push(record);
                        prop_assert_eq!(seq, history.len() as u64);
                        prop_assert!(log.maintain(at(now)).is_ok() || fails);
                    }
                    Err(_) => prop_assert!(fails),
                },
                Event::Passes(seconds) => {
                    now += seconds;
                    prop_assert!(log.maintain(at(now)).is_ok() || fails);
                    dropped |= now > RETENTION;
                }
                Event::Ends(writes) => {
                    if fails {
                        rows.fails_after(None);
                        log = opened(&rows, limits);
                        fails = false;
                    } else if writes < 3 {
                        rows.fails_after(Some(writes));
                        fails = true;
                    } else {
                        log = opened(&rows, limits);
                    }
                }
                Event::RunsWithoutPages(kept) => {
                    rows.fails_after(None);
                    fails = false;
                    rows.drop_without_pages(kept);
                    dropped = true;
                    log = opened(&rows, limits);
                }
                Event::Asks(which) => {
                    let replica = &mut replicas[which];
                    let mark = replica.mark();
                    prop_assert_eq!(log.begin_epoch_if_behind(mark, || 1), Ok(false));
                    prop_assert!(replica.learn(log.since(mark), at(now)));
                }
            }
            prop_assert_eq!(log.head(), history.len() as u64);
        }
        // Twelve tags fit into the larger of the tables.
        let all_fits = limits.tags >= 12 && limits.page_tags >= 8;
        prop_assert!(dropped || !all_fits || log.floor() == 0, "floor {}", log.floor());
        for replica in &mut replicas {
            let mark = replica.mark();
            prop_assert!(replica.learn(log.since(mark), at(now)));
            for (seq, tags, rules) in &probes {
                let tags: Vec<u64> = tags.iter().map(|tag| spread(*tag)).collect();
                let said = verdict_by(replica, *seq, &tags, *rules);
                let truth = truth(&history, *seq, &tags, *rules);
                if *seq >= log.floor() && replica.floor() == log.floor() {
                    prop_assert_eq!(said, truth, "mark {}", seq);
                }
                prop_assert!(said == truth || said == Verdict::Purged, "{:?} {:?}", said, truth);
            }
        }
        // And one that starts from nothing is told the same.
        prop_assert_eq!(opened(&rows, limits).head(), log.head());
    }
}

/// The verdict on an entry by all records ever appended.
fn truth(history: &[Record], seq: Seq, tags: &[u64], rules: u64) -> Verdict {
    let is_other = |record: &Record| {
        !record.tags.is_empty() && (rules == 0 || record.tagging.number() != rules)
    };
    let touching = |soft: bool| {
        history.iter().zip(1..).any(|(record, n)| {
            n > seq
                && record.soft == soft
                && (record.all
                    || is_other(record)
                    || record.tags.iter().any(|tag| tags.contains(tag))
                    || record.patterns.iter().any(|pattern| pattern.matches(KEY)))
        })
    };
    if touching(false) {
        Verdict::Purged
    } else if touching(true) {
        Verdict::Stale
    } else {
        Verdict::Valid
    }
}

proptest! {
    /// In this way an isolate obeys a purge that the log has not taken yet.
    #[test]
    fn a_record_alone_agrees_with_its_log(
        record in record(),
        tags in prop::collection::vec((0_u64..12).prop_map(spread), 0..3),
        rules in 0_u64..4,
    ) {
        let mut log = empty();
        add(&mut log, record.clone(), at(0));
        let (mark, tagging) = (Mark { epoch: EPOCH, seq: 0 }, Tagging::from_number(rules));
        let entry = Subject { mark, tags: &tags, tagging, key_from_kind: KEY };
        prop_assert_eq!(record.purges(&entry), synced(&log).verdict(&entry) != Verdict::Valid);
    }
}

proptest! {
    /// Whichever deltas a replica has learned, it never calls an entry valid that was purged according to
    /// the full history. As long as nothing was forgotten it agrees exactly.
    #[test]
    fn a_replica_agrees_with_the_history(
        records in prop::collection::vec(record(), 0..20),
        syncs in prop::collection::vec(any::<bool>(), 20),
        seq in 0_u64..20,
        entry_tags in prop::collection::vec((0_u64..12).prop_map(spread), 0..3),
        rules in 0_u64..4,
        compact_at in prop::option::of(0_u64..20),
    ) {
        let mut log = empty();
        let mut replica = synced(&log);
        for (n, record) in records.iter().enumerate() {
            add(&mut log, record.clone(), at(n as u64));
            if syncs[n] {
                prop_assert!(replica.learn(log.since(replica.mark()), at(n as u64)));
            }
        }
        if let Some(seconds) = compact_at {
            log.maintain(at(RETENTION + seconds)).unwrap();
        }
        prop_assert!(replica.learn(log.since(replica.mark()), at(99)));

        let truth = truth(&records, seq, &entry_tags, rules);
        let said = verdict_by(&replica, seq, &entry_tags, rules);
        if compact_at.is_none() {
            prop_assert_eq!(said, truth);
        } else {
            prop_assert!(said == truth || said == Verdict::Purged);
        }
    }
}
