//! How long the purge log and KV may take for each call.

/// A read of the log, and an append that no client waits for.
pub(super) const READ_MILLIS: u64 = 1_000;
/// An append that holds up the response to a write.
pub(super) const WRITE_MILLIS: u64 = 3_000;
/// An access to KV, which no client waits for.
pub(super) const KV_MILLIS: u64 = 5_000;
