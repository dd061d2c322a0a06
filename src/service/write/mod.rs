//! Writes: to the origin first, then their purge, then the response.
//!
//! In scope: how long a write is waited for, what is read of its response, and when its purge is
//! recorded, also if the origin or the client gives up. Not in scope: what a write purges
//! (`engine::write_purge`), and how purges reach the log (`purges`).

mod effects;
mod reading;
mod streamed;
mod unread;
mod writes;

pub(super) use effects::WriteEffects;
pub(super) use unread::UnreadWrites;
pub(super) use writes::{OutgoingWrite, Writes};

#[cfg(test)]
mod tests;
