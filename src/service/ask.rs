//! Asking the origin for a query: with what Evergraph adds to a GraphQL document where it can, and
//! otherwise as it came.
//!
//! Nothing that is added reaches the client: an answer from which it cannot be taken out again is
//! asked for once more as the request came. Queries change nothing, so they may be asked twice.

use super::context::Context;
use super::documents::Operation;
use super::handle::{Reply, Service};
use super::isolate::Standing;
use super::runtime::{
    BodyRead, OriginFailure, OriginRequest, OriginRequestKind, OriginResponse, Runtime,
};
use crate::config::Config;
use crate::engine::{ValidatedEntry, is_graphql_json, origin_request_headers};
use crate::graphql::{
    InjectedDocument, Outcome, RESERVED_PREFIX, RewrittenRequest, is_strippable, outcome, strip,
};
use crate::http::{Headers, Request, Response};
use crate::limits;
use serde_json::Value;
use std::rc::Rc;

/// The origin's answer to a read.
pub(super) struct Told {
    pub answer: OriginResponse,
    /// The body, where it was read to take something out of it.
    pub body: Option<ToldBody>,
    /// The stored answer that the origin says still holds.
    pub validated_entry: Option<Box<ValidatedEntry>>,
}

/// The body of a GraphQL answer that was read.
pub(super) struct ToldBody {
    /// What the client gets.
    pub bytes: Rc<[u8]>,
    /// What the origin said.
    pub json: Value,
    /// Whether the document that it answers had additions.
    pub added: bool,
}

/// How the origin took a document with what Evergraph added.
enum Taken {
    /// It ran, or nobody knows.
    Told(Told),
    /// It refused it, and nothing ran.
    Refused,
    /// What was added cannot be taken out of the answer.
    Unreadable,
}

/// Headers that speak of the body as the origin sent it.
const OF_THE_ORIGINS_BODY: [&str; 9] = [
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "content-md5",
    "digest",
    "content-digest",
    "repr-digest",
    "etag",
    "last-modified",
];

impl<W: Runtime> Service<W> {
    /// Asks for a query.
    pub(super) async fn ask_for(
        &self,
        config: &Config,
        context: &Context<W>,
        operation: &Operation,
    ) -> Result<Told, OriginFailure> {
        let standing = &operation.known.standing;
        let before = standing.get();
        let addition = self.addition(config, operation).and_then(|injected| {
            let rewritten = operation.with_addition(injected)?;
            (before == Standing::Added).then_some((injected, rewritten))
        });
        let taken = match &addition {
            Some((injected, rewritten)) => {
                self.ask_with_addition(context, operation, injected, rewritten).await?
            }
            None => {
                let told = self.ask_as_it_came(config, context, operation).await?;
                if before == Standing::Refused && self.ran(&told.answer).await {
                    standing.set(Standing::Added);
                }
                return Ok(told);
            }
        };
        if let Taken::Told(told) = taken {
            return Ok(told);
        }
        let told = self.ask_as_it_came(config, context, operation).await?;
        standing.set(match self.ran(&told.answer).await {
            true => Standing::LeftAlone,
            false => Standing::Refused,
        });
        Ok(told)
    }

    /// A document with what is to be added to it, if anything is.
    pub(super) fn addition<'o>(
        &self,
        config: &Config,
        operation: &'o Operation,
    ) -> Option<&'o InjectedDocument> {
        let injected = operation.known.analysis.injected.as_ref()?;
        let may = config.graphql.inject && operation.query.may_be_injected(config.graphql.apq);
        may.then_some(injected)
    }

    async fn ask_as_it_came(
        &self,
        config: &Config,
        context: &Context<W>,
        operation: &Operation,
    ) -> Result<Told, OriginFailure> {
        let rewritten = self.as_it_came(config, operation);
        let answer = self.ask_rewritten(context, rewritten.as_ref()).await?;
        Ok(Told::of(answer))
    }

    async fn ask_with_addition(
        &self,
        context: &Context<W>,
        operation: &Operation,
        injected: &InjectedDocument,
        rewritten: &RewrittenRequest,
    ) -> Result<Taken, OriginFailure> {
        let mut answer = self.ask_rewritten(context, Some(rewritten)).await?;
        let busy = answer.status >= 500 || answer.status == 429;
        if !(200..600).contains(&answer.status) {
            return Ok(Taken::Unreadable);
        }
        if !is_graphql_json(&answer.headers) {
            // A gateway's page; to ask again would add to what ails the origin.
            if busy && !self.shows_addition(&answer).await {
                return Ok(Taken::Told(Told::of(answer)));
            }
            return Ok(match answer.status {
                400..500 if !busy => Taken::Refused,
                _ => Taken::Unreadable,
            });
        }
        let read = self.json_body(&answer).await;
        let BodyRead::Whole(body) = read else { return Ok(Taken::Unreadable) };
        let Ok(json) = serde_json::from_slice::<Value>(&body) else {
            return Ok(Taken::Unreadable);
        };
        // Some refuse with `data` that is null, as what ran and failed altogether has it.
        let refused = (400..500).contains(&answer.status)
            || matches!(outcome(&json), Outcome::NothingRan | Outcome::Partial(None));
        if refused && !busy {
            return Ok(Taken::Refused);
        }
        let Some(bytes) = without_addition(&body, &json, operation, injected) else {
            return Ok(Taken::Unreadable);
        };
        without_the_origins_body(&mut answer.headers);
        Ok(Taken::Told(Told {
            answer,
            body: Some(ToldBody { bytes: bytes.into(), json, added: true }),
            validated_entry: None,
        }))
    }

    /// The client's headers as the origin gets them where its answer may be stored.
    pub(super) fn headers_to_origin(&self, request: &Request) -> Headers {
        // With a faulty configuration nothing is looked up.
        let config = self.isolate.config.as_ref();
        config.map_or_else(
            |_| request.headers.clone(),
            |config| origin_request_headers(config, &request.headers),
        )
    }

    /// Asks for what the client asked, or for what stands in its place.
    pub(super) async fn ask_rewritten(
        &self,
        context: &Context<W>,
        rewritten: Option<&RewrittenRequest>,
    ) -> Result<OriginResponse, OriginFailure> {
        let request = &context.request;
        let mut headers = self.headers_to_origin(request);
        let mut url = self.origin_url(request);
        let body = rewritten.map(|rewritten| fitted(rewritten, &mut url, &mut headers));
        let kind = match body {
            None => OriginRequestKind::Unchanged,
            Some(None) => OriginRequestKind::OtherUrl,
            Some(Some(body)) => OriginRequestKind::Post(body),
        };
        let headers = self.forwarded_headers(request, headers);
        let millis = self.isolate.config.as_ref().ok().and_then(|c| c.origin_timeout.read_ms);
        self.ask_within(
            millis,
            &OriginRequest { url: &url, headers: &headers, may_retry: true, kind },
        )
        .await
    }

    /// Whether a page may show the document that it was asked with.
    async fn shows_addition(&self, answer: &OriginResponse) -> bool {
        let prefix = RESERVED_PREFIX.as_bytes();
        match self.runtime.answer_body(answer.handle, limits::GRAPHQL_ANSWER_BYTES).await {
            BodyRead::Whole(body) => body.windows(prefix.len()).any(|window| window == prefix),
            BodyRead::TooLarge | BodyRead::NoRoom | BodyRead::Broken => true,
        }
    }

    /// Whether an operation ran, as far as its answer shows it.
    async fn ran(&self, answer: &OriginResponse) -> bool {
        if !(200..300).contains(&answer.status) || !is_graphql_json(&answer.headers) {
            return false;
        }
        match self.json_body(answer).await {
            BodyRead::Whole(body) => serde_json::from_slice(&body).is_ok_and(|json| {
                matches!(outcome(&json), Outcome::Data(_) | Outcome::Partial(Some(_)))
            }),
            // Nobody refuses at such length.
            BodyRead::TooLarge => true,
            BodyRead::NoRoom | BodyRead::Broken => false,
        }
    }
}

/// Fits URL and headers to what stands in the request's place, and gives its body. Without one it
/// is a GET.
pub(super) fn fitted<'r>(
    rewritten: &'r RewrittenRequest,
    url: &mut String,
    headers: &mut Headers,
) -> Option<&'r [u8]> {
    let ask_at = |url: &mut String, query: &str| {
        let path = url.split('?').next().unwrap_or_default().to_owned();
        *url = if query.is_empty() { path } else { format!("{path}?{query}") };
    };
    let body = match rewritten {
        RewrittenRequest::Url(query) => {
            ask_at(url, query);
            return None;
        }
        RewrittenRequest::Json(json) => json,
        RewrittenRequest::Document(document) => document,
        RewrittenRequest::Posted { url: query, json } => {
            ask_at(url, query);
            headers.set("content-type", "application/json");
            json
        }
    };
    // It is sent as it is here, whatever the client had done to it.
    headers.remove("content-length");
    headers.remove("content-encoding");
    Some(body.as_bytes())
}

/// An answer without what was added to its document; none where that is not certain.
pub(super) fn without_addition(
    body: &[u8],
    json: &Value,
    operation: &Operation,
    injected: &InjectedDocument,
) -> Option<Vec<u8>> {
    // A field that the client did not ask for may have failed.
    let may_have_failed = injected.adds_key_fields() && json.get("errors").is_some();
    let strippable = !may_have_failed && is_strippable(json, &operation.known.analysis.shape);
    strippable.then(|| strip(body, injected))?
}

/// Removes the headers that speak of the body as the origin sent it.
pub(super) fn without_the_origins_body(headers: &mut Headers) {
    OF_THE_ORIGINS_BODY.iter().for_each(|name| headers.remove(name));
}

impl Told {
    /// An answer as it came.
    pub fn of(answer: OriginResponse) -> Self {
        Self { answer, body: None, validated_entry: None }
    }

    /// The answer for the client, with these headers instead of its own.
    pub fn reply(&self, headers: Headers) -> Reply {
        let (handle, status) = (self.answer.handle, self.answer.status);
        match &self.body {
            Some(body) => Reply::Whole(Response { status, headers, body: body.bytes.clone() }),
            None => Reply::Origin { handle, status, headers },
        }
    }
}
