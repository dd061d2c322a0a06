//! Limits on everything that comes in. They are applied before any work is done on it.
//!
//! In scope: the numbers, and how close requests come to them. Not in scope: what happens beyond a
//! limit. In general the request or response is passed through unchanged; if configured, a GraphQL
//! request is refused.

/// A limit on GraphQL requests that can be configured under `limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The bytes of a request body, before and after decoding.
    Bytes,
    /// The tokens of a document.
    Tokens,
    /// The nesting of brackets in a document.
    Depth,
    /// The aliases in a document.
    Aliases,
    /// The selections of an operation, with fragments expanded.
    Selections,
    /// The operations in a document.
    Operations,
    /// The requests in one batch.
    Batch,
    /// The JSON values in a request body.
    Values,
}

impl Limit {
    /// All limits, in the order of the enum.
    pub const ALL: [Self; 8] = [
        Self::Bytes,
        Self::Tokens,
        Self::Depth,
        Self::Aliases,
        Self::Selections,
        Self::Operations,
        Self::Batch,
        Self::Values,
    ];

    /// The name in the configuration, in statistics and in refusals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Tokens => "tokens",
            Self::Depth => "depth",
            Self::Aliases => "aliases",
            Self::Selections => "selections",
            Self::Operations => "operations",
            Self::Batch => "batch",
            Self::Values => "values",
        }
    }

    /// The default value, and the maximum that can be configured. `graphql-parser` stops at a depth
    /// of about 50.
    pub const fn default_and_maximum(self) -> (usize, usize) {
        match self {
            Self::Bytes => (1 << 20, 8 << 20),
            Self::Tokens => (20_000, 200_000),
            Self::Depth => (48, 48),
            Self::Aliases => (1_000, 100_000),
            Self::Selections => (10_000, 100_000),
            Self::Operations => (100, 10_000),
            Self::Batch => (50, 1_000),
            Self::Values => (50_000, 1_000_000),
        }
    }
}

/// A number for each limit: the configured values, what one request needs, or the highest need so
/// far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts([usize; 8]);

impl Amounts {
    /// Zero for each limit.
    pub const ZERO: Self = Self([0; 8]);

    /// The default limits.
    pub fn default_limits() -> Self {
        Self(Limit::ALL.map(|limit| limit.default_and_maximum().0))
    }

    /// The maximum that each limit can be set to.
    pub fn most() -> Self {
        Self(Limit::ALL.map(|limit| limit.default_and_maximum().1))
    }

    /// The number for a limit.
    pub fn of(&self, limit: Limit) -> usize {
        self.0.get(limit as usize).copied().unwrap_or(0)
    }

    /// Sets the number for a limit.
    pub fn set(&mut self, limit: Limit, amount: usize) {
        if let Some(slot) = self.0.get_mut(limit as usize) {
            *slot = amount;
        }
    }

    /// Raises the number for a limit, if `amount` is higher.
    pub fn raise(&mut self, limit: Limit, amount: usize) {
        self.set(limit, self.of(limit).max(amount));
    }

    /// Raises each number to that of `others`, if it is higher.
    pub fn raise_all(&mut self, others: &Self) {
        for limit in Limit::ALL {
            self.raise(limit, others.of(limit));
        }
    }
}

/// The default memory for bodies in flight in one isolate, in bytes, counting every copy. An
/// isolate has 128 MB, of which entries and analyses take 40.
pub const MEMORY_IN_FLIGHT: usize = 48 << 20;

/// The minimum and maximum that can be configured for it.
pub const MEMORY_IN_FLIGHT_RANGE: (usize, usize) = (1 << 20, 96 << 20);

/// The copies of a GraphQL request body: the original in JavaScript; in Wasm; the texts of its
/// members, once while they are parsed; its document and variables; their canonical text; and the
/// request to the origin, in Wasm and in JavaScript.
pub const REQUEST_COPIES: usize = 8;

/// The copies of a response body that is stored: in JavaScript as chunks and as a whole; in Wasm;
/// in its envelope; and in JavaScript for the edge cache and for KV.
pub const RESPONSE_COPIES: usize = 6;

/// Stored values up to this size are not counted when they are read, in bytes.
pub const SMALL_STORED_BYTES: usize = 64 << 10;

/// The copies of a stored value that is read: in JavaScript, in Wasm, its body, and the body for
/// the client.
pub const STORED_COPIES: usize = 4;

/// The maximum size of an admin request's body, except for uploads, in bytes.
pub const ADMIN_BODY_BYTES: usize = 1 << 20;

/// The maximum size of an upload of documents or of a schema, in bytes.
pub const UPLOAD_BYTES: usize = 8 << 20;

/// The maximum size of a response body that is stored, in bytes. Longer responses are streamed to
/// the client. KV allows 25 MiB, and an isolate has 128 MB.
pub const RESPONSE_BODY_BYTES: usize = 8 << 20;

/// The maximum size of a response body that shadow mode compares, in bytes.
pub const SHADOW_BODY_BYTES: usize = 1 << 20;

/// The maximum size of the headers of a response that is stored, in bytes.
pub const STORED_HEADER_BYTES: usize = 32 << 10;

/// The maximum size of a GraphQL response that is parsed, in bytes. As a tree it takes many times
/// as much memory.
pub const GRAPHQL_RESPONSE_BYTES: usize = 2 << 20;

/// The maximum size of a URL that is made into a key, in bytes.
pub const URL_BYTES: usize = 16 << 10;

/// The maximum size of an operation's name, in bytes, if the request's analysis is to be cached.
pub const OPERATION_NAME_BYTES: usize = 1_024;

/// The maximum number of tags of an entry. Beyond it the entry keeps only its coarse tags, so that
/// more is purged, never less.
pub const ENTRY_TAGS: usize = 1_000;

/// The maximum number of values that tags take from the body of a REST response. Beyond it the
/// entry counts as one that does not show them, so that more is purged, never less.
pub const BODY_VALUES: usize = 1_000;

/// The maximum number of headers in `Vary`.
pub const VARY_HEADERS: usize = 16;

/// The maximum number of items in each list of a purge request.
pub const PURGE_ITEMS: usize = 10_000;

/// The maximum number of tags in a record, including those that they reach. Beyond it the record
/// purges everything. A row of the log has at most 2 MB.
pub const RECORD_TAGS: usize = 50_000;

/// The maximum number of records in one reply of the purge log. A replica that is further behind
/// gets a snapshot.
pub const DELTA_RECORDS: usize = 1_000;

/// The maximum size of a message from or to the purge log, in bytes. The largest possible snapshot
/// has 5 MB.
pub const WIRE_BYTES: usize = 8 << 20;

/// The maximum number of repetitions of one record.
pub const REPEATS: usize = 8;

/// The maximum length of a version's id. Cloudflare's are UUIDs.
pub const VERSION_ID_BYTES: usize = 64;

/// The maximum number of deployed versions that the log remembers.
pub const VERSIONS_REMEMBERED: u32 = 1_000;

/// The maximum number of intents that one record closes. Further intents expire.
pub const INTENTS_CLOSED: usize = 256;

/// The number of tags that the purge log and its replicas keep. Beyond it the older half is
/// forgotten, and entries from before it count as purged.
pub const LOG_TAGS: usize = 200_000;

/// The number of tags on one page of the purge log's storage. It is more than one record has, and
/// fits into a row of 2 MB.
pub const LOG_PAGE_TAGS: usize = 60_000;

/// The number of pending purges that an isolate keeps while the log cannot be written. Beyond it
/// they become a purge of everything.
pub const PENDING_PURGES: usize = 256;

/// The number of patterns that a replica keeps. Older ones become a purge of everything before
/// them.
pub const LOG_PATTERNS: usize = 256;

/// The size of the memory tier in one isolate, in bytes of bodies and headers.
pub const MEMORY_BYTES: usize = 24 << 20;

/// The maximum size of an entry in the memory tier, in bytes.
pub const MEMORY_ENTRY_BYTES: usize = 1 << 20;

/// The memory for analyses of GraphQL documents in one isolate, in bytes.
pub const ANALYSIS_BYTES: usize = 16 << 20;

/// The memory for documents known by their hashes in one isolate, in bytes. A document that takes
/// more than a quarter of it is not kept.
pub const HASHED_DOCUMENT_BYTES: usize = 4 << 20;

/// The maximum number of uploaded documents.
pub const MANIFEST_DOCUMENTS: usize = 20_000;

/// The maximum size of all uploaded documents together, in bytes.
pub const MANIFEST_BYTES: usize = 8 << 20;

/// The maximum size of an uploaded document's ID, in bytes.
pub const MANIFEST_ID_BYTES: usize = 256;

/// The number of keys that one isolate remembers because their responses are not stored.
pub const UNSTORABLE_KEYS: usize = 1_000;

/// The number of keys that one isolate tracks while they are being fetched.
pub const IN_FLIGHT_KEYS: usize = 10_000;

/// The number of GraphQL types from responses that one isolate remembers.
pub const SEEN_TYPES: usize = 10_000;

/// The maximum size of a JSON Web Token, in bytes.
pub const TOKEN_BYTES: usize = 8 << 10;

/// The number of verified tokens that one isolate remembers.
pub const VERIFIED_TOKENS: usize = 1_000;

/// The maximum size of an issuer's key set, in bytes.
pub const KEY_SET_BYTES: usize = 64 << 10;

/// The maximum number of keys in a key set.
pub const KEYS: usize = 50;

/// The maximum size of a schema's text, in bytes: SDL or the result of the introspection query.
pub const SCHEMA_BYTES: usize = 8 << 20;

/// The maximum number of types in a schema.
pub const SCHEMA_TYPES: usize = 50_000;

/// The maximum number of fields in a schema; also of interfaces and union members, and of pairs of
/// an abstract type and a possible type.
pub const SCHEMA_FIELDS: usize = 500_000;

/// The maximum number of steps taken to find the possible types of a schema.
pub const SCHEMA_STEPS: usize = 4_000_000;

/// The maximum nesting of brackets in a schema's types and values.
pub const SCHEMA_DEPTH: usize = 64;

/// The maximum size of an encoded schema before compression, in bytes. A schema within the limits
/// above needs less.
pub const SCHEMA_TABLE_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_its_own_number() {
        let limits = Amounts::default_limits();
        for limit in Limit::ALL {
            let (default, most) = limit.default_and_maximum();
            assert!(limits.of(limit) == default && default <= most, "{}", limit.as_str());
        }
        let mut high = Amounts::ZERO;
        high.raise(Limit::Depth, 3);
        high.raise(Limit::Depth, 2);
        assert_eq!((high.of(Limit::Depth), high.of(Limit::Batch)), (3, 0));
    }
}
