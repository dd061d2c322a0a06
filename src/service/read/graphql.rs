//! Responses of the origin to GraphQL queries: stored if they may be, and sent to the client.

use super::body::{may_store, whole};
use super::parts::ReadParts;
use super::popular::PopularReads;
use super::response::ReadResponse;
use crate::config::Config;
use crate::engine::{
    FetchedResponse, Plan, StorableEntry, fields_of_the_miss, graphql_entry, graphql_storable,
    not_modified_response,
};
use crate::graphql::{ResponseJson, is_success};
use crate::json::IndexFault;
use crate::limits;
use crate::policy::{NotStored, not_modified};
use crate::service::body_memory::{index_of, read_graphql_body};
use crate::service::cache::{HitForMiss, Store, StoreTarget};
use crate::service::context::Context;
use crate::service::knowledge::{Knowledge, Operation};
use crate::service::respond::{ForwardReason, Outcome, Reply, Responder};
use crate::service::runtime::Runtime;
use crate::service::scope_changes::ScopeChanges;
use crate::service::tiers::CachedEntry;
use std::rc::Rc;

/// Stores the responses to GraphQL queries, and sends them.
pub struct GraphQlResponses {
    config: Rc<Config>,
    knowledge: Knowledge,
    store: Rc<Store>,
    hit_for_miss: Rc<HitForMiss>,
    scope_changes: Rc<ScopeChanges>,
    respond: Rc<Responder>,
    popular: Rc<PopularReads>,
}

impl GraphQlResponses {
    /// Responses that go to this store.
    pub fn new(parts: &ReadParts, popular: Rc<PopularReads>) -> Rc<Self> {
        Rc::new(Self {
            config: parts.config.clone(),
            knowledge: parts.knowledge.clone(),
            store: parts.store.clone(),
            hit_for_miss: parts.hit_for_miss.clone(),
            scope_changes: parts.scope_changes.clone(),
            respond: parts.respond.clone(),
            popular,
        })
    }

    /// Stores the origin's response, if it may be stored, and makes the client's.
    pub async fn store_and_reply<R: Runtime>(
        &self,
        context: &Context<R>,
        response: ReadResponse,
        operation: &Operation,
        target: StoreTarget<'_>,
        reason: ForwardReason,
    ) -> Reply {
        let (head, plan) = (&response.head, target.plan);
        self.scope_changes.purge(context, head).await;
        let stored = self.store(context, &response, target, operation).await;
        if let Err(reason) = &stored {
            let now = context.runtime.now();
            self.hit_for_miss.note_not_stored(plan, head.status, *reason, now);
        }
        if let Err(reason) = &stored
            && may_be_answered(*reason, &response)
        {
            self.note_answered(context, operation);
        }
        let outcome =
            Outcome::miss(reason, head.status, stored.as_ref().map(|_| ()).map_err(|e| *e));
        let bytes = match (&stored, &response.body) {
            (Ok(cached), _) => cached.entry.body.len(),
            (Err(_), Some(body)) => body.bytes.len(),
            (Err(_), None) => head.announced_bytes(),
        };
        let size = (head.status, bytes);
        self.respond.log.miss(context, plan, size, stored.is_ok(), outcome.detail());
        match stored {
            Ok(cached) => {
                self.popular.miss(context, plan, Some(operation));
                self.stored_reply(context, &response, plan, &cached, &outcome)
            }
            Err(_) => self.unstored_reply(context, &response, plan, &outcome),
        }
    }

    /// Stores a response in every tier, or says why not. An element of a batch's response is stored
    /// like a response whose body was read.
    pub async fn store<R: Runtime>(
        &self,
        context: &Context<R>,
        response: &ReadResponse,
        target: StoreTarget<'_>,
        operation: &Operation,
    ) -> Result<Rc<CachedEntry>, NotStored> {
        let StoreTarget { plan, mark, .. } = target;
        let head = &response.head;
        may_store(context, plan)?;
        graphql_storable(head.received())?;
        let mark = mark.ok_or(NotStored::LogUnreadable)?;
        let body = match &response.body {
            Some(body) => body.bytes.clone(),
            None => whole(read_graphql_body(&context.runtime, head).await)?,
        };
        if body.len() > limits::GRAPHQL_RESPONSE_BYTES {
            return Err(NotStored::TooLarge);
        }
        let request = &context.request;
        let fetched = FetchedResponse { request, received: head.received(), body, mark };
        let index;
        let json = match &response.body {
            Some(body) => &body.json,
            None => {
                let read = index_of(&context.runtime, &fetched.body);
                index = read.map_err(|fault| match fault {
                    IndexFault::NotJson => NotStored::ContentType,
                    IndexFault::NoRoom => NotStored::MemoryInFlight,
                })?;
                &index
            }
        };
        let json = json.root();
        let added = response.body.as_ref().is_some_and(|body| body.has_additions);
        // The log may say by now that another schema is in force. A document that was analyzed by
        // another schema could lack a tag or a prohibition.
        let schemas = &self.knowledge.schemas;
        let schema = schemas.for_request(context);
        if !schemas.is_in_force(operation.known.schema) {
            return Err(match is_success(json) {
                true => NotStored::SchemaUnsettled,
                false => NotStored::Errors,
            });
        }
        let analysis = &operation.known.analysis;
        let knowledge = schema.knowledge();
        let shown = ResponseJson { json, has_additions: added };
        let StorableEntry { entry, types, contradicts_schema } =
            graphql_entry(&self.config, plan, analysis, &knowledge, shown, fetched)?;
        if contradicts_schema {
            schemas.distrust(&context.runtime).await;
            return Err(NotStored::SchemaContradicted);
        }
        self.knowledge.type_names.learn(types);
        self.note_answered(context, operation);
        Ok(self.store.put(context, target, entry))
    }

    /// An operation was answered without an error, by the origin or from the cache.
    pub fn note_answered<R: Runtime>(&self, context: &Context<R>, operation: &Operation) {
        // Warming has a budget of writes to KV, and documents are none of them.
        if !context.is_warming() {
            self.knowledge.documents.note_answered(&context.runtime, operation);
        }
    }

    /// The response as a hit will have it, with the cookies that are for this client alone.
    fn stored_reply<R: Runtime>(
        &self,
        context: &Context<R>,
        response: &ReadResponse,
        plan: &Plan,
        cached: &CachedEntry,
        outcome: &Outcome<'_>,
    ) -> Reply {
        let (head, meta) = (&response.head, &cached.entry.meta);
        let keeps_cdn = false;
        let mut headers = self.respond.stored_headers(&meta.headers, outcome, keeps_cdn);
        headers.attach_original_of(&head.headers);
        for (name, value) in fields_of_the_miss(&head.headers, plan.client_ttl, keeps_cdn) {
            headers.append(&name, value);
        }
        for cookie in head.headers.get_all("set-cookie") {
            headers.append("set-cookie", cookie);
        }
        self.respond.show_entry(context, meta, &mut headers);
        if not_modified(&context.request, &meta.headers, head.at.as_millis() / 1000) {
            return Reply::Whole(not_modified_response(headers));
        }
        response.reply(headers)
    }

    fn unstored_reply<R: Runtime>(
        &self,
        context: &Context<R>,
        response: &ReadResponse,
        plan: &Plan,
        outcome: &Outcome<'_>,
    ) -> Reply {
        let (head, request) = (&response.head, &context.request);
        let headers = self.respond.unstored_headers(plan, &head.headers, outcome);
        // The origin was asked without the client's conditions.
        let is_known = not_modified(request, &headers, head.at.as_millis() / 1000);
        if is_known && head.status == 200 && request.method.is_safe() {
            return Reply::Whole(not_modified_response(headers));
        }
        response.reply(headers)
    }
}

/// Whether an operation counts as answered though its response is not stored: a 2xx in which no error
/// shows, as far as it was read.
fn may_be_answered(reason: NotStored, response: &ReadResponse) -> bool {
    let is_read_as_other = matches!(reason, NotStored::Errors | NotStored::ContentType);
    let shows_error = response.body.as_ref().is_some_and(|body| !is_success(body.json.root()));
    (200..300).contains(&response.head.status) && !is_read_as_other && !shows_error
}
