//! The log's answers as bytes: a message with a delta, and behind it the snapshot that the delta
//! is based on, if any. The form is in `wire.rs`.
//!
//! The snapshot behind an answer is a message of its own, with its own checksum. The log encodes it
//! once and adds it to each answer as it is; isolates leave it to their neighbours as it is.

use super::parts::{HIGHEST_SEQ, Reader, Writer};
use super::replica::Snapshot;
use super::wire::{
    HEADER_BYTES, MessageError, SNAPSHOT, VERSION_AT, Version, checked, message, read, read_delta,
    read_snapshot, write_delta, write_snapshot,
};
use super::{Base, Delta, Mark, Record, Seq};

/// A delta as far as a message has it.
pub(super) enum ReadDelta {
    /// All of it.
    Whole(Delta),
    /// The snapshot comes behind.
    AfterBase { floor: Seq, records: Vec<Record> },
}

/// A snapshot as bytes.
pub(super) fn encode_snapshot(epoch: u64, snapshot: &Snapshot) -> Vec<u8> {
    message(Version::CURRENT, SNAPSHOT, |writer| {
        // A tag takes 8 bytes, and most have only one of two numbers.
        writer.0.reserve_exact(1_000 + 13 * snapshot.tags.len());
        writer.fixed(epoch);
        write_snapshot(writer, snapshot, Version::CURRENT);
    })
}

/// The mark of a snapshot whose bytes are whole and of the current version.
pub(super) fn snapshot_mark(bytes: &[u8]) -> Result<Mark, MessageError> {
    let mut reader = Reader::of(snapshot_payload(bytes)?);
    let mark = (|| Some(Mark { epoch: reader.fixed()?, seq: reader.seq()? }))();
    mark.ok_or(MessageError::Content)
}

/// The snapshot that was encoded as these bytes.
pub(super) fn decode_snapshot(bytes: &[u8]) -> Result<Snapshot, MessageError> {
    let mut reader = Reader::of(snapshot_payload(bytes)?);
    let snapshot = (|| {
        reader.fixed()?;
        read_snapshot(&mut reader, Version::CURRENT)
    })();
    snapshot.filter(|_| reader.is_empty()).ok_or(MessageError::Content)
}

fn snapshot_payload(bytes: &[u8]) -> Result<&[u8], MessageError> {
    match checked(SNAPSHOT, bytes)? {
        (Version::CURRENT, payload) => Ok(payload),
        _ => Err(MessageError::Version),
    }
}

/// An answer, begun by `write`.
pub(super) fn encode_answer(
    version: Version,
    kind: u8,
    delta: &Delta,
    write: impl FnOnce(&mut Writer),
) -> Vec<u8> {
    let tail = match delta {
        Delta::Base { base, .. } => base.bytes(),
        _ => &[],
    };
    let mut bytes = message(version, kind, |writer| {
        if version >= Version::V4 {
            writer.count(tail.len());
        }
        write(writer);
        write_delta(writer, delta, version);
    });
    bytes.reserve_exact(tail.len());
    bytes.extend_from_slice(tail);
    bytes
}

/// The answer that was encoded as these bytes.
pub(super) fn decode_answer<T>(
    kind: u8,
    bytes: &[u8],
    content: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<(T, Delta), MessageError> {
    let (front, tail) = without_tail(bytes).ok_or(MessageError::Checksum)?;
    let answer = read(kind, front, |reader, version| {
        if version >= Version::V4 {
            reader.number()?;
        }
        Some((content(reader)?, read_delta(reader, version)?))
    });
    match answer? {
        (content, ReadDelta::Whole(delta)) if tail.is_empty() => Ok((content, delta)),
        (content, ReadDelta::AfterBase { floor, records }) => {
            let delta = Delta::Base { base: Base::read(tail.into())?, floor, records };
            let fits = floor <= delta.head() && delta.head() <= HIGHEST_SEQ;
            if fits { Ok((content, delta)) } else { Err(MessageError::Content) }
        }
        _ => Err(MessageError::Content),
    }
}

/// A message and the bytes behind it. The number of these is looked at before the checksum is,
/// which is wrong where that is.
fn without_tail(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let version = bytes.get(VERSION_AT).copied().and_then(Version::of_byte);
    let payload = bytes.get(HEADER_BYTES..).filter(|_| version >= Some(Version::V4));
    let Some(payload) = payload else { return Some((bytes, &[])) };
    let tail = usize::try_from(Reader::of(payload).number()?).ok()?;
    bytes.split_at_checked(bytes.len().checked_sub(tail)?)
}
