//! The whole state of a log, for a replica that is far behind.

use super::last_purges::LastPurges;
use super::tagged_purges::TaggedPurges;
use crate::key::Pattern;
use crate::purge::mark::Seq;
use crate::purge::pause::Pause;
use crate::purge::schemas::Schemas;

/// The whole state of a log at its head.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Snapshot {
    pub(in crate::purge) head: Seq,
    pub(in crate::purge) floor: Seq,
    /// The last purges of everything.
    pub(in crate::purge) all: LastPurges,
    /// The last purges by tags, whichever tags.
    pub(in crate::purge) tagged: TaggedPurges,
    /// The last purges of each tag.
    pub(in crate::purge) tags: Vec<(u64, LastPurges)>,
    /// The last purges of each pattern.
    pub(in crate::purge) patterns: Vec<(Pattern, LastPurges)>,
    pub(in crate::purge) schemas: Schemas,
    pub(in crate::purge) pause: Pause,
}
