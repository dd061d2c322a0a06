//! The tagging fingerprint: by which rules tags were made.

use crate::record::{Read, Reader};
use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher as _};
use xxhash_rust::xxh3::Xxh3Default;

/// The version of the rules in the code: which tags a response has, and which tags a write purges.
/// **Raise it whenever they change.** A change of the configuration needs no new version.
pub const TAGGING_VERSION: u32 = 2;

/// The fingerprint of the rules that made the tags of an entry or of a purge.
///
/// If both were made by the same rules, a purge and an entry that it concerns have a tag in common.
/// If not, that is unknown, and the entry counts as purged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tagging(u64);

impl Read for Tagging {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Read::read(from).map(Self)
    }
}

impl Tagging {
    /// Unknown rules, or several sets of rules. They never equal any other rules, including
    /// themselves.
    pub const UNKNOWN: Self = Self(0);

    /// The fingerprint of the configured rules together with those in the code.
    pub fn of(rules: &impl Hash) -> Self {
        let mut hasher = Xxh3Default::new();
        (TAGGING_VERSION, rules).hash(&mut hasher);
        // Zero means unknown.
        Self(hasher.finish().max(1))
    }

    /// The fingerprint with this number.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The fingerprint as a number; 0 if it is unknown.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Whether the rules are known.
    pub fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }

    /// Whether both are known and equal.
    pub fn is_same(self, other: Self) -> bool {
        self.is_known() && self == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_rules_are_not_the_same_as_any() {
        let one = Tagging::of(&"one");
        assert!(one.is_same(one) && !one.is_same(Tagging::of(&"other")));
        assert!(!one.is_same(Tagging::UNKNOWN) && !Tagging::UNKNOWN.is_same(Tagging::UNKNOWN));
        assert_eq!(Tagging::from_number(one.number()), one);
    }
}
