//! The messages between isolates and the log, as bytes.
//!
//! ```text
//! request   = 0 | (1 | 2) mark    (record repeats closes intent:u8 version?)?   (to append or to note)
//! repeats   = count seconds*
//! closes    = count intent:u64*
//! version   = bytes text          of the deployment that the record is for
//! intent reply = intent:u64
//! append reply = tail  seq delta           tail: how many bytes follow the payload
//! read reply   = tail  clock:u64 at delta
//! delta     = 0 epoch:u64 floor after  records record*
//!           | 1 epoch:u64 state
//!           | 2 floor  records record*       the tail is a snapshot, and these came after it
//! kv claim  = per_day wanted unasked
//! kv grant  = writes millis_left
//! ```
//!
//! The frame and the other parts are those of `purge/codec`. A log whose reply cannot be read counts
//! as one that did not answer.
//!
//! During a deployment, isolates of two versions ask one log. So earlier versions are read as well,
//! and each request is answered in its own version:
//!
//! - Version 2 has no `repeats`.
//! - Version 3 has no `tagging` and no `latest`. Its readers ignore the rules of tags, so they get
//!   a purge of everything in place of a purge by tags of known rules. It has no `closes` and no
//!   `intent` (the ids of intents that end with the record, and whether the record is itself an
//!   intent), no `tail`, no delta 2, and no mark 2, which is a neighbor's.
//!
//! - Version 4 has no `pause`. Its readers do not pause. A log that reads no later version refuses a
//!   record that pauses, so that it is not recorded without that.
//!
//! A claim is a message of its own kind, which earlier builds refuse. Their isolates claim nothing.
//! - Earlier builds of version 4 know no `version`. They refuse a request that has one, so that
//!   nothing is recorded, and the isolate tries again later.

mod delta;
mod delta_reply;
mod kv_claim;
mod reply;
mod request;

pub use reply::{AppendReply, IntentReply, ReadReply};
pub use request::LogRequest;

#[cfg(test)]
mod tests;
