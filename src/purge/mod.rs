//! The purge log and its replica: which entries are gone.
//!
//! In scope: the record of a purge, how it is kept until a log takes it, the log that numbers
//! records and what it writes down, what a replica learns of it, in which bytes and as of when, and
//! the verdict on an entry. Not in scope: where the log's rows are kept and how it is reached.

mod answer;
mod base;
mod intent;
mod log;
mod log_version;
mod mark;
mod memory_rows;
mod new_record;
mod outbox_value;
mod parts;
mod read_reply;
mod recent_records;
mod record;
mod replica;
mod rows;
mod table;
mod tagged_purges;
mod times;
mod wire;

pub use base::Base;
pub use intent::IntentId;
pub use log::{Log, Sizes};
pub use log_version::LogVersion;
pub use mark::{Mark, Seq};
pub use memory_rows::MemoryRows;
pub use new_record::NewRecord;
pub use outbox_value::OutboxValueError;
pub use read_reply::{Comparison, LogTime, ReadReply};
pub use recent_records::DeltaLimits;
pub use record::{Record, SchemaInForce};
pub use replica::{Delta, Lag, Replica, Schemas, Snapshot, Subject, Verdict};
pub use rows::{LogRows, Opened, Stored};
pub use wire::{AppendReply, IntentReply, LogRequest, MessageError, Version};
