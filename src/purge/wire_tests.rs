use super::super::{Log, MemoryRows, Sizes};
use super::*;
use crate::time::Ttl;
use proptest::prelude::*;

fn patterns() -> impl Strategy<Value = Vec<Pattern>> {
    let text = prop::sample::select(vec!["gql/**", "rest/a/*", "**", "gql/product/Get*/**"]);
    prop::collection::vec(text.prop_map(|text| Pattern::parse(text).unwrap()), 0..3)
}

fn record() -> impl Strategy<Value = Record> {
    let tags = prop::collection::vec(any::<u64>(), 0..6);
    let schema = prop::option::of(any::<u64>().prop_map(SchemaInForce::from_number));
    (tags, patterns(), schema, any::<bool>(), any::<bool>()).prop_map(
        |(tags, patterns, schema, all, soft)| Record { tags, patterns, all, schema, soft },
    )
}

fn log_of(start: Seq, records: impl IntoIterator<Item = Record>) -> Log<MemoryRows> {
    let rows = MemoryRows::of_log(7, start);
    let mut log = Log::open(rows, Ttl::from_seconds(60), Sizes::default(), || 7).unwrap();
    for record in records {
        log.append(&record, Timestamp::from_millis(0)).unwrap();
    }
    log
}

fn since(log: &Log<MemoryRows>, seq: Seq) -> Delta {
    log.since(Some(Mark { epoch: 7, seq }))
}

fn said(delta: Delta) -> Said {
    let at = Timestamp::from_millis(1_800_000_000_000);
    Said { time: LogTime { clock: 9, at }, delta }
}

fn some_bytes() -> Vec<Vec<u8>> {
    let pattern = Pattern::parse("gql/**").unwrap();
    let schema = Some(SchemaInForce::of(3));
    let one =
        Record { tags: vec![1, u64::MAX], patterns: vec![pattern], schema, ..Record::default() };
    let log = log_of(300, [one.clone(), Record::everything()]);
    vec![
        said(since(&log, 300)).encode(),
        said(log.since(None)).encode(),
        Appended { seq: 302, delta: since(&log, 301) }.encode(),
        Question { mark: Some(Mark { epoch: 7, seq: 300 }), record: Some(one.clone()) }.encode(),
        one.encode(),
    ]
}

/// What any reader makes of the bytes.
fn is_read(bytes: &[u8]) -> bool {
    Said::decode(bytes).is_ok()
        || Appended::decode(bytes).is_ok()
        || Question::decode(bytes).is_ok()
        || Record::decode(bytes).is_ok()
}

/// A message with this payload and the right checksum.
fn checked(kind: u8, payload: &[u8]) -> Vec<u8> {
    message(kind, |writer| writer.0.extend_from_slice(payload))
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        start in 0_u64..1_000_000,
        records in prop::collection::vec(record(), 0..8),
        mark in prop::option::of((any::<u64>(), 0_u64..HIGHEST_SEQ)),
        alone in prop::option::of(record()),
    ) {
        let log = log_of(start, records);
        for delta in [log.since(None), since(&log, start)] {
            let said = said(delta.clone());
            prop_assert_eq!(Said::decode(&said.encode()), Ok(said));
            let appended = Appended { seq: log.head(), delta };
            prop_assert_eq!(Appended::decode(&appended.encode()), Ok(appended));
        }
        if let Some(record) = &alone {
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record.clone()));
        }
        let mark = mark.map(|(epoch, seq)| Mark { epoch, seq });
        let question = Question { mark, record: alone };
        prop_assert_eq!(Question::decode(&question.encode()), Ok(question));
    }

    #[test]
    fn any_one_changed_byte_is_refused(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        by in 1_u8..,
    ) {
        let all = some_bytes();
        let mut bytes = which.get(&all).clone();
        let at = at.index(bytes.len());
        bytes[at] = bytes[at].wrapping_add(by);
        prop_assert!(!is_read(&bytes));
    }

    #[test]
    fn whatever_is_cut_off_is_refused(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
    ) {
        let all = some_bytes();
        let bytes = which.get(&all);
        prop_assert!(!is_read(&bytes[..at.index(bytes.len())]));
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!is_read(&bytes));
    }

    /// With a right checksum anything may be in the payload. What is read has one form only, and
    /// a replica can learn it.
    #[test]
    fn a_payload_of_any_bytes_is_read_or_refused(
        kind in QUESTION..=RECORD,
        payload in prop::collection::vec(prop_oneof![0_u8..8, any::<u8>()], 0..120),
    ) {
        let bytes = checked(kind, &payload);
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(record.encode(), bytes.clone());
        }
        if let Ok(said) = Said::decode(&bytes) {
            prop_assert_eq!(said.encode(), bytes.clone());
            super::super::Replica::new().learn(said.delta, Timestamp::from_millis(0));
        }
    }
}

#[test]
fn another_version_is_refused_as_such() {
    for mut bytes in some_bytes() {
        bytes[3] = VERSION + 1;
        assert_eq!(Said::decode(&bytes), Err(Garbled::Version));
        assert_eq!(Question::decode(&bytes), Err(Garbled::Version));
    }
}

#[test]
fn one_kind_is_not_read_as_another() {
    let all = some_bytes();
    let (delta, appended) = (&all[0], &all[2]);
    assert_eq!(Said::decode(appended), Err(Garbled::NotAMessage));
    assert_eq!(Appended::decode(delta), Err(Garbled::NotAMessage));
}

/// What promises more than it brings gets no memory for it.
#[test]
fn counts_beyond_the_bytes_are_refused() {
    const MANY: [u8; 5] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
    let time = [0; 9];
    let records = [&time[..], &[0; 11], &MANY].concat();
    let tags = [&time[..], &[1], &[0; 12], &MANY].concat();
    assert_eq!(Said::decode(&checked(SAID, &records)), Err(Garbled::Content));
    assert_eq!(Said::decode(&checked(SAID, &tags)), Err(Garbled::Content));
    assert_eq!(
        Record::decode(&checked(RECORD, &[&[0][..], &MANY].concat())),
        Err(Garbled::Content)
    );
    let long = vec![0; limits::WIRE_BYTES + 1];
    assert_eq!(Said::decode(&long), Err(Garbled::TooLong));
}

#[test]
fn numbers_that_no_log_reaches_are_refused() {
    let after = |after: Seq| {
        let records = vec![Record::everything()];
        said(Delta::Records { epoch: 1, floor: 0, after, records }).encode()
    };
    assert!(Said::decode(&after(HIGHEST_SEQ)).is_ok());
    assert_eq!(Said::decode(&after(HIGHEST_SEQ + 1)), Err(Garbled::Content));
    assert_eq!(Said::decode(&after(u64::MAX)), Err(Garbled::Content));
    let above = said(Delta::Records { epoch: 1, floor: 3, after: 1, records: vec![] }).encode();
    assert_eq!(Said::decode(&above), Err(Garbled::Content));
}

/// The figures of docs/decisions/0017: `cargo test --lib wire::tests::bytes -- --nocapture`.
#[test]
fn bytes_against_json() {
    let random = |n: u64| xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes());
    let record =
        |n: u64| Record { tags: (0..5).map(|m| random(n * 5 + m)).collect(), ..Record::default() };
    let log = log_of(1_000_000, (0..2_000).map(record));
    for (what, delta) in [
        ("nothing new", since(&log, 1_002_000)),
        ("100 records of 5 tags", since(&log, 1_001_900)),
        ("a snapshot of 10,000 tags", log.since(None)),
    ] {
        let json = serde_json::to_vec(&delta).unwrap().len();
        let wire = said(delta).encode().len();
        println!("{what}: {wire} bytes, as JSON {json}");
        assert!(wire < json);
    }
    // The largest that the log can say is within what is read.
    let many = (0..limits::LOG_TAGS as u64).map(random).collect();
    let largest =
        log_of(HIGHEST_SEQ - 10, [Record { tags: many, soft: true, ..Record::default() }]);
    let bytes = said(largest.since(None)).encode();
    println!("a snapshot of {} tags: {} bytes", limits::LOG_TAGS, bytes.len());
    assert!(Said::decode(&bytes).is_ok());
}
