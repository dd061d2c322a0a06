//! Cache keys: `{service}/{version}/{kind}/{type}/{name}/{scope}/{digest}`.
//!
//! In scope: digests over length-prefixed parts, the readable key, and key patterns. Not in scope:
//! the parts that a request contributes (`graphql`, `rest`, `engine`).

mod cache_key;
mod digest;
mod hmac;
mod listed_key;
mod pattern;

pub use cache_key::{KEY_VERSION, Key, KeyParts, Kind, name_segment};
pub use digest::{Digest, DigestBuilder, sha256_hex};
pub use hmac::hmac_sha256;
pub use listed_key::{ListedKey, digest_in, entries_prefix};
pub use pattern::Pattern;
