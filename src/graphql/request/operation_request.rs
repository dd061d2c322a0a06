//! A request to execute one operation: its document, operation name, variables and extensions.

use super::members::Members;
use crate::config::Apq;
use serde_json::{Map, Value};

/// A request that was read, except for its document.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationRequest {
    /// The document, or what identifies it.
    pub source: DocumentSource,
    /// Which of the document's operations to execute.
    pub operation_name: Option<String>,
    /// The variables.
    pub variables: Option<Map<String, Value>>,
    /// All other members of the request, as canonical text. They are part of the key, because the
    /// origin may use them.
    pub other_members: String,
    /// `true` if it has extensions that are not part of the key.
    pub(crate) has_unkeyed_extensions: bool,
    /// `true` if its body is compressed, which not all servers support.
    pub(super) is_compressed: bool,
    /// `true` if servers may decode its URL in different ways.
    pub(crate) has_ambiguous_encoding: bool,
    pub(crate) wire_form: WireForm,
}

/// The document, or what identifies it.
#[derive(Debug, Clone, PartialEq)]
pub enum DocumentSource {
    /// The document itself. Its hash, if any, was verified.
    Text {
        /// The document.
        document: String,
        /// The hash that was sent with it: SHA-256 in lower-case hexadecimal.
        hash: Option<String>,
    },
    /// The document's SHA-256 in lower-case hexadecimal.
    Hash(String),
    /// The id of a document that is stored at the origin.
    Id(String),
}

impl DocumentSource {
    /// The document's hash, if the client sent it.
    pub fn hash(&self) -> Option<&str> {
        match self {
            Self::Hash(hash) | Self::Text { hash: Some(hash), .. } => Some(hash),
            Self::Text { hash: None, .. } | Self::Id(_) => None,
        }
    }
}

/// How the request was sent, for rewriting it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WireForm {
    /// A JSON object in a body.
    Json(Members),
    /// An element of a batch.
    Element(Members),
    /// The query of a URL.
    Url(String),
    /// A body that is the document itself.
    Document,
    /// It cannot be rewritten.
    Fixed,
}

impl OperationRequest {
    /// `true` if the origin may be sent another document. Not if the document is identified by a
    /// hash or id that the origin resolves or stores, and not if the body is compressed.
    pub fn may_be_injected(&self, apq: Apq) -> bool {
        match &self.source {
            _ if self.is_compressed => false,
            DocumentSource::Text { hash: None, .. } => true,
            DocumentSource::Text { hash: Some(_), .. } | DocumentSource::Hash(_) => apq == Apq::Own,
            DocumentSource::Id(_) => false,
        }
    }

    /// The same request with its hash as the id of a document stored at the origin.
    pub fn with_hash_as_id(mut self) -> Self {
        if let DocumentSource::Hash(hash) = self.source {
            self.other_members = format!("{} {hash}", self.other_members);
            self.source = DocumentSource::Id(hash);
        }
        self
    }

    /// `true` if it identifies its document by a hash or an id.
    pub fn names_its_document(&self) -> bool {
        !matches!(self.source, DocumentSource::Text { .. })
    }
}

#[cfg(test)]
impl OperationRequest {
    /// A request with only a document and variables, for tests.
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
