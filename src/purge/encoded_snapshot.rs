//! A snapshot of the log as bytes.
//!
//! The log encodes a snapshot once and sends it to every replica that needs one, with the records
//! that came after it. Isolates leave it in the edge cache for their neighbors.

use super::codec::{MessageError, Version, decode_snapshot, encode_snapshot, snapshot_head};
use super::mark::Mark;
use super::state::Snapshot;
use std::rc::Rc;

/// A snapshot as bytes. Clones share them.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedSnapshot {
    version: Version,
    mark: Mark,
    bytes: Rc<[u8]>,
}

impl EncodedSnapshot {
    /// Encodes a snapshot of the log of that epoch, for readers of that version.
    pub(super) fn of(epoch: u64, snapshot: &Snapshot, version: Version) -> Self {
        let mark = Mark { epoch, seq: snapshot.head };
        Self { version, mark, bytes: encode_snapshot(epoch, snapshot, version).into() }
    }

    /// The snapshot in these bytes, if they are undamaged and of a known version.
    pub fn read(bytes: Rc<[u8]>) -> Result<Self, MessageError> {
        let (version, mark) = snapshot_head(&bytes)?;
        Ok(Self { version, mark, bytes })
    }

    /// The version in which it is encoded.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The mark of the log when the snapshot was taken.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Decodes the snapshot. `None` if its content is invalid.
    pub(super) fn decode(&self) -> Option<Snapshot> {
        decode_snapshot(&self.bytes).ok()
    }
}

#[cfg(test)]
mod tests;
