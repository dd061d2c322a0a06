//! The purge log and its replicas: which entries were purged.
//!
//! The log gives each purge a sequence number. Each entry has the log's mark from before it was
//! fetched. An entry is valid if nothing that it depends on was purged after its mark. Every isolate
//! has a replica of the log, which decides that without asking anyone.
//!
//! In scope: the record of a purge, the log and what it stores, replicas and what they have to learn,
//! the messages between them, the verdict on an entry, and the form of a purge that waits for the
//! log. Not in scope: where rows are stored, and how the log is reached.

mod append_times;
mod codec;
mod delta;
mod encoded_snapshot;
mod intent_id;
mod kv_use;
mod log;
mod log_clock;
mod log_pages;
mod log_rows;
mod log_version;
mod mark;
mod memory_rows;
mod messages;
mod new_record;
mod outbox_value;
mod pause;
mod recent_records;
mod record;
mod replica;
mod schemas;
mod state;
mod subject;
mod version_id;

pub use codec::{MessageError, Version};
pub use delta::Delta;
pub use encoded_snapshot::EncodedSnapshot;
pub use intent_id::IntentId;
pub use kv_use::{KvClaim, KvGrant, KvUse};
pub use log::{Log, LogLimits};
pub use log_clock::{ClockComparison, LogTime};
pub use log_rows::{LogMeta, LogRows, StoredRecord};
pub use log_version::LogVersion;
pub use mark::{Mark, Seq};
pub use memory_rows::MemoryRows;
pub use messages::{AppendReply, IntentReply, LogRequest, ReadReply};
pub use new_record::NewRecord;
pub use outbox_value::OutboxValueError;
pub use pause::Pause;
pub use recent_records::DeltaLimits;
pub use record::Record;
pub use replica::{Lag, Replica};
pub use schemas::{SchemaInForce, Schemas};
pub use state::Snapshot;
pub use subject::{PurgeCause, Subject, Verdict};
pub use version_id::VersionId;
