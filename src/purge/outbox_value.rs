//! A purge as the outbox keeps it, until a log takes it.
//!
//! The first twelve bytes have the same meaning in every version, so that a value of a later one
//! can be told from a damaged one.

use super::{NewRecord, Record};

const MAGIC: &[u8; 3] = b"EGO";
const VERSION: u8 = 2;
/// The version before it, whose records are never repeated.
const WITHOUT_REPEATS: u8 = 1;

/// Why a value of the outbox cannot be read. Whatever it is, it stood for some purge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxValueError {
    /// It is not what was written.
    Damaged,
    /// A later version of Evergraph wrote it.
    Newer,
}

impl OutboxValueError {
    /// The reason as log lines name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Damaged => "checksum",
            Self::Newer => "version",
        }
    }
}

impl NewRecord {
    /// The record as bytes, with when it is to be repeated.
    ///
    /// Without its schema: a value may be recorded twice, and late. A purge does not mind, but
    /// which schema is in force would change back.
    pub fn keep(&self) -> Vec<u8> {
        let record = Record { schema: None, ..self.record.clone() };
        // Whoever records it later need not know of an intent, which then ends by itself.
        let new = Self { record, repeat_after: self.repeat_after.clone(), closes: Vec::new() };
        // A record is numbers, texts and flags, which can always be written. If not, no value says
        // less than a damaged one.
        envelope(VERSION, &serde_json::to_vec(&new).unwrap_or_default())
    }

    /// The record that was kept.
    pub fn unkept(bytes: &[u8]) -> Result<Self, OutboxValueError> {
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
    use crate::purge::SchemaInForce;
    use crate::tag::Tagging;
    use proptest::prelude::*;

    fn new_record() -> NewRecord {
        let tagging = Tagging::from_number(u64::MAX);
        let tags = vec![1, u64::MAX];
        let record = Record { tags, tagging, soft: true, ..Record::default() };
        NewRecord::from(record).with_unknown_outcome()
    }

    #[test]
    fn comes_back_without_its_schema() {
        assert_eq!(NewRecord::unkept(&new_record().keep()), Ok(new_record()));
        let with_schema = Record { schema: Some(SchemaInForce::of(7)), ..Record::everything() };
        let kept = NewRecord::from(with_schema).keep();
        assert_eq!(NewRecord::unkept(&kept), Ok(NewRecord::everything()));
    }

    #[test]
    fn what_the_version_before_kept_is_read() {
        let kept = envelope(WITHOUT_REPEATS, br#"{"t":[1,18446744073709551615],"s":true}"#);
        let record = Record { tagging: Tagging::UNKNOWN, ..new_record().record };
        assert_eq!(NewRecord::unkept(&kept), Ok(record.into()));
    }

    #[test]
    fn a_later_version_is_not_damage() {
        assert_eq!(
            NewRecord::unkept(&envelope(VERSION + 1, b"\0\x01")),
            Err(OutboxValueError::Newer)
        );
        assert_eq!(
            NewRecord::unkept(&envelope(VERSION, b"{\"t\":1}")),
            Err(OutboxValueError::Damaged)
        );
    }

    proptest! {
        #[test]
        fn damage_is_noticed(at in 0_usize..40, bit in 0_u8..8, cut in any::<bool>()) {
            let mut bytes = new_record().keep();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            prop_assert_eq!(NewRecord::unkept(&bytes), Err(OutboxValueError::Damaged));
        }
    }
}
