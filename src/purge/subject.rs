//! What the log decides about: an entry, as far as purges can name it, and the verdict on it.

use super::mark::{Mark, Seq};
use crate::key::Pattern;
use crate::tag::Tagging;

/// The parts of an entry that a purge can name.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Where the log stood before the entry was fetched.
    pub mark: Mark,
    /// The hashes of the entry's tags.
    pub tags: &'a [u64],
    /// The fingerprint of the rules by which the tags were made.
    pub tagging: Tagging,
    /// The entry's key without the segments before its kind: `gql/product/Get/public/00`.
    pub key_from_kind: &'a str,
}

/// What the log says about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing that it depends on was purged since it was fetched.
    Valid,
    /// It was purged softly: it may be served stale.
    Stale,
    /// It was purged, or is older than the log's floor or epoch.
    Purged,
}

impl Verdict {
    /// The word in explanations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Stale => "stale",
            Self::Purged => "purged",
        }
    }
}

/// Why an entry is purged, or stale by a soft purge.
#[derive(Debug, Clone, PartialEq)]
pub enum PurgeCause {
    /// A purge of the tag with that hash.
    Tag(Seq, u64),
    /// A purge by that pattern.
    Pattern(Seq, Pattern),
    /// A purge of everything.
    Everything(Seq),
    /// A purge by tags that were made by other rules than the entry's.
    OtherRules(Seq),
    /// A purge that the log has not taken yet.
    Pending,
    /// The log has forgotten the purges of single tags up to that number, and the entry is older.
    Forgotten(Seq),
    /// The entry is of another life of the log's storage.
    OtherEpoch,
}

impl PurgeCause {
    /// The number of the purge's record. `None` if it has none.
    pub fn seq(&self) -> Option<Seq> {
        match self {
            Self::Tag(seq, _)
            | Self::Pattern(seq, _)
            | Self::Everything(seq)
            | Self::OtherRules(seq)
            | Self::Forgotten(seq) => Some(*seq),
            Self::Pending | Self::OtherEpoch => None,
        }
    }
}
