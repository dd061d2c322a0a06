//! The envelope that an entry is stored in, versioned and checked.
//!
//! ```text
//! "EVG" version:u8 flags:u8 checksum:u64 meta_bytes:u32 body_bytes:u32 meta body
//! ```
//!
//! Numbers are little-endian. `flags` has bit 0 where the body is deflated; `body_bytes` is its
//! length before. The checksum (XXH3) covers all that follows it, and the flags.

use super::{Entry, Meta};
use std::rc::Rc;

const MAGIC: &[u8; 3] = b"EVG";
const VERSION: u8 = 4;
const DEFLATED: u8 = 1;
const HEADER_BYTES: usize = 21;
/// Bodies above this many bytes are deflated.
const DEFLATE_ABOVE: usize = 1024;
/// A level of deflate that costs little: most of the gain for a third of the work of level 6.
const DEFLATE_LEVEL: u8 = 3;

/// Why stored bytes are not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// They do not begin as an envelope does.
    NotAnEnvelope,
    /// They are of another version.
    Version,
    /// They were changed or cut off.
    Checksum,
    /// They are whole and yet make no entry.
    Content,
}

impl Damage {
    /// The damage in a word, for logs.
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
    // A Meta holds only strings and numbers, which serde_json always writes.
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

/// The entry that was encoded as these bytes.
pub fn decode(bytes: &[u8]) -> Result<Entry, Damage> {
    let (head, checked) = bytes.split_at_checked(13).ok_or(Damage::NotAnEnvelope)?;
    let rest = head.strip_prefix(MAGIC).ok_or(Damage::NotAnEnvelope)?;
    let [version, flags, stored_checksum @ ..] = rest else { return Err(Damage::NotAnEnvelope) };
    if *version != VERSION {
        return Err(Damage::Version);
    }
    if stored_checksum != checksum(*flags, checked) {
        return Err(Damage::Checksum);
    }
    let (meta_bytes, rest) = number(checked).ok_or(Damage::Content)?;
    let (body_bytes, rest) = number(rest).ok_or(Damage::Content)?;
    let (meta, body) = rest.split_at_checked(meta_bytes).ok_or(Damage::Content)?;
    let meta: Meta = serde_json::from_slice(meta).map_err(|_| Damage::Content)?;
    let body: Rc<[u8]> = if flags & DEFLATED == 0 {
        Rc::from(body)
    } else {
        miniz_oxide::inflate::decompress_to_vec_with_limit(body, body_bytes)
            .map_err(|_| Damage::Content)?
            .into()
    };
    if body.len() != body_bytes {
        return Err(Damage::Content);
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
mod tests {
    use super::*;
    use crate::http::Headers;
    use crate::purge::Mark;
    use crate::tag::Tagging;
    use crate::time::{Timestamp, Ttl};
    use proptest::prelude::*;

    fn entry(body: Vec<u8>, tags: Vec<String>) -> Entry {
        Entry {
            meta: Meta {
                key: "shop/1/gql/default/anonymous/public/00".into(),
                mark: Mark { epoch: u64::MAX, seq: 7 },
                stored_at: Timestamp::from_millis(1_700_000_000_000),
                initial_age: 3,
                ttl: Ttl::from_seconds(300),
                swr: Ttl::ZERO,
                sie: Ttl::MAX,
                status: 200,
                headers: [("content-type", "application/json")].into_iter().collect::<Headers>(),
                tags,
                tagging: Tagging::of(&"rules"),
                vary: vec!["origin".into()],
                variant: "v".into(),
                type_name: "default".into(),
                must_revalidate: true,
                kept: Ttl::from_seconds(60),
                etag_is_ours: false,
                shares_authorized: true,
            },
            body: body.into(),
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            body in prop::collection::vec(any::<u8>(), 0..4000),
            repeat in 1_usize..4,
            tags in prop::collection::vec("[!-~]{1,20}", 0..5),
        ) {
            let entry = entry(body.repeat(repeat), tags);
            prop_assert_eq!(decode(&encode(&entry)), Ok(entry));
        }

        #[test]
        fn any_one_changed_byte_is_refused(at in any::<prop::sample::Index>(), by in 1_u8..) {
            let mut bytes = encode(&entry(b"{\"data\":1}".repeat(200), vec!["a".into()]));
            let at = at.index(bytes.len());
            bytes[at] = bytes[at].wrapping_add(by);
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn whatever_is_cut_off_is_refused(at in any::<prop::sample::Index>()) {
            let bytes = encode(&entry(b"{\"data\":1}".repeat(200), vec![]));
            prop_assert!(decode(&bytes[..at.index(bytes.len())]).is_err());
        }

        #[test]
        fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes).is_err());
        }
    }

    #[test]
    fn a_body_above_one_kilobyte_is_deflated() {
        let large = entry(b"{\"data\":1}".repeat(1000), vec![]);
        assert!(encode(&large).len() < 1000);
    }
}
