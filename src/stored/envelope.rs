//! The envelope in which an entry is stored, with a version and a checksum.
//!
//! ```text
//! "EVG" version:u8 flags:u8 checksum:u64 meta_bytes:u32 body_bytes:u32 meta body
//! ```
//!
//! Numbers are little-endian. Bit 0 of `flags` is set if the body is deflated, as it is in KV but not in the
//! edge cache; `body_bytes` is its length before. The checksum (XXH3) covers everything after it, and the flags.

use super::entry::{Entry, Meta};
use crate::record;
use std::rc::Rc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

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

/// The entry as bytes, with its body deflated if that makes it smaller: for stores where a byte costs more
/// than the time to deflate it.
pub fn encode(entry: &Entry) -> Vec<u8> {
    let deflated = (entry.body.len() > DEFLATE_ABOVE)
        .then(|| miniz_oxide::deflate::compress_to_vec(&entry.body, DEFLATE_LEVEL))
        .filter(|deflated| deflated.len() < entry.body.len());
    let flags = if deflated.is_some() { DEFLATED } else { 0 };
    let body = deflated.as_deref().unwrap_or(&entry.body);
    let mut bytes = head(entry, flags, body);
    bytes.extend_from_slice(body);
    bytes
}

/// What comes before the body if it is stored as it is. With the body after it, it is the entry as bytes.
pub fn encode_head(entry: &Entry) -> Vec<u8> {
    head(entry, 0, &entry.body)
}

/// Everything before the body, which is stored in this form.
fn head(entry: &Entry, flags: u8, body: &[u8]) -> Vec<u8> {
    // Serializing strings and numbers cannot fail.
    let meta = serde_json::to_vec(&entry.meta).unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEADER_BYTES + meta.len());
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    bytes.push(flags);
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&length(meta.len()));
    bytes.extend_from_slice(&length(entry.body.len()));
    bytes.extend_from_slice(&meta);
    let checksum = checksum(flags, &[bytes.get(13..).unwrap_or_default(), body]);
    if let Some(place) = bytes.get_mut(5..13) {
        place.copy_from_slice(&checksum);
    }
    bytes
}

/// The entry in these bytes.
pub fn decode(bytes: &[u8]) -> Result<Entry, EnvelopeError> {
    let Opened { meta, is_deflated, body, body_bytes } = open(bytes)?;
    let body: Rc<[u8]> = if is_deflated {
        miniz_oxide::inflate::decompress_to_vec_with_limit(body, body_bytes)
            .map_err(|_| EnvelopeError::Content)?
            .into()
    } else {
        Rc::from(body)
    };
    if body.len() != body_bytes {
        return Err(EnvelopeError::Content);
    }
    Ok(Entry { meta, body })
}

/// The metadata in these bytes, without inflating the body.
pub fn decode_meta(bytes: &[u8]) -> Result<Meta, EnvelopeError> {
    open(bytes).map(|opened| opened.meta)
}

/// What is in an envelope whose checksum is right.
struct Opened<'b> {
    meta: Meta,
    is_deflated: bool,
    body: &'b [u8],
    /// The length of the body when it is not deflated.
    body_bytes: usize,
}

fn open(bytes: &[u8]) -> Result<Opened<'_>, EnvelopeError> {
    let (head, checked) = bytes.split_at_checked(13).ok_or(EnvelopeError::NotAnEnvelope)?;
    let rest = head.strip_prefix(MAGIC).ok_or(EnvelopeError::NotAnEnvelope)?;
    let [version, flags, stored_checksum @ ..] = rest else {
        return Err(EnvelopeError::NotAnEnvelope);
    };
    if *version != VERSION {
        return Err(EnvelopeError::Version);
    }
    if stored_checksum != checksum(*flags, &[checked]) {
        return Err(EnvelopeError::Checksum);
    }
    let (meta_bytes, rest) = number(checked).ok_or(EnvelopeError::Content)?;
    let (body_bytes, rest) = number(rest).ok_or(EnvelopeError::Content)?;
    let (meta, body) = rest.split_at_checked(meta_bytes).ok_or(EnvelopeError::Content)?;
    let meta = str::from_utf8(meta).ok().and_then(record::read::<Meta>);
    let meta = meta.ok_or(EnvelopeError::Content)?;
    Ok(Opened { meta, is_deflated: flags & DEFLATED != 0, body, body_bytes })
}

/// The checksum over pieces that follow one another.
fn checksum(flags: u8, checked: &[&[u8]]) -> [u8; 8] {
    let seed = u64::from(flags);
    let hash = match checked {
        [whole] => xxh3_64_with_seed(whole, seed),
        pieces => {
            let mut hasher = Xxh3::with_seed(seed);
            pieces.iter().for_each(|piece| hasher.update(piece));
            hasher.digest()
        }
    };
    hash.to_le_bytes()
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
