//! What this isolate counts, until the statistics object has it.
//!
//! In scope: counting in memory, and the isolate's own numbers. Not in scope: sums and bounds
//! (`statistics`), and when the object is told (`stats_reports.rs`).

mod answered;
mod counting;

pub use answered::{Answered, Response};
pub use counting::Stats;
