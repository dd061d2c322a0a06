//! Why a request could not be read.

use crate::limits::Limit;

/// Why a request could not be read. It is left to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// The body is not JSON, or a parameter has the wrong type.
    Unparsable,
    /// The content type is not supported.
    ContentType,
    /// The content coding is not supported, or the body is damaged.
    ContentEncoding,
    /// At least one element of a batch could not be read.
    Batch,
    /// The document is identified in an unknown way, or in two ways.
    Persisted,
    /// The request has a document and the hash of another one.
    HashMismatch,
    /// Parameters are both in the URL and in the body.
    QueryInUrl,
    /// A JSON object has two members with one name. Servers differ in which one counts.
    DuplicateMember,
    /// The request exceeds a limit.
    OverLimit(Limit),
}

impl RequestError {
    /// The reason as it appears in `Cache-Status`, logs and docs.
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
