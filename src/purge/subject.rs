//! What the log decides about: an entry, as far as purges can name it, and the verdict on it.

use super::mark::Mark;
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
