//! The storage that a log needs, as a trait.
//!
//! The Durable Object implements it in SQLite (`worker/log_rows.rs`), tests in memory.

use super::mark::Seq;
use super::pause::Pause;
use super::record::Record;
use super::schemas::Schemas;
use crate::time::Timestamp;

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecord {
    /// Its sequence number.
    pub seq: Seq,
    /// When it was appended.
    pub at: Timestamp,
    /// What it purges.
    pub record: Record,
}

/// What a log finds when it starts, besides its records and pages.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LogMeta {
    /// The epoch of the log. `None` if nothing was ever stored.
    pub epoch: Option<u64>,
    /// The sequence number of the last record that was dropped.
    pub dropped: Seq,
    /// The schemas when records were last dropped.
    pub schemas: Schemas,
    /// Until when the cache was paused at that time.
    pub pause: Pause,
}

/// The rows of one log.
///
/// A call that returns `Ok` has stored its data before the log replies to anyone. Each call happens
/// as a whole or not at all. The log may end between two calls.
pub trait LogRows {
    /// Why rows could not be read or written.
    type Fault;

    /// Opens the storage.
    fn open(&self) -> Result<LogMeta, Self::Fault>;

    /// A page. `None` if it was never stored.
    fn page(&self, number: usize) -> Result<Option<Vec<u8>>, Self::Fault>;

    /// Visits the records after `after`, in order. A record that cannot be read becomes a purge of
    /// everything.
    fn each_record(
        &self,
        after: Seq,
        visit: &mut dyn FnMut(StoredRecord),
    ) -> Result<(), Self::Fault>;

    /// Stores a record.
    fn put_record(&self, seq: Seq, at: Timestamp, record: &Record) -> Result<(), Self::Fault>;

    /// Stores a page in place of its earlier content.
    fn put_page(&self, number: usize, page: &[u8]) -> Result<(), Self::Fault>;

    /// Drops the records up to `up_to`, and stores the schemas and the pause.
    fn drop_records(&self, up_to: Seq, schemas: Schemas, pause: Pause) -> Result<(), Self::Fault>;

    /// Drops everything and begins a new epoch. Its first record follows `head`.
    fn begin(&self, epoch: u64, head: Seq) -> Result<(), Self::Fault>;
}
