//! The frame of a message: magic bytes, version, kind and checksum around the payload.

use super::parts::{Reader, Writer};
use super::version::Version;
use crate::limits;

const MAGIC: &[u8; 3] = b"EVL";
/// The position of the version's byte.
pub const VERSION_AT: usize = MAGIC.len();
/// The length of the frame before the payload.
pub const HEADER_BYTES: usize = 13;

// The kinds of messages. One is never read as another.
pub const REQUEST: u8 = 1;
pub const READ_REPLY: u8 = 2;
pub const APPEND_REPLY: u8 = 3;
pub const RECORD: u8 = 4;
pub const INTENT_REPLY: u8 = 5;
pub const SNAPSHOT: u8 = 6;
pub const KV_CLAIM: u8 = 7;
pub const KV_GRANT: u8 = 8;

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageError {
    /// They do not begin like a message of the expected kind.
    NotAMessage,
    /// They are of a version that this build does not know.
    Version,
    /// They are longer than any message.
    TooLong,
    /// They are damaged or cut off.
    Checksum,
    /// The checksum is right, but the content is invalid.
    Content,
}

impl MessageError {
    /// The reason as a word, for logs.
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

/// Encodes a message, the payload of which `write` writes.
pub fn encode_message(version: Version, kind: u8, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
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

/// Decodes a message, all of the payload of which `read` has to read.
pub fn decode_payload<T>(
    kind: u8,
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>, Version) -> Option<T>,
) -> Result<T, MessageError> {
    let (version, payload) = payload_of(kind, bytes)?;
    let mut reader = Reader::new(payload);
    let content = read(&mut reader, version).ok_or(MessageError::Content)?;
    if reader.is_empty() { Ok(content) } else { Err(MessageError::Content) }
}

/// The version and the payload of a message of that kind, if its checksum is right.
pub fn payload_of(kind: u8, bytes: &[u8]) -> Result<(Version, &[u8]), MessageError> {
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
