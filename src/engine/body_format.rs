//! How a response's body is written, by its content type.

use crate::http::Headers;

/// How an answer's body is written, by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// One JSON text.
    Json,
    /// Several texts or events that follow each other, each when it is there.
    Parts,
    /// Something else, such as a page.
    Other,
    /// Nothing says how.
    Unnamed,
}

impl BodyFormat {
    /// The format that the headers name.
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
