//! Requests to the log.

use crate::purge::codec::{
    MessageError, REQUEST, Version, decode_payload, encode_message, read_new_record,
    write_new_record,
};
use crate::purge::mark::Mark;
use crate::purge::new_record::NewRecord;
use crate::purge::version_id::VersionId;

/// A request of an isolate to the log: to read, to append a record, or to note an intent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogRequest {
    /// The mark of the isolate's replica, or of a snapshot that a neighbor left.
    pub mark: Option<Mark>,
    /// Whether the mark is that of a neighbor's snapshot, which may be of another log.
    pub is_from_neighbor: bool,
    /// The record to append, or the intent to note.
    pub new: Option<NewRecord>,
    /// Whether `new` is an intent, which is noted and not appended.
    pub is_intent: bool,
}

impl LogRequest {
    /// The request as bytes.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        encode_message(version, REQUEST, |writer| {
            // A log of an earlier version would take a neighbor's mark for the isolate's own.
            let mark = self.mark.filter(|_| version >= Version::V4 || !self.is_from_neighbor);
            writer.byte(if mark.is_some() { 1 + u8::from(self.is_from_neighbor) } else { 0 });
            if let Some(mark) = mark {
                writer.fixed(mark.epoch);
                writer.number(mark.seq);
            }
            if let Some(new) = &self.new {
                write_new_record(writer, new, version);
                if version >= Version::V4 {
                    writer.byte(u8::from(self.is_intent));
                }
                if let Some(id) = new.for_version.as_ref().filter(|_| version >= Version::V4) {
                    writer.text(id.as_str());
                }
            }
        })
    }

    /// The request in these bytes, and the version for the reply.
    pub fn decode(bytes: &[u8]) -> Result<(Self, Version), MessageError> {
        decode_payload(REQUEST, bytes, |reader, version| {
            let form = reader.byte()?;
            let mark = match form {
                0 => None,
                2 if version < Version::V4 => return None,
                1 | 2 => Some(Mark { epoch: reader.fixed()?, seq: reader.seq()? }),
                _ => return None,
            };
            let is_from_neighbor = form == 2;
            if reader.is_empty() {
                return Some((Self { mark, is_from_neighbor, ..Self::default() }, version));
            }
            let mut new = read_new_record(reader, version)?;
            let is_intent = version >= Version::V4 && reader.flag()?;
            if version >= Version::V4 && !reader.is_empty() {
                new.for_version = Some(VersionId::parse(reader.text()?)?);
            }
            Some((Self { mark, is_from_neighbor, new: Some(new), is_intent }, version))
        })
    }
}
