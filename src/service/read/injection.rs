//! Asking the origin for a GraphQL query: with what Evergraph adds to its document, if that is
//! possible, and otherwise with the document as the client sent it.
//!
//! Additions (`__typename` and ids) show which objects a response depends on. They never reach the
//! client: if they cannot be removed from the response, the origin is asked again without them.
//! Queries change nothing, so asking twice is safe.

use super::response::{ReadBody, ReadResponse, remove_content_fields};
use crate::config::Config;
use crate::engine::is_graphql_json;
use crate::graphql::{
    InjectedDocument, Outcome, RESERVED_PREFIX, RewrittenRequest, is_strippable, outcome, strip,
};
use crate::json::Index;
use crate::limits;
use crate::service::body_memory::{index_of, read_graphql_body};
use crate::service::context::Context;
use crate::service::knowledge::{InjectionState, Operation};
use crate::service::origin::OriginClient;
use crate::service::runtime::{BodyRead, OriginFailure, OriginResponse, Runtime};
use std::borrow::Cow;
use std::rc::Rc;

/// Asks the origin for GraphQL queries.
pub struct Injection {
    config: Rc<Config>,
    origin: Rc<OriginClient>,
}

/// What became of a document with additions.
enum Attempt {
    /// The response can be used.
    Answered(ReadResponse),
    /// The origin refused the document, and nothing ran.
    Refused,
    /// The additions cannot be removed from the response.
    NotStrippable,
}

impl Injection {
    /// Queries to that origin.
    pub fn new(config: Rc<Config>, origin: Rc<OriginClient>) -> Rc<Self> {
        Rc::new(Self { config, origin })
    }

    /// Asks for a query, and learns whether the origin takes its document with additions.
    pub async fn fetch<R: Runtime>(
        &self,
        context: &Context<R>,
        operation: &Operation,
    ) -> Result<ReadResponse, OriginFailure> {
        let state = &operation.known.injection;
        let before = state.get();
        let addition = self.addition(operation).and_then(|injected| {
            let rewritten = operation.with_addition(injected)?;
            (before == InjectionState::Added).then_some((injected, rewritten))
        });
        let Some((injected, rewritten)) = &addition else {
            let response = self.fetch_plain(context, operation).await?;
            if before == InjectionState::Refused && has_run(context, &response.head).await {
                state.set(InjectionState::Added);
            }
            return Ok(response);
        };
        let attempt = self.fetch_with_addition(context, operation, injected, rewritten).await?;
        if let Attempt::Answered(response) = attempt {
            return Ok(response);
        }
        let response = self.fetch_plain(context, operation).await?;
        state.set(match has_run(context, &response.head).await {
            true => InjectionState::LeftAlone,
            false => InjectionState::Refused,
        });
        Ok(response)
    }

    /// The operation's document with additions, if there are any and the configuration allows them.
    pub fn addition<'o>(&self, operation: &'o Operation) -> Option<&'o InjectedDocument> {
        let graphql = &self.config.graphql;
        let injected = operation.known.analysis.injected.as_ref()?;
        (graphql.inject && operation.query.may_be_injected(graphql.apq)).then_some(injected)
    }

    async fn fetch_plain<R: Runtime>(
        &self,
        context: &Context<R>,
        operation: &Operation,
    ) -> Result<ReadResponse, OriginFailure> {
        let rewritten = operation.without_addition();
        let response = self.origin.fetch_graphql(context, rewritten.as_ref()).await?;
        Ok(ReadResponse::unread(response))
    }

    async fn fetch_with_addition<R: Runtime>(
        &self,
        context: &Context<R>,
        operation: &Operation,
        injected: &InjectedDocument,
        rewritten: &RewrittenRequest,
    ) -> Result<Attempt, OriginFailure> {
        let mut head = self.origin.fetch_graphql(context, Some(rewritten)).await?;
        let is_busy = head.status >= 500 || head.status == 429;
        if !(200..600).contains(&head.status) {
            return Ok(Attempt::NotStrippable);
        }
        if !is_graphql_json(&head.headers) {
            // A gateway's error page. Asking again would add to the origin's load.
            if is_busy && !shows_addition(context, &head).await {
                return Ok(Attempt::Answered(ReadResponse::unread(head)));
            }
            return Ok(match head.status {
                400..500 if !is_busy => Attempt::Refused,
                _ => Attempt::NotStrippable,
            });
        }
        let read = read_graphql_body(&context.runtime, &head).await;
        let BodyRead::Whole(body) = read else { return Ok(Attempt::NotStrippable) };
        let Ok(json) = index_of(&context.runtime, &body) else { return Ok(Attempt::NotStrippable) };
        // Some servers refuse with `"data": null`, like an operation that ran and failed altogether.
        let is_refused = (400..500).contains(&head.status)
            || matches!(outcome(json.root()), Outcome::NothingRan | Outcome::Partial(None));
        if is_refused && !is_busy {
            return Ok(Attempt::Refused);
        }
        let bytes = match without_addition(&json, operation, injected) {
            Some(Cow::Borrowed(_)) => body,
            Some(Cow::Owned(text)) => text.into_bytes().into(),
            None => return Ok(Attempt::NotStrippable),
        };
        remove_content_fields(&mut head.headers);
        let body = Some(ReadBody { bytes, json, has_additions: true });
        Ok(Attempt::Answered(ReadResponse { head, body, validated: None }))
    }
}

/// A response without what was added to its document. Borrowed if that is all of it. `None` if it is not certain
/// to work.
pub fn without_addition<'j>(
    json: &'j Index,
    operation: &Operation,
    injected: &InjectedDocument,
) -> Option<Cow<'j, str>> {
    // A field that the client did not ask for may have failed.
    let may_have_failed = injected.adds_key_fields() && json.root().get("errors").is_some();
    let shape = &operation.known.analysis.shape;
    let strippable = !may_have_failed && is_strippable(json.root(), shape);
    strippable.then(|| strip(json, injected))?
}

/// `true` if an error page may quote the document with additions.
async fn shows_addition<R: Runtime>(context: &Context<R>, response: &OriginResponse) -> bool {
    let prefix = RESERVED_PREFIX.as_bytes();
    let limit = limits::GRAPHQL_RESPONSE_BYTES;
    match context.runtime.response_body(response.handle, limit).await {
        BodyRead::Whole(body) => body.windows(prefix.len()).any(|window| window == prefix),
        BodyRead::TooLarge | BodyRead::NoRoom | BodyRead::Broken => true,
    }
}

/// `true` if an operation ran, as far as its response shows.
async fn has_run<R: Runtime>(context: &Context<R>, response: &OriginResponse) -> bool {
    if !(200..300).contains(&response.status) || !is_graphql_json(&response.headers) {
        return false;
    }
    match read_graphql_body(&context.runtime, response).await {
        BodyRead::Whole(body) => index_of(&context.runtime, &body).is_ok_and(|json| {
            matches!(outcome(json.root()), Outcome::Data(_) | Outcome::Partial(Some(_)))
        }),
        // No server refuses at such length.
        BodyRead::TooLarge => true,
        BodyRead::NoRoom | BodyRead::Broken => false,
    }
}
