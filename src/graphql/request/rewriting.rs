//! Rewrites a request for the origin: with another document, or without what is not part of the
//! key.
//!
//! In scope: which variables and extensions are forwarded, and how each form of a request is
//! written. Everything else is forwarded unchanged, byte for byte. Not in scope: when to rewrite a
//! request.

use super::extensions::forwarded_extensions;
use super::members::{Members, filter_members, text_to_json};
use super::operation_request::{DocumentSource, OperationRequest, WireForm};
use super::parameters::PARAMETERS;
use crate::graphql::operation::variables::DeclaredVariable;
use crate::http::{form_encoded, form_pairs, has_one_decoding};
use crate::order;
use std::collections::BTreeSet;

/// A request for the origin in place of the client's.
#[derive(Debug, Clone, PartialEq)]
pub enum RewrittenRequest {
    /// A GET with this URL query.
    Url(String),
    /// A POST with this JSON body.
    Json(String),
    /// A POST with this document as an `application/graphql` body.
    Document(String),
    /// A POST instead of a GET whose URL would be too long.
    PostForGet {
        /// The parts of the URL query that are not GraphQL parameters.
        url: String,
        /// The JSON body.
        json: String,
    },
}

/// Which variables and extensions of a request are forwarded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RequestParts<'a> {
    /// All, because the response will not be stored.
    All,
    /// Only declared variables, which are part of the key, and extensions that do not change
    /// responses.
    Keyed {
        /// The variables that the operation declares.
        declared: &'a [DeclaredVariable],
        /// `true` to forward the document's hash, which is valid for only one document.
        with_hash: bool,
    },
}

/// The length of a URL query that all servers accept.
const MAX_REWRITTEN_URL_BYTES: usize = 8_000;

impl OperationRequest {
    /// `true` if it has parts that are not in the key. These must not reach the origin if the
    /// response is to be stored.
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

    /// The request with another document, or with its own if `document` is `None`. Returns `None`
    /// if the request cannot be rewritten, or if its URL would be too long.
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

    /// The request with its document in full, for an origin that may not know the document's hash.
    /// `None` if the request cannot be rewritten.
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

    /// The request as an element of a batch. `None` if it was not sent in a batch.
    pub fn as_element(&self) -> Option<String> {
        match &self.wire_form {
            WireForm::Element(members) => Some(members.to_json()),
            _ => None,
        }
    }

    /// `true` if the request must be rewritten before its response may be stored: it has parts that
    /// are not in the key, can be decoded in different ways, or was sent in a batch.
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
                    let kept = forwarded_extensions(
                        serde_json::from_slice(value.as_bytes()).ok(),
                        with_hash,
                    );
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
        // A URL no longer than the client's is acceptable, too.
        let most = if document.is_none() { query.len() } else { 0 };
        (url.len() <= most.max(MAX_REWRITTEN_URL_BYTES)).then_some(RewrittenRequest::Url(url))
    }

    /// Turns a GET into a POST. The caller rules out mutations, which servers execute only by POST.
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

    /// Removes the parts that are not forwarded. `None` if that is not possible.
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
    order::set_of(declared.iter().map(|one| one.name.as_str()))
}

/// The declared variables of a JSON object, each with its source text.
fn declared_variables_only(variables: &str, declared: &[DeclaredVariable]) -> Option<String> {
    let names = names_of(declared);
    filter_members(variables, |name| names.contains(name))
}

#[cfg(test)]
mod tests;
