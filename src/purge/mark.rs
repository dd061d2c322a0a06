//! Where the log stood.

use serde::{Deserialize, Serialize};

/// The number of a record in the log; 0 before the first.
pub type Seq = u64;

/// A point in one log's life. Numbers of different logs cannot be compared, so each log has an
/// epoch of its own, drawn when it is created. A later log of a service has a higher epoch; so of
/// two marks the greater one is the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// Which log.
    pub epoch: u64,
    /// The last record that was known.
    pub seq: Seq,
}
