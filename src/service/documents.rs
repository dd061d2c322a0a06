//! From a GraphQL request to what is known of its document, however it names it.

use super::ask::fitted;
use super::context::Context;
use super::handle::{Reply, Service};
use super::isolate::KnownDocument;
use super::runtime::{OriginFailure, OriginRequest, OriginRequestKind, OriginResponse, Runtime};
use super::schema::Known;
use super::stats::Answered;
use crate::config::{Apq, Config};
use crate::engine::{Bypass, Uncacheable, XCache, document_not_known, refused};
use crate::graphql::{
    InjectedDocument, OperationKind, Query, RequestParts, RewrittenRequest, Source, answer_kind,
};
use crate::http::{Headers, Response};
use crate::policy::{CacheStatus, Forward};
use serde_json::{Value, json};
use std::rc::Rc;

/// A GraphQL request whose document is known.
pub(super) struct Operation {
    pub query: Query,
    /// The document's text, whatever the request named it by.
    pub document: Rc<str>,
    pub known: Rc<KnownDocument>,
}

impl Operation {
    /// What of the request the origin is asked where its answer may be stored.
    fn keyed(&self, with_hash: bool) -> RequestParts<'_> {
        RequestParts::Keyed { declared: &self.known.analysis.variables, with_hash }
    }

    /// The request with what is added to its document. The hash fits the document without that.
    pub fn with_addition(&self, injected: &InjectedDocument) -> Option<RewrittenRequest> {
        self.query.rewritten(Some(injected.text()), self.keyed(false))
    }

    /// Whether the origin can be asked exactly what the key holds.
    pub fn can_be_keyed(&self) -> bool {
        !self.query.is_sent_otherwise(&self.known.analysis.variables)
            || self.query.rewritten(None, self.keyed(true)).is_some()
    }
}

/// What is asked in place of a request whose answer is not stored.
pub(super) struct Whole {
    pub rewritten: RewrittenRequest,
    /// Whether what is answered is the client's as it is.
    pub answers_client: bool,
}

/// Why a request has no operation that is known.
pub(super) enum Unresolved {
    /// Its document's hash is not known, and the client is to send the document.
    Unknown,
    /// It is left to the origin.
    Uncacheable(Uncacheable),
}

impl<W: Runtime> Service<W> {
    /// Finds a request's document and understands it.
    pub(super) async fn operation(
        &self,
        config: &Config,
        context: &Context<W>,
        mut query: Query,
        schema: &Known,
    ) -> Result<Operation, Unresolved> {
        let left = || Unresolved::Uncacheable(document_not_known(&context.request));
        let document: Rc<str> = match &query.source {
            Source::Text { document, .. } => document.as_str().into(),
            Source::Id(id) => self.uploaded(config, id).await.ok_or_else(left)?,
            Source::Hash(hash) => match self.uploaded(config, hash).await {
                // What an administrator says of a hash counts, as it does with the origin.
                Some(document) => {
                    query = query.with_hash_as_id();
                    document
                }
                None => match self.hashed(config, hash).await {
                    Some(document) => document,
                    None if config.graphql.apq == Apq::Own => return Err(Unresolved::Unknown),
                    None => return Err(left()),
                },
            },
        };
        let name = query.operation_name.as_deref();
        let limits = &config.limits.amounts;
        match self.isolate.document(
            &document,
            name,
            limits,
            &schema.knowledge(config),
            schema.fingerprint,
        ) {
            Ok(known) => {
                if let Source::Text { hash: Some(hash), .. } = &query.source {
                    self.learn_hashed(config, hash, &document);
                }
                Ok(Operation { query, document, known })
            }
            // To an origin that may not know the hash it cannot be left. The client will send the
            // document, and that can.
            Err(_) if is_completed(config, &query) => Err(Unresolved::Unknown),
            Err(refusal) => Err(Unresolved::Uncacheable(refused(&document, refusal))),
        }
    }

    /// What the origin is asked in the client's own words where its answer may be stored, if these
    /// are not the request as it came.
    pub(super) fn as_it_came(
        &self,
        config: &Config,
        operation: &Operation,
    ) -> Option<RewrittenRequest> {
        let Operation { query, document, known } = operation;
        if is_completed(config, query) {
            return query.in_full(document, operation.keyed(true));
        }
        let is_other = query.is_sent_otherwise(&known.analysis.variables);
        is_other.then(|| query.rewritten(None, operation.keyed(true)))?
    }

    /// The same where its answer is not stored: then nothing is left out.
    pub(super) fn whole(&self, config: &Config, operation: &Operation) -> Option<Whole> {
        let Operation { query, document, known } = operation;
        if !is_completed(config, query) {
            return None;
        }
        let rewritten = query.in_full(document, RequestParts::All)?;
        // What a server refuses by GET it would run by POST.
        let runs = matches!(rewritten, RewrittenRequest::Posted { .. })
            && known.analysis.kind == OperationKind::Mutation;
        (!runs).then_some(Whole { rewritten, answers_client: true })
    }

    /// Asks the origin what the client asked, or the same in full.
    pub(super) async fn ask_whole(
        &self,
        context: &Context<W>,
        whole: Option<&Whole>,
        may_retry: bool,
    ) -> Result<OriginResponse, OriginFailure> {
        let mut headers = context.request.headers.clone();
        let mut url = self.origin_url(&context.request);
        let kind = match whole {
            None => OriginRequestKind::Unchanged,
            Some(Whole { rewritten, answers_client }) => {
                match (fitted(rewritten, &mut url, &mut headers), answers_client) {
                    (body, true) => OriginRequestKind::Completed(body),
                    (Some(body), false) => OriginRequestKind::Post(body),
                    (None, false) => OriginRequestKind::OtherUrl,
                }
            }
        };
        let headers = self.forwarded_headers(&context.request, headers);
        self.ask(&OriginRequest { url: &url, headers: &headers, may_retry, kind }).await
    }

    /// Asks the client for the document whose hash it sent, as servers with automatic persisted
    /// queries do.
    pub(super) fn unknown_document(&self, context: &Context<W>) -> Reply {
        self.unknown_documents(context, not_found().to_string().into_bytes().into())
    }

    /// The same with what says it.
    pub(super) fn unknown_documents(&self, context: &Context<W>, body: Rc<[u8]>) -> Reply {
        let reason = Bypass::PersistedUnknown.as_str();
        self.count(context, 200, Answered::Bypass, None);
        self.report_bypass(context, reason, 200);
        let mut headers = Headers::new();
        headers.set("content-type", answer_kind(&context.request.headers));
        headers.set("cache-control", "private, no-cache, must-revalidate");
        // It holds nothing that any site may not read; a browser that does not let its page read
        // it would not send the document.
        if let Some(origin) = context.request.headers.get("origin") {
            headers.set("access-control-allow-origin", origin);
            headers.set("access-control-allow-credentials", "true");
            headers.set("vary", "Origin");
        }
        headers.set("x-cache", XCache::Bypass.as_str());
        CacheStatus::Forwarded {
            forward: Forward::Bypass,
            status: None,
            stored: false,
            detail: Some(reason),
        }
        .add_to(&mut headers);
        Reply::Whole(Response { status: 200, headers, body })
    }
}

/// What clients know as the wish for the document: Apollo's go by the code or the message, urql by
/// the message.
pub(super) fn not_found() -> Value {
    json!({ "errors": [{
        "message": "PersistedQueryNotFound",
        "extensions": { "code": "PERSISTED_QUERY_NOT_FOUND" },
    }] })
}

/// Whether the origin need not know the document by what the request names it by.
fn is_completed(config: &Config, query: &Query) -> bool {
    matches!(query.source, Source::Hash(_)) && config.graphql.apq == Apq::Own
}
