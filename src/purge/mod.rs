//! The purge log and its replica: which entries are gone.
//!
//! In scope: the record of a purge, how it is kept until a log takes it, the log that numbers
//! records, what a replica learns of it, in which
//! bytes and as of when, and the verdict on an entry. Not in
//! scope: where the log is kept and how it is reached.

mod kept;
mod log;
mod mark;
mod new_record;
mod record;
mod replica;
mod said;
mod wire;

pub use kept::Unkept;
pub use log::{Log, Stored};
pub use mark::{Mark, Seq};
pub use new_record::NewRecord;
pub use record::{Record, SchemaInForce};
pub use replica::{Delta, Lag, Replica, Schemas, Snapshot, Subject, Verdict};
pub use said::{Comparison, LogTime, Said};
pub use wire::{Appended, Garbled, Question};
