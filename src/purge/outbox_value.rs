//! The form of a purge in the outbox: in KV, until the log takes it.
//!
//! ```text
//! "EGO" version:u8 checksum:u64 record as JSON
//! ```
//!
//! The first twelve bytes have the same meaning in every version, so that a value of a later version
//! can be told from a damaged one.

use super::new_record::NewRecord;
use super::record::Record;

const MAGIC: &[u8; 3] = b"EGO";
const VERSION: u8 = 2;
/// The version before, whose records are never repeated.
const WITHOUT_REPEATS: u8 = 1;

/// Why a value of the outbox cannot be read. Either way it stood for some purge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxValueError {
    /// It is damaged.
    Damaged,
    /// A later version of Evergraph wrote it.
    Newer,
}

impl OutboxValueError {
    /// The reason as a word, for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Damaged => "checksum",
            Self::Newer => "version",
        }
    }
}

impl NewRecord {
    /// The record as a value of the outbox, with its repetitions.
    ///
    /// The schema and the pause are left out: a value may be recorded late and twice. That does no harm
    /// to a purge, but it would put an old schema in force again, or pause the cache again.
    pub fn encode_for_outbox(&self) -> Vec<u8> {
        let record = Record { schema: None, pause: None, ..self.record.clone() };
        // Intents are left out as well. They end by themselves.
        let new = Self { record, repeat_after: self.repeat_after.clone(), ..Self::default() };
        // Serializing numbers, strings and flags cannot fail. If it did, the value would count as
        // damaged, which purges everything.
        envelope(VERSION, &serde_json::to_vec(&new).unwrap_or_default())
    }

    /// The record in a value of the outbox.
    pub fn decode_from_outbox(bytes: &[u8]) -> Result<Self, OutboxValueError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(OutboxValueError::Damaged)?;
        let (version, rest) = rest.split_first().ok_or(OutboxValueError::Damaged)?;
        let (checksum, content) = rest.split_first_chunk::<8>().ok_or(OutboxValueError::Damaged)?;
        if u64::from_le_bytes(*checksum) != checksum_of(*version, content) {
            return Err(OutboxValueError::Damaged);
        }
        match *version {
            VERSION | WITHOUT_REPEATS => {
                serde_json::from_slice(content).map_err(|_| OutboxValueError::Damaged)
            }
            0 => Err(OutboxValueError::Damaged),
            _ => Err(OutboxValueError::Newer),
        }
    }
}

fn envelope(version: u8, content: &[u8]) -> Vec<u8> {
    let checksum = checksum_of(version, content).to_le_bytes();
    [MAGIC.as_slice(), &[version], &checksum, content].concat()
}

fn checksum_of(version: u8, content: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(content, u64::from(version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purge::{Pause, SchemaInForce};
    use crate::tag::Tagging;
    use proptest::prelude::*;

    fn new_record() -> NewRecord {
        let tagging = Tagging::from_number(u64::MAX);
        let tags = vec![1, u64::MAX];
        let record = Record { tags, tagging, soft: true, ..Record::default() };
        NewRecord::from(record).with_unknown_outcome()
    }

    #[test]
    fn comes_back_without_its_schema_and_its_pause() {
        assert_eq!(
            NewRecord::decode_from_outbox(&new_record().encode_for_outbox()),
            Ok(new_record())
        );
        let schema = Some(SchemaInForce::of(7));
        let pause = Some(Pause::UNTIL_RESUMED);
        let with_schema = Record { schema, pause, ..Record::everything() };
        let value = NewRecord::from(with_schema).encode_for_outbox();
        assert_eq!(NewRecord::decode_from_outbox(&value), Ok(NewRecord::everything()));
    }

    #[test]
    fn what_the_version_before_wrote_is_read() {
        let value = envelope(WITHOUT_REPEATS, br#"{"t":[1,18446744073709551615],"s":true}"#);
        let record = Record { tagging: Tagging::UNKNOWN, ..new_record().record };
        assert_eq!(NewRecord::decode_from_outbox(&value), Ok(record.into()));
    }

    #[test]
    fn a_later_version_is_not_damage() {
        assert_eq!(
            NewRecord::decode_from_outbox(&envelope(VERSION + 1, b"\0\x01")),
            Err(OutboxValueError::Newer)
        );
        assert_eq!(
            NewRecord::decode_from_outbox(&envelope(VERSION, b"{\"t\":1}")),
            Err(OutboxValueError::Damaged)
        );
    }

    proptest! {
        #[test]
        fn damage_is_noticed(at in 0_usize..40, bit in 0_u8..8, cut in any::<bool>()) {
            let mut bytes = new_record().encode_for_outbox();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            prop_assert_eq!(NewRecord::decode_from_outbox(&bytes), Err(OutboxValueError::Damaged));
        }
    }
}
