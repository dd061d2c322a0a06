//! Replies of the log.

use super::delta_reply::{decode_delta_reply, encode_delta_reply};
use crate::purge::codec::{
    APPEND_REPLY, INTENT_REPLY, MessageError, READ_REPLY, Version, Writer, decode_payload,
    encode_message,
};
use crate::purge::delta::Delta;
use crate::purge::encoded_snapshot::EncodedSnapshot;
use crate::purge::intent_id::IntentId;
use crate::purge::log_clock::LogTime;
use crate::purge::mark::{Mark, Seq};
use crate::time::Timestamp;

/// The reply to a read: what is new, and when that was so.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadReply {
    /// A time by the log's clock: after the request arrived, and before the log looked at its records.
    pub time: LogTime,
    /// The version in which it was sent. It lacks what that version cannot express.
    pub version: Version,
    /// What the replica has to learn.
    pub delta: Delta,
}

/// The reply to an append.
#[derive(Debug, Clone, PartialEq)]
pub struct AppendReply {
    /// The sequence number of the record; 0 if its version had one already.
    pub seq: Seq,
    /// The version in which it was sent. It lacks what that version cannot express.
    pub version: Version,
    /// What the replica has to learn, the record included.
    pub delta: Delta,
}

/// The reply to an intent: its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntentReply(pub IntentId);

impl ReadReply {
    /// The epoch of the log.
    pub fn epoch(&self) -> u64 {
        self.delta.epoch()
    }

    /// The log's mark at that time.
    pub fn mark(&self) -> Mark {
        self.delta.mark()
    }

    /// The log's head at that time.
    pub fn head(&self) -> Seq {
        self.delta.head()
    }

    /// The reply as bytes, in its version.
    pub fn encode(&self) -> Vec<u8> {
        encode_delta_reply(self.version, READ_REPLY, &self.delta, |writer| {
            writer.fixed(self.time.clock);
            writer.number(self.time.at.as_millis());
        })
    }

    /// The reply in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let (version, time, delta) = decode_delta_reply(READ_REPLY, bytes, |reader| {
            let (clock, at) = (reader.fixed()?, Timestamp::from_millis(reader.number()?));
            Some(LogTime { clock, at })
        })?;
        Ok(Self { time, version, delta })
    }
}

impl AppendReply {
    /// The reply as bytes, in its version.
    pub fn encode(&self) -> Vec<u8> {
        let write = |writer: &mut Writer| writer.number(self.seq);
        encode_delta_reply(self.version, APPEND_REPLY, &self.delta, write)
    }

    /// The reply in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let (version, seq, delta) = decode_delta_reply(APPEND_REPLY, bytes, |reader| reader.seq())?;
        Ok(Self { seq, version, delta })
    }
}

impl IntentReply {
    /// The reply as bytes.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        encode_message(version, INTENT_REPLY, |writer| writer.fixed(self.0.number()))
    }

    /// The reply in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        decode_payload(INTENT_REPLY, bytes, |reader, _| {
            Some(Self(IntentId::from_number(reader.fixed()?)?))
        })
    }
}

impl EncodedSnapshot {
    /// This snapshot and the records after it, if the log's reply has the records that follow it.
    /// Otherwise returns the reply.
    pub fn followed_by(self, reply: ReadReply) -> Result<Delta, Box<ReadReply>> {
        match reply.delta {
            Delta::Records { epoch, floor, after, records }
                if (Mark { epoch, seq: after }) == self.mark() =>
            {
                Ok(Delta::EncodedSnapshot { base: self, floor, records })
            }
            delta => Err(Box::new(ReadReply { delta, ..reply })),
        }
    }
}
