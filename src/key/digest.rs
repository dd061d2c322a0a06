//! SHA-256 over length-prefixed parts.

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        self.hex_of(32)
    }

    /// The first 16 hexadecimal digits, for text that people read.
    pub fn to_short_hex(&self) -> String {
        self.hex_of(8)
    }

    fn hex_of(&self, bytes: usize) -> String {
        let digits = self.0.iter().take(bytes).flat_map(|byte| [byte >> 4, byte & 15]);
        // Each key has one. Formatting each byte takes many times as long.
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
    }
}

/// The plain SHA-256 of some bytes, in lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Digest(Sha256::digest(bytes).into()).to_hex()
}

/// Builds a digest from parts. Each part is preceded by its length, so that `("ab", "c")` and
/// `("a", "bc")` differ. A domain comes first, so that digests for different purposes never
/// collide.
#[derive(Clone)]
pub struct DigestBuilder(Sha256);

impl DigestBuilder {
    /// Starts a digest for one purpose.
    pub fn new(domain: &str) -> Self {
        Self(Sha256::new()).part(domain.as_bytes())
    }

    /// Adds a part.
    #[must_use]
    pub fn part(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds an optional part. Absent and empty parts differ.
    #[must_use]
    pub fn optional(self, part: Option<&str>) -> Self {
        match part {
            Some(part) => self.part(b"1").part(part.as_bytes()),
            None => self.part(b"0"),
        }
    }

    /// The digest of all parts.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(parts: &[Vec<u8>]) -> Digest {
        parts.iter().fold(DigestBuilder::new("test"), |b, p| b.part(p)).finish()
    }

    proptest! {
        #[test]
        fn different_parts_never_share_a_digest(
            a in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..4),
            b in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..4),
        ) {
            prop_assert_eq!(a == b, of(&a) == of(&b));
        }
    }

    #[test]
    fn absent_is_not_empty() {
        let absent = DigestBuilder::new("t").optional(None).finish();
        assert_ne!(absent, DigestBuilder::new("t").optional(Some("")).finish());
    }

    #[test]
    fn is_written_in_hexadecimal() {
        let digest = DigestBuilder::new("t").finish();
        assert_eq!(digest.to_hex().len(), 64);
        assert!(digest.to_hex().starts_with(&digest.to_short_hex()));
        assert_eq!(
            sha256_hex(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
