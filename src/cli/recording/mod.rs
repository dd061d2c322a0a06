//! Recordings of requests and responses: HAR files, and logs with one exchange a line.
//!
//! In scope: reading them one entry at a time, so that a file of any size needs no more memory than its
//! largest entry, and saying what cannot be replayed and why. Not in scope: what is done with the entries.
//!
//! | file | |
//! |---|---|
//! | `reader` | files, the host filter, and where a file is broken |
//! | `har`, `ndjson` | the two formats |
//! | `entry` | from an entry of either format to a recorded request |
//! | `known_bodies` | the bodies that a 304 stands for |
//! | `response_dates` | dates of the server's clock, moved to the client's |
//! | `requests` | single requests, for other commands |
//! | `skip` | why an entry is skipped |
//! | `in_order` | entries sorted by time, within a window |
//! | `date`, `base64` | texts in them |

mod base64;
mod date;
mod entry;
mod har;
mod in_order;
mod known_bodies;
mod ndjson;
mod reader;
mod requests;
mod response_dates;
mod skip;

pub(crate) use in_order::InOrder;
pub(crate) use reader::{FileFault, HostFilter, Item, read_file, total_bytes};
pub(crate) use requests::{entry_of, reads_of};
pub(crate) use skip::Skip;
pub use skip::skip_reasons;

#[cfg(test)]
mod tests;
