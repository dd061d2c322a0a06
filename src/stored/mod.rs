//! Stored responses: the response itself, how long it is fresh, and what it depends on.
//!
//! In scope: the entry, its envelope, and its summary. Not in scope: whether a response may be stored (`policy`), and
//! whether an entry is still valid (`purge`).

mod entry;
mod envelope;
mod summary;

pub use entry::{Entry, LifetimeSource, Meta};
pub use envelope::{EnvelopeError, decode, decode_meta, encode, encode_head};
pub use summary::Summary;
