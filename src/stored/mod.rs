//! Stored responses: the response itself, how long it is fresh, and what it depends on.
//!
//! In scope: the entry and its envelope. Not in scope: whether a response may be stored (`policy`), and
//! whether an entry is still valid (`purge`).

mod entry;
mod envelope;

pub use entry::{Entry, LifetimeSource, Meta};
pub use envelope::{EnvelopeError, decode, encode};
