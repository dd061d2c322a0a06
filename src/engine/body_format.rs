//! The format of a response body, by its `Content-Type`.

use crate::http::Headers;

/// The format of a response body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// A single JSON text.
    Json,
    /// Several texts or events, each sent as it becomes available: `multipart/mixed`,
    /// `text/event-stream`, `application/x-ndjson` and the like.
    Parts,
    /// Anything else, such as HTML.
    Other,
    /// There is no `Content-Type`.
    Unnamed,
}

impl BodyFormat {
    /// The format that `Content-Type` declares.
    pub fn of(headers: &Headers) -> Self {
        let content_type = headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let of_parts = ["event-stream", "ndjson", "jsonl", "json-seq", "stream+json", "jsonlines"];
        if kind.is_empty() {
            Self::Unnamed
        } else if kind.starts_with("multipart/") || of_parts.iter().any(|one| kind.contains(one)) {
            Self::Parts
        } else if kind.contains("json") {
            Self::Json
        } else {
            Self::Other
        }
    }
}
