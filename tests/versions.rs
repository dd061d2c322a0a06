//! Messages and values of earlier versions are read with their meaning, or refused as a whole.
//!
//! `tests/fixtures/` holds bytes that earlier versions made. They never change. To raise a version, add a
//! file of the previous one first (docs/architecture.md, "Versions").

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use evergraph::purge::{
    AppendReply, Log, LogLimits, LogRequest, LogRows, Mark, MemoryRows, NewRecord,
    OutboxValueError, ReadReply, Record, Replica, Subject, Verdict, Version,
};
use evergraph::stored::{self, EnvelopeError};
use evergraph::tag::Tagging;
use evergraph::time::{Timestamp, Ttl};

const LOG_3: &str = include_str!("fixtures/log-version-3.txt");
const LOG_4: &str = include_str!("fixtures/log-version-4.txt");
const ENTRY_3: &str = include_str!("fixtures/entry-version-3.txt");
const OUTBOX_2: &str = include_str!("fixtures/outbox-version-2.txt");
const PAGES_1: &str = include_str!("fixtures/pages-layout-1.txt");

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.trim().as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn lines(fixture: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = fixture.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap())
}

/// The messages of earlier versions are read, and written again as the same bytes.
#[test]
fn messages_of_earlier_versions() {
    assert_eq!(read_again(LOG_3, Version::V3), (3, 3));
    assert_eq!(read_again(LOG_4, Version::V4), (4, 3));
}

/// How many reads and appends there are.
fn read_again(fixture: &str, expected: Version) -> (u32, u32) {
    let (mut reads, mut appends) = (0, 0);
    for (question, answer) in lines(fixture) {
        let (question, answer) = (bytes_of(question), bytes_of(answer));
        let (asked, version) = LogRequest::decode(&question).unwrap();
        assert_eq!((version, asked.encode(version)), (expected, question));
        if asked.new.is_some() {
            appends += 1;
            assert_eq!(AppendReply::decode(&answer).unwrap().encode(), answer);
        } else {
            reads += 1;
            assert_eq!(ReadReply::decode(&answer).unwrap().encode(), answer);
        }
    }
    (reads, appends)
}

/// An isolate can ask everything in the previous version, and the log replies.
#[test]
fn the_current_version_is_said_in_the_previous_one() {
    let new = NewRecord::everything().with_unknown_outcome();
    let asked = LogRequest {
        mark: Some(Mark { epoch: 7, seq: 300 }),
        new: Some(new),
        ..LogRequest::default()
    };
    let bytes = asked.encode(Version::PREVIOUS);
    assert_eq!(LogRequest::decode(&bytes), Ok((asked, Version::PREVIOUS)));
}

#[test]
fn an_entry_of_version_3_is_read_or_is_a_miss() {
    match stored::decode(&bytes_of(ENTRY_3)) {
        Ok(entry) => {
            assert_eq!(&*entry.body, br#"{"id":1}"#);
            assert_eq!(entry.meta.mark, Mark { epoch: 7_372_800_000_001_024, seq: 0 });
            assert!(entry.meta.tags.iter().any(|tag| tag == "path:/api/products/1"));
        }
        Err(damage) => assert_eq!(damage, EnvelopeError::Version),
    }
}

#[test]
fn outbox_values_of_earlier_versions() {
    let tag = 11_685_972_668_329_245_625;
    let of_tag = NewRecord::from(Record { tags: vec![tag], ..Record::default() });
    let kept = bytes_of(OUTBOX_2);
    assert_eq!(NewRecord::decode_from_outbox(&kept), Ok(of_tag));
    let mut changed = kept;
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(NewRecord::decode_from_outbox(&changed), Err(OutboxValueError::Damaged));
}

/// The text of a record in `records` and `repeats`. Members are added with a default, and never
/// change their meaning.
#[test]
fn rows_of_records() {
    let record = |text: &str| serde_json::from_str::<Record>(text).unwrap();
    let of_tags = record(r#"{"t":[1,18446744073709551615],"p":["gql/product/**"],"s":true}"#);
    assert_eq!((of_tags.tags, of_tags.soft), (vec![1, u64::MAX], true));
    assert_eq!(of_tags.patterns[0].as_str(), "gql/product/**");
    assert!(record(r#"{"a":true}"#).is_everything());
    assert_eq!(record(r#"{"c":5}"#).schema.map(|schema| schema.number()), Some(5));
    // Members that a later version has added are ignored after a rollback.
    assert!(record(r#"{"a":true,"later":{"x":1}}"#).is_everything());
}

/// Pages of layout 1, up to record 129 and of every record's own tag, with nothing else left.
#[test]
fn pages_of_layout_1_are_read_or_count_as_missing() {
    let rows = MemoryRows::of_log(7, 129);
    for (number, page) in lines(PAGES_1) {
        rows.put_page(number.parse().unwrap(), &bytes_of(page)).unwrap();
    }
    let log = Log::open(rows, Ttl::from_seconds(86_400), LogLimits::default(), || 8).unwrap();
    assert_eq!((log.epoch(), log.head()), (7, 129));
    let mut replica = Replica::new();
    replica.learn(log.since(None), Timestamp::from_millis(0));
    let verdict = |tag: u64, seq| {
        let mark = Mark { epoch: 7, seq };
        let (tagging, key_from_kind) = (Tagging::of(&"rules"), "gql/x");
        replica.verdict(&Subject { mark, tags: &[tag], tagging, key_from_kind })
    };
    for record in 1..=129 {
        assert_eq!(verdict(tag_of(record), record - 1), Verdict::Purged, "{record}");
    }
    // This one was never purged: it is valid if the pages are read, and gone if they are not.
    let expected = if log.floor() == 0 { Verdict::Valid } else { Verdict::Purged };
    assert_eq!(verdict(5, 0), expected);
    assert_eq!(verdict(5, 129), Verdict::Valid);
}

/// A tag on a page of its own: the upper 7 bits choose it.
fn tag_of(record: u64) -> u64 {
    record << 57 | record
}
