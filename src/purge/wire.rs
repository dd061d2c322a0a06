//! What isolates and the log say to each other, as bytes, versioned and checked.
//!
//! ```text
//! "EVL" version:u8 kind:u8 checksum:u64 payload
//!
//! question  = 0 | (1 | 2) mark    (record repeats closes intent:u8)?   (where something is added)
//! repeats   = count seconds*
//! closes    = count intent:u64*
//! noted     = intent:u64
//! appended  = tail  seq delta              tail: how many bytes follow the payload
//! said      = tail  clock:u64 at delta
//! delta     = 0 epoch:u64 floor after  records record*
//!           | 1 epoch:u64 state
//!           | 2 floor  records record*       the tail is a snapshot, and these came after it
//! snapshot  = epoch:u64 state
//! state     = head floor last  hard:latest soft:latest  tags (tag:u64 last)*
//!             patterns (pattern last)*  in_force:u64 distrusted:u64
//! record    = flags:u8  tags tag:u64*  tagging:u64?  patterns pattern*  schema:u64?
//! mark      = epoch:u64 seq
//! last      = hard soft
//! latest    = seq tagging:u64 by_others
//! pattern   = bytes text
//! ```
//!
//! The parts are as in `purge/parts.rs`. The checksum (XXH3) covers the payload, and version and
//! kind as its seed. Bytes of another version, damaged, cut off or over a limit are refused: a log
//! whose words cannot be read counts as one that did not answer.
//!
//! During a deployment isolates of two versions ask one log. So earlier versions are read as well,
//! and a question is answered in its own version. Version 2 had no `repeats`, version 3 neither
//! `tagging` nor `latest`: whoever asks in it is told that a purge of tags by known rules is one of
//! everything, for it goes by others. Nor had it `closes` and `intent`: the ids of intents that end
//! with the record, and whether it is itself an intent, to be noted and not appended, which is
//! answered by `noted`. Nor a `tail` (`purge/answer.rs`), delta 2, and mark 2, which is a
//! neighbour's.

use super::answer::{ReadDelta, decode_answer, encode_answer};
use super::parts::{Reader, Writer};
use super::tagged_purges::TaggedPurges;
use super::{Delta, IntentId, LogTime, Mark, NewRecord, ReadReply, Record, Schemas, Seq, Snapshot};
use crate::limits;
use crate::tag::Tagging;
use crate::time::Timestamp;

const MAGIC: &[u8; 3] = b"EVL";
/// Where a message has its version.
pub(super) const VERSION_AT: usize = MAGIC.len();
pub(super) const HEADER_BYTES: usize = 13;

/// A version of the form that is understood. Version 4 is the one to write in; the others are
/// for whoever has asked in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Without repetitions.
    V2,
    /// With them.
    V3,
    /// The current one.
    V4,
}

impl Version {
    /// The one that this build asks in.
    pub const CURRENT: Self = Self::V4;
    /// The one that a log which refuses the current one is asked in.
    pub const PREVIOUS: Self = Self::V3;

    /// Its number, as messages have it.
    pub fn byte(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }

    pub(super) fn of_byte(byte: u8) -> Option<Self> {
        [Self::V2, Self::V3, Self::V4].into_iter().find(|version| version.byte() == byte)
    }
}

/// The kinds of messages: one cannot be taken for another.
const QUESTION: u8 = 1;
const SAID: u8 = 2;
const APPENDED: u8 = 3;
const RECORD: u8 = 4;
const NOTED: u8 = 5;
pub(super) const SNAPSHOT: u8 = 6;

/// The flags of a record.
const ALL: u8 = 1;
const SOFT: u8 = 2;
const SCHEMA: u8 = 4;
const TAGGING: u8 = 8;

/// What an isolate asks of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogRequest {
    /// Where its replica stands.
    pub mark: Option<Mark>,
    /// Whether the mark is that of a neighbour's snapshot, which may be another log's.
    pub is_neighbours: bool,
    /// What to append, if anything.
    pub new: Option<NewRecord>,
    /// Whether that is an intent, which is noted and not appended.
    pub is_intent: bool,
}

/// An intent that was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntentReply(pub IntentId);

/// A recorded purge.
#[derive(Debug, Clone, PartialEq)]
pub struct AppendReply {
    /// The record's number.
    pub seq: Seq,
    /// What happened up to it.
    pub delta: Delta,
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageError {
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

impl MessageError {
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

impl LogRequest {
    /// The question as bytes.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        message(version, QUESTION, |writer| {
            // An earlier version would take a neighbour's mark for the isolate's own.
            let mark = self.mark.filter(|_| version >= Version::V4 || !self.is_neighbours);
            writer.byte(if mark.is_some() { 1 + u8::from(self.is_neighbours) } else { 0 });
            if let Some(mark) = mark {
                writer.fixed(mark.epoch);
                writer.number(mark.seq);
            }
            if let Some(new) = &self.new {
                write_new_record(writer, new, version);
                if version >= Version::V4 {
                    writer.byte(u8::from(self.is_intent));
                }
            }
        })
    }

    /// The question that was encoded as these bytes, and the version for its answer.
    pub fn decode(bytes: &[u8]) -> Result<(Self, Version), MessageError> {
        read(QUESTION, bytes, |reader, version| {
            let form = reader.byte()?;
            let mark = match form {
                0 => None,
                2 if version < Version::V4 => return None,
                1 | 2 => Some(Mark { epoch: reader.fixed()?, seq: reader.seq()? }),
                _ => return None,
            };
            let is_neighbours = form == 2;
            if reader.is_empty() {
                return Some((Self { mark, is_neighbours, ..Self::default() }, version));
            }
            let new = Some(read_new_record(reader, version)?);
            let is_intent = version >= Version::V4 && reader.flag()?;
            Some((Self { mark, is_neighbours, new, is_intent }, version))
        })
    }
}

impl ReadReply {
    /// What was said as bytes.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        encode_answer(version, SAID, &self.delta, |writer| {
            writer.fixed(self.time.clock);
            writer.number(self.time.at.as_millis());
        })
    }

    /// What was encoded as these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let (time, delta) = decode_answer(SAID, bytes, |reader| {
            let (clock, at) = (reader.fixed()?, Timestamp::from_millis(reader.number()?));
            Some(LogTime { clock, at })
        })?;
        Ok(Self { time, delta })
    }
}

impl AppendReply {
    /// The answer as bytes.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        encode_answer(version, APPENDED, &self.delta, |writer| writer.number(self.seq))
    }

    /// The answer that was encoded as these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let (seq, delta) = decode_answer(APPENDED, bytes, |reader| reader.seq())?;
        Ok(Self { seq, delta })
    }
}

impl IntentReply {
    /// The answer as bytes.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        message(version, NOTED, |writer| writer.fixed(self.0.number()))
    }

    /// The answer that was encoded as these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        read(NOTED, bytes, |reader, _| Some(Self(IntentId::written_as(reader.fixed()?)?)))
    }
}

impl Record {
    /// The record as bytes.
    pub fn encode(&self) -> Vec<u8> {
        message(Version::CURRENT, RECORD, |writer| write_record(writer, self, Version::CURRENT))
    }

    /// The record that was encoded as these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        read(RECORD, bytes, read_record)
    }
}

pub(super) fn message(version: Version, kind: u8, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
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

pub(super) fn read<T>(
    kind: u8,
    bytes: &[u8],
    content: impl FnOnce(&mut Reader<'_>, Version) -> Option<T>,
) -> Result<T, MessageError> {
    let (version, payload) = checked(kind, bytes)?;
    let mut reader = Reader::of(payload);
    let read = content(&mut reader, version).ok_or(MessageError::Content)?;
    if reader.is_empty() { Ok(read) } else { Err(MessageError::Content) }
}

/// The version and the payload of a whole message of that kind.
pub(super) fn checked(kind: u8, bytes: &[u8]) -> Result<(Version, &[u8]), MessageError> {
    if bytes.len() > limits::WIRE_BYTES {
        return Err(MessageError::TooLong);
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or(MessageError::NotAMessage)?;
    let (version, rest) = rest.split_first().ok_or(MessageError::NotAMessage)?;
    let version = Version::of_byte(*version).ok_or(MessageError::Version)?;
    let rest = rest.strip_prefix(&[kind]).ok_or(MessageError::NotAMessage)?;
    let (stored_checksum, payload) = rest.split_first_chunk::<8>().ok_or(MessageError::Checksum)?;
    if *stored_checksum != checksum(version, kind, payload) {
        return Err(MessageError::Checksum);
    }
    Ok((version, payload))
}

fn checksum(version: Version, kind: u8, payload: &[u8]) -> [u8; 8] {
    let seed = u64::from(u16::from_be_bytes([version.byte(), kind]));
    xxhash_rust::xxh3::xxh3_64_with_seed(payload, seed).to_le_bytes()
}

fn write_new_record(writer: &mut Writer, new: &NewRecord, version: Version) {
    write_record(writer, &new.record, version);
    if version >= Version::V3 {
        writer.count(new.repeat_after.len());
        new.repeat_after.iter().for_each(|seconds| writer.number((*seconds).into()));
    }
    if version >= Version::V4 {
        let closes = || new.closes.iter().take(limits::INTENTS_CLOSED);
        writer.count(closes().len());
        closes().for_each(|intent| writer.fixed(intent.number()));
    }
}

fn write_record(writer: &mut Writer, record: &Record, version: Version) {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    let schema = flag(record.schema.is_some(), SCHEMA);
    let has_tagging = record.tagging.is_known();
    let tells_tagging = version >= Version::V4;
    let all = record.all || (has_tagging && !record.tags.is_empty() && !tells_tagging);
    let tagging = flag(has_tagging && tells_tagging, TAGGING);
    writer.byte(flag(all, ALL) | flag(record.soft, SOFT) | schema | tagging);
    writer.count(record.tags.len());
    for tag in &record.tags {
        writer.fixed(*tag);
    }
    if tagging != 0 {
        writer.fixed(record.tagging.number());
    }
    writer.count(record.patterns.len());
    for pattern in &record.patterns {
        writer.pattern(pattern);
    }
    if let Some(schema) = record.schema {
        writer.fixed(schema.number());
    }
}

pub(super) fn write_delta(writer: &mut Writer, delta: &Delta, version: Version) {
    match delta {
        Delta::Records { epoch, floor, after, records } => {
            writer.byte(0);
            writer.fixed(*epoch);
            writer.number(*floor);
            writer.number(*after);
            write_records(writer, records, version);
        }
        Delta::Snapshot { epoch, snapshot } => {
            writer.byte(1);
            writer.fixed(*epoch);
            write_snapshot(writer, snapshot, version);
        }
        Delta::Base { floor, records, .. } => {
            writer.byte(2);
            writer.number(*floor);
            write_records(writer, records, version);
        }
    }
}

fn write_records(writer: &mut Writer, records: &[Record], version: Version) {
    writer.count(records.len());
    records.iter().for_each(|record| write_record(writer, record, version));
}

pub(super) fn write_snapshot(writer: &mut Writer, snapshot: &Snapshot, version: Version) {
    writer.number(snapshot.head);
    writer.number(snapshot.floor);
    if version >= Version::V4 {
        writer.last(snapshot.all);
        writer.tagged(snapshot.tagged);
    } else {
        let mut all = snapshot.all;
        all.join(snapshot.tagged.by_known());
        writer.last(all);
    }
    writer.count(snapshot.tags.len());
    for (tag, last) in &snapshot.tags {
        writer.fixed(*tag);
        writer.last(*last);
    }
    writer.count(snapshot.patterns.len());
    for (pattern, last) in &snapshot.patterns {
        writer.pattern(pattern);
        writer.last(*last);
    }
    writer.fixed(snapshot.schemas.in_force.number());
    writer.fixed(snapshot.schemas.distrusted.number());
}

fn read_new_record(reader: &mut Reader<'_>, version: Version) -> Option<NewRecord> {
    let record = read_record(reader, version)?;
    if version < Version::V3 {
        return Some(record.into());
    }
    let count = reader.count(1).filter(|count| *count <= limits::REPEATS)?;
    let repeat_after = (0..count).map(|_| u32::try_from(reader.number()?).ok());
    let repeat_after = repeat_after.collect::<Option<_>>()?;
    let closes = match version >= Version::V4 {
        true => reader.count(8).filter(|count| *count <= limits::INTENTS_CLOSED)?,
        false => 0,
    };
    let closes = (0..closes).map(|_| IntentId::written_as(reader.fixed()?));
    Some(NewRecord { record, repeat_after, closes: closes.collect::<Option<_>>()? })
}

fn read_record(reader: &mut Reader<'_>, version: Version) -> Option<Record> {
    let flags = reader.byte()?;
    let known =
        if version >= Version::V4 { ALL | SOFT | SCHEMA | TAGGING } else { ALL | SOFT | SCHEMA };
    if flags & !known != 0 {
        return None;
    }
    let tags = reader.count(8)?;
    let tags = (0..tags).map(|_| reader.fixed()).collect::<Option<Vec<_>>>()?;
    let tagging = match flags & TAGGING {
        0 => Tagging::UNKNOWN,
        _ => reader.tagging().filter(|tagging| tagging.is_known())?,
    };
    let patterns = reader.count(2)?;
    let patterns = (0..patterns).map(|_| reader.pattern()).collect::<Option<Vec<_>>>()?;
    let schema = if flags & SCHEMA == 0 { None } else { Some(reader.schema()?) };
    let (all, soft) = (flags & ALL != 0, flags & SOFT != 0);
    Some(Record { tags, tagging, patterns, all, schema, soft })
}

pub(super) fn read_delta(reader: &mut Reader<'_>, version: Version) -> Option<ReadDelta> {
    match reader.byte()? {
        0 => {
            let epoch = reader.fixed()?;
            let (floor, after) = (reader.seq()?, reader.seq()?);
            let records = read_records(reader, version)?;
            let head = after.checked_add(u64::try_from(records.len()).ok()?)?;
            let delta = Delta::Records { epoch, floor, after, records };
            (floor <= head).then_some(ReadDelta::Whole(delta))
        }
        1 => {
            let epoch = reader.fixed()?;
            let snapshot = read_snapshot(reader, version)?;
            Some(ReadDelta::Whole(Delta::Snapshot { epoch, snapshot }))
        }
        2 if version >= Version::V4 => {
            let floor = reader.seq()?;
            let records = read_records(reader, version)?;
            Some(ReadDelta::AfterBase { floor, records })
        }
        _ => None,
    }
}

fn read_records(reader: &mut Reader<'_>, version: Version) -> Option<Vec<Record>> {
    let count = reader.count(3).filter(|count| *count <= limits::DELTA_RECORDS)?;
    (0..count).map(|_| read_record(reader, version)).collect()
}

pub(super) fn read_snapshot(reader: &mut Reader<'_>, version: Version) -> Option<Snapshot> {
    let head = reader.seq()?;
    let floor = reader.number().filter(|floor| *floor <= head)?;
    let all = reader.last(head)?;
    let tagged = match version >= Version::V4 {
        true => reader.tagged(head)?,
        // Isolates of a data center tell each other what they have read, in their own version.
        false => TaggedPurges::unknown_up_to(head),
    };
    let count = reader.count(10).filter(|count| *count <= limits::LOG_TAGS)?;
    let tag = |_| Some((reader.fixed()?, reader.last(head)?));
    let tags = (0..count).map(tag).collect::<Option<Vec<_>>>()?;
    let count = reader.count(4).filter(|count| *count <= limits::LOG_PATTERNS)?;
    let pattern = |_| Some((reader.pattern()?, reader.last(head)?));
    let patterns = (0..count).map(pattern).collect::<Option<Vec<_>>>()?;
    let schemas = Schemas { in_force: reader.schema()?, distrusted: reader.schema()? };
    Some(Snapshot { head, floor, all, tagged, tags, patterns, schemas })
}

#[cfg(test)]
mod tests;
