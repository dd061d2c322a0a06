use super::*;
use crate::key::Pattern;
use crate::limits;
use crate::purge::codec::{
    INTENT_REPLY, MessageError, READ_REPLY, RECORD, REQUEST, Version, encode_message,
};
use crate::purge::mark::HIGHEST_SEQ;
use crate::purge::state::{Snapshot, TaggedPurges};
use crate::purge::{
    Delta, IntentId, Log, LogLimits, LogTime, Mark, MemoryRows, NewRecord, Pause, Record, Replica,
    SchemaInForce, Seq,
};
use crate::tag::Tagging;
use crate::time::{Timestamp, Ttl};
use proptest::prelude::*;

fn patterns() -> impl Strategy<Value = Vec<Pattern>> {
    let text = prop::sample::select(vec!["gql/**", "rest/a/*", "**", "gql/product/Get*/**"]);
    prop::collection::vec(text.prop_map(|text| Pattern::parse(text).unwrap()), 0..3)
}

fn record() -> impl Strategy<Value = Record> {
    let tags = prop::collection::vec(any::<u64>(), 0..6);
    let schema = prop::option::of(any::<u64>().prop_map(SchemaInForce::from_number));
    let tagging = prop_oneof![Just(0), Just(5), any::<u64>()].prop_map(Tagging::from_number);
    let pause = prop::option::of(any::<u64>().prop_map(Pause::from_number));
    (tags, tagging, patterns(), schema, pause, any::<bool>(), any::<bool>()).prop_map(
        |(tags, tagging, patterns, schema, pause, all, soft)| Record {
            tags,
            tagging,
            patterns,
            all,
            schema,
            pause,
            soft,
        },
    )
}

/// A record as versions before 4 get it, which ignore the rules of tags.
fn without_tagging(record: Record) -> Record {
    let all = record.all || (record.tagging.is_known() && !record.tags.is_empty());
    Record { all, tagging: Tagging::UNKNOWN, ..without_pause(record) }
}

/// A record as versions before 5 get it, which do not pause.
fn without_pause(record: Record) -> Record {
    Record { pause: None, ..record }
}

fn log_of(start: Seq, records: impl IntoIterator<Item = Record>) -> Log<MemoryRows> {
    let rows = MemoryRows::of_log(7, start);
    let mut log = Log::open(rows, Ttl::from_seconds(60), LogLimits::default(), || 7).unwrap();
    for record in records {
        log.append(&record, Timestamp::from_millis(0)).unwrap();
    }
    log
}

fn since(log: &Log<MemoryRows>, seq: Seq) -> Delta {
    log.since(Some(Mark { epoch: 7, seq }))
}

fn said(delta: Delta) -> ReadReply {
    let at = Timestamp::from_millis(1_800_000_000_000);
    ReadReply { time: LogTime { clock: 9, at }, version: Version::CURRENT, delta }
}

fn said_in(version: Version, delta: Delta) -> ReadReply {
    ReadReply { version, ..said(delta) }
}

fn some_bytes() -> Vec<Vec<u8>> {
    let pattern = Pattern::parse("gql/**").unwrap();
    let schema = Some(SchemaInForce::of(3));
    let tags = vec![1, u64::MAX];
    let (patterns, tagging) = (vec![pattern], Tagging::from_number(5));
    let pause = Some(Pause::UNTIL_RESUMED);
    let one = Record { tags, tagging, patterns, schema, pause, ..Record::default() };
    let mut log = log_of(300, [one.clone()]);
    log.since_encoded(None, Version::CURRENT);
    log.append(&Record::everything(), Timestamp::from_millis(0)).unwrap();
    vec![
        said(log.since_encoded(None, Version::CURRENT)).encode(),
        said(since(&log, 300)).encode(),
        said(log.since(None)).encode(),
        AppendReply { seq: 302, version: Version::CURRENT, delta: since(&log, 301) }.encode(),
        LogRequest {
            mark: Some(Mark { epoch: 7, seq: 300 }),
            new: Some(NewRecord { closes: vec![IntentId::of(9)], ..one.clone().into() }),
            is_intent: true,
            ..LogRequest::default()
        }
        .encode(Version::CURRENT),
        IntentReply(IntentId::of(8)).encode(Version::CURRENT),
        one.encode(),
    ]
}

/// A delta without what only the current version sends.
fn without_tagged(delta: Delta) -> Delta {
    match delta {
        Delta::Snapshot { epoch, mut snapshot } => {
            snapshot.tagged = TaggedPurges::default();
            Delta::Snapshot { epoch, snapshot }
        }
        records => records,
    }
}

/// Whether the bytes are read as any message.
fn is_read(bytes: &[u8]) -> bool {
    ReadReply::decode(bytes).is_ok()
        || AppendReply::decode(bytes).is_ok()
        || LogRequest::decode(bytes).is_ok()
        || Record::decode(bytes).is_ok()
        || IntentReply::decode(bytes).is_ok()
}

/// A message with this payload and the right checksum.
fn checked(kind: u8, payload: &[u8]) -> Vec<u8> {
    encode_message(Version::CURRENT, kind, |writer| writer.0.extend_from_slice(payload))
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        start in 0_u64..1_000_000,
        records in prop::collection::vec(record(), 0..8),
        mark in prop::option::of((any::<u64>(), 0_u64..HIGHEST_SEQ)),
        is_from_neighbor in any::<bool>(),
        alone in prop::option::of(record()),
        repeat_after in prop::collection::vec(any::<u32>(), 0..=limits::REPEATS),
        closes in prop::collection::vec(any::<u64>(), 0..5),
        is_intent in any::<bool>(),
    ) {
        let mut log = log_of(start, records.clone());
        let based = said(log.since_encoded(None, Version::CURRENT));
        prop_assert_eq!(ReadReply::decode(&based.encode()), Ok(based.clone()));
        let appended = AppendReply { seq: log.head(), version: Version::V5, delta: based.delta };
        prop_assert_eq!(AppendReply::decode(&appended.encode()), Ok(appended));
        let before_pauses = log_of(start, records.iter().cloned().map(without_pause));
        for (delta, told) in [
            (log.since(None), before_pauses.since(None)),
            (since(&log, start), since(&before_pauses, start)),
        ] {
            let answer = ReadReply::decode(&said_in(Version::V4, delta).encode()).unwrap();
            prop_assert_eq!(answer.delta, told);
        }
        let earlier = log_of(start, records.into_iter().map(without_tagging));
        for (delta, told) in [
            (log.since(None), earlier.since(None)),
            (since(&log, start), since(&earlier, start)),
        ] {
            for version in [Version::V2, Version::V3] {
                let answer = ReadReply::decode(&said_in(version, delta.clone()).encode()).unwrap();
                prop_assert_eq!(without_tagged(answer.delta), without_tagged(told.clone()));
                let appended = AppendReply { seq: log.head(), version, delta: delta.clone() };
                let answer = AppendReply::decode(&appended.encode()).unwrap();
                prop_assert_eq!(without_tagged(answer.delta), without_tagged(told.clone()));
            }
        }
        for delta in [log.since(None), since(&log, start)] {
            let said = said(delta.clone());
            prop_assert_eq!(ReadReply::decode(&said.encode()), Ok(said.clone()));
            let appended = AppendReply { seq: log.head(), version: Version::V5, delta };
            prop_assert_eq!(AppendReply::decode(&appended.encode()), Ok(appended.clone()));
        }
        if let Some(record) = &alone {
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record.clone()));
        }
        let mark = mark.map(|(epoch, seq)| Mark { epoch, seq });
        let new = alone.map(|record| {
            NewRecord { record, repeat_after: repeat_after.clone(), ..NewRecord::default() }
        });
        let question = LogRequest { mark, new, ..LogRequest::default() };
        let mut earlier = question.clone();
        if let Some(new) = &mut earlier.new {
            new.record = without_tagging(new.record.clone());
        }
        prop_assert_eq!(LogRequest::decode(&question.encode(Version::V3)), Ok((earlier, Version::V3)));
        let closes: Vec<IntentId> = closes.into_iter().map(IntentId::of).collect();
        let new = question.new.map(|new| NewRecord { closes, ..new });
        let is_from_neighbor = is_from_neighbor && mark.is_some();
        let question = LogRequest { mark, is_from_neighbor, is_intent: is_intent && new.is_some(), new };
        let earlier = LogRequest::decode(&question.encode(Version::V3)).unwrap().0;
        prop_assert_eq!(earlier.mark, mark.filter(|_| !is_from_neighbor), "a neighbor's is left out");
        let mut unpaused = question.clone();
        if let Some(new) = &mut unpaused.new {
            new.record = without_pause(new.record.clone());
        }
        prop_assert_eq!(LogRequest::decode(&question.encode(Version::V4)), Ok((unpaused, Version::V4)));
        prop_assert_eq!(LogRequest::decode(&question.encode(Version::V5)), Ok((question, Version::V5)));
        let noted = IntentReply(IntentId::of(start));
        prop_assert_eq!(IntentReply::decode(&noted.encode(Version::V5)), Ok(noted));
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

    /// A payload with a right checksum can be anything. What is read has only one form, and a replica
    /// can learn it.
    #[test]
    fn a_payload_of_any_bytes_is_read_or_refused(
        kind in REQUEST..=INTENT_REPLY,
        payload in prop::collection::vec(prop_oneof![0_u8..8, any::<u8>()], 0..120),
    ) {
        let bytes = checked(kind, &payload);
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(record.encode(), bytes.clone());
        }
        if let Ok((question, _)) = LogRequest::decode(&bytes) {
            prop_assert_eq!(question.encode(Version::CURRENT), bytes.clone());
        }
        if let Ok(noted) = IntentReply::decode(&bytes) {
            prop_assert_eq!(noted.encode(Version::CURRENT), bytes.clone());
        }
        if let Ok(said) = ReadReply::decode(&bytes) {
            prop_assert_eq!(said.encode(), bytes.clone());
            Replica::new().learn(said.delta, Timestamp::from_millis(0));
        }
    }
}

#[test]
fn another_version_is_refused_as_such() {
    for mut bytes in some_bytes() {
        bytes[3] = Version::CURRENT.byte() + 1;
        assert_eq!(ReadReply::decode(&bytes), Err(MessageError::Version));
        assert_eq!(LogRequest::decode(&bytes), Err(MessageError::Version));
    }
}

#[test]
fn one_kind_is_not_read_as_another() {
    let all = some_bytes();
    let (delta, appended) = (&all[1], &all[3]);
    assert_eq!(ReadReply::decode(appended), Err(MessageError::NotAMessage));
    assert_eq!(AppendReply::decode(delta), Err(MessageError::NotAMessage));
}

/// No memory is allocated for a count that the bytes cannot hold.
#[test]
fn counts_beyond_the_bytes_are_refused() {
    const MANY: [u8; 5] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
    let time = [0; 10];
    let records = [&time[..], &[0; 11], &MANY].concat();
    let tags = [&time[..], &[1], &[0; 12], &MANY].concat();
    assert_eq!(ReadReply::decode(&checked(READ_REPLY, &records)), Err(MessageError::Content));
    assert_eq!(ReadReply::decode(&checked(READ_REPLY, &tags)), Err(MessageError::Content));
    assert_eq!(
        Record::decode(&checked(RECORD, &[&[0][..], &MANY].concat())),
        Err(MessageError::Content)
    );
    // A record that is to be repeated more often than any is.
    let repeats = vec![1; limits::REPEATS + 1];
    let question = [&[0, 0, 0, 0, repeats.len() as u8], repeats.as_slice(), &[0, 0]].concat();
    assert_eq!(LogRequest::decode(&checked(REQUEST, &question)), Err(MessageError::Content));
    assert!(LogRequest::decode(&checked(REQUEST, &[0, 0, 0, 0, 1, 1, 0, 0])).is_ok());
    // What is neither an intent nor none.
    assert!(LogRequest::decode(&checked(REQUEST, &[0, 0, 0, 0, 1, 1, 0, 2])).is_err());
    let closes = [&[0, 0, 0, 0, 0][..], &MANY, &[0]].concat();
    assert_eq!(LogRequest::decode(&checked(REQUEST, &closes)), Err(MessageError::Content));
    let long = vec![0; limits::WIRE_BYTES + 1];
    assert_eq!(ReadReply::decode(&long), Err(MessageError::TooLong));
}

#[test]
fn numbers_that_no_log_reaches_are_refused() {
    let after = |after: Seq| {
        let records = vec![Record::everything()];
        said(Delta::Records { epoch: 1, floor: 0, after, records }).encode()
    };
    assert!(ReadReply::decode(&after(HIGHEST_SEQ)).is_ok());
    assert_eq!(ReadReply::decode(&after(HIGHEST_SEQ + 1)), Err(MessageError::Content));
    assert_eq!(ReadReply::decode(&after(u64::MAX)), Err(MessageError::Content));
    let above = said(Delta::Records { epoch: 1, floor: 3, after: 1, records: vec![] }).encode();
    assert_eq!(ReadReply::decode(&above), Err(MessageError::Content));
}

/// The figures of docs/decisions/0017: `cargo test --lib messages::tests::bytes -- --nocapture`.
#[test]
fn bytes_against_json() {
    let random = |n: u64| xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes());
    let tagging = Tagging::of(&"rules");
    let record = |n: u64| Record {
        tags: (0..5).map(|m| random(n * 5 + m)).collect(),
        tagging,
        ..Record::default()
    };
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
    let mut largest =
        log_of(HIGHEST_SEQ - 10, [Record { tags: many, soft: true, ..Record::default() }]);
    let bytes = said(largest.since(None)).encode();
    println!("a snapshot of {} tags: {} bytes", limits::LOG_TAGS, bytes.len());
    assert!(ReadReply::decode(&bytes).is_ok());
    let based = said(largest.since_encoded(None, Version::CURRENT)).encode();
    assert!(
        Replica::new().learn(ReadReply::decode(&based).unwrap().delta, Timestamp::from_millis(0))
    );
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Bytes that were exchanged between an isolate of version 2 and its log.
#[test]
fn version_2_is_understood_and_answered() {
    let asked = |hex: &str| LogRequest::decode(&bytes_of(hex)).unwrap();

    // A new isolate reads an empty log.
    let new = (LogRequest::default(), Version::V2);
    assert_eq!(asked("45564c0201412b8b9714e6074700"), new);
    let answer = bytes_of(
        "45564c02024077382133c268859150222fbd4c0900add0a496a23401d68939ea395c0000\
         00000000000000000000000000000000000000000000",
    );
    let said = ReadReply::decode(&answer).unwrap();
    let empty = Snapshot::default();
    assert_eq!(said.delta, Delta::Snapshot { epoch: said.epoch(), snapshot: empty });
    assert_eq!(said.encode(), answer);
    let epoch = said.epoch();
    assert_eq!(epoch.to_le_bytes(), [0xD6, 0x89, 0x39, 0xEA, 0x39, 0x5C, 0, 0]);

    // It appends a soft purge of two tags and a pattern, then one of everything.
    let (LogRequest { mark, new, .. }, version) = asked(
        "45564c020196fc09c8cccc43f401d68939ea395c000000020476befc8640d2e0039bd5c9\
         d8741e4b2cbe8a741010c229fe4a4e7d7b8aa2f9c2010e67716c2f70726f647563742f2a2a",
    );
    assert_eq!((mark, version), (Some(Mark { epoch, seq: 0 }), Version::V2));
    let soft = new.unwrap();
    assert_eq!((soft.record.tags.len(), soft.record.soft, soft.repeat_after), (4, true, vec![]));
    assert_eq!(soft.record.patterns, [Pattern::parse("gql/product/**").unwrap()]);
    let answer = bytes_of(
        "45564c0203b85033969c364c1c0100d68939ea395c0000000001020476befc8640d2e003\
         9bd5c9d8741e4b2cbe8a741010c229fe4a4e7d7b8aa2f9c2010e67716c2f70726f647563\
         742f2a2a",
    );
    let delta = Delta::Records { epoch, floor: 0, after: 0, records: vec![soft.record] };
    let appended = AppendReply { seq: 1, version: Version::V2, delta };
    assert_eq!(AppendReply::decode(&answer), Ok(appended.clone()));
    assert_eq!(appended.encode(), answer);
    let (LogRequest { mark, new, .. }, _) =
        asked("45564c02017ebe2e3d61c7f46e01d68939ea395c000001010000");
    assert_eq!((mark, new), (Some(Mark { epoch, seq: 1 }), Some(NewRecord::everything())));

    // It asks again, and there is nothing new.
    let (LogRequest { mark, .. }, _) = asked("45564c02013fc6bb5775ae245301d68939ea395c000002");
    assert_eq!(mark, Some(Mark { epoch, seq: 2 }));
    let answer = bytes_of(
        "45564c020236918d2ae26248039150222fbd4c090086dda496a23400d68939ea395c0000\
         000200",
    );
    let said = ReadReply::decode(&answer).unwrap();
    let nothing = Delta::Records { epoch, floor: 0, after: 2, records: vec![] };
    assert_eq!(said.delta, nothing);
    assert_eq!(said.encode(), answer);
}

/// Bytes of version 3, of a log with a soft purge and a purge of everything with an unknown outcome.
#[test]
fn version_3_is_understood_and_answered() {
    for (hex, question) in version_3_questions() {
        assert_eq!(LogRequest::decode(&bytes_of(hex)), Ok((question.clone(), Version::V3)));
        assert_eq!(question.encode(Version::V3), bytes_of(hex));
    }
    let (delta, whole) = version_3_deltas();
    let said = said_in(Version::V3, delta);
    assert_eq!(ReadReply::decode(&bytes_of(V3_SAID)), Ok(said.clone()));
    assert_eq!(said.encode(), bytes_of(V3_SAID));
    let appended = AppendReply { seq: 302, version: Version::V3, delta: whole };
    assert_eq!(appended.encode(), bytes_of(V3_APPENDED));
    let mut told = appended;
    if let Delta::Snapshot { snapshot, .. } = &mut told.delta {
        // It does not say by which rules the purges up to it were.
        snapshot.tagged = TaggedPurges::unknown_up_to(302);
    }
    assert_eq!(AppendReply::decode(&bytes_of(V3_APPENDED)), Ok(told));
}

fn version_3_questions() -> [(&'static str, LogRequest); 3] {
    let mark = Some(Mark { epoch: 7, seq: 300 });
    let new = NewRecord::everything().with_unknown_outcome();
    [
        (V3_ASKED, LogRequest::default()),
        (V3_ASKED_SINCE, LogRequest { mark, ..LogRequest::default() }),
        (V3_ASKED_TO_APPEND, LogRequest { mark, new: Some(new), ..LogRequest::default() }),
    ]
}

fn version_3_deltas() -> (Delta, Delta) {
    let pattern = Pattern::parse("gql/product/**").unwrap();
    let soft = Record {
        tags: vec![1, u64::MAX],
        patterns: vec![pattern],
        soft: true,
        ..Record::default()
    };
    let log = log_of(300, [soft, Record::everything()]);
    (since(&log, 300), log.since(None))
}

const V3_ASKED: &str = "45564c030166a458336861a94100";
const V3_ASKED_SINCE: &str = "45564c03010b55c0a96b651fb2010700000000000000ac02";
const V3_ASKED_TO_APPEND: &str = "45564c030141934c550112c3b0010700000000000000ac02010000020a3c";
const V3_SAID: &str = "45564c0302c00e776581df6888090000000000000080a0f1c2b134000700000000000000\
    ac02ac020202020100000000000000ffffffffffffffff010e67716c2f70726f64756374\
    2f2a2a010000";
const V3_APPENDED: &str = "45564c030387502efc42228145ae02010700000000000000ae02ac02ae02000201000000\
    0000000000ad02ffffffffffffffff00ad02010e67716c2f70726f647563742f2a2a00ad\
    0200000000000000000000000000000000";

#[test]
fn a_version_id_is_added_behind_a_request_that_is_otherwise_the_same() {
    let id = crate::purge::VersionId::parse("87b1c3a0-9c0e");
    let record = Record::everything();
    let without = LogRequest { new: Some(record.into()), ..LogRequest::default() };
    let new = without.new.clone().map(|new| NewRecord { for_version: id.clone(), ..new });
    let with = LogRequest { new, ..without.clone() };
    let bytes = with.encode(Version::CURRENT);
    assert_eq!(LogRequest::decode(&bytes), Ok((with, Version::CURRENT)));
    let plain = without.encode(Version::CURRENT);
    assert_eq!(bytes.len(), plain.len() + 1 + id.unwrap().as_str().len());
    assert_eq!(bytes[13..plain.len()], plain[13..], "but for the checksum");
}
