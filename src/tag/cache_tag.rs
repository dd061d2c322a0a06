//! A tag: a name by which entries are purged.

use crate::key::DigestBuilder;

/// The tag of an entry that contains something of an unknown GraphQL type. A purge of any type
/// reaches it.
pub const UNTYPED: &str = "untyped";

/// The tag of an entry that contains something whose GraphQL type is only known from the schema. A
/// purge of a type that the schema lacks reaches it.
pub const BY_SCHEMA: &str = "by-schema";

/// A tag: 1 to 1,024 bytes of printable ASCII without spaces and commas. Case matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// Parses a tag. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("a tag must not be empty");
        }
        if text.len() > 1024 {
            return Err("a tag has at most 1,024 bytes");
        }
        if !text.bytes().all(is_tag_byte) {
            return Err("a tag must be printable ASCII without spaces or commas");
        }
        Ok(Self(text.to_owned()))
    }

    /// Builds a tag from a prefix and an arbitrary value. Characters that a tag cannot contain are
    /// percent-encoded; a value that is too long is truncated, and a hash is appended.
    pub fn of(prefix: &str, value: &str) -> Self {
        Self::of_parts(prefix, "", value)
    }

    /// The tag of an entity, such as `Product:42`.
    pub fn of_entity(type_name: &str, id: &str) -> Self {
        Self::of_parts(type_name, ":", id)
    }

    fn of_parts(prefix: &str, delimiter: &str, value: &str) -> Self {
        let mut text = String::with_capacity(prefix.len() + delimiter.len() + value.len());
        text.push_str(prefix);
        text.push_str(delimiter);
        match value.bytes().all(is_tag_byte) {
            true => text.push_str(value),
            false => value.bytes().for_each(|byte| push_encoded(&mut text, byte)),
        }
        if text.len() > 1024 {
            let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
            text.truncate(text.floor_char_boundary(1000));
            text.push_str(&format!("~{hash:016x}"));
        }
        Self(text)
    }

    /// The tag for a value of a scope, whichever of the scope's identities has it. It contains a
    /// hash, since the value may be a session ID.
    pub fn of_scope(scope: &str, value: &str) -> Self {
        let digest = DigestBuilder::new("scope-value").part(scope.as_bytes());
        let digest = digest.part(value.as_bytes()).finish();
        Self::of(&format!("scope:{scope}:"), &digest.to_hex())
    }

    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash by which the purge log identifies the tag. Tags with the same hash are purged
    /// together, so a collision purges too much, never too little.
    pub fn hash(&self) -> u64 {
        hash_of(&self.0)
    }
}

/// The hash of a tag's text.
pub fn hash_of(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

fn push_encoded(text: &mut String, byte: u8) {
    match byte {
        b if is_tag_byte(b) => text.push(char::from(b)),
        b => text.push_str(&format!("%{b:02X}")),
    }
}

fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b','
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_made_tag_is_a_valid_tag(value in ".*") {
            let tag = Tag::of("path:", &value);
            prop_assert_eq!(Tag::parse(tag.as_str()), Ok(tag));
        }
    }

    #[test]
    fn refuses_what_is_no_tag() {
        for bad in ["", "a b", "a,b", "é", "a\n", &"x".repeat(1025)] {
            assert!(Tag::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Tag::parse("Product:42").is_ok());
    }

    #[test]
    fn long_values_stay_apart() {
        let long = "x".repeat(2000);
        assert_ne!(Tag::of("op:", &format!("{long}a")), Tag::of("op:", &format!("{long}b")));
    }
}
