//! Responses of the origin to REST reads: streamed to the client, and stored at the same time.

use super::body::{read_whole, whole};
use super::collapse::Leader;
use super::parts::ReadParts;
use super::popular::PopularReads;
use super::response::ReadResponse;
use super::rest_store::{BodySource, RestStore, content_length};
use crate::engine::{Plan, ValidatedEntry, not_modified_response, storable_headers};
use crate::http::{Headers, Method};
use crate::limits;
use crate::policy::{Forward, NotStored, not_modified};
use crate::service::cache::{HitForMiss, StoreTarget};
use crate::service::context::Context;
use crate::service::respond::{ForwardReason, Outcome, Reply, Responder};
use crate::service::runtime::{OriginResponse, Runtime};
use crate::service::scope_changes::ScopeChanges;
use crate::time::Timestamp;
use std::rc::Rc;

/// How long the head of a small response may wait for its body.
const SMALL_BODY_MILLIS: u64 = 10;

/// Stores the responses to REST reads, and sends them.
pub struct RestResponses {
    store: Rc<RestStore>,
    hit_for_miss: Rc<HitForMiss>,
    scope_changes: Rc<ScopeChanges>,
    respond: Rc<Responder>,
    popular: Rc<PopularReads>,
}

impl RestResponses {
    /// Responses that go to this store.
    pub fn new(parts: &ReadParts, store: Rc<RestStore>, popular: Rc<PopularReads>) -> Rc<Self> {
        Rc::new(Self {
            store,
            hit_for_miss: parts.hit_for_miss.clone(),
            scope_changes: parts.scope_changes.clone(),
            respond: parts.respond.clone(),
            popular,
        })
    }

    /// Makes the client's response of the origin's, and stores it, if it may be stored.
    pub async fn store_and_reply<R: Runtime>(
        &self,
        context: &Context<R>,
        response: ReadResponse,
        target: StoreTarget<'_>,
        reason: ForwardReason,
        leader: Option<Leader<R>>,
    ) -> Reply {
        let (head, plan) = (&response.head, target.plan);
        self.scope_changes.purge(context, head).await;
        if let Some(validated) = response.validated {
            return self.revalidated(context, head, *validated, target, reason);
        }
        let may_store = self.store.may_store(context, head, target);
        if let Err(reason) = may_store {
            self.note_not_stored(context, plan, head.status, reason);
        }
        let outcome = Outcome::miss(reason, head.status, may_store);
        let size = (head.status, head.announced_bytes());
        self.respond.log.miss(context, plan, size, may_store.is_ok(), outcome.detail());
        if may_store.is_err() {
            let headers = self.respond.unstored_headers(plan, &head.headers, &outcome);
            return reply_unless_known(context, &response, headers);
        }
        self.popular.miss(context, plan, None);
        let headers = self.stored_headers(head, plan, &outcome);
        // A client that has an entity tag which Evergraph makes of the body, or that is to see the
        // entry, waits for all of the body. So does warming, which no client streams.
        let etag_is_made =
            context.request.headers.contains("if-none-match") && !headers.contains("etag");
        if response.body.is_some() || etag_is_made || context.debug || context.is_warming() {
            let body = match &response.body {
                Some(body) => Ok(body.bytes.clone()),
                None => read_whole(&context.runtime, head, limits::RESPONSE_BODY_BYTES).await,
            };
            return self.store_then_reply(context, response, target, headers, body);
        }
        if let Some(body) = small_body(context, head).await {
            return self.store_then_reply(context, response, target, headers, body);
        }
        if is_known(context, head.status, &headers, head.at) {
            let source = BodySource::Own;
            self.store.store_in_background(context, head, target, leader, source);
            return Reply::Whole(not_modified_response(headers));
        }
        // Nobody waits for a response that is too large for memory.
        let length = content_length(head);
        let leader = leader.filter(|_| length.is_none_or(|n| n <= limits::MEMORY_ENTRY_BYTES));
        self.store.store_in_background(context, head, target, leader, BodySource::Copy);
        response.reply(headers)
    }

    /// Stores the response, and then sends it.
    fn store_then_reply<R: Runtime>(
        &self,
        context: &Context<R>,
        response: ReadResponse,
        target: StoreTarget<'_>,
        mut headers: Headers,
        body: Result<Rc<[u8]>, NotStored>,
    ) -> Reply {
        let (head, plan) = (&response.head, target.plan);
        match body.and_then(|body| self.store.store(context, head, target, body)) {
            Ok(cached) => {
                let meta = &cached.entry.meta;
                if let Some(etag) = meta.headers.get("etag") {
                    headers.set("etag", etag);
                }
                self.respond.show_entry(context, meta, &mut headers);
            }
            Err(not_stored) => {
                self.respond.log.not_stored(context, plan, not_stored);
                let reason = ForwardReason { forward: Forward::Miss, detail: None };
                let outcome = Outcome::miss(reason, head.status, Err(not_stored));
                headers = self.respond.unstored_headers(plan, &head.headers, &outcome);
            }
        }
        reply_unless_known(context, &response, headers)
    }

    /// The client's response after the origin has said that the stored one is still valid.
    fn revalidated<R: Runtime>(
        &self,
        context: &Context<R>,
        head: &OriginResponse,
        validated: ValidatedEntry,
        target: StoreTarget<'_>,
        reason: ForwardReason,
    ) -> Reply {
        let ValidatedEntry { entry, stored } = validated;
        let plan = target.plan;
        let stored = stored.and(target.mark.map(|_| ()).ok_or(NotStored::LogUnreadable));
        let stored = stored.and(match plan.client_directives(&context.request.headers).no_store {
            true => Err(NotStored::RequestNoStore),
            false => Ok(()),
        });
        if let Err(reason) = stored {
            self.note_not_stored(context, plan, head.status, reason);
        }
        let outcome = Outcome::revalidated(reason, head.status, stored);
        let reply = self.respond.revalidated(context, plan, &entry, head, &outcome);
        if stored.is_ok() {
            self.store.store_validated(context, target, entry);
        }
        reply
    }

    /// The headers of a response as a hit will have them, with the cookies that are for this client
    /// alone.
    fn stored_headers(
        &self,
        response: &OriginResponse,
        plan: &Plan,
        outcome: &Outcome<'_>,
    ) -> Headers {
        let keeps_cdn = plan.rest.keeps_cdn_cache_control;
        let stored = storable_headers(&response.headers, plan.client_ttl, keeps_cdn);
        let mut headers = self.respond.stored_headers(&stored, outcome, keeps_cdn);
        let cookies = response.headers.get_all("set-cookie");
        let cookies = cookies.filter(|_| !plan.rest.strip_set_cookie);
        cookies.for_each(|cookie| headers.append("set-cookie", cookie));
        // The age and the coding of this very response.
        for name in ["age", "content-encoding"] {
            headers.remove(name);
            response.headers.get_all(name).for_each(|value| headers.append(name, value));
        }
        headers
    }

    fn note_not_stored<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        status: u16,
        reason: NotStored,
    ) {
        self.hit_for_miss.note_not_stored(plan, status, reason, context.runtime.now());
    }
}

/// The body of a response whose `Content-Length` is small, if it arrives at once. Streaming such a body to the
/// client and copying it at the same time costs more than everything else that the miss does.
async fn small_body<R: Runtime>(
    context: &Context<R>,
    head: &OriginResponse,
) -> Option<Result<Rc<[u8]>, NotStored>> {
    let length = content_length(head).filter(|_| !head.headers.contains("content-encoding"));
    if length.is_none_or(|length| length > limits::SMALL_STORED_BYTES) {
        return None;
    }
    let limit = limits::RESPONSE_BODY_BYTES;
    context.runtime.short_body(head.handle, limit, SMALL_BODY_MILLIS).await.map(whole)
}

/// The response, or 304 if the client has it already.
fn reply_unless_known<R: Runtime>(
    context: &Context<R>,
    response: &ReadResponse,
    headers: Headers,
) -> Reply {
    match is_known(context, response.head.status, &headers, response.head.at) {
        true => Reply::Whole(not_modified_response(headers)),
        false => response.reply(headers),
    }
}

/// `true` if the client has this response already: the origin was asked without its conditions.
fn is_known<R: Runtime>(
    context: &Context<R>,
    status: u16,
    headers: &Headers,
    received: Timestamp,
) -> bool {
    let is_read = matches!(context.request.method, Method::Get | Method::Head);
    let received = received.as_millis() / 1000;
    is_read && (200..300).contains(&status) && not_modified(&context.request, headers, received)
}
