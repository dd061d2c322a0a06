//! One purge, as the log keeps it.

use super::Subject;
use crate::key::Pattern;
use crate::limits;
use crate::tag::{Aliases, TagSet, Tagging, reach};
use serde::{Deserialize, Serialize};

/// Which schema is in force: the fingerprint of its text, or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaInForce(u64);

impl SchemaInForce {
    /// No schema.
    pub const NONE: Self = Self(0);

    /// The schema of that fingerprint.
    pub fn of(fingerprint: u64) -> Self {
        // Zero is for none.
        Self(fingerprint.max(1))
    }

    pub(super) fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// It as a number; 0 for none.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Whether there is one.
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// What one purge names. Tags are hashed, and reach all that they must (see [`crate::tag::reach`]).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The hashes of the tags.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<u64>,
    /// By which rules it was decided that these are the tags. Without tags it says nothing.
    #[serde(rename = "g", default, skip_serializing_if = "is_unknown")]
    pub tagging: Tagging,
    /// Patterns over keys.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<Pattern>,
    /// Everything of the service.
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// The schema that is in force from here on.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaInForce>,
    /// Entries become stale instead of gone.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    pub soft: bool,
}

impl Record {
    /// A purge of everything.
    pub fn everything() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// A purge of these tags and of what they reach, by the rules that have chosen them.
    pub fn of_tags(tags: &TagSet, aliases: &Aliases, tagging: Tagging) -> Self {
        let reached: TagSet = tags.iter().flat_map(|tag| reach(tag, aliases)).collect();
        if reached.len() > limits::RECORD_TAGS {
            return Self::everything();
        }
        Self { tags: reached.iter().map(|tag| tag.hash()).collect(), tagging, ..Self::default() }
    }

    /// The same purge once more, for origins that read from a copy which lags behind their writes:
    /// what was fetched meanwhile may be old, and is gone too. Which schema is in force is not
    /// said again: by then it may be another.
    pub fn again(&self) -> Option<Self> {
        let again = Self { schema: None, ..self.clone() };
        (!again.is_empty()).then_some(again)
    }

    /// Whether it purges an entry of before, softly or not.
    pub fn purges(&self, entry: &Subject<'_>) -> bool {
        let by_tags = !self.tags.is_empty()
            && (!self.tagging.is_same(entry.tagging)
                || self.tags.iter().any(|tag| entry.tags.contains(tag)));
        let is_matched = |pattern: &Pattern| pattern.matches(entry.key_from_kind);
        self.all || by_tags || self.patterns.iter().any(is_matched)
    }

    /// Whether after it no older entry is left.
    pub fn is_everything(&self) -> bool {
        self.all && !self.soft
    }

    /// Whether the record names nothing.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.patterns.is_empty() && !self.all && self.schema.is_none()
    }
}

fn is_unknown(tagging: &Tagging) -> bool {
    !tagging.is_known()
}
