//! The request that the origin is sent in place of the client's: with another document, or without
//! what is no part of the key.
//!
//! In scope: which of a request's variables and extensions go on, and how each form of a request is
//! written anew. All else stays as it came, byte for byte. Not in scope: when the origin is sent
//! something else than what came (`service`).

use super::extensions::forwarded_extensions;
use super::members::{Members, filter_members, text_to_json};
use super::operation_request::{DocumentSource, OperationRequest, WireForm};
use super::parameters::PARAMETERS;
use crate::graphql::operation::variables::DeclaredVariable;
use crate::http::{form_encoded, form_pairs, has_one_decoding};
use std::collections::BTreeSet;

/// A request for the origin in place of the client's own.
#[derive(Debug, Clone, PartialEq)]
pub enum RewrittenRequest {
    /// A GET with this query in its URL.
    Url(String),
    /// A POST with this JSON.
    Json(String),
    /// A POST with this document as `application/graphql`.
    Document(String),
    /// In place of a GET whose URL would be too long: a POST with this JSON, and with this query in
    /// its URL.
    PostForGet {
        /// What of the URL's query is no part of the GraphQL request.
        url: String,
        /// The GraphQL request.
        json: String,
    },
}

/// Which of a request's variables and extensions go on to the origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RequestParts<'a> {
    /// All of them: what comes back is not stored.
    All,
    /// The variables that the operation declares, which the key holds, and the extensions that
    /// change no answer.
    Keyed {
        /// The variables that the operation declares.
        declared: &'a [DeclaredVariable],
        /// Whether the document's hash goes on. It fits one document.
        with_hash: bool,
    },
}

/// Bytes of a URL's query that every server takes.
const MAX_REWRITTEN_URL_BYTES: usize = 8_000;

impl OperationRequest {
    /// Whether it holds something that is no part of the key, and so must not reach the origin
    /// where its answer is to be stored.
    fn has_unkeyed(&self, declared: &[DeclaredVariable]) -> bool {
        self.has_unkeyed_extensions || self.has_undeclared(declared)
    }

    fn has_undeclared(&self, declared: &[DeclaredVariable]) -> bool {
        let Some(variables) = self.variables.as_ref().filter(|found| !found.is_empty()) else {
            return false;
        };
        let names = names_of(declared);
        variables.keys().any(|name| !names.contains(name.as_str()))
    }

    /// The request with another document, or with its own where none is given. None where it can
    /// only be sent as it came, or where its URL would be too long.
    pub fn rewritten(
        &self,
        document: Option<&str>,
        parts: RequestParts<'_>,
    ) -> Option<RewrittenRequest> {
        match &self.wire_form {
            WireForm::Json(members) | WireForm::Element(members) => {
                let mut members = members.clone();
                if let Some(document) = document {
                    members.set("query", text_to_json(document));
                }
                self.remove_unkeyed_parts(&mut members, parts)?;
                Some(RewrittenRequest::Json(members.to_json()))
            }
            WireForm::Url(query) => self.rewritten_url(query, document, parts),
            WireForm::Document => {
                let own = match &self.source {
                    DocumentSource::Text { document, .. } => Some(document.as_str()),
                    DocumentSource::Hash(_) | DocumentSource::Id(_) => None,
                };
                document.or(own).map(|document| RewrittenRequest::Document(document.to_owned()))
            }
            WireForm::Fixed => None,
        }
    }

    /// The request with the document that it names by its hash, for an origin that may not know
    /// it. None where the request can only be sent as it came.
    pub fn with_full_document(
        &self,
        document: &str,
        parts: RequestParts<'_>,
    ) -> Option<RewrittenRequest> {
        self.rewritten(Some(document), parts).or_else(|| match &self.wire_form {
            WireForm::Url(query) => self.as_post(query, document, parts),
            _ => None,
        })
    }

    /// The request as the element of a batch that it came as.
    pub fn as_element(&self) -> Option<String> {
        match &self.wire_form {
            WireForm::Element(members) => Some(members.to_json()),
            _ => None,
        }
    }

    /// Whether the request as it came is not what the origin is asked where its answer may be
    /// stored: something is left out, or it may be read in two ways, or it came in a batch.
    pub fn must_be_rewritten(&self, declared: &[DeclaredVariable]) -> bool {
        self.has_ambiguous_encoding
            || matches!(self.wire_form, WireForm::Element(_))
            || self.has_unkeyed(declared)
    }

    fn rewritten_url(
        &self,
        query: &str,
        document: Option<&str>,
        parts: RequestParts<'_>,
    ) -> Option<RewrittenRequest> {
        let mut pieces = Vec::new();
        let mut written = false;
        for piece in query.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = form_pairs(piece)?.pop()?;
            match (name.as_str(), document, parts) {
                ("query", Some(document), _) => {
                    written = true;
                    pieces.push(format!("query={}", form_encoded(document)));
                }
                ("extensions", _, RequestParts::Keyed { with_hash, .. }) => {
                    let kept = forwarded_extensions(serde_json::from_str(&value).ok(), with_hash);
                    pieces.extend(kept.map(|kept| format!("extensions={}", form_encoded(&kept))));
                }
                ("variables", _, RequestParts::Keyed { declared, .. })
                    if !value.is_empty() && self.has_undeclared(declared) =>
                {
                    let kept = declared_variables_only(&value, declared)?;
                    pieces.push(format!("variables={}", form_encoded(&kept)));
                }
                (name, _, RequestParts::Keyed { .. })
                    if PARAMETERS.contains(&name) && !has_one_decoding(piece) =>
                {
                    pieces.push(format!("{name}={}", form_encoded(&value)));
                }
                _ => pieces.push(piece.to_owned()),
            }
        }
        if let (Some(document), false) = (document, written) {
            pieces.insert(0, format!("query={}", form_encoded(document)));
        }
        let url = pieces.join("&");
        // No longer than what came, a URL is no worse than that.
        let most = if document.is_none() { query.len() } else { 0 };
        (url.len() <= most.max(MAX_REWRITTEN_URL_BYTES)).then_some(RewrittenRequest::Url(url))
    }

    /// A GET as a POST. Not for one that may be a mutation: a server runs that by POST alone.
    fn as_post(
        &self,
        query: &str,
        document: &str,
        parts: RequestParts<'_>,
    ) -> Option<RewrittenRequest> {
        let mut members = Members::default();
        members.set("query", text_to_json(document));
        let mut other_members = Vec::new();
        for piece in query.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = form_pairs(piece)?.pop()?;
            let raw = match name.as_str() {
                "query" => continue,
                name if !PARAMETERS.contains(&name) => {
                    other_members.push(piece);
                    continue;
                }
                _ if value.is_empty() => continue,
                "variables" | "extensions" => value,
                _ => text_to_json(&value),
            };
            if !members.set(&name, raw) {
                return None;
            }
        }
        self.remove_unkeyed_parts(&mut members, parts)?;
        Some(RewrittenRequest::PostForGet { url: other_members.join("&"), json: members.to_json() })
    }

    /// Removes from a request's members what does not go on. None where that cannot be done.
    fn remove_unkeyed_parts(&self, members: &mut Members, parts: RequestParts<'_>) -> Option<()> {
        let RequestParts::Keyed { declared, with_hash } = parts else { return Some(()) };
        if self.has_undeclared(declared) {
            let kept = declared_variables_only(members.raw("variables")?, declared)?;
            members.set("variables", kept);
        }
        match forwarded_extensions(members.value("extensions").cloned(), with_hash) {
            Some(kept) => {
                members.set("extensions", kept);
            }
            None => members.remove("extensions"),
        }
        Some(())
    }
}

fn names_of(declared: &[DeclaredVariable]) -> BTreeSet<&str> {
    declared.iter().map(|one| one.name.as_str()).collect()
}

/// The declared variables of a JSON object, each by its own text.
fn declared_variables_only(variables: &str, declared: &[DeclaredVariable]) -> Option<String> {
    let names = names_of(declared);
    filter_members(variables, |name| names.contains(name))
}

#[cfg(test)]
mod tests;
