//! Several GraphQL operations in one request.
//!
//! In scope: what each of them is, and where all of them go: queries are looked up one by one
//! (`batch_read`), and a batch with anything else goes to the origin whole, once. An operation by a
//! hash that nobody knows is answered in its place, as by a server with automatic persisted
//! queries, and the others go on without it.

use super::ask::without_the_origins_body;
use super::context::Context;
use super::documents::{Operation, Unresolved, Whole, not_found};
use super::handle::{Reply, Service, json_response};
use super::runtime::{BodyRead, Runtime};
use super::slots;
use super::write::Sending;
use crate::config::Config;
use crate::engine::{BatchOperation, Bypass, Plan, Uncacheable, Write, is_purge_cookie};
use crate::graphql::{Query, RewrittenRequest, array_of, elements};
use crate::http::Response;
use crate::limits::{self, Limit};
use futures_util::stream::{StreamExt, iter};
use serde_json::json;
use std::rc::Rc;

/// One operation of a batch.
pub(super) struct Item {
    /// Its element as it came.
    pub sent: String,
    pub kind: Kind,
}

/// What an operation of a batch is.
pub(super) enum Kind {
    /// A query that is looked up.
    Query { operation: Rc<Operation>, plan: Box<Plan> },
    /// An operation that is not looked up.
    Other { operation: Operation, reason: Bypass },
    /// One whose document's hash is not known: the client is to send the document.
    Unknown,
    /// One that was not understood.
    Left(Uncacheable),
}

impl Item {
    fn reason(&self) -> Option<Bypass> {
        match &self.kind {
            Kind::Other { reason, .. } => Some(*reason),
            Kind::Left(unwritten) => Some(unwritten.reason),
            Kind::Query { .. } | Kind::Unknown => None,
        }
    }

    /// What it may write; none where it is not sent.
    fn element(&self) -> Option<BatchOperation<'_>> {
        match &self.kind {
            Kind::Unknown => None,
            Kind::Other { operation, reason: Bypass::Mutation } => Some(BatchOperation::Mutation {
                analysis: &operation.known.analysis,
                variables: operation.query.variables.as_ref(),
            }),
            Kind::Left(unwritten) if unwritten.may_be_mutation => {
                Some(BatchOperation::PerhapsMutation)
            }
            Kind::Query { .. } | Kind::Other { .. } | Kind::Left(_) => Some(BatchOperation::Query),
        }
    }

    fn may_write(&self) -> bool {
        matches!(
            self.element(),
            Some(BatchOperation::Mutation { .. } | BatchOperation::PerhapsMutation)
        )
    }

    fn limit(&self) -> Option<Limit> {
        self.reason().and_then(Bypass::limit)
    }
}

impl<W: Runtime> Service<W> {
    /// Answers a batch.
    pub(super) async fn batch(
        &self,
        config: &Config,
        context: &Context<W>,
        queries: Vec<Query>,
    ) -> Reply {
        let items = self.items(config, context, queries).await;
        let limit = items.iter().find_map(Item::limit).filter(|_| config.limits.refuse);
        if let Some(limit) = limit {
            return self.over_limit(config, context, limit);
        }
        let writing = items.iter().filter(|item| item.may_write());
        // A mutation that was understood says more than one that may be there.
        let reasons = || writing.clone().filter_map(Item::reason);
        let mutation = reasons().find(|reason| *reason == Bypass::Mutation);
        let reply = match mutation.or_else(|| reasons().next()) {
            Some(reason) => {
                let written: Vec<BatchOperation<'_>> =
                    items.iter().filter_map(Item::element).collect();
                let whole = self.whole_batch(config, &items);
                let write = Write::Batch(&written);
                let sending = Sending { write, whole, reason: reason.as_str() };
                self.write(config, context, sending).await
            }
            None => match items.iter().find_map(Item::reason) {
                Some(reason) => {
                    let whole = self.whole_batch(config, &items);
                    self.pass(Some(config), context, reason, whole.as_ref()).await
                }
                None => return self.batch_read(config, context, &items).await,
            },
        };
        self.with_unknown(&items, reply).await
    }

    async fn items(&self, config: &Config, context: &Context<W>, queries: Vec<Query>) -> Vec<Item> {
        let schema = self.schema(config, context);
        if queries.iter().any(Query::names_its_document) {
            // Once, and not for each of them.
            self.look_for_uploads(config).await;
        }
        let sent: Vec<String> =
            queries.iter().map(|query| query.as_element().unwrap_or_default()).collect();
        let operations =
            queries.into_iter().map(|query| self.operation(config, context, query, &schema));
        let operations: Vec<_> = iter(operations).buffered(slots::READS).collect().await;
        let mut items = Vec::with_capacity(sent.len());
        for (sent, operation) in sent.into_iter().zip(operations) {
            let kind = match operation {
                Err(Unresolved::Unknown) => Kind::Unknown,
                Err(Unresolved::Uncacheable(unwritten)) => Kind::Left(unwritten),
                // One after the other, so that a token is verified once.
                Ok(operation) => match self.planned_operation(config, context, &operation).await {
                    Ok(plan) => Kind::Query { operation: Rc::new(operation), plan: Box::new(plan) },
                    Err(reason) => Kind::Other { operation, reason },
                },
            };
            items.push(Item { sent, kind });
        }
        items
    }

    /// The batch without the operations that are not known, and with the documents that the origin
    /// may not know; none where that is the batch as it came.
    pub(super) fn whole_batch(&self, config: &Config, items: &[Item]) -> Option<Whole> {
        let (mut is_other, mut answers_client) = (false, true);
        let mut elements = Vec::with_capacity(items.len());
        for item in items {
            let whole = match &item.kind {
                Kind::Unknown => {
                    (is_other, answers_client) = (true, false);
                    continue;
                }
                Kind::Query { operation, .. } => self.whole(config, operation),
                Kind::Other { operation, .. } => self.whole(config, operation),
                Kind::Left(_) => None,
            };
            match whole.map(|whole| whole.rewritten) {
                Some(RewrittenRequest::Json(element)) => {
                    is_other = true;
                    elements.push(element);
                }
                _ => elements.push(item.sent.clone()),
            }
        }
        let rewritten = RewrittenRequest::Json(format!("[{}]", elements.join(",")));
        is_other.then_some(Whole { rewritten, answers_client })
    }

    /// The origin's answer to the batch without the operations that are not known, with theirs in
    /// their places. An array that is not as long as it has to be would give one operation the
    /// answer of another.
    pub(super) async fn with_unknown(&self, items: &[Item], reply: Reply) -> Reply {
        let known = items.iter().filter(|item| !matches!(item.kind, Kind::Unknown)).count();
        let Reply::Origin { handle, status, mut headers } = reply else { return reply };
        if known == items.len() {
            return Reply::Origin { handle, status, headers };
        }
        match self.runtime.answer_body(handle, limits::GRAPHQL_ANSWER_BYTES).await {
            BodyRead::Whole(body) => match elements(&body, known) {
                Some(found) => {
                    let unknown = not_found().to_string();
                    let mut found = found.into_iter();
                    let all = items.iter().map(|item| match item.kind {
                        Kind::Unknown => unknown.as_str(),
                        _ => found.next().unwrap_or("null"),
                    });
                    let body = array_of(all).into();
                    without_the_origins_body(&mut headers);
                    return Reply::Whole(Response { status, headers, body });
                }
                None if !body.trim_ascii_start().starts_with(b"[") => {
                    return Reply::Origin { handle, status, headers };
                }
                None => {}
            },
            BodyRead::Broken => return Reply::Origin { handle, status, headers },
            BodyRead::TooLarge | BodyRead::NoRoom => {}
        }
        let error = json!({ "error": "the origin's answer does not fit the batch" });
        let mut response = json_response(502, &error);
        for name in ["x-cache", "cache-status", "evergraph-purge"] {
            if let Some(value) = headers.get(name) {
                response.headers.set(name, value);
            }
        }
        let cookie = headers
            .get_all("set-cookie")
            .find(|cookie| is_purge_cookie(self.isolate.log_name(), cookie));
        if let Some(cookie) = cookie {
            response.headers.set("set-cookie", cookie);
        }
        Reply::Whole(response)
    }
}
