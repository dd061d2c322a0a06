//! The caps on what comes in, applied before any work is done on it.
//!
//! In scope: the numbers. Not in scope: what happens beyond them; that is always the same, the
//! request or the answer is passed through untouched.

/// Bytes of a request's body that Evergraph reads to understand it. Longer bodies are streamed
/// to the origin.
pub const REQUEST_BODY_BYTES: usize = 1 << 20;

/// Bytes of an answer's body that Evergraph reads to store it. Longer answers are streamed to
/// the client and not stored. KV allows 25 MiB, an isolate 128 MB in all.
pub const ANSWER_BODY_BYTES: usize = 8 << 20;

/// Bytes of a GraphQL answer that Evergraph reads to understand it: as a tree it takes many times
/// as much.
pub const GRAPHQL_ANSWER_BYTES: usize = 2 << 20;

/// Bytes of a request's URL that Evergraph makes a key from.
pub const URL_BYTES: usize = 16 << 10;

/// Bytes of an operation's name in a request whose analysis is kept.
pub const OPERATION_NAME_BYTES: usize = 1_024;

/// Tokens of a GraphQL document.
pub const DOCUMENT_TOKENS: usize = 20_000;

/// How deep brackets may nest in a GraphQL document. graphql-parser stops at about 50.
pub const DOCUMENT_DEPTH: usize = 48;

/// Selections of an operation once its fragments are spread.
pub const DOCUMENT_SELECTIONS: usize = 10_000;

/// Tags of one entry. An entry with more keeps its coarse tags only: that purges more, never less.
pub const ENTRY_TAGS: usize = 1_000;

/// Headers that `Vary` may name.
pub const VARY_HEADERS: usize = 16;

/// Tags and patterns of one purge.
pub const PURGE_ITEMS: usize = 10_000;

/// Tags of one record, with what they reach. A record with more purges everything; a row of the
/// log has at most 2 MB.
pub const RECORD_TAGS: usize = 50_000;

/// Records that the purge log keeps before it raises its floor.
pub const LOG_RECORDS: usize = 100_000;

/// Tags that a replica keeps. Beyond them it forgets all, and every older entry is gone.
pub const LOG_TAGS: usize = 200_000;

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

/// GraphQL types seen in answers that one isolate remembers.
pub const KNOWN_TYPES: usize = 10_000;

/// Bytes of a token that is verified.
pub const TOKEN_BYTES: usize = 8 << 10;

/// Verified tokens that one isolate remembers.
pub const TOKENS: usize = 1_000;

/// Bytes of the set of keys that an issuer publishes.
pub const KEY_SET_BYTES: usize = 64 << 10;

/// Keys in that set.
pub const KEYS: usize = 50;
