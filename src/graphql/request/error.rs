//! Why a request is left unread.

use crate::limits::Limit;

/// Why a request is left unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// It is not JSON, or not an object with the right members.
    Unparsable,
    /// Its content type is not one of GraphQL's.
    ContentType,
    /// Its body is compressed in a way that is not known, or damaged.
    ContentEncoding,
    /// It has several operations in a list, and not each of them was read.
    Batch,
    /// It names a document in a way that is not known, or in two.
    Persisted,
    /// It sends a document and the hash of another.
    HashMismatch,
    /// It has parts in its URL and parts in its body.
    QueryInUrl,
    /// It has two JSON members of one name: which of them counts differs by server.
    DuplicateMember,
    /// It is over a limit.
    OverLimit(Limit),
}

impl RequestError {
    /// The reason as `Cache-Status`, logs and docs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unparsable => "unparsable",
            Self::ContentType => "content-type",
            Self::ContentEncoding => "content-encoding",
            Self::Batch => "batch",
            Self::Persisted => "persisted",
            Self::HashMismatch => "hash-mismatch",
            Self::QueryInUrl => "query-in-url",
            Self::DuplicateMember => "duplicate-member",
            Self::OverLimit(_) => "over-limit",
        }
    }
}
