//! What a log writes down: its records, and from time to time a page of what it knows.
//!
//! In scope: the rows that a log needs, as a trait, and the pages' bytes. Not in scope: where rows
//! are kept, and when a page is written ([`super::log`]).
//!
//! ```text
//! page = layout:u8 up_to floor  (tag:u64 last)*
//! rest = layout:u8 up_to floor  all:last  hard:latest soft:latest  patterns (pattern last)*
//!        in_force:u64 distrusted:u64  periods (began seq at)*
//! ```
//!
//! Numbers, `last` and `latest` are those of `wire.rs`; `up_to` is the last record that the page knows of. A
//! tag is 64 bits, and a Durable Object's rows come back as JavaScript's numbers, which have 53. So
//! tags are written as bytes, and many to a row: rows are what storage is billed by.

use super::parts::{Reader, Writer};
use super::replica::{LastPurges, Schemas};
use super::table::PAGES;
use super::tagged_purges::TaggedPurges;
use super::times::{Period, Times};
use super::{Record, Seq};
use crate::key::Pattern;
use crate::time::Timestamp;

/// The number of the page that holds what is not about tags.
pub(super) const REST: usize = PAGES;
/// How many pages there are in all.
pub(super) const ALL_PAGES: usize = PAGES + 1;
/// The layout of pages. One of another layout counts as missing.
const LAYOUT: u8 = 2;

/// A record as it was written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its number.
    pub seq: Seq,
    /// When it was appended.
    pub at: Timestamp,
    /// What it purges.
    pub record: Record,
}

/// What a log finds written down when it starts, beside its records and pages.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Opened {
    /// Which log it is; none where nothing was ever written down.
    pub epoch: Option<u64>,
    /// The number of the last record that was dropped.
    pub dropped: Seq,
    /// What was known of schemas when records were dropped last.
    pub schemas: Schemas,
}

/// The rows of one log.
///
/// What succeeds is written down before the number of a record is told to anybody. Each call is
/// whole or nothing; between two of them the log may end.
pub trait LogRows {
    /// Why rows could not be read or written.
    type Fault;

    /// What there is.
    fn open(&self) -> Result<Opened, Self::Fault>;

    /// A page, if it was ever written.
    fn page(&self, number: usize) -> Result<Option<Vec<u8>>, Self::Fault>;

    /// Hands over the records after a number, one by one and in order. A record that cannot be
    /// read is one that purges everything.
    fn each_record(&self, after: Seq, visit: &mut dyn FnMut(Stored)) -> Result<(), Self::Fault>;

    /// Writes a record down.
    fn put_record(&self, seq: Seq, at: Timestamp, record: &Record) -> Result<(), Self::Fault>;

    /// Writes a page in place of what it was before.
    fn put_page(&self, number: usize, page: &[u8]) -> Result<(), Self::Fault>;

    /// Drops the records up to that number, and notes what is known of schemas.
    fn drop_records(&self, up_to: Seq, schemas: Schemas) -> Result<(), Self::Fault>;

    /// Drops everything: from here on this is the log `epoch`, whose first number follows `head`.
    fn begin(&self, epoch: u64, head: Seq) -> Result<(), Self::Fault>;
}

/// A page of tags.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Page {
    /// The last record that it knows of.
    pub up_to: Seq,
    /// What is not newer than this is not on it.
    pub floor: Seq,
    /// Its tags.
    pub tags: Vec<(u64, LastPurges)>,
}

/// The page of all else.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rest {
    /// The last record that it knows of.
    pub up_to: Seq,
    /// The log's floor.
    pub floor: Seq,
    /// The last purges of everything.
    pub all: LastPurges,
    /// The last purges by tags.
    pub tagged: TaggedPurges,
    /// Patterns, and their last purges.
    pub patterns: Vec<(Pattern, LastPurges)>,
    /// What is known of schemas.
    pub schemas: Schemas,
    /// When numbers were given.
    pub times: Times,
}

impl Page {
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = begun(self.up_to, self.floor);
        for (tag, last) in &self.tags {
            writer.fixed(*tag);
            writer.last(*last);
        }
        writer.0
    }

    /// The page that was encoded as these bytes; none where they make no sense.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (mut reader, up_to, floor) = read(bytes)?;
        let mut tags = Vec::with_capacity(bytes.len() / 11);
        while !reader.is_empty() {
            tags.push((reader.fixed()?, reader.last(up_to)?));
        }
        Some(Self { up_to, floor, tags })
    }
}

impl Rest {
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = begun(self.up_to, self.floor);
        writer.last(self.all);
        writer.tagged(self.tagged);
        writer.count(self.patterns.len());
        for (pattern, last) in &self.patterns {
            writer.pattern(pattern);
            writer.last(*last);
        }
        writer.fixed(self.schemas.in_force.number());
        writer.fixed(self.schemas.distrusted.number());
        writer.count(self.times.periods().len());
        for period in self.times.periods() {
            writer.number(period.began.as_millis());
            writer.number(period.seq);
            writer.number(period.at.as_millis());
        }
        writer.0
    }

    /// The page that was encoded as these bytes; none where they make no sense.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (mut reader, up_to, floor) = read(bytes)?;
        let all = reader.last(up_to)?;
        let tagged = reader.tagged(up_to)?;
        let count = reader.count(4)?;
        let pattern = |_| Some((reader.pattern()?, reader.last(up_to)?));
        let patterns = (0..count).map(pattern).collect::<Option<_>>()?;
        let schemas = Schemas { in_force: reader.schema()?, distrusted: reader.schema()? };
        let count = reader.count(3)?;
        let period = |_| {
            let began = Timestamp::from_millis(reader.number()?);
            let seq = reader.seq()?;
            Some(Period { began, seq, at: Timestamp::from_millis(reader.number()?) })
        };
        let periods = (0..count).map(period).collect::<Option<Vec<_>>>()?;
        let times = Times::from_periods(periods.into_iter());
        reader.is_empty().then_some(Self { up_to, floor, all, tagged, patterns, schemas, times })
    }
}

fn begun(up_to: Seq, floor: Seq) -> Writer {
    let mut writer = Writer(vec![LAYOUT]);
    writer.number(up_to);
    writer.number(floor);
    writer
}

fn read(bytes: &[u8]) -> Option<(Reader<'_>, Seq, Seq)> {
    let mut reader = Reader::of(bytes.strip_prefix(&[LAYOUT])?);
    let up_to = reader.seq()?;
    let floor = reader.seq().filter(|floor| *floor <= up_to)?;
    Some((reader, up_to, floor))
}

#[cfg(test)]
mod tests {
    use super::super::SchemaInForce;
    use super::*;
    use crate::tag::Tagging;
    use proptest::prelude::*;

    fn last() -> impl Strategy<Value = LastPurges> {
        (0_u64..9_000, 0_u64..9_000).prop_map(|(hard, soft)| LastPurges { hard, soft })
    }

    fn tagged() -> impl Strategy<Value = TaggedPurges> {
        let note = (1_u64..9_000, any::<u64>().prop_map(Tagging::from_number), any::<bool>());
        prop::collection::vec(note, 0..4).prop_map(|notes| {
            let mut tagged = TaggedPurges::default();
            notes.into_iter().for_each(|(seq, by, soft)| tagged.note(seq, by, soft));
            tagged
        })
    }

    fn rest() -> impl Strategy<Value = Rest> {
        let pattern = prop::sample::select(vec!["gql/**", "rest/a/*", "**"])
            .prop_map(|text| Pattern::parse(text).unwrap());
        let patterns = prop::collection::vec((pattern, last()), 0..4);
        let at = || any::<u64>().prop_map(Timestamp::from_millis);
        let period =
            (at(), 0_u64..9_000, at()).prop_map(|(began, seq, at)| Period { began, seq, at });
        let periods = prop::collection::vec(period, 0..5);
        let schema = || any::<u64>().prop_map(SchemaInForce::from_number);
        let schemas = (schema(), schema())
            .prop_map(|(in_force, distrusted)| Schemas { in_force, distrusted });
        (0_u64..=9_000, last(), tagged(), patterns, schemas, periods).prop_map(
            |(floor, all, tagged, patterns, schemas, periods)| {
                let times = Times::from_periods(periods.into_iter());
                Rest { up_to: 9_000, floor, all, tagged, patterns, schemas, times }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            tags in prop::collection::vec((any::<u64>(), last()), 0..20),
            rest in rest(),
        ) {
            let page = Page { up_to: 9_000, floor: 7, tags };
            prop_assert_eq!(Page::decode(&page.encode()), Some(page));
            prop_assert_eq!(Rest::decode(&rest.encode()), Some(rest));
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..80),
        ) {
            if let Some(page) = Page::decode(&bytes) {
                prop_assert_eq!(page.encode(), bytes.clone());
            }
            if let Some(rest) = Rest::decode(&bytes) {
                prop_assert_eq!(rest.encode(), bytes.clone());
            }
        }
    }

    #[test]
    fn a_page_of_another_layout_or_cut_off_counts_as_missing() {
        let tags = vec![(u64::MAX, LastPurges { hard: 3, soft: 0 })];
        let mut bytes = Page { up_to: 3, floor: 0, tags }.encode();
        assert_eq!(Page::decode(&bytes[..bytes.len() - 1]), None);
        bytes[0] = LAYOUT + 1;
        assert_eq!(Page::decode(&bytes), None);
        assert_eq!(Page::decode(&[]), None);
    }

    /// A row has at most 2 MB.
    #[test]
    fn the_longest_page_fits_into_a_row() {
        let highest = LastPurges { hard: 1 << 53, soft: 1 << 53 };
        let tags = (0..=crate::limits::LOG_PAGE_TAGS as u64).map(|tag| (tag, highest)).collect();
        let page = Page { up_to: 1 << 53, floor: 0, tags };
        assert!(page.encode().len() <= 2_000_000);
    }
}
