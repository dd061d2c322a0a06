//! Replies with a delta, and the encoded snapshot behind the payload, if any.
//!
//! The snapshot is a message of its own, with its own checksum. The log encodes it once and appends
//! it to each reply unchanged; isolates leave it to their neighbors unchanged.

use super::delta::{ReadDelta, read_delta, write_delta};
use crate::purge::codec::{
    HEADER_BYTES, MessageError, Reader, VERSION_AT, Version, Writer, decode_payload, encode_message,
};
use crate::purge::delta::Delta;
use crate::purge::encoded_snapshot::EncodedSnapshot;
use crate::purge::mark::HIGHEST_SEQ;

/// Encodes a reply. `write` writes the part of the payload before the delta.
pub fn encode_delta_reply(
    version: Version,
    kind: u8,
    delta: &Delta,
    write: impl FnOnce(&mut Writer),
) -> Vec<u8> {
    let tail = match delta {
        Delta::EncodedSnapshot { base, .. } => base.bytes(),
        _ => &[],
    };
    let mut bytes = encode_message(version, kind, |writer| {
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

/// Decodes a reply, and says in which version it is. `read` reads the part of the payload before the delta.
pub fn decode_delta_reply<T>(
    kind: u8,
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<(Version, T, Delta), MessageError> {
    let (message, tail) = split_tail(bytes).ok_or(MessageError::Checksum)?;
    let reply = decode_payload(kind, message, |reader, version| {
        if version >= Version::V4 {
            reader.number()?;
        }
        Some((version, read(reader)?, read_delta(reader, version)?))
    });
    match reply? {
        (version, content, ReadDelta::Whole(delta)) if tail.is_empty() => {
            Ok((version, content, delta))
        }
        (version, content, ReadDelta::AfterSnapshot { floor, records }) => {
            let base = EncodedSnapshot::read(tail.into())?;
            let delta = Delta::EncodedSnapshot { base, floor, records };
            let fits = floor <= delta.head() && delta.head() <= HIGHEST_SEQ;
            if fits { Ok((version, content, delta)) } else { Err(MessageError::Content) }
        }
        _ => Err(MessageError::Content),
    }
}

/// Splits a message from the bytes behind it. Their number is read before the checksum is verified:
/// if it is wrong, so is the checksum.
fn split_tail(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let version = bytes.get(VERSION_AT).copied().and_then(Version::of_byte);
    let payload = bytes.get(HEADER_BYTES..).filter(|_| version >= Some(Version::V4));
    let Some(payload) = payload else { return Some((bytes, &[])) };
    let tail = usize::try_from(Reader::new(payload).number()?).ok()?;
    bytes.split_at_checked(bytes.len().checked_sub(tail)?)
}
