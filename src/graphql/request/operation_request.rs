//! The forms in which a GraphQL request comes (GraphQL over HTTP, draft).
//!
//! In scope: POST with JSON, alone or as a batch, or with a bare document, compressed or not, and
//! GET; documents by their text, their hash or their id. Any other form is left unread, with a
//! word on whether it may be a mutation.

use super::members::Members;
use crate::config::Apq;
use serde_json::{Map, Value};

/// A request that was understood, but for its document.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationRequest {
    /// What names the document.
    pub source: DocumentSource,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// The variables.
    pub variables: Option<Map<String, Value>>,
    /// Whatever else the request says that the origin may heed, as canonical text.
    pub other_members: String,
    /// Whether it has extensions that are no part of the key.
    pub(crate) has_unkeyed_extensions: bool,
    /// Whether its body is compressed, which not every server takes.
    pub(super) is_compressed: bool,
    /// Whether its URL is one that servers may decode in two ways.
    pub(crate) has_ambiguous_encoding: bool,
    pub(crate) wire_form: WireForm,
}

/// What names a document.
#[derive(Debug, Clone, PartialEq)]
pub enum DocumentSource {
    /// The document itself, and perhaps its hash, which was checked.
    Text {
        /// The document.
        document: String,
        /// SHA-256 in lower-case hexadecimal digits, where the request sends it along.
        hash: Option<String>,
    },
    /// Its SHA-256, in lower-case hexadecimal digits.
    Hash(String),
    /// The id under which it was stored with the origin.
    Id(String),
}

/// How a request came, as far as it can be sent otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WireForm {
    /// A JSON object in a body.
    Json(Members),
    /// One of the JSON objects of a batch.
    Element(Members),
    /// The query of a URL.
    Url(String),
    /// A body that is the document.
    Document,
    /// Only as it came.
    Fixed,
}

impl OperationRequest {
    /// Whether the origin may be asked with another document: one that it has by its hash or its
    /// id, or is to learn by its hash, stays as it is, and so does a compressed one.
    pub fn may_be_injected(&self, apq: Apq) -> bool {
        match &self.source {
            _ if self.is_compressed => false,
            DocumentSource::Text { hash: None, .. } => true,
            DocumentSource::Text { hash: Some(_), .. } | DocumentSource::Hash(_) => apq == Apq::Own,
            DocumentSource::Id(_) => false,
        }
    }

    /// The request as one whose hash is the id of a document that the origin has.
    pub fn with_hash_as_id(mut self) -> Self {
        if let DocumentSource::Hash(hash) = self.source {
            self.other_members = format!("{} {hash}", self.other_members);
            self.source = DocumentSource::Id(hash);
        }
        self
    }

    /// Whether it names its document, and does not hold it.
    pub fn names_its_document(&self) -> bool {
        !matches!(self.source, DocumentSource::Text { .. })
    }
}

#[cfg(test)]
impl OperationRequest {
    /// A document with its variables and nothing else, for tests.
    pub(crate) fn of(document: &str, variables: &str) -> Self {
        Self {
            source: DocumentSource::Text { document: document.to_owned(), hash: None },
            operation_name: None,
            variables: serde_json::from_str(variables).unwrap(),
            other_members: String::new(),
            has_unkeyed_extensions: false,
            is_compressed: false,
            has_ambiguous_encoding: false,
            wire_form: WireForm::Fixed,
        }
    }
}
