//! A schema as KV stores it.
//!
//! ```text
//! source:u8 fetched_at_millis:u64 schema
//! ```
//!
//! Numbers are little-endian; the rest is the schema as `graphql::Schema` encodes it.

use crate::graphql::Schema;
use crate::purge::SchemaInForce;
use crate::time::Timestamp;

/// A schema, and where it came from.
#[derive(Debug)]
pub(super) struct StoredSchema {
    pub schema: Schema,
    pub source: SchemaOrigin,
    /// When it was uploaded, or the origin was asked for it.
    pub fetched_at: Timestamp,
    /// Tells it from others. Where it came from, and when, is not part of it.
    pub fingerprint: SchemaInForce,
}

/// Where a schema came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SchemaOrigin {
    /// An administrator.
    Upload = 1,
    /// The API, by introspection.
    Introspection = 2,
}

impl StoredSchema {
    /// A schema that has just been uploaded or fetched.
    pub fn new(schema: Schema, source: SchemaOrigin, fetched_at: Timestamp) -> Self {
        let fingerprint = fingerprint(&schema.encode());
        Self { schema, source, fetched_at, fingerprint }
    }

    /// The value for KV.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.source as u8];
        bytes.extend_from_slice(&self.fetched_at.as_millis().to_le_bytes());
        bytes.extend_from_slice(&self.schema.encode());
        bytes
    }

    /// Reads a value of KV. `None` if it is damaged, or of another version of Evergraph.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (source, rest) = bytes.split_first()?;
        let (fetched_at, encoded) = rest.split_first_chunk::<8>()?;
        let source = match source {
            1 => SchemaOrigin::Upload,
            2 => SchemaOrigin::Introspection,
            _ => return None,
        };
        Some(Self {
            schema: Schema::decode(encoded)?,
            source,
            fetched_at: Timestamp::from_millis(u64::from_le_bytes(*fetched_at)),
            fingerprint: fingerprint(encoded),
        })
    }
}

fn fingerprint(encoded: &[u8]) -> SchemaInForce {
    SchemaInForce::of(xxhash_rust::xxh3::xxh3_64(encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_schema_is_the_same_when_it_is_read() {
        let schema = Schema::from_sdl("type Query { a: Int }").unwrap();
        let at = Timestamp::from_millis(1_700_000_000_123);
        for source in [SchemaOrigin::Upload, SchemaOrigin::Introspection] {
            let stored = StoredSchema::new(schema.clone(), source, at);
            let bytes = stored.encode();
            let read = StoredSchema::decode(&bytes).unwrap();
            assert_eq!((read.source, read.fetched_at), (source, at));
            assert_eq!(read.fingerprint, stored.fingerprint);
            assert_eq!(read.encode(), bytes);
            for length in 0..bytes.len() {
                assert!(StoredSchema::decode(&bytes[..length]).is_none(), "{length}");
            }
        }
        assert!(StoredSchema::decode(&[3, 0, 0, 0, 0, 0, 0, 0, 0]).is_none());
    }
}
