//! Records as bytes.

use super::frame::{MessageError, RECORD, decode_payload, encode_message};
use super::parts::{Reader, Writer};
use super::version::Version;
use crate::limits;
use crate::purge::intent_id::IntentId;
use crate::purge::new_record::NewRecord;
use crate::purge::record::Record;
use crate::tag::Tagging;

// The flags of a record.
const ALL: u8 = 1;
const SOFT: u8 = 2;
const SCHEMA: u8 = 4;
const TAGGING: u8 = 8;
const PAUSE: u8 = 16;

impl Record {
    /// The record as a message of its own.
    pub fn encode(&self) -> Vec<u8> {
        let write = |writer: &mut Writer| write_record(writer, self, Version::CURRENT);
        encode_message(Version::CURRENT, RECORD, write)
    }

    /// The record in such a message.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        decode_payload(RECORD, bytes, read_record)
    }
}

pub fn write_new_record(writer: &mut Writer, new: &NewRecord, version: Version) {
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

pub fn write_record(writer: &mut Writer, record: &Record, version: Version) {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    let schema = flag(record.schema.is_some(), SCHEMA);
    let has_tagging = record.tagging.is_known();
    let writes_tagging = version >= Version::V4;
    // A reader of an earlier version would compare the tags with entries of other rules. So a purge
    // by tags of known rules becomes a purge of everything for it.
    let all = record.all || (has_tagging && !record.tags.is_empty() && !writes_tagging);
    let tagging = flag(has_tagging && writes_tagging, TAGGING);
    // A reader of an earlier version gets a record that does not pause.
    let written_pause = record.pause.filter(|_| version >= Version::V5);
    let pause = flag(written_pause.is_some(), PAUSE);
    writer.byte(flag(all, ALL) | flag(record.soft, SOFT) | schema | tagging | pause);
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
    if let Some(pause) = written_pause {
        writer.fixed(pause.number());
    }
}

pub fn read_new_record(reader: &mut Reader<'_>, version: Version) -> Option<NewRecord> {
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
    let closes = (0..closes).map(|_| IntentId::from_number(reader.fixed()?));
    let closes = closes.collect::<Option<_>>()?;
    Some(NewRecord { record, repeat_after, closes, for_version: None })
}

pub fn read_record(reader: &mut Reader<'_>, version: Version) -> Option<Record> {
    let flags = reader.byte()?;
    let known = match version {
        Version::V2 | Version::V3 => ALL | SOFT | SCHEMA,
        Version::V4 => ALL | SOFT | SCHEMA | TAGGING,
        Version::V5 => ALL | SOFT | SCHEMA | TAGGING | PAUSE,
    };
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
    let pause = if flags & PAUSE == 0 { None } else { Some(reader.pause()?) };
    let (all, soft) = (flags & ALL != 0, flags & SOFT != 0);
    Some(Record { tags, tagging, patterns, all, schema, pause, soft })
}
