//! The envelope in which an entry is stored, with a version and a checksum.
//!
//! ```text
//! "EVG" version:u8 flags:u8 checksum:u64 meta_bytes:u32 body_bytes:u32 meta body
//! ```
//!
//! Numbers are little-endian. Bit 0 of `flags` is set if the body is deflated; `body_bytes` is its
//! length before. The checksum (XXH3) covers everything after it, and the flags.

use super::entry::{Entry, Meta};
use std::rc::Rc;

const MAGIC: &[u8; 3] = b"EVG";
const VERSION: u8 = 4;
const DEFLATED: u8 = 1;
const HEADER_BYTES: usize = 21;
/// Longer bodies are deflated.
const DEFLATE_ABOVE: usize = 1024;
/// A cheap level of deflate: most of the gain for a third of the work of level 6.
const DEFLATE_LEVEL: u8 = 3;

/// Why bytes are not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvelopeError {
    /// They do not begin like an envelope.
    NotAnEnvelope,
    /// They are of another version.
    Version,
    /// They are damaged or cut off.
    Checksum,
    /// The checksum is right, but the content is invalid.
    Content,
}

impl EnvelopeError {
    /// The reason as a word, for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAnEnvelope => "not-an-envelope",
            Self::Version => "version",
            Self::Checksum => "checksum",
            Self::Content => "content",
        }
    }
}

/// The entry as bytes.
pub fn encode(entry: &Entry) -> Vec<u8> {
    // Serializing strings and numbers cannot fail.
    let meta = serde_json::to_vec(&entry.meta).unwrap_or_default();
    let deflated = (entry.body.len() > DEFLATE_ABOVE)
        .then(|| miniz_oxide::deflate::compress_to_vec(&entry.body, DEFLATE_LEVEL))
        .filter(|deflated| deflated.len() < entry.body.len());
    let flags = if deflated.is_some() { DEFLATED } else { 0 };
    let body = deflated.as_deref().unwrap_or(&entry.body);

    let mut bytes = Vec::with_capacity(HEADER_BYTES + meta.len() + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    bytes.push(flags);
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&length(meta.len()));
    bytes.extend_from_slice(&length(entry.body.len()));
    bytes.extend_from_slice(&meta);
    bytes.extend_from_slice(body);
    let checksum = checksum(flags, bytes.get(13..).unwrap_or_default());
    if let Some(place) = bytes.get_mut(5..13) {
        place.copy_from_slice(&checksum);
    }
    bytes
}

/// The entry in these bytes.
pub fn decode(bytes: &[u8]) -> Result<Entry, EnvelopeError> {
    let (head, checked) = bytes.split_at_checked(13).ok_or(EnvelopeError::NotAnEnvelope)?;
    let rest = head.strip_prefix(MAGIC).ok_or(EnvelopeError::NotAnEnvelope)?;
    let [version, flags, stored_checksum @ ..] = rest else {
        return Err(EnvelopeError::NotAnEnvelope);
    };
    if *version != VERSION {
        return Err(EnvelopeError::Version);
    }
    if stored_checksum != checksum(*flags, checked) {
        return Err(EnvelopeError::Checksum);
    }
    let (meta_bytes, rest) = number(checked).ok_or(EnvelopeError::Content)?;
    let (body_bytes, rest) = number(rest).ok_or(EnvelopeError::Content)?;
    let (meta, body) = rest.split_at_checked(meta_bytes).ok_or(EnvelopeError::Content)?;
    let meta: Meta = serde_json::from_slice(meta).map_err(|_| EnvelopeError::Content)?;
    let body: Rc<[u8]> = if flags & DEFLATED == 0 {
        Rc::from(body)
    } else {
        miniz_oxide::inflate::decompress_to_vec_with_limit(body, body_bytes)
            .map_err(|_| EnvelopeError::Content)?
            .into()
    };
    if body.len() != body_bytes {
        return Err(EnvelopeError::Content);
    }
    Ok(Entry { meta, body })
}

fn checksum(flags: u8, checked: &[u8]) -> [u8; 8] {
    xxhash_rust::xxh3::xxh3_64_with_seed(checked, u64::from(flags)).to_le_bytes()
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

#[cfg(test)]
mod tests;
