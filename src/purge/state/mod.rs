//! What the log and its replicas remember of purges: the last one of each tag and pattern.
//!
//! In scope: the values, and what is forgotten if there are too many tags. Not in scope: how they
//! are sent (`codec`) and stored (`log_pages`).

mod last_purges;
mod snapshot;
mod tag_table;
mod tagged_purges;

pub use last_purges::LastPurges;
pub use snapshot::Snapshot;
pub use tag_table::{PAGES, TableLimits, TagTable};
pub use tagged_purges::{LatestTagged, TaggedPurges};
