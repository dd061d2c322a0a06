//! What isolates and the log say to each other, as bytes, versioned and checked.
//!
//! ```text
//! "EVL" version:u8 kind:u8 checksum:u64 payload
//!
//! question  = 0 | 1 mark          (record repeats)?   (there where something is added)
//! repeats   = count seconds*
//! appended  = seq delta
//! said      = clock:u64 at delta
//! delta     = 0 epoch:u64 floor after  records record*
//!           | 1 epoch:u64 head floor last  tags (tag:u64 last)*  patterns (pattern last)*
//!             in_force:u64 distrusted:u64
//! record    = flags:u8  tags tag:u64*  patterns pattern*  schema:u64?
//! mark      = epoch:u64 seq
//! last      = hard soft
//! pattern   = bytes text
//! ```
//!
//! What has a width is little-endian; the other numbers are LEB128. The checksum (XXH3) covers the
//! payload, and version and kind as its seed. Bytes of another version, damaged, cut off or over a
//! limit are refused: a log whose words cannot be read counts as one that did not answer.
//!
//! While a deployment goes around, isolates of two versions ask one log. So the version before is
//! read as well, and what was asked in it is answered in it. It had no `repeats`.

use super::replica::Last;
use super::{Delta, LogTime, Mark, NewRecord, Record, Said, SchemaInForce, Schemas, Seq, Snapshot};
use crate::key::Pattern;
use crate::limits;
use crate::time::Timestamp;

const MAGIC: &[u8; 3] = b"EVL";
const HEADER_BYTES: usize = 13;

/// A version of the form that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// The one before.
    Previous,
    /// The one that everything but an answer to the one before is written in.
    Current,
}

impl Version {
    fn byte(self) -> u8 {
        match self {
            Self::Previous => 2,
            Self::Current => 3,
        }
    }

    fn of_byte(byte: u8) -> Option<Self> {
        [Self::Previous, Self::Current].into_iter().find(|version| version.byte() == byte)
    }
}

/// The kinds of messages: one cannot be taken for another.
const QUESTION: u8 = 1;
const SAID: u8 = 2;
const APPENDED: u8 = 3;
const RECORD: u8 = 4;

/// The flags of a record.
const ALL: u8 = 1;
const SOFT: u8 = 2;
const SCHEMA: u8 = 4;

/// The highest number of a record: SQLite's rows come back as JavaScript's numbers.
const HIGHEST_SEQ: Seq = 1 << 53;

/// What an isolate asks of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Where its replica stands.
    pub mark: Option<Mark>,
    /// What to append, if anything.
    pub new: Option<NewRecord>,
}

/// A recorded purge.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// The record's number.
    pub seq: Seq,
    /// What happened up to it.
    pub delta: Delta,
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garbled {
    /// They do not begin as a message of this kind does.
    NotAMessage,
    /// They are of a version that this build does not know.
    Version,
    /// They are more than any message has.
    TooLong,
    /// They were changed or cut off.
    Checksum,
    /// They are whole and yet make no sense.
    Content,
}

impl Garbled {
    /// The reason in a word, for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAMessage => "not-a-message",
            Self::Version => "version",
            Self::TooLong => "too-long",
            Self::Checksum => "checksum",
            Self::Content => "content",
        }
    }
}

impl Question {
    /// The question as bytes.
    pub fn encode(&self) -> Vec<u8> {
        message(Version::Current, QUESTION, |writer| {
            writer.byte(u8::from(self.mark.is_some()));
            if let Some(mark) = self.mark {
                writer.fixed(mark.epoch);
                writer.number(mark.seq);
            }
            if let Some(new) = &self.new {
                writer.record(&new.record);
                writer.count(new.repeat_after.len());
                new.repeat_after.iter().for_each(|seconds| writer.number((*seconds).into()));
            }
        })
    }

    /// The question that was encoded as these bytes, and the version for its answer.
    pub fn decode(bytes: &[u8]) -> Result<(Self, Version), Garbled> {
        read(QUESTION, bytes, |reader, version| {
            let mark = match reader.byte()? {
                0 => None,
                1 => Some(Mark { epoch: reader.fixed()?, seq: reader.seq()? }),
                _ => return None,
            };
            let new = if reader.is_empty() { None } else { Some(reader.new_record(version)?) };
            Some((Self { mark, new }, version))
        })
    }
}

impl Said {
    /// What was said as bytes.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        message(version, SAID, |writer| {
            writer.fixed(self.time.clock);
            writer.number(self.time.at.as_millis());
            writer.delta(&self.delta);
        })
    }

    /// What was encoded as these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Garbled> {
        read(SAID, bytes, |reader, _| {
            let (clock, at) = (reader.fixed()?, Timestamp::from_millis(reader.number()?));
            Some(Self { time: LogTime { clock, at }, delta: reader.delta()? })
        })
    }
}

impl Appended {
    /// The answer as bytes.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        message(version, APPENDED, |writer| {
            writer.number(self.seq);
            writer.delta(&self.delta);
        })
    }

    /// The answer that was encoded as these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Garbled> {
        read(APPENDED, bytes, |reader, _| Some(Self { seq: reader.seq()?, delta: reader.delta()? }))
    }
}

impl Record {
    /// The record as bytes.
    pub fn encode(&self) -> Vec<u8> {
        message(Version::Current, RECORD, |writer| writer.record(self))
    }

    /// The record that was encoded as these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Garbled> {
        read(RECORD, bytes, |reader, _| reader.record())
    }
}

fn message(version: Version, kind: u8, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer(Vec::with_capacity(HEADER_BYTES));
    writer.0.extend_from_slice(MAGIC);
    writer.0.extend_from_slice(&[version.byte(), kind]);
    writer.0.extend_from_slice(&[0; 8]);
    write(&mut writer);
    let mut bytes = writer.0;
    let checksum = checksum(version, kind, bytes.get(HEADER_BYTES..).unwrap_or_default());
    if let Some(place) = bytes.get_mut(5..HEADER_BYTES) {
        place.copy_from_slice(&checksum);
    }
    bytes
}

fn read<T>(
    kind: u8,
    bytes: &[u8],
    content: impl FnOnce(&mut Reader<'_>, Version) -> Option<T>,
) -> Result<T, Garbled> {
    if bytes.len() > limits::WIRE_BYTES {
        return Err(Garbled::TooLong);
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or(Garbled::NotAMessage)?;
    let (version, rest) = rest.split_first().ok_or(Garbled::NotAMessage)?;
    let version = Version::of_byte(*version).ok_or(Garbled::Version)?;
    let rest = rest.strip_prefix(&[kind]).ok_or(Garbled::NotAMessage)?;
    let (stored_checksum, payload) = rest.split_first_chunk::<8>().ok_or(Garbled::Checksum)?;
    if *stored_checksum != checksum(version, kind, payload) {
        return Err(Garbled::Checksum);
    }
    let mut reader = Reader::of(payload);
    let read = content(&mut reader, version).ok_or(Garbled::Content)?;
    if reader.is_empty() { Ok(read) } else { Err(Garbled::Content) }
}

fn checksum(version: Version, kind: u8, payload: &[u8]) -> [u8; 8] {
    let seed = u64::from(u16::from_be_bytes([version.byte(), kind]));
    xxhash_rust::xxh3::xxh3_64_with_seed(payload, seed).to_le_bytes()
}

pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub fn fixed(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// LEB128: seven bits a byte, the lowest first.
    pub fn number(&mut self, mut number: u64) {
        loop {
            let low = (number & 0x7F).to_le_bytes()[0];
            number >>= 7;
            if number == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    pub fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub fn last(&mut self, last: Last) {
        self.number(last.hard);
        self.number(last.soft);
    }

    pub fn pattern(&mut self, pattern: &Pattern) {
        self.count(pattern.as_str().len());
        self.0.extend_from_slice(pattern.as_str().as_bytes());
    }

    fn record(&mut self, record: &Record) {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let schema = flag(record.schema.is_some(), SCHEMA);
        self.byte(flag(record.all, ALL) | flag(record.soft, SOFT) | schema);
        self.count(record.tags.len());
        for tag in &record.tags {
            self.fixed(*tag);
        }
        self.count(record.patterns.len());
        for pattern in &record.patterns {
            self.pattern(pattern);
        }
        if let Some(schema) = record.schema {
            self.fixed(schema.number());
        }
    }

    fn delta(&mut self, delta: &Delta) {
        match delta {
            Delta::Records { epoch, floor, after, records } => {
                self.byte(0);
                self.fixed(*epoch);
                self.number(*floor);
                self.number(*after);
                self.count(records.len());
                for record in records {
                    self.record(record);
                }
            }
            Delta::Snapshot { epoch, snapshot } => {
                self.byte(1);
                self.fixed(*epoch);
                self.snapshot(snapshot);
            }
        }
    }

    fn snapshot(&mut self, snapshot: &Snapshot) {
        self.number(snapshot.head);
        self.number(snapshot.floor);
        self.last(snapshot.all);
        self.count(snapshot.tags.len());
        for (tag, last) in &snapshot.tags {
            self.fixed(*tag);
            self.last(*last);
        }
        self.count(snapshot.patterns.len());
        for (pattern, last) in &snapshot.patterns {
            self.pattern(pattern);
            self.last(*last);
        }
        self.fixed(snapshot.schemas.in_force.number());
        self.fixed(snapshot.schemas.distrusted.number());
    }
}

/// Reads a payload, which has the right checksum and yet could be anything.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// How many were read: in memory they take many times their bytes.
    patterns: usize,
}

impl<'a> Reader<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, patterns: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    pub fn fixed(&mut self) -> Option<u64> {
        let (number, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*number))
    }

    /// A number in the shortest form that it has, so that there is one form of each message.
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            let placed = bits << shift;
            if placed >> shift != bits || (byte == 0 && shift > 0) {
                return None;
            }
            number |= placed;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub fn seq(&mut self) -> Option<Seq> {
        self.number().filter(|seq| *seq <= HIGHEST_SEQ)
    }

    /// How many things follow that have at least `bytes` each: no more than there is room for, so
    /// that memory for them can be had on its word.
    pub fn count(&mut self, bytes: usize) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count.checked_mul(bytes)? <= self.rest.len()).then_some(count)
    }

    pub fn last(&mut self, head: Seq) -> Option<Last> {
        let last = Last { hard: self.number()?, soft: self.number()? };
        (last.hard.max(last.soft) <= head).then_some(last)
    }

    pub fn pattern(&mut self) -> Option<Pattern> {
        self.patterns += 1;
        if self.patterns > limits::PURGE_ITEMS {
            return None;
        }
        let bytes = self.count(1)?;
        let (text, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Pattern::parse(std::str::from_utf8(text).ok()?).ok()
    }

    pub fn schema(&mut self) -> Option<SchemaInForce> {
        self.fixed().map(SchemaInForce::from_number)
    }

    fn record(&mut self) -> Option<Record> {
        let flags = self.byte()?;
        if flags & !(ALL | SOFT | SCHEMA) != 0 {
            return None;
        }
        let tags = self.count(8)?;
        let tags = (0..tags).map(|_| self.fixed()).collect::<Option<Vec<_>>>()?;
        let patterns = self.count(2)?;
        let patterns = (0..patterns).map(|_| self.pattern()).collect::<Option<Vec<_>>>()?;
        let schema = if flags & SCHEMA == 0 { None } else { Some(self.schema()?) };
        Some(Record { tags, patterns, all: flags & ALL != 0, schema, soft: flags & SOFT != 0 })
    }

    fn new_record(&mut self, version: Version) -> Option<NewRecord> {
        let record = self.record()?;
        if version == Version::Previous {
            return Some(record.into());
        }
        let count = self.count(1).filter(|count| *count <= limits::REPEATS)?;
        let repeat_after = (0..count).map(|_| u32::try_from(self.number()?).ok());
        Some(NewRecord { record, repeat_after: repeat_after.collect::<Option<_>>()? })
    }

    fn delta(&mut self) -> Option<Delta> {
        let kind = self.byte()?;
        let epoch = self.fixed()?;
        match kind {
            0 => {
                let (floor, after) = (self.seq()?, self.seq()?);
                let count = self.count(3).filter(|count| *count <= limits::DELTA_RECORDS)?;
                let records = (0..count).map(|_| self.record()).collect::<Option<Vec<_>>>()?;
                let head = after.checked_add(u64::try_from(count).ok()?)?;
                (floor <= head).then_some(Delta::Records { epoch, floor, after, records })
            }
            1 => Some(Delta::Snapshot { epoch, snapshot: self.snapshot()? }),
            _ => None,
        }
    }

    fn snapshot(&mut self) -> Option<Snapshot> {
        let head = self.seq()?;
        let floor = self.number().filter(|floor| *floor <= head)?;
        let all = self.last(head)?;
        let count = self.count(10).filter(|count| *count <= limits::LOG_TAGS)?;
        let tag = |_| Some((self.fixed()?, self.last(head)?));
        let tags = (0..count).map(tag).collect::<Option<Vec<_>>>()?;
        let count = self.count(4).filter(|count| *count <= limits::LOG_PATTERNS)?;
        let pattern = |_| Some((self.pattern()?, self.last(head)?));
        let patterns = (0..count).map(pattern).collect::<Option<Vec<_>>>()?;
        let schemas = Schemas { in_force: self.schema()?, distrusted: self.schema()? };
        Some(Snapshot { head, floor, all, tags, patterns, schemas })
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
