//! From a GraphQL request to what is known of its document.

use super::handle::{Asked, Reply, Service, json_response};
use super::isolate::KnownDocument;
use super::world::World;
use crate::config::Config;
use crate::engine::{Bypass, Unwritten, refused};
use crate::graphql::{Query, Rewritten, Source, Unread};
use serde_json::json;
use std::rc::Rc;

/// A GraphQL request whose document is known.
pub(super) struct Operation {
    pub query: Query,
    /// The document's text, whatever the request named it by.
    pub document: Rc<str>,
    pub known: Rc<KnownDocument>,
}

/// Why a request has no operation that is known.
pub(super) enum Unresolved {
    /// Its document's hash is not known, and the client is to send the document.
    Unknown,
    /// It is left to the origin.
    Unwritten(Unwritten),
}

impl<W: World> Service<W> {
    /// Finds a request's document and understands it.
    pub(super) async fn operation(
        &self,
        config: &Config,
        query: Query,
    ) -> Result<Operation, Unresolved> {
        let document: Rc<str> = match &query.source {
            Source::Text { document, .. } => document.as_str().into(),
            Source::Hash(_) | Source::Id(_) => {
                let reason = Bypass::Unread(Unread::Persisted);
                let unwritten = Unwritten { reason, may_be_mutation: true, batch: false };
                return Err(Unresolved::Unwritten(unwritten));
            }
        };
        let name = query.operation_name.as_deref();
        match self.isolate.document(&document, name, &config.limits.amounts) {
            Ok(known) => Ok(Operation { query, document, known }),
            Err(refusal) => Err(Unresolved::Unwritten(refused(&document, refusal))),
        }
    }

    /// What the origin is asked in the client's own words, where these are not the request as it
    /// came.
    pub(super) fn as_it_came(&self, _config: &Config, operation: &Operation) -> Option<Rewritten> {
        match operation.query.has_unkeyed {
            true => operation.query.rewritten(None, true),
            false => None,
        }
    }

    /// Asks the client for the document whose hash it sent, as servers with automatic persisted
    /// queries do.
    pub(super) fn unknown_document(&self, _asked: &Asked) -> Reply {
        let body = json!({ "errors": [{
            "message": "PersistedQueryNotFound",
            "extensions": { "code": "PERSISTED_QUERY_NOT_FOUND" },
        }] });
        Reply::Whole(json_response(200, &body))
    }
}
