//! Claims of writes to KV, and the log's grants.

use crate::purge::codec::{
    KV_CLAIM, KV_GRANT, MessageError, Version, decode_payload, encode_message,
};
use crate::purge::kv_use::{KvClaim, KvGrant};

/// The version in which claims and grants are written. They have not changed since, so that isolates
/// and logs of both versions understand each other.
const KV_VERSION: Version = Version::V4;

impl KvClaim {
    /// The claim as bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode_message(KV_VERSION, KV_CLAIM, |writer| {
            writer.number(self.per_day);
            writer.number(self.wanted);
            writer.number(self.unasked);
        })
    }

    /// The claim in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        decode_payload(KV_CLAIM, bytes, |reader, _| {
            let (per_day, wanted) = (reader.number()?, reader.number()?);
            Some(Self { per_day, wanted, unasked: reader.number()? })
        })
    }
}

impl KvGrant {
    /// The grant as bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode_message(KV_VERSION, KV_GRANT, |writer| {
            writer.number(self.writes);
            writer.number(self.millis_left);
        })
    }

    /// The grant in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        decode_payload(KV_GRANT, bytes, |reader, _| {
            Some(Self { writes: reader.number()?, millis_left: reader.number()? })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purge::LogRequest;

    #[test]
    fn a_claim_and_a_grant_are_read_as_written_or_refused() {
        let claim = KvClaim { per_day: 1_000, wanted: 8, unasked: 300 };
        let grant = KvGrant { writes: 8, millis_left: 86_400_000 };
        assert_eq!(KvClaim::decode(&claim.encode()), Ok(claim));
        assert_eq!(KvGrant::decode(&grant.encode()), Ok(grant));
        for bytes in [claim.encode(), grant.encode()] {
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1;
                assert!(KvClaim::decode(&damaged).is_err() && KvGrant::decode(&damaged).is_err());
                assert!(KvClaim::decode(&bytes[..at]).is_err());
                assert!(KvGrant::decode(&bytes[..at]).is_err());
            }
        }
    }

    /// A log of an earlier build takes a claim for no message, and replies 400. It must not take it for
    /// a read or an append.
    #[test]
    fn a_claim_is_no_request_of_earlier_builds() {
        let claim = KvClaim { per_day: 1_000, wanted: 8, unasked: 0 };
        assert_eq!(LogRequest::decode(&claim.encode()), Err(MessageError::NotAMessage));
        let read = LogRequest::default().encode(Version::CURRENT);
        assert_eq!(KvClaim::decode(&read), Err(MessageError::NotAMessage));
    }
}
