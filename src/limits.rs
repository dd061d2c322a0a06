//! The caps on what comes in, applied before any work is done on it.
//!
//! In scope: the numbers, and how close a request came to them. Not in scope: what happens beyond
//! them: the request or the answer is passed through untouched, or, where the configuration says
//! so, a GraphQL request is refused.

/// A limit on GraphQL requests that the configuration can set, under `limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of a request's body, coded or not.
    Bytes,
    /// Tokens of a document.
    Tokens,
    /// How deep brackets nest in a document.
    Depth,
    /// Aliases in a document.
    Aliases,
    /// Selections of an operation once its fragments are spread.
    Selections,
    /// Operations in a document.
    Operations,
    /// Requests in one batch.
    Batch,
    /// JSON values in a request's body.
    Values,
}

impl Limit {
    /// All of them, in the order of their fields.
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

    /// The name in the configuration, the statistics and refusals.
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

    /// Where it stands unless the configuration says otherwise, and the most that it can be set
    /// to. graphql-parser stops at a depth of about 50.
    pub const fn default_and_most(self) -> (usize, usize) {
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

/// A number for each limit: what is allowed, what a request needs, or the most that any needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts([usize; 8]);

impl Amounts {
    /// Nothing.
    pub const ZERO: Self = Self([0; 8]);

    /// The limits where the configuration says nothing.
    pub fn default_limits() -> Self {
        Self(Limit::ALL.map(|limit| limit.default_and_most().0))
    }

    /// The most that each limit can be set to.
    pub fn most() -> Self {
        Self(Limit::ALL.map(|limit| limit.default_and_most().1))
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

    /// Raises the number for a limit.
    pub fn raise(&mut self, limit: Limit, amount: usize) {
        self.set(limit, self.of(limit).max(amount));
    }

    /// Raises every number to the other's.
    pub fn raise_all(&mut self, others: &Self) {
        for limit in Limit::ALL {
            self.raise(limit, others.of(limit));
        }
    }
}

/// Bytes that the bodies in flight may take in one isolate, all copies counted, unless the
/// configuration says otherwise. An isolate has 128 MB, of which entries and analyses take 40.
pub const MEMORY_IN_FLIGHT: usize = 48 << 20;

/// The least and the most that it can be set to.
pub const MEMORY_IN_FLIGHT_RANGE: (usize, usize) = (1 << 20, 96 << 20);

/// Copies of a GraphQL request's body: as it came in JavaScript; in Wasm; its members by their texts,
/// once as they are read; its document and variables; their canonical text; and what the origin is
/// sent, in Wasm and in JavaScript.
pub const REQUEST_COPIES: usize = 8;

/// Copies of an answer's body that is stored: in JavaScript in chunks, and in one; in Wasm; in its
/// envelope; and that in JavaScript for the edge cache and for KV.
pub const ANSWER_COPIES: usize = 6;

/// Bytes of a stored value that need not be counted when it is read.
pub const SMALL_STORED_BYTES: usize = 64 << 10;

/// Copies of a stored value that is read: in JavaScript, in Wasm, its body, and that for the client.
pub const STORED_COPIES: usize = 4;

/// Bytes of an admin request's body, but for those that upload documents or a schema.
pub const ADMIN_BODY_BYTES: usize = 1 << 20;

/// Bytes of an upload of documents or of a schema.
pub const UPLOAD_BYTES: usize = 8 << 20;

/// Bytes of an answer's body that Evergraph reads to store it. Longer answers are streamed to
/// the client and not stored. KV allows 25 MiB, an isolate 128 MB in all.
pub const ANSWER_BODY_BYTES: usize = 8 << 20;

/// Bytes of an answer's headers beyond which it is not stored.
pub const STORED_HEADER_BYTES: usize = 32 << 10;

/// Bytes of a GraphQL answer that Evergraph reads to understand it: as a tree it takes many times
/// as much.
pub const GRAPHQL_ANSWER_BYTES: usize = 2 << 20;

/// Bytes of a request's URL that Evergraph makes a key from.
pub const URL_BYTES: usize = 16 << 10;

/// Bytes of an operation's name in a request whose analysis is kept.
pub const OPERATION_NAME_BYTES: usize = 1_024;

/// Tags of one entry. An entry with more keeps its coarse tags only: that purges more, never less.
pub const ENTRY_TAGS: usize = 1_000;

/// Values that tags take from the body of one REST answer. With more its entry counts as one that
/// does not show them: that purges more, never less.
pub const BODY_VALUES: usize = 1_000;

/// Headers that `Vary` may name.
pub const VARY_HEADERS: usize = 16;

/// Tags and patterns of one purge.
pub const PURGE_ITEMS: usize = 10_000;

/// Tags of one record, with what they reach. A record with more purges everything; a row of the
/// log has at most 2 MB.
pub const RECORD_TAGS: usize = 50_000;

/// Records that the purge log says at once. A replica that is further behind gets a snapshot.
pub const DELTA_RECORDS: usize = 1_000;

/// Bytes of a message from or to the purge log. A snapshot with all that may be in it has 5 MB.
pub const WIRE_BYTES: usize = 8 << 20;

/// How often the purge log repeats one record.
pub const REPEATS: usize = 8;

/// Intents that are closed with one record. Others end by themselves.
pub const INTENTS_CLOSED: usize = 256;

/// Tags that the purge log and its replicas keep. Beyond them the older half is forgotten, and
/// entries from before it are gone.
pub const LOG_TAGS: usize = 200_000;

/// Tags on one of the pages in which the purge log writes them down: a row has at most 2 MB. It is
/// more than one record has.
pub const LOG_PAGE_TAGS: usize = 60_000;

/// Purges that an isolate keeps while the log does not take them. Beyond them they become a purge
/// of everything.
pub const PENDING_PURGES: usize = 256;

/// Patterns that a replica keeps. Older ones become a purge of everything before them.
pub const LOG_PATTERNS: usize = 256;

/// Bytes of bodies and headers that one isolate keeps in its memory tier.
pub const MEMORY_BYTES: usize = 24 << 20;

/// Bytes of one entry that may live in the memory tier.
pub const MEMORY_ENTRY_BYTES: usize = 1 << 20;

/// Bytes that the analyses of GraphQL documents may take in one isolate.
pub const ANALYSIS_BYTES: usize = 16 << 20;

/// Bytes of documents known by their hashes that one isolate keeps. One that takes more than a
/// quarter of it is not kept.
pub const HASHED_DOCUMENT_BYTES: usize = 4 << 20;

/// Documents that an administrator may upload, all together.
pub const MANIFEST_DOCUMENTS: usize = 20_000;

/// Bytes of the texts of all uploaded documents together.
pub const MANIFEST_BYTES: usize = 8 << 20;

/// Bytes of an uploaded document's id.
pub const MANIFEST_ID_BYTES: usize = 256;

/// Keys of which one isolate remembers that their answers are not stored.
pub const UNSHARED_KEYS: usize = 1_000;

/// Keys of which one isolate remembers that they are being fetched.
pub const KEYS_UNDER_WAY: usize = 10_000;

/// GraphQL types seen in answers that one isolate remembers.
pub const KNOWN_TYPES: usize = 10_000;

/// Bytes of a token that is verified.
pub const TOKEN_BYTES: usize = 8 << 10;

/// Verified tokens that one isolate remembers.
pub const GOOD_TOKENS: usize = 1_000;

/// Bytes of the set of keys that an issuer publishes.
pub const KEY_SET_BYTES: usize = 64 << 10;

/// Keys in that set.
pub const KEYS: usize = 50;

/// Bytes of a schema's text, be it SDL or the answer to the introspection query.
pub const SCHEMA_BYTES: usize = 8 << 20;

/// Types of a schema.
pub const SCHEMA_TYPES: usize = 50_000;

/// Fields of a schema's types; as many interfaces and members of unions; and as many pairs of an
/// interface or a union and a type that is possible there.
pub const SCHEMA_FIELDS: usize = 500_000;

/// Steps from a type to what it implements that are taken to find the possible types of a schema.
pub const SCHEMA_STEPS: usize = 4_000_000;

/// How deep brackets may nest in a schema's types and values.
pub const SCHEMA_DEPTH: usize = 64;

/// Bytes of an encoded schema before it is deflated. What the limits above let in needs less.
pub const SCHEMA_TABLE_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_its_own_number() {
        let limits = Amounts::default_limits();
        for limit in Limit::ALL {
            let (default, most) = limit.default_and_most();
            assert!(limits.of(limit) == default && default <= most, "{}", limit.as_str());
        }
        let mut high = Amounts::ZERO;
        high.raise(Limit::Depth, 3);
        high.raise(Limit::Depth, 2);
        assert_eq!((high.of(Limit::Depth), high.of(Limit::Batch)), (3, 0));
    }
}
