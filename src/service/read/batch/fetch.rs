//! Asking the origin for those queries of a batch that are not stored.

use super::query::BatchQuery;
use crate::graphql::{InjectedDocument, Outcome, RewrittenRequest, elements, outcome};
use crate::json::{Index, IndexFault};
use crate::service::body_memory::{index_of, read_graphql_body};
use crate::service::context::Context;
use crate::service::knowledge::{InjectionState, Operation};
use crate::service::origin::OriginClient;
use crate::service::read::injection::{Injection, without_addition};
use crate::service::read::response::ReadBody;
use crate::service::runtime::{BodyRead, MemoryBudget, OriginFailure, OriginResponse, Runtime};
use crate::service::scope_changes::ScopeChanges;
use std::rc::Rc;

/// The origin's responses to the queries that were not stored.
pub struct FetchedBatch {
    /// The head of the response.
    pub head: OriginResponse,
    /// The response to each query, in order.
    pub bodies: Vec<ReadBody>,
    /// Whether the client can get the origin's response unchanged.
    pub is_exact: bool,
}

/// Why there are no such responses: the origin failed, or its response does not have as many elements
/// as there were queries.
pub struct BatchFailure {
    /// What the origin responded.
    pub response: Result<OriginResponse, OriginFailure>,
    /// Whether it was asked exactly what the client asked.
    pub was_unchanged: bool,
    /// Whether it was asked with additions.
    pub had_additions: bool,
}

/// Asks the origin for queries of a batch.
pub struct BatchFetch {
    origin: Rc<OriginClient>,
    injection: Rc<Injection>,
    scope_changes: Rc<ScopeChanges>,
}

/// Whether documents are sent with additions.
#[derive(Clone, Copy, PartialEq)]
enum Additions {
    IfPossible,
    Never,
}

/// The origin's response to one query.
enum Element {
    Usable(ReadBody),
    /// The document was refused with its additions, or they cannot be removed from the response.
    Refused,
}

impl BatchFetch {
    /// Asks that origin.
    pub fn new(
        origin: Rc<OriginClient>,
        injection: Rc<Injection>,
        scope_changes: Rc<ScopeChanges>,
    ) -> Self {
        Self { origin, injection, scope_changes }
    }

    /// Asks for these queries, which are some or all of a batch of `count` operations. Those that are
    /// refused with additions are asked for again without them.
    pub async fn fetch<R: Runtime>(
        &self,
        context: &Context<R>,
        queries: &[&BatchQuery<'_>],
        count: usize,
    ) -> Result<FetchedBatch, BatchFailure> {
        let (mut head, elements) = self.ask(context, queries, count, Additions::IfPossible).await?;
        self.scope_changes.purge(context, &head).await;
        let mut bodies: Vec<Option<ReadBody>> = Vec::with_capacity(elements.len());
        let mut refused = Vec::new();
        for (query, element) in queries.iter().zip(elements) {
            match element {
                Element::Usable(body) => {
                    let state = &query.operation.known.injection;
                    let was_refused = state.get() == InjectionState::Refused;
                    if !body.has_additions && was_refused && has_run(&body.json) {
                        state.set(InjectionState::Added);
                    }
                    bodies.push(Some(body));
                }
                Element::Refused => {
                    refused.push(*query);
                    bodies.push(None);
                }
            }
        }
        if refused.is_empty() {
            let bodies: Vec<ReadBody> = bodies.into_iter().flatten().collect();
            let is_exact = queries.len() == count && bodies.iter().all(|body| !body.has_additions);
            return Ok(FetchedBatch { head, bodies, is_exact });
        }
        let (second, elements) = self.ask(context, &refused, count, Additions::Never).await?;
        self.scope_changes.purge(context, &second).await;
        let cookies: Vec<String> = head.headers.get_all("set-cookie").map(str::to_owned).collect();
        head = second;
        cookies.into_iter().for_each(|cookie| head.headers.append("set-cookie", cookie));
        let empty = bodies.iter_mut().filter(|body| body.is_none());
        for ((slot, query), element) in empty.zip(refused).zip(elements) {
            let Element::Usable(body) = element else { continue };
            query.operation.known.injection.set(match has_run(&body.json) {
                true => InjectionState::LeftAlone,
                false => InjectionState::Refused,
            });
            *slot = Some(body);
        }
        let bodies = bodies.into_iter().flatten().collect();
        Ok(FetchedBatch { head, bodies, is_exact: false })
    }

    async fn ask<R: Runtime>(
        &self,
        context: &Context<R>,
        queries: &[&BatchQuery<'_>],
        count: usize,
        additions: Additions,
    ) -> Result<(OriginResponse, Vec<Element>), BatchFailure> {
        let asked: Vec<(String, Option<&InjectedDocument>)> =
            queries.iter().map(|query| self.element(query, additions)).collect();
        let was_unchanged = queries.len() == count
            && asked.iter().zip(queries).all(|((element, _), query)| element == query.sent);
        let array = || {
            let elements: Vec<&str> = asked.iter().map(|(element, _)| element.as_str()).collect();
            RewrittenRequest::Json(format!("[{}]", elements.join(",")))
        };
        let rewritten = (!was_unchanged).then(array);
        let had_additions = asked.iter().any(|(_, injected)| injected.is_some());
        let failure = |response| BatchFailure { response, was_unchanged, had_additions };
        let response = match self.origin.fetch_graphql(context, rewritten.as_ref()).await {
            Ok(response) if response.status == 200 => response,
            other => return Err(failure(other)),
        };
        let read = read_graphql_body(&context.runtime, &response).await;
        let BodyRead::Whole(body) = read else { return Err(failure(Ok(response))) };
        let Some(found) = elements(&body, asked.len()) else {
            return Err(failure(Ok(response)));
        };
        let read = |((text, (_, injected)), query): ((&str, &(_, _)), &&BatchQuery<'_>)| {
            read_element(&context.runtime, text, query.operation, *injected)
        };
        let elements: Option<_> = found.into_iter().zip(&asked).zip(queries).map(read).collect();
        match elements {
            Some(elements) => Ok((response, elements)),
            None => Err(failure(Ok(response))),
        }
    }

    /// A query's element as the origin gets it, and the document with additions in it, if any.
    fn element<'q>(
        &self,
        query: &'q BatchQuery<'_>,
        additions: Additions,
    ) -> (String, Option<&'q InjectedDocument>) {
        let operation = query.operation;
        let may = additions == Additions::IfPossible
            && operation.known.injection.get() == InjectionState::Added;
        if let Some(injected) = self.injection.addition(operation).filter(|_| may)
            && let Some(RewrittenRequest::Json(element)) = operation.with_addition(injected)
        {
            return (element, Some(injected));
        }
        match operation.without_addition() {
            Some(RewrittenRequest::Json(element)) => (element, None),
            _ => (query.sent.to_owned(), None),
        }
    }
}

/// Reads an element of a response. `None` if there is no room for its index.
fn read_element(
    budget: &impl MemoryBudget,
    text: &str,
    operation: &Operation,
    injected: Option<&InjectedDocument>,
) -> Option<Element> {
    let json = match index_of(budget, text.as_bytes()) {
        Ok(json) => json,
        // Additions cannot be found in it.
        Err(IndexFault::NotJson) if injected.is_some() => return Some(Element::Refused),
        Err(IndexFault::NotJson) => Index::default(),
        Err(IndexFault::NoRoom) => return None,
    };
    let Some(injected) = injected else {
        let bytes = text.as_bytes().into();
        return Some(Element::Usable(ReadBody { bytes, json, has_additions: false }));
    };
    if matches!(outcome(json.root()), Outcome::NothingRan | Outcome::Partial(None)) {
        return Some(Element::Refused);
    }
    let stripped = without_addition(&json, operation, injected);
    Some(match stripped.map(|text| text.into_owned().into_bytes().into()) {
        Some(bytes) => Element::Usable(ReadBody { bytes, json, has_additions: true }),
        None => Element::Refused,
    })
}

fn has_run(json: &Index) -> bool {
    matches!(outcome(json.root()), Outcome::Data(_) | Outcome::Partial(Some(_)))
}
