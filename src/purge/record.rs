//! The record of one purge.

use super::pause::Pause;
use super::schemas::SchemaInForce;
use super::subject::Subject;
use crate::key::Pattern;
use crate::limits;
use crate::tag::{Aliases, TagSet, Tagging, reach};
use serde::{Deserialize, Serialize};

/// What one purge names. It may also change which schema is in force, and whether the
/// cache is paused.
///
/// Tags are hashed, and include every tag that has to be purged with them (see
/// [`crate::tag::reach`]).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The hashes of the tags.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<u64>,
    /// The fingerprint of the rules by which the tags were chosen. Meaningless without tags.
    #[serde(rename = "g", default, skip_serializing_if = "is_unknown")]
    pub tagging: Tagging,
    /// Patterns that match keys.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<Pattern>,
    /// Whether everything of the service is purged.
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// The schema that is in force from here on. `None`: no change.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaInForce>,
    /// Until when the cache is paused from here on. `None`: no change.
    ///
    /// Builds that do not know the member ignore it, and do not pause.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Whether it is a soft purge: entries become stale instead of purged.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    pub soft: bool,
}

impl Record {
    /// A purge of everything.
    pub fn everything() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// A purge of these tags, and of all that they reach. `tagging` is the fingerprint of the rules
    /// that chose them.
    pub fn of_tags(tags: &TagSet, aliases: &Aliases, tagging: Tagging) -> Self {
        let reached: TagSet = tags.iter().flat_map(|tag| reach(tag, aliases)).collect();
        if reached.len() > limits::RECORD_TAGS {
            return Self::everything();
        }
        Self { tags: reached.iter().map(|tag| tag.hash()).collect(), tagging, ..Self::default() }
    }

    /// The record of the same purge at a later time. `None` if it purges nothing.
    ///
    /// It leaves out the schema and the pause: by then others may be in force.
    pub fn repetition(&self) -> Option<Self> {
        let repetition = Self { schema: None, pause: None, ..self.clone() };
        (!repetition.is_empty()).then_some(repetition)
    }

    /// Whether it purges an older entry, softly or not.
    pub fn purges(&self, entry: &Subject<'_>) -> bool {
        let by_tags = !self.tags.is_empty()
            && (!self.tagging.is_same(entry.tagging)
                || self.tags.iter().any(|tag| entry.tags.contains(tag)));
        let is_matched = |pattern: &Pattern| pattern.matches(entry.key_from_kind);
        self.all || by_tags || self.patterns.iter().any(is_matched)
    }

    /// Whether it purges every older entry for good.
    pub fn is_everything(&self) -> bool {
        self.all && !self.soft
    }

    /// A record that purges nothing, and pauses the cache or ends the pause.
    pub fn of_pause(pause: Pause) -> Self {
        Self { pause: Some(pause), ..Self::default() }
    }

    /// Whether it purges nothing and changes nothing.
    pub fn is_empty(&self) -> bool {
        let purges = !self.tags.is_empty() || !self.patterns.is_empty() || self.all;
        !purges && self.schema.is_none() && self.pause.is_none()
    }
}

fn is_unknown(tagging: &Tagging) -> bool {
    !tagging.is_known()
}
