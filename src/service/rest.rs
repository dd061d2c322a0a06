//! The origin's answers to REST reads: sent to the client as they come, and stored beside that.
//!
//! In scope: wholes, parts (RFC 9111 §3.3), what a 304 (§4.3.4) or the answer to a HEAD (§4.3.5)
//! says of a stored answer. Not in scope: asking (`ask_rest`), and what is decided of each
//! (`engine`, `policy`).

use super::ask::Told;
use super::collapse::Leading;
use super::context::Context;
use super::fetch::Why;
use super::find::Found;
use super::handle::{Reply, Service};
use super::keep::{Storing, whole};
use super::memory::Cached;
use super::runtime::{OriginResponse, Runtime};
use super::stats::Answered;
use crate::config::Config;
use crate::engine::{
    FetchedResponse, Plan, ValidatedEntry, XCache, has_range, headers_to_client, part_entry,
    part_storable, response_from_entry, rest_entry, rest_storable, shorten_for_client,
    storable_headers, updated, without_body,
};
use crate::http::{Headers, Method, Response};
use crate::limits;
use crate::policy::{
    CacheStatus, Forward, NotStored, Vary, is_head_of, not_modified, variant, varies_on,
};
use crate::rest;
use crate::stored::Entry;
use crate::time::Timestamp;
use serde_json::json;
use std::rc::Rc;

/// Fields of a request that asks for a part.
const OF_A_RANGE: [&str; 2] = ["range", "if-range"];

impl<W: Runtime> Service<W> {
    /// Answers a request for a part of which the whole is not stored, or not fresh.
    pub(super) async fn range(
        &self,
        config: &Config,
        context: &Context<W>,
        plan: &Plan,
        found: Found<'_>,
    ) -> Reply {
        let part = self.stored_part(context, plan).await;
        if let Some(part) = part.filter(|part| has_range(&part.cached.entry, &context.request)) {
            return self.serve(config, context, plan, &part);
        }
        if plan.client_directives(&context.request.headers).only_if_cached {
            return self.nothing_stored();
        }
        let mark = self.isolate.purges.view.mark();
        let headers = &context.request.headers;
        let fields: Vec<_> =
            OF_A_RANGE.iter().filter_map(|name| Some((*name, headers.joined(name)?))).collect();
        let why = Why { forward: Forward::Miss, detail: Some("range") };
        let told = self.ask_with(context, plan, &fields).await.map(Told::of);
        let stale = found.candidate;
        let told =
            match self.unless_failed(config, (context, plan), told, stale.as_ref(), why).await {
                Ok(told) => told,
                Err(reply) => return reply,
            };
        let replaces = stale.is_some();
        let other_variant = found.other_variant.as_deref();
        let storing = Storing { plan, mark, other_variant, replaces };
        self.answered_rest(context, told, storing, why, None).await
    }

    /// The origin's answer to the client as it comes, and into the stores beside it if it may be
    /// stored.
    pub(super) async fn answered_rest(
        &self,
        context: &Context<W>,
        told: Told,
        storing: Storing<'_>,
        why: Why,
        leading: Option<Leading<W>>,
    ) -> Reply {
        let answer = &told.answer;
        if let Ok(config) = &self.isolate.config {
            self.note_scope_changes(config, &context.request, answer).await;
        }
        if let Some(fresh) = told.validated_entry {
            return self.revalidated(context, told.answer, *fresh, storing, why);
        }
        let worth = self.worth_storing(context, answer, storing);
        if let Err(reason) = worth {
            self.note_not_stored(storing.plan, answer.status, reason);
        }
        let detail = worth.err().map(NotStored::as_str).or(why.detail);
        self.count_miss(context, storing.plan, answer.status, worth.is_ok(), detail);
        let status = CacheStatus::Forwarded {
            forward: why.forward,
            status: Some(answer.status),
            stored: worth.is_ok(),
            detail,
        };
        if worth.is_err() {
            let headers = self.unstored(context, answer, storing.plan, &status);
            return match self.has_it(context, answer.status, &headers, answer.at) {
                true => Reply::Whole(without_body(headers)),
                false => told.reply(headers),
            };
        }
        let request = &context.request;
        let headers = as_a_hit_has_them(answer, storing.plan, &status);
        // Whoever asks for a tag of the body's, or to see the entry, waits for all of it.
        let unsaid = request.headers.contains("if-none-match") && !headers.contains("etag");
        if told.body.is_some() || unsaid || context.debug {
            return self.answered_whole(context, told, storing, headers).await;
        }
        if self.has_it(context, answer.status, &headers, answer.at) {
            self.keep_beside(context, answer, storing, leading, false);
            return Reply::Whole(without_body(headers));
        }
        // Nobody waits for what no isolate keeps at hand.
        let length = content_length(answer);
        let leading = leading.filter(|_| length.is_none_or(|n| n <= limits::MEMORY_ENTRY_BYTES));
        self.keep_beside(context, answer, storing, leading, true);
        let mut headers = headers;
        self.rewrite_location(request, &mut headers);
        told.reply(headers)
    }

    /// Stores the answer, and then gives it to the client.
    async fn answered_whole(
        &self,
        context: &Context<W>,
        told: Told,
        storing: Storing<'_>,
        mut headers: Headers,
    ) -> Reply {
        let answer = &told.answer;
        let body = match &told.body {
            Some(body) => Ok(body.bytes.clone()),
            None => self.whole_body(answer, limits::ANSWER_BODY_BYTES).await,
        };
        match body.and_then(|body| self.keep_rest(context, answer, storing, body)) {
            Ok(cached) => {
                let meta = &cached.entry.meta;
                if let Some(etag) = meta.headers.get("etag") {
                    headers.set("etag", etag);
                }
                let mut head = Response { status: answer.status, headers, body: [].into() };
                self.show(context, &meta.key, &meta.tags, &mut head);
                headers = head.headers;
            }
            Err(reason) => {
                self.report_not_stored(storing.plan, reason);
                let status = CacheStatus::Forwarded {
                    forward: Forward::Miss,
                    status: Some(answer.status),
                    stored: false,
                    detail: Some(reason.as_str()),
                };
                headers = self.unstored(context, answer, storing.plan, &status);
            }
        }
        self.rewrite_location(&context.request, &mut headers);
        match self.has_it(context, answer.status, &headers, answer.at) {
            true => Reply::Whole(without_body(headers)),
            false => told.reply(headers),
        }
    }

    /// Stores the answer beside the client's reading it; with `copied`, as it is sent. Those who
    /// wait for it go on then.
    fn keep_beside(
        &self,
        context: &Context<W>,
        answer: &OriginResponse,
        storing: Storing<'_>,
        leading: Option<Leading<W>>,
        copied: bool,
    ) {
        let limit = limits::ANSWER_BODY_BYTES;
        let copy = copied.then(|| self.runtime.copied_body(answer.handle, limit));
        let service = self.clone();
        let context = context.clone();
        let (answer, plan) = (answer.clone(), storing.plan.clone());
        let Storing { mark, replaces, .. } = storing;
        let other_variant = storing.other_variant.map(<[String]>::to_vec);
        self.runtime.spawn(async move {
            let body = match copy {
                Some(copy) => whole(copy.await),
                None => service.whole_body(&answer, limit).await,
            };
            let other_variant = other_variant.as_deref();
            let storing = Storing { plan: &plan, mark, other_variant, replaces };
            let kept = body.and_then(|body| service.keep_rest(&context, &answer, storing, body));
            if let Err(reason) = kept {
                service.report_not_stored(&plan, reason);
            }
            drop(leading);
        });
    }

    /// Stores a whole answer, or a part.
    pub(super) fn keep_rest(
        &self,
        context: &Context<W>,
        answer: &OriginResponse,
        storing: Storing<'_>,
        body: Rc<[u8]>,
    ) -> Result<Rc<Cached>, NotStored> {
        let config = self.isolate.config.as_ref().map_err(|_| NotStored::Status)?;
        let plan = storing.plan;
        let mark = storing.mark.ok_or(NotStored::LogUnreadable)?;
        let request = &context.request;
        if rest::needs_body(config, &request.url) && !self.has_room_for_tree(&body) {
            return Err(NotStored::MemoryInFlight);
        }
        let fetched = FetchedResponse { request, received: answer.received(), body, mark };
        let entry = match answer.status {
            206 => part_entry(config, plan, fetched)?,
            _ => rest_entry(config, plan, fetched)?,
        };
        Ok(self.keep_entry(request, storing, entry))
    }

    /// Whether the answer's head leaves a chance that it is stored.
    pub(super) fn worth_storing(
        &self,
        context: &Context<W>,
        answer: &OriginResponse,
        storing: Storing<'_>,
    ) -> Result<(), NotStored> {
        let plan = storing.plan;
        self.worth_reading(context, plan)?;
        let asked_for_part = context.request.headers.contains("range");
        match answer.status {
            // A part is mistaken for nothing else: only who asks for one gets one stored.
            206 if asked_for_part => part_storable(plan, answer.received()).map(|_| ())?,
            // 416 and 400 may speak of the range alone, which is no part of the key.
            status if asked_for_part && status != 200 => return Err(NotStored::Status),
            _ => rest_storable(plan, answer.received())?,
        }
        if let Vary::On(names) = varies_on(&answer.headers)
            && variant(&names, &context.request.headers).is_none()
        {
            return Err(NotStored::RequestHeaderBytes);
        }
        if content_length(answer).is_some_and(|length| length > limits::ANSWER_BODY_BYTES) {
            return Err(NotStored::TooLarge);
        }
        storing.mark.map(|_| ()).ok_or(NotStored::LogUnreadable)
    }

    /// The client's answer once the origin has said that the stored one still holds.
    fn revalidated(
        &self,
        context: &Context<W>,
        answer: OriginResponse,
        fresh: ValidatedEntry,
        storing: Storing<'_>,
        why: Why,
    ) -> Reply {
        let ValidatedEntry { entry, stored } = fresh;
        let plan = storing.plan;
        let stored = stored.and(storing.mark.map(|_| ()).ok_or(NotStored::LogUnreadable));
        let stored = stored.and(match plan.client_directives(&context.request.headers).no_store {
            true => Err(NotStored::RequestNoStore),
            false => Ok(()),
        });
        if let Err(reason) = stored {
            self.note_not_stored(plan, answer.status, reason);
        }
        let detail = stored.err().map(NotStored::as_str).or(why.detail);
        let status = CacheStatus::Forwarded {
            forward: why.forward,
            status: Some(answer.status),
            stored: stored.is_ok(),
            detail,
        };
        let x_cache = XCache::Revalidated;
        let mut response =
            response_from_entry(&entry, &context.request, x_cache, &status, self.runtime.now());
        self.show(context, &entry.meta.key, &entry.meta.tags, &mut response);
        if answer.headers.has_unreadable_bytes() {
            response.headers.attach_original_of(&answer.headers);
        }
        if !plan.rest.strip_set_cookie {
            let cookies = answer.headers.get_all("set-cookie");
            cookies.for_each(|cookie| response.headers.append("set-cookie", cookie));
        }
        self.rewrite_location(&context.request, &mut response.headers);
        self.count(context, response.status, Answered::Miss, Some(&plan.type_name));
        self.report(&json!({
            "event": "revalidated",
            "type": plan.type_name,
            "key": plan.key.as_str(),
            "stored": stored.is_ok(),
            "reason": detail,
            "ms": self.runtime.now().millis_since(context.started),
        }));
        if stored.is_ok() {
            // It is of the variant that it was.
            self.keep_entry(&context.request, storing.of_the_same_variant(), entry);
        }
        Reply::Whole(response)
    }

    /// What the answer to a HEAD says of the answer to a GET that is stored: its fields are newer,
    /// or it is of another one, and the stored one is fresh no more (RFC 9111 §4.3.5).
    pub(super) fn heard_by_head(
        &self,
        context: &Context<W>,
        answer: &OriginResponse,
        stored: &Cached,
        storing: Storing<'_>,
    ) {
        let Entry { meta, body } = &stored.entry;
        let (Some(mark), 200) = (storing.mark, answer.status) else { return };
        if storing.plan.client_directives(&context.request.headers).no_store {
            return;
        }
        if meta.status != 200 || !self.may_be_freshened(storing.plan, stored) {
            return;
        }
        let entry = match is_head_of(&answer.headers, &meta.headers, meta.etag_is_ours, body.len())
        {
            None => return,
            Some(true) => {
                let request = &context.request;
                match updated(storing.plan, &stored.entry, request, answer.received(), mark) {
                    Some(ValidatedEntry { entry, stored: Ok(()) }) => entry,
                    _ => return,
                }
            }
            Some(false) => {
                return self.end(stored);
            }
        };
        self.keep_entry(&context.request, storing.of_the_same_variant(), entry);
    }

    /// The headers of an answer that is not stored.
    fn unstored(
        &self,
        context: &Context<W>,
        answer: &OriginResponse,
        plan: &Plan,
        status: &CacheStatus,
    ) -> Headers {
        let mut headers = self.headers_to_client(context, answer, XCache::Miss, status);
        shorten_for_client(&mut headers, plan.client_ttl);
        if plan.rest.strip_set_cookie {
            headers.remove("set-cookie");
        }
        headers
    }

    /// Whether the client has this answer already: the origin was asked without its conditions.
    fn has_it(&self, context: &Context<W>, status: u16, headers: &Headers, at: Timestamp) -> bool {
        let reads = matches!(context.request.method, Method::Get | Method::Head);
        let received = at.as_millis() / 1000;
        reads && (200..300).contains(&status) && not_modified(&context.request, headers, received)
    }

    pub(super) fn report_not_stored(&self, plan: &Plan, reason: NotStored) {
        self.report(&json!({
            "event": "not-stored",
            "type": plan.type_name,
            "key": plan.key.as_str(),
            "reason": reason.as_str(),
        }));
    }
}

/// How long the origin says that the body is.
fn content_length(answer: &OriginResponse) -> Option<usize> {
    answer.headers.get("content-length")?.trim().parse().ok()
}

/// The headers of an answer as a hit on it will have them, with the cookies that are for this
/// client alone.
fn as_a_hit_has_them(answer: &OriginResponse, plan: &Plan, status: &CacheStatus) -> Headers {
    let keeps_cdn = plan.rest.keeps_cdn_cache_control;
    let lasting = storable_headers(&answer.headers, plan.client_ttl, keeps_cdn);
    let mut headers = headers_to_client(&lasting, XCache::Miss, status, keeps_cdn);
    let kept = answer.headers.get_all("set-cookie").filter(|_| !plan.rest.strip_set_cookie);
    kept.for_each(|cookie| headers.append("set-cookie", cookie));
    // What the origin says of this very answer's age and encoding.
    for name in ["age", "content-encoding"] {
        headers.remove(name);
        answer.headers.get_all(name).for_each(|value| headers.append(name, value));
    }
    headers
}
