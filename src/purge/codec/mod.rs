//! Binary forms: the parts that messages and pages are made of, and the frame around a message.
//!
//! ```text
//! "EVL" version:u8 kind:u8 checksum:u64 payload
//!
//! record    = flags:u8  tags tag:u64*  tagging:u64?  patterns pattern*  schema:u64?  pause:u64?
//! snapshot  = epoch:u64 state
//! state     = head floor last  hard:latest soft:latest  tags (tag:u64 last)*
//!             patterns (pattern last)*  in_force:u64 distrusted:u64  pause:u64
//! mark      = epoch:u64 seq
//! last      = hard soft
//! latest    = seq tagging:u64 by_others
//! pattern   = bytes text
//! ```
//!
//! Numbers with a width are little-endian; the others are LEB128. The checksum (XXH3) covers the
//! payload, with version and kind as its seed. Messages that are damaged, cut off, over a limit or
//! of an unknown version are refused.

mod frame;
mod parts;
mod record;
mod snapshot;
mod version;

pub use frame::{
    APPEND_REPLY, HEADER_BYTES, INTENT_REPLY, KV_CLAIM, KV_GRANT, MessageError, READ_REPLY,
    REQUEST, VERSION_AT, decode_payload, encode_message,
};
pub use parts::{Reader, Writer};
pub use record::{read_new_record, read_record, write_new_record, write_record};
pub use snapshot::{decode_snapshot, encode_snapshot, read_state, snapshot_head, write_state};
pub use version::Version;

#[cfg(test)]
pub use frame::RECORD;
