//! Positions in a purge log: sequence numbers and marks.

use crate::record::required_members;
use serde::{Deserialize, Serialize};

/// The sequence number of a record. The log counts from 1; 0 is before the first record.
pub type Seq = u64;

/// The highest sequence number. SQLite's rows reach Rust as JavaScript numbers, which have 53 bits.
pub(super) const HIGHEST_SEQ: Seq = 1 << 53;

/// A position in a purge log.
///
/// Sequence numbers of different logs cannot be compared. So each life of a log's storage has an
/// epoch, and a later one has a higher epoch. Of two marks, the greater one is the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// The epoch of the log.
    pub epoch: u64,
    /// The last record up to this position.
    pub seq: Seq,
}

required_members!(Mark { epoch, seq; });
