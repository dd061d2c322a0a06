//! Shadow mode: what differs between a served response and the origin's present one, and the counts of that.
//!
//! | file | contains |
//! |---|---|
//! | `difference.rs` | where two bodies differ |
//! | `counts.rs` | differences by operation and JSON path, bounded |
//!
//! In scope: values. Not in scope: which hits are compared, and asking the origin
//! (`service/read/shadow.rs`).

mod counts;
mod difference;

pub use counts::{OperationCounts, ShadowCounts};
pub use difference::{BODY, STATUS, json_differences};
