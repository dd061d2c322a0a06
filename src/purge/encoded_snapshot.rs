//! A snapshot of the log as bytes.
//!
//! The log encodes a snapshot once and sends it to every replica that needs one, with the records
//! that came after it. Isolates leave it in the edge cache for their neighbors.

use super::codec::{MessageError, decode_snapshot, encode_snapshot, snapshot_mark};
use super::mark::Mark;
use super::state::Snapshot;
use std::rc::Rc;

/// A snapshot as bytes. Clones share them.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedSnapshot {
    mark: Mark,
    bytes: Rc<[u8]>,
}

impl EncodedSnapshot {
    /// Encodes a snapshot of the log of that epoch.
    pub(super) fn of(epoch: u64, snapshot: &Snapshot) -> Self {
        let mark = Mark { epoch, seq: snapshot.head };
        Self { mark, bytes: encode_snapshot(epoch, snapshot).into() }
    }

    /// The snapshot in these bytes, if they are undamaged and of the current version.
    pub fn read(bytes: Rc<[u8]>) -> Result<Self, MessageError> {
        let mark = snapshot_mark(&bytes)?;
        Ok(Self { mark, bytes })
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
