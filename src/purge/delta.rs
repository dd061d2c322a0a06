//! What a replica has to learn to catch up with the log.

use super::codec::Version;
use super::encoded_snapshot::EncodedSnapshot;
use super::mark::{Mark, Seq};
use super::record::Record;
use super::state::Snapshot;

/// What a replica has to learn to catch up with the log.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub enum Delta {
    /// The records after the replica's mark.
    Records {
        /// The epoch of the log.
        epoch: u64,
        /// Older entries count as purged.
        floor: Seq,
        /// The sequence number before the first of `records`.
        after: Seq,
        /// The records, numbered from `after + 1`.
        records: Vec<Record>,
    },
    /// The whole state. For versions that have no encoded snapshots.
    Snapshot {
        /// The epoch of the log.
        epoch: u64,
        /// The state.
        snapshot: Snapshot,
    },
    /// An earlier snapshot, and the records after it.
    #[cfg_attr(test, serde(skip))]
    EncodedSnapshot {
        /// The snapshot.
        base: EncodedSnapshot,
        /// Older entries count as purged.
        floor: Seq,
        /// The records after the snapshot, in order.
        records: Vec<Record>,
    },
}

impl Delta {
    /// The epoch of the log.
    pub fn epoch(&self) -> u64 {
        match self {
            Self::Records { epoch, .. } | Self::Snapshot { epoch, .. } => *epoch,
            Self::EncodedSnapshot { base, .. } => base.mark().epoch,
        }
    }

    /// The earliest version in which a part of it was sent, if the reply is in that version.
    pub fn version_in(&self, reply: Version) -> Version {
        match self {
            Self::EncodedSnapshot { base, .. } => base.version().min(reply),
            _ => reply,
        }
    }

    /// Whether it is the whole state, and not what followed a mark.
    pub fn is_whole(&self) -> bool {
        !matches!(self, Self::Records { .. })
    }

    /// The mark of the log.
    pub fn mark(&self) -> Mark {
        Mark { epoch: self.epoch(), seq: self.head() }
    }

    /// The head of the log.
    pub fn head(&self) -> Seq {
        let last = |after: Seq, records: &[Record]| {
            after.saturating_add(u64::try_from(records.len()).unwrap_or(u64::MAX))
        };
        match self {
            Self::Records { after, records, .. } => last(*after, records),
            Self::Snapshot { snapshot, .. } => snapshot.head,
            Self::EncodedSnapshot { base, records, .. } => last(base.mark().seq, records),
        }
    }
}
