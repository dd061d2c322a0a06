//! From a GraphQL request to the analysis of its document, whether it sends the document or names it.

use super::analyses::{Analyses, AnalyzedDocument};
use super::hashed::HashedDocuments;
use super::schema::RequestSchema;
use super::uploaded::UploadedDocuments;
use crate::config::{Apq, Config};
use crate::engine::{ReadTypes, Uncacheable};
use crate::graphql::{
    DocumentSource, InjectedDocument, OperationKind, OperationRequest, RequestParts,
    RewrittenRequest, shows_success,
};
use crate::service::context::Context;
use crate::service::origin::FullRequest;
use crate::service::runtime::Runtime;
use std::rc::Rc;

/// A GraphQL request whose document is known.
pub struct Operation {
    /// The request.
    pub query: OperationRequest,
    /// The document's text, whether the request sends it or names it.
    pub document: Rc<str>,
    /// The document's analysis.
    pub known: Rc<AnalyzedDocument>,
    /// Whether the document is added before the origin is asked: with `graphql.apq = "own"` the origin
    /// need not know the hash that the request sends.
    is_completed: bool,
}

impl Operation {
    /// Whether it is a mutation. This alone decides that it is sent as a write and purges, never a
    /// reason for which it is not looked up.
    pub fn is_mutation(&self) -> bool {
        self.known.analysis.kind == OperationKind::Mutation
    }

    /// The cache types of a query. `None` if it is no query.
    pub fn types(&self, config: &Config) -> Option<ReadTypes> {
        let analysis = &self.known.analysis;
        let is_query = analysis.kind == OperationKind::Query;
        is_query.then(|| ReadTypes::of_query(config, &self.query, analysis))
    }

    /// What the origin is sent of the request if its response may be stored.
    fn keyed(&self, with_hash: bool) -> RequestParts<'_> {
        RequestParts::Keyed { declared: &self.known.analysis.variables, with_hash }
    }

    /// The request with additions to its document. It has no hash: that is the one of the document
    /// without them.
    pub fn with_addition(&self, injected: &InjectedDocument) -> Option<RewrittenRequest> {
        self.query.rewritten(Some(injected.text()), self.keyed(false))
    }

    /// The request without additions, if its response may be stored. `None` if that is the client's own
    /// request, unchanged.
    pub fn without_addition(&self) -> Option<RewrittenRequest> {
        if self.is_completed {
            return self.query.with_full_document(&self.document, self.keyed(true));
        }
        let is_other = self.query.must_be_rewritten(&self.known.analysis.variables);
        is_other.then(|| self.query.rewritten(None, self.keyed(true)))?
    }

    /// The whole request with its document, if its response is not stored and the origin may not know
    /// the document.
    pub fn full_request(&self) -> Option<FullRequest> {
        if !self.is_completed {
            return None;
        }
        let rewritten = self.query.with_full_document(&self.document, RequestParts::All)?;
        // A server refuses a mutation by GET, and would run the same mutation by POST.
        let would_run =
            matches!(rewritten, RewrittenRequest::PostForGet { .. }) && self.is_mutation();
        (!would_run).then_some(FullRequest { rewritten, answers_client: true })
    }

    /// Whether the origin can be sent exactly what is in the key.
    pub fn can_be_keyed(&self) -> bool {
        !self.query.must_be_rewritten(&self.known.analysis.variables)
            || self.query.rewritten(None, self.keyed(true)).is_some()
    }
}

/// Why a request has no operation.
pub enum Unresolved {
    /// The hash of its document is not known: the client is asked to send the document.
    Unknown,
    /// The request is passed through to the origin.
    Uncacheable(Uncacheable),
}

/// The documents that an isolate knows.
pub struct Documents {
    config: Rc<Config>,
    analyses: Analyses,
    /// Documents that clients name by their hashes.
    hashed: Rc<HashedDocuments>,
    /// Documents that clients name by ids.
    uploaded: Rc<UploadedDocuments>,
}

impl Documents {
    /// The documents of these stores.
    pub fn new(
        config: Rc<Config>,
        analyses: Analyses,
        hashed: Rc<HashedDocuments>,
        uploaded: Rc<UploadedDocuments>,
    ) -> Self {
        Self { config, analyses, hashed, uploaded }
    }

    /// Finds the document of a request, and analyzes it by a schema.
    pub async fn resolve<R: Runtime>(
        &self,
        context: &Context<R>,
        query: OperationRequest,
        schema: &RequestSchema,
    ) -> Result<Operation, Unresolved> {
        let (query, document) = self.find(context, query).await?;
        let is_completed =
            self.config.graphql.apq == Apq::Own && matches!(query.source, DocumentSource::Hash(_));
        let name = query.operation_name.as_deref();
        let amounts = &self.config.limits.amounts;
        let (knowledge, fingerprint) = (schema.knowledge(), schema.fingerprint());
        let analyzed = match context.is_explained() {
            false => self.analyses.of(&document, name, amounts, &knowledge, fingerprint),
            true => self.analyses.look_at(&document, name, amounts, &knowledge, fingerprint),
        };
        match analyzed {
            Ok(known) => {
                if let DocumentSource::Text { hash: Some(hash), .. } = &query.source
                    && !context.is_explained()
                {
                    self.hashed.learn(hash, &document);
                }
                Ok(Operation { query, document, known, is_completed })
            }
            // The origin may not know the hash, so the request cannot be passed through. One that has
            // the document can.
            Err(_) if is_completed => Err(Unresolved::Unknown),
            Err(refusal) => {
                Err(Unresolved::Uncacheable(Uncacheable::refused_document(&document, refusal)))
            }
        }
    }

    /// The origin has answered an operation without an error. If a client named its document by a hash,
    /// the document may be shared with other isolates.
    pub fn note_answered<R: Runtime>(&self, runtime: &R, operation: &Operation) {
        if let Some(hash) = operation.query.source.hash() {
            self.hashed.note_answered(runtime, hash);
        }
    }

    /// The same for operations that were not looked up, and whose response is a 2xx. If its body was
    /// read, it must show no error.
    pub fn note_passed_on<'o, R: Runtime>(
        &self,
        runtime: &R,
        operations: impl Iterator<Item = &'o Operation>,
        body: Option<&[u8]>,
    ) {
        let hashes: Vec<&str> =
            operations.filter_map(|operation| operation.query.source.hash()).collect();
        if !hashes.is_empty() && body.is_none_or(shows_success) {
            hashes.iter().for_each(|hash| self.hashed.note_answered(runtime, hash));
        }
    }

    /// The document of a request. A hash that was uploaded counts as an id.
    async fn find<R: Runtime>(
        &self,
        context: &Context<R>,
        query: OperationRequest,
    ) -> Result<(OperationRequest, Rc<str>), Unresolved> {
        let unknown = || Unresolved::Uncacheable(Uncacheable::unknown_document(&context.request));
        let document: Rc<str> = match &query.source {
            DocumentSource::Text { document, .. } => document.as_str().into(),
            DocumentSource::Id(id) => {
                self.uploaded.document(context, id).await.ok_or_else(unknown)?
            }
            DocumentSource::Hash(hash) => {
                // An administrator's upload takes precedence, as it does at the origin.
                if let Some(document) = self.uploaded.document(context, hash).await {
                    return Ok((query.with_hash_as_id(), document));
                }
                match self.hashed.document(context, hash).await {
                    Some(document) => document,
                    None if self.config.graphql.apq == Apq::Own => return Err(Unresolved::Unknown),
                    None => return Err(unknown()),
                }
            }
        };
        Ok((query, document))
    }
}

#[cfg(test)]
mod tests;
