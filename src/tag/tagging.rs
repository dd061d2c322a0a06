//! By which rules tags were made.

use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher as _};
use xxhash_rust::xxh3::Xxh3Default;

/// The version of the rules that are in the code: which tags an answer has, and which a write
/// names. **Raise it with every change of them.** A change of the configuration needs nothing.
pub const TAGGING_VERSION: u32 = 1;

/// The fingerprint of the rules by which the tags of an entry or of a purge were made.
///
/// A purge and an entry whose tags were made by the same rules meet in a tag. Of others nobody
/// knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tagging(u64);

impl Tagging {
    /// Rules that nobody knows, or more than one set of them. They are not the same as any others,
    /// themselves included.
    pub const UNKNOWN: Self = Self(0);

    /// The fingerprint of configured rules, and of those in the code.
    pub fn of(rules: &impl Hash) -> Self {
        let mut hasher = Xxh3Default::new();
        (TAGGING_VERSION, rules).hash(&mut hasher);
        // Zero is for unknown.
        Self(hasher.finish().max(1))
    }

    /// The fingerprint that was written as this number.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// It as a number; 0 where it is unknown.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Whether it is known.
    pub fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }

    /// Whether both are known to be the same rules.
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
